"""Frank Delacroix, 69: COPD, admitted last month and in the emergency room since, drugs changed."""

import datetime as dt

from cds_service.simulator.patients.chart import Case, Chart, Person
from cds_service.simulator.patients.medicines import course, prescribe, renewed, statement
from cds_service.simulator.patients.plans import care, coverage, directive
from cds_service.simulator.patients.results import measure, panel, smoking, study
from cds_service.simulator.patients.summary import (
    allergy,
    diagnosis,
    immunize,
    order,
    problem,
    procedure,
    refer,
)
from cds_service.simulator.patients.visits import book, visit

# months ago, weight, pressure, saturation, FEV1, FVC, what was written
_HISTORY = (
    (71, 74.8, (134, 80), 96, 2.02, 3.31, "Short of breath on hills. Smokes a pack a day. Albuterol."),
    (65, 74.2, (132, 80), 96, 0, 0, "Tries to quit; patches."),
    (59, 73.9, (130, 78), 95, 1.94, 3.26, "Tiotropium started."),
    (53, 73.1, (134, 82), 95, 0, 0, "One flare since the last visit."),
    (47, 72.8, (136, 82), 95, 1.83, 3.20, "Stable. Ten cigarettes a day."),
    (41, 72.0, (132, 80), 94, 0, 0, "Amlodipine for pressure."),
    (35, 71.6, (128, 78), 94, 1.71, 3.12, "Two flares this year. Inhaled steroid combination added."),
    (29, 70.9, (130, 78), 94, 0, 0, "No flare for six months."),
    (23, 70.1, (128, 76), 93, 1.60, 3.04, "Stops for breath after 100 yards."),
    (17, 69.3, (126, 76), 93, 0, 0, "Weight falls slowly. Lung cancer CT ordered."),
    (11, 68.8, (128, 78), 93, 1.51, 2.97, "Stopped smoking nine months ago."),
    (4, 68.1, (130, 78), 92, 1.47, 2.93, "Stable, MRC 3. Rehabilitation suggested."),
)  # fmt: skip


def _clinic(chart: Chart) -> None:
    chart.heights[chart.birth] = 175.0
    for months, weight, bp, spo2, fev1, fvc, words in _HISTORY:
        day = chart.ago(months=months, days=11)
        by = "lindgren" if fev1 else "adler"
        visit(
            chart,
            day,
            "copd",
            by=by,
            bp=bp,
            weight=weight,
            spo2=spo2,
            resp_rate=18,
            note=f"COPD visit. {words}",
        )
        if fev1:
            panel(chart, day, "spirometry", fev1=fev1, fvc=fvc)
            procedure(chart, "spirometry", day)
        else:
            panel(chart, day, "cbc", hemoglobin=15.1 + months % 4 / 10)
            panel(chart, day, "bmp", co2=27, creatinine=0.92 + months % 5 / 100)
    for months in (71, 47, 23):
        smoking(chart, chart.ago(months=months, days=11), "daily")
    smoking(chart, chart.ago(months=4, days=11), "former")
    measure(chart, chart.ago(months=4, days=11), pack_years=44)


def _admission(chart: Chart) -> None:
    day = chart.ago(days=47)
    visit(
        chart,
        day,
        "copd-attack",
        kind="inpatient",
        by="mbeki",
        days=4,
        bp=(148, 84),
        weight=67.4,
        spo2=85,
        heart_rate=112,
        resp_rate=28,
        temp=38.2,
        note="COPD exacerbation with left lower lobe pneumonia. Steroids, doxycycline, oxygen for three "
        "days. Home on 92 percent room air. New: azithromycin 250 mg three times a week "
        "to prevent flares. Amlodipine halved to 5 mg for low pressure. Low-dose aspirin stopped.",
    )
    diagnosis(chart, "copd-attack", day)
    diagnosis(chart, "pneumonia", day)
    panel(chart, day, "cbc", wbc=15.8, hemoglobin=14.9)
    panel(chart, day, "bmp", co2=31, creatinine=1.12, bun=27, glucose=168, sodium=133)
    measure(chart, day, crp=142, troponin=11)
    study(
        chart,
        day,
        "chest-xray",
        "Left lower lobe consolidation. Hyperinflated lungs. 9 mm nodule in "
        "the right upper lobe; CT recommended in six weeks.",
    )
    course(chart, "doxycycline", 1, "bid", day, by="mbeki", why="pneumonia")
    course(chart, "prednisone-20", 2, "daily", day, by="mbeki", days=5, why="copd-attack")


