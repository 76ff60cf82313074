"""Beatrice Okonkwo, 71: chronic kidney disease that advances, atrial fibrillation on apixaban.

Kidney function has fallen for five years. Naproxen with full-dose lisinopril brought a
potassium of 6.4 seven months ago; the one drawn ahead of the visit is 6.3, and unseen.
"""

from cds_service.simulator.patients.chart import Case, Chart, Person
from cds_service.simulator.patients.medicines import course, prescribe, renewed, statement
from cds_service.simulator.patients.plans import care, coverage
from cds_service.simulator.patients.results import measure, panel, smoking, study
from cds_service.simulator.patients.summary import (
    allergy,
    diagnosis,
    flag,
    immunize,
    order,
    problem,
    refer,
)
from cds_service.simulator.patients.visits import book, missed, visit

# months ago, weight, pressure, creatinine, potassium, hemoglobin, urine albumin, what was written
_HISTORY = (
    (63, 81.2, (148, 86), 1.12, 4.4, 12.6, 38, "Pressure above goal. Lisinopril to 20 mg."),
    (57, 80.9, (142, 84), 1.16, 4.5, 12.5, 44, "Stage 3a kidney disease discussed."),
    (51, 81.5, (138, 80), 1.19, 4.6, 12.4, 52, "Stable."),
    (45, 82.0, (140, 82), 1.24, 4.7, 12.2, 60, "Lisinopril to 40 mg for albuminuria."),
    (39, 81.4, (134, 78), 1.30, 4.8, 12.1, 71, "Stable. Renal ultrasound ordered."),
    (33, 80.6, (132, 78), 1.36, 4.9, 11.9, 96, "eGFR now in stage 3b. Seen with nephrology."),
    (27, 79.8, (136, 80), 1.41, 4.9, 11.7, 118, "Palpitations; ECG shows atrial fibrillation."),
    (21, 79.5, (130, 76), 1.47, 5.0, 11.6, 131, "Rate controlled, apixaban tolerated."),
    (15, 79.1, (134, 78), 1.52, 5.0, 11.4, 150, "Knee pain; acetaminophen advised, no NSAIDs."),
    (11, 78.8, (132, 76), 1.55, 5.1, 11.3, 162, "Stable."),
    (7, 79.6, (146, 84), 1.83, 6.4, 11.1, 188, "Took naproxen for her knee for two weeks."),
    (4, 78.4, (136, 78), 1.62, 5.0, 10.9, 196, "Recovered. Lisinopril stays at 20 mg."),
    (0, 78.1, (138, 80), 1.74, 5.5, 10.6, 241, "Laboratory visit before the appointment."),
)  # fmt: skip

_STAGE_3B = 36


def _visits(chart: Chart) -> None:
    chart.heights[chart.birth] = 163.0
    for months, weight, bp, creatinine, potassium, hemoglobin, acr, words in _HISTORY:
        day = chart.ago(months=months, days=12)
        by = "adler" if months in (0, 7, 27) else "brandt"
        visit(
            chart,
            day,
            "ckd-3b" if months < _STAGE_3B else "ckd-3a",
            by=by,
            bp=bp,
            weight=weight,
            note=f"Kidney follow-up. {words}",
        )
        done = order(chart, "bmp", day, status="completed")
        panel(
            chart,
            day,
            "bmp",
            order=done,
            creatinine=creatinine,
            potassium=potassium,
            bun=16 + 24 * (creatinine - 0.8),
            co2=27 - 5 * (creatinine - 1),
            glucose=94,
        )
        panel(chart, day, "cbc", hemoglobin=hemoglobin, mcv=89)
        measure(chart, day, acr=acr)
    again = chart.ago(months=7, days=9)
    visit(
        chart,
        again,
        "hyperkalemia",
        by="brandt",
        bp=(138, 80),
        weight=78.9,
        note="Potassium 6.4 at the last visit, ECG without peaked T waves. Naproxen stopped, "
        "lisinopril halved to 20 mg, low potassium diet reviewed. Repeat today 5.2.",
    )
    panel(chart, again, "bmp", creatinine=1.71, potassium=5.2, bun=36, glucose=97)
    study(
        chart,
        chart.ago(months=7, days=12),
        "ecg",
        "Atrial fibrillation, rate 78. No peaked T waves.",
    )
    measure(chart, chart.ago(days=12), phosphate=4.4, pth=112, vitamin_d=24, ferritin=88)
    # Drawn ahead of the visit; nobody has seen it.
    measure(chart, chart.ago(days=3), potassium=6.3)
    for years in (1, 2, 3, 4, 5):
        day = chart.ago(years=years, days=20)
        panel(
            chart,
            day,
            "lipids",
            cholesterol=166 + 3 * years,
            triglycerides=121 + 4 * years,
            hdl=51,
        )


