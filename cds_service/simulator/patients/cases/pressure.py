"""Gregory Nwosu, 52: hypertension in a chart where nobody ever recorded allergies, yes or no."""

from cds_service.simulator.patients.chart import Case, Chart, Person
from cds_service.simulator.patients.medicines import course, prescribe, renewed
from cds_service.simulator.patients.plans import coverage, family
from cds_service.simulator.patients.results import measure, panel, smoking, study
from cds_service.simulator.patients.summary import (
    diagnosis,
    immunize,
    order,
    problem,
    procedure,
)
from cds_service.simulator.patients.visits import book, missed, visit

# months ago, weight, pressure, creatinine, potassium, what was written
_HISTORY = (
    (69, 101.2, (158, 98), 1.04, 4.3, "Third high reading. Hydrochlorothiazide 25 mg started."),
    (66, 100.1, (148, 94), 1.06, 3.9, "Better. Lower salt, walks at lunch."),
    (60, 99.5, (142, 90), 1.05, 3.8, "Amlodipine 5 mg added."),
    (54, 98.8, (136, 86), 1.07, 3.8, "Near goal."),
    (48, 99.9, (138, 88), 1.05, 3.7, "Skips tablets on night shifts."),
    (42, 101.0, (144, 92), 1.09, 3.7, "Amlodipine to 10 mg."),
    (36, 100.3, (134, 84), 1.08, 3.6, "At goal at home: mean 131/82."),
    (30, 99.2, (132, 84), 1.07, 3.8, "Mild ankle swelling, accepts it."),
    (24, 98.7, (134, 86), 1.10, 3.7, "No change."),
    (18, 99.6, (138, 88), 1.09, 3.6, "Losartan 50 mg added."),
    (12, 98.4, (130, 82), 1.12, 4.1, "At goal."),
    (6, 97.9, (128, 80), 1.11, 4.2, "At goal. Colon cancer screening talked through, order placed."),
)  # fmt: skip


def _visits(chart: Chart) -> None:
    chart.heights[chart.birth] = 183.0
    for months, weight, bp, creatinine, potassium, words in _HISTORY:
        day = chart.ago(months=months, days=4)
        visit(
            chart, day, "hypertension", bp=bp, weight=weight, note=f"Blood pressure visit. {words}"
        )
        panel(
            chart, day, "bmp", creatinine=creatinine, potassium=potassium, glucose=98 + months % 7
        )
        if not months % 12:
            panel(chart, day, "lipids", cholesterol=206, triglycerides=138, hdl=45)
            measure(chart, day, audit_c=2, phq2=0)


def _medicines(chart: Chart) -> None:
    renewed(
        chart,
        "hydrochlorothiazide",
        1,
        "morning",
        chart.ago(months=69, days=4),
        why="hypertension",
    )
    prescribe(
        chart,
        "amlodipine-5",
        1,
        "daily",
        chart.ago(months=60, days=4),
        why="hypertension",
        until=chart.ago(months=42, days=4),
        stopped="Dose increased",
    )
    renewed(
        chart,
        "amlodipine-10",
        1,
        "daily",
        chart.ago(months=42, days=4),
        why="hypertension",
        how="separate",
    )
    renewed(chart, "losartan-50", 1, "daily", chart.ago(months=18, days=4), why="hypertension")
    hurt = chart.ago(months=21)
    visit(
        chart,
        hurt,
        "sprain",
        kind="emergency",
        by="novak",
        bp=(152, 94),
        weight=99.4,
        pain=6,
        note="Twisted right ankle at basketball. No fracture on film. Brace, ibuprofen for a week.",
    )
    diagnosis(chart, "sprain", hurt)
    course(chart, "ibuprofen-600", 1, "tid", hurt, by="novak", why="sprain")


def build(chart: Chart) -> None:
    """Write the chart."""
    coverage(chart, chart.ago(years=5), "Prairie Choice HMO")
    _visits(chart)
    problem(chart, "hypertension", chart.ago(months=69, days=4))
    problem(chart, "obesity", chart.ago(months=69, days=4))
    problem(chart, "prediabetes", chart.ago(months=24, days=4))
    measure(chart, chart.ago(months=24, days=4), a1c=5.8)
    measure(chart, chart.ago(months=12, days=4), a1c=6.0, tsh=2.1)
    _medicines(chart)
    study(
        chart,
        chart.ago(months=69, days=4),
        "ecg",
        "Sinus rhythm. Voltage criteria for left ventricular hypertrophy.",
    )
    order(chart, "colonoscopy", chart.ago(months=6, days=4), why="Screening for colorectal cancer")
    missed(chart, chart.ago(months=3), "hypertension")
    family(chart, chart.ago(months=69, days=4), ("FTH", "father"), "Stroke", 61)
    smoking(chart, chart.ago(months=12, days=4), "never")
    immunize(chart, "flu", chart.last(11, 3, years=1), chart.last(11, 3, years=3))
    immunize(chart, "tdap", chart.ago(years=5, months=5))
    immunize(chart, "zoster", chart.ago(months=18, days=4))
    procedure(chart, "appendectomy", chart.ago(years=29))
    book(chart, 4, "hypertension", description="Blood pressure follow-up")


PERSON = Person(
    "gregory-nwosu",
    "Gregory",
    "Nwosu",
    "male",
    52,
    (10, 11),
    "MRN1010",
    "17 Hickory Sample Place",
    race=("2054-5", "Black or African American"),
)
CASE = Case(PERSON, "Hypertension on three drugs; no allergy record of any kind", build)
