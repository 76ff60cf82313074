"""Walter Contreras, 66: a chart whose lists contradict each other.

Penicillin anaphylaxis beside active amoxicillin; "no known allergies" beside two allergies; the
metoprolol he takes is not the one prescribed; gout both active and resolved.
"""

from cds_service.simulator.patients.chart import Case, Chart, Person
from cds_service.simulator.patients.medicines import course, prescribe, renewed, statement
from cds_service.simulator.patients.plans import coverage
from cds_service.simulator.patients.results import measure, panel, smoking, study
from cds_service.simulator.patients.summary import (
    allergy,
    diagnosis,
    immunize,
    no_known_allergies,
    order,
    problem,
    procedure,
    refer,
)
from cds_service.simulator.patients.visits import book, visit

# months ago, weight, pressure, creatinine, uric acid, LDL-making cholesterol, what was written
_HISTORY = (
    (70, 92.3, (146, 88), 1.02, 7.9, 221, "Gout flare last month. Allopurinol 100 mg started."),
    (64, 91.8, (142, 86), 1.04, 6.6, 214, "No flares. Statin started."),
    (58, 91.1, (138, 84), 1.01, 6.2, 168, "No flares."),
    (52, 90.4, (136, 82), 1.05, 5.9, 164, "No flares for a year; gout marked resolved by covering doctor."),
    (46, 90.9, (140, 84), 1.06, 6.0, 170, "Doing well."),
    (40, 91.5, (138, 82), 1.08, 6.1, 166, "Doing well."),
    (34, 92.0, (134, 80), 1.05, 6.3, 161, "Chest tightness on hills; stress test ordered."),
    (28, 90.2, (128, 76), 1.09, 6.2, 142, "Five months after the stent: no angina."),
    (22, 89.8, (126, 76), 1.07, 6.0, 139, "No angina."),
    (16, 89.9, (130, 78), 1.10, 6.4, 144, "No angina. Gout flare in great toe after shellfish dinner."),
    (10, 90.1, (128, 78), 1.08, 5.8, 141, "No angina. Says he halves the metoprolol because of fatigue."),
    (3, 90.6, (132, 80), 1.11, 6.1, 147, "No angina. Knee pain limits walking."),
)  # fmt: skip


def _visits(chart: Chart) -> None:
    chart.heights[chart.birth] = 174.0
    for months, weight, bp, creatinine, urate, cholesterol, words in _HISTORY:
        day = chart.ago(months=months, days=8)
        visit(chart, day, "hypertension", bp=bp, weight=weight, note=f"Follow-up. {words}")
        panel(chart, day, "bmp", creatinine=creatinine, glucose=101)
        measure(chart, day, uric_acid=urate)
        if months in range(10, 72, 12):
            panel(chart, day, "lipids", cholesterol=cholesterol, triglycerides=148, hdl=41)
    smoking(chart, chart.ago(months=3, days=8), "former")
    stent = chart.ago(months=33)
    visit(
        chart,
        stent,
        "coronary-disease",
        kind="inpatient",
        by="okafor",
        days=1,
        bp=(138, 82),
        weight=91.6,
        note="Abnormal stress test. Stent to the left anterior descending artery.",
    )
    procedure(chart, "pci", stent)
    panel(chart, stent, "cbc")


def _allergies(chart: Chart) -> None:
    allergy(
        chart,
        "penicillin",
        chart.ago(years=13),
        "anaphylaxis",
        "severe",
        note=[{"text": "Collapse after an injection at age 20, by his account"}],
    )
    allergy(chart, "shellfish", chart.ago(months=46, days=8), "hives", "mild")
    no_known_allergies(chart, chart.ago(months=9))


def _medicines(chart: Chart) -> None:
    tooth = chart.ago(days=5)
    visit(
        chart,
        tooth,
        "Swollen jaw",
        kind="video",
        by="novak",
        note="Dental swelling, no fever, dentist next week. Amoxicillin sent to the pharmacy. Chart "
        "shows no known allergies.",
    )
    prescribe(chart, "amoxicillin-500", 1, "tid", tooth, why="Dental infection", refills=0)
    prescribe(
        chart,
        "metoprolol-50",
        1,
        "daily",
        chart.ago(months=33),
        by="okafor",
        why="coronary-disease",
    )
    statement(
        chart,
        "metoprolol-25",
        1,
        "daily",
        chart.ago(months=3, days=8),
        note="Splits the 50 mg tablet; says 25 mg suits him",
    )
    renewed(chart, "allopurinol-100", 1, "daily", chart.ago(months=70, days=8), why="gout")
    renewed(
        chart, "atorvastatin-40", 1, "bedtime", chart.ago(months=64, days=8), why="hyperlipidemia"
    )
    renewed(chart, "lisinopril-20", 1, "daily", chart.ago(months=64, days=8), why="hypertension")
    renewed(chart, "aspirin-81", 1, "daily", chart.ago(months=33), by="okafor", how="separate")
    statement(
        chart,
        "lisinopril-20",
        1,
        "daily",
        chart.ago(months=3, days=8),
        status="stopped",
        note="Says the heart doctor stopped it; no record of that",
    )
    course(chart, "prednisone-20", 2, "daily", chart.ago(months=16, days=8), days=5, why="gout")


def _after_stent(chart: Chart) -> None:
    day = chart.ago(months=33)
    prescribe(
        chart,
        "clopidogrel",
        1,
        "daily",
        day,
        by="okafor",
        why="coronary-disease",
        until=chart.ago(months=21),
        stopped="One year after the stent",
    )


def build(chart: Chart) -> None:
    """Write the chart."""
    coverage(chart, chart.ago(years=1, months=5), "Medicare Part B")
    _visits(chart)
    problem(chart, "gout", chart.ago(months=71))
    problem(chart, "gout", chart.ago(months=71), until=chart.ago(months=52, days=8))
    problem(chart, "coronary-disease", chart.ago(months=33))
    problem(chart, "hypertension", chart.ago(years=14))
    problem(chart, "hyperlipidemia", chart.ago(months=64, days=8))
    problem(chart, "prediabetes", chart.ago(years=4))
    problem(chart, "knee-arthritis", chart.ago(years=2))
    diagnosis(chart, "sinusitis", chart.ago(years=3, months=1))
    _allergies(chart)
    _medicines(chart)
    _after_stent(chart)
    measure(chart, chart.ago(months=10, days=8), a1c=5.9)
    study(chart, chart.ago(months=34), "ecg", "Sinus rhythm, rate 72. No ischemia at rest.")
    order(chart, "lipids", chart.ago(months=3, days=8), why="hyperlipidemia")
    refer(chart, "orthopedics", chart.ago(months=3, days=8), why="knee-arthritis")
    immunize(chart, "flu", *(chart.last(10, 9, years=each) for each in range(1, 6)))
    immunize(chart, "zoster", chart.ago(years=3), chart.ago(years=2, months=9))
    book(chart, 1, "hypertension", description="Follow-up; dental infection this week")


PERSON = Person(
    "walter-contreras",
    "Walter",
    "Contreras",
    "male",
    66,
    (6, 26),
    "MRN1008",
    "204 Oak Sample Street",
    ethnicity=("2135-2", "Hispanic or Latino"),
)
CASE = Case(
    PERSON,
    "Conflicting lists: penicillin allergy with active amoxicillin, doses that disagree",
    build,
)