def _medicines(chart: Chart) -> None:
    cut = chart.ago(months=7, days=9)
    prescribe(
        chart,
        "lisinopril-20",
        1,
        "daily",
        chart.ago(months=63, days=12),
        by="brandt",
        until=chart.ago(months=45, days=12),
        stopped="Dose increased",
        why="hypertension",
    )
    prescribe(
        chart,
        "lisinopril-40",
        1,
        "daily",
        chart.ago(months=45, days=12),
        by="brandt",
        until=cut,
        stopped="Hyperkalemia, dose halved",
        why="hypertension",
    )
    prescribe(chart, "lisinopril-20", 1, "daily", cut, by="brandt", why="hypertension")
    renewed(
        chart,
        "apixaban-5",
        1,
        "bid",
        chart.ago(months=27, days=12),
        why="atrial-fibrillation-paroxysmal",
        how="separate",
    )
    renewed(
        chart,
        "metoprolol-25",
        1,
        "daily",
        chart.ago(months=27, days=12),
        why="atrial-fibrillation-paroxysmal",
    )
    renewed(
        chart,
        "amlodipine-5",
        1,
        "daily",
        chart.ago(months=57, days=12),
        by="brandt",
        why="hypertension",
    )
    renewed(chart, "atorvastatin-20", 1, "bedtime", chart.ago(years=4), why="hyperlipidemia")
    course(chart, "cephalexin", 1, "bid", chart.ago(months=18), days=5, why="cystitis")
    diagnosis(chart, "cystitis", chart.ago(months=18))
    statement(chart, "acetaminophen", 2, "pain", chart.ago(months=4, days=12))
    statement(
        chart,
        "naproxen-500",
        1,
        "bid",
        chart.ago(months=7, days=12),
        status="stopped",
        note="Bought over the counter; told to stop",
    )


def _problems(chart: Chart) -> list[str]:
    early = problem(
        chart, "ckd-3a", chart.ago(months=57, days=12), until=chart.ago(months=33, days=12)
    )
    kidney = problem(chart, "ckd-3b", chart.ago(months=33, days=12))
    rhythm = problem(chart, "atrial-fibrillation-paroxysmal", chart.ago(months=27, days=12))
    problem(chart, "hypertension", chart.ago(years=18))
    problem(chart, "hyperlipidemia", chart.ago(years=11))
    problem(chart, "proteinuria", chart.ago(months=45, days=12))
    problem(chart, "anemia-ckd", chart.ago(months=15, days=12))
    problem(chart, "knee-arthritis", chart.ago(years=6))
    diagnosis(chart, "hyperkalemia", chart.ago(months=7, days=12))
    return [kidney, rhythm, early]


def build(chart: Chart) -> None:
    """Write the chart."""
    coverage(chart, chart.ago(years=6), "Medicare Advantage")
    _visits(chart)
    about = _problems(chart)
    _medicines(chart)
    allergy(chart, "sulfa", chart.ago(years=16), "rash", "moderate")
    done = order(chart, "renal-ultrasound", chart.ago(months=39, days=12), status="completed")
    study(
        chart,
        chart.ago(months=38),
        "renal-ultrasound",
        "Kidneys 9.1 and 9.3 cm with thin cortex. No hydronephrosis.",
        order=done,
    )
    study(chart, chart.ago(months=27, days=12), "ecg", "Atrial fibrillation, rate 96.")
    refer(chart, "dietitian", chart.ago(months=7, days=9), why="hyperkalemia")
    order(
        chart,
        "bmp",
        chart.ago(days=12),
        why="hyperkalemia",
        note=[{"text": "Repeat in two weeks"}],
    )
    missed(chart, chart.ago(months=2), "ckd-3b", by="brandt")
    smoking(chart, chart.ago(months=4, days=12), "never")
    immunize(chart, "flu-high-dose", *(chart.last(10, 14, years=each) for each in range(6)))
    immunize(chart, "pcv20", chart.ago(years=3))
    immunize(
        chart,
        "hepatitis-b-adult",
        chart.ago(months=30),
        chart.ago(months=29),
        chart.ago(months=24),
    )
    flag(
        chart,
        "Avoid NSAIDs: kidney disease, apixaban, prior potassium 6.4",
        chart.ago(months=7, days=9),
        category="drug",
    )
    care(
        chart,
        chart.ago(months=33, days=12),
        "Pressure below 130/80 and potassium below 5.5. No "
        "NSAIDs; kidney function every three to four months.",
        about,
        brandt="Nephrologist",
        adler="Primary care",
    )
    book(chart, 0, "ckd-3b", by="brandt", description="Kidney function and potassium follow-up")


PERSON = Person(
    "beatrice-okonkwo",
    "Beatrice",
    "Okonkwo",
    "female",
    71,
    (9, 2),
    "MRN1002",
    "48 Maple Sample Street",
    race=("2054-5", "Black or African American"),
)
CASE = Case(
    PERSON, "CKD 3b with falling eGFR and rising potassium, on lisinopril and apixaban", build
)