def _emergency(chart: Chart) -> None:
    day = chart.ago(days=13)
    visit(
        chart,
        day,
        "copd-attack",
        kind="emergency",
        by="novak",
        bp=(136, 78),
        weight=67.0,
        spo2=90,
        heart_rate=98,
        resp_rate=24,
        temp=37.0,
        note="Wheeze and cough again. Nebulizer, better in three hours. Prednisone for five days. Told "
        "to see his own doctor within two weeks. Had run out of tiotropium.",
    )
    diagnosis(chart, "copd-attack", day)
    panel(chart, day, "bmp", co2=29, creatinine=0.98, potassium=3.4, glucose=142)
    panel(chart, day, "cbc", wbc=9.8, hemoglobin=14.8)
    study(chart, day, "chest-xray", "Pneumonia cleared. Right upper lobe nodule unchanged.")
    study(chart, day, "ecg", "Sinus rhythm, rate 98.")
    course(chart, "prednisone-20", 2, "daily", day, by="novak", days=5, why="copd-attack")
    prescribe(chart, "albuterol-neb", 3, "wheeze", day, by="novak", why="copd")


def _medicines(chart: Chart) -> None:
    home = chart.ago(days=47) + dt.timedelta(days=4)
    renewed(
        chart, "albuterol", 2, "wheeze", chart.ago(months=71, days=11), by="lindgren", why="copd"
    )
    renewed(
        chart,
        "tiotropium",
        1,
        "daily",
        chart.ago(months=59, days=11),
        by="lindgren",
        why="copd",
        how="separate",
    )
    renewed(
        chart,
        "fluticasone-salmeterol",
        1,
        "bid",
        chart.ago(months=35, days=11),
        by="lindgren",
        why="copd",
    )
    prescribe(chart, "azithromycin", 1, "thrice-weekly", home, by="mbeki", why="copd")
    prescribe(
        chart,
        "amlodipine-10",
        1,
        "daily",
        chart.ago(months=29, days=11),
        until=home,
        stopped="Low pressure in hospital, dose halved",
        why="hypertension",
    )
    prescribe(chart, "amlodipine-5", 1, "daily", home, by="mbeki", why="hypertension")
    prescribe(
        chart,
        "aspirin-81",
        1,
        "daily",
        chart.ago(months=41, days=11),
        until=home,
        stopped="No clear need; bruising on steroids",
    )
    renewed(
        chart, "atorvastatin-20", 1, "bedtime", chart.ago(months=41, days=11), why="hyperlipidemia"
    )
    prescribe(
        chart,
        "nicotine-patch",
        1,
        "daily",
        chart.ago(months=20),
        until=chart.ago(months=17),
        stopped="Quit smoking",
        why="tobacco",
    )
    statement(
        chart,
        "amlodipine-10",
        1,
        "daily",
        chart.ago(days=13),
        note="Still takes the old 10 mg tablets",
    )


def build(chart: Chart) -> None:
    """Write the chart."""
    coverage(chart, chart.ago(years=4), "Medicare Part B")
    _clinic(chart)
    lungs = problem(chart, "copd", chart.ago(months=71, days=11))
    problem(chart, "hypertension", chart.ago(months=41, days=11))
    problem(chart, "hyperlipidemia", chart.ago(months=41, days=11))
    problem(chart, "tobacco", chart.ago(years=50), until=chart.ago(months=20))
    for months in (53, 38, 35):
        diagnosis(chart, "copd-attack", chart.ago(months=months, days=11))
        course(
            chart,
            "prednisone-20",
            2,
            "daily",
            chart.ago(months=months, days=11),
            days=5,
            why="copd-attack",
        )
    _admission(chart)
    _emergency(chart)
    _medicines(chart)
    allergy(chart, "lisinopril", chart.ago(months=44), "angioedema", "severe")
    allergy(chart, "codeine", chart.ago(years=8), "nausea", "mild")
    procedure(chart, "quit-counseling", chart.ago(months=65, days=11))
    study(
        chart,
        chart.ago(months=16),
        "ct-chest",
        "Emphysema. No nodule.",
        order=order(
            chart, "ct-chest", chart.ago(months=17, days=11), status="completed", why="tobacco"
        ),
    )
    order(chart, "ct-chest", chart.ago(days=43), why="Right upper lobe nodule, 9 mm")
    refer(chart, "pulmonary-rehab", chart.ago(months=4, days=11), why="copd")
    directive(
        chart,
        chart.ago(days=44),
        "Full treatment, including a trial of ventilation. Agent: daughter Claire.",
    )
    immunize(chart, "flu-high-dose", *(chart.last(10, 8, years=each) for each in range(1, 6)))
    immunize(chart, "ppsv23", chart.ago(years=4, months=2))
    immunize(chart, "rsv", chart.last(9, 25, years=1))
    care(
        chart,
        chart.ago(months=4, days=11),
        "No flare that needs the hospital. Tiotropium every day, action "
        "plan at home, rehabilitation.",
        [lungs],
        lindgren="Pulmonologist",
        adler="Primary care",
    )
    book(chart, 0, "copd", description="Follow-up after hospital and emergency visit")


PERSON = Person(
    "frank-delacroix",
    "Frank",
    "Delacroix",
    "male",
    69,
    (11, 2),
    "MRN1013",
    "150 Walnut Sample Road",
)
CASE = Case(PERSON, "COPD, hospital and emergency visits since last clinic, drugs changed", build)
