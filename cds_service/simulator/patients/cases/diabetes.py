"""Maria Alvarez, 58: type 2 diabetes on metformin and insulin, and no known allergies."""

from cds_service.simulator.patients.chart import Case, Chart, Person
from cds_service.simulator.patients.medicines import course, prescribe, renewed, statement
from cds_service.simulator.patients.plans import care, coverage, family
from cds_service.simulator.patients.results import measure, panel, smoking
from cds_service.simulator.patients.summary import (
    diagnosis,
    immunize,
    no_known_allergies,
    order,
    problem,
    procedure,
    refer,
)
from cds_service.simulator.patients.visits import book, visit

# months ago, weight, pressure, hemoglobin A1c, glucose, creatinine, urine albumin, what was written
_HISTORY = (
    (68, 84.6, (138, 84), 7.4, 151, 0.78, 14, "Metformin 500 mg twice daily, diet reviewed."),
    (62, 83.9, (134, 82), 7.1, 142, 0.79, 15, "Walks after dinner."),
    (56, 84.8, (136, 82), 7.6, 158, 0.80, 18, "Metformin to 1,000 mg twice daily."),
    (50, 85.5, (138, 84), 7.8, 163, 0.82, 22, "Feet tingle at night."),
    (44, 86.2, (140, 86), 8.3, 182, 0.81, 27, "Lisinopril 10 mg started."),
    (38, 87.0, (132, 80), 8.9, 204, 0.84, 34, "Shift work, missed doses. Empagliflozin started."),
    (32, 85.1, (130, 78), 8.2, 176, 0.86, 31, "Lost weight. Mild retinopathy found."),
    (26, 85.4, (128, 78), 8.8, 196, 0.85, 33, "Yeast infections; empagliflozin stopped."),
    (20, 86.6, (134, 82), 9.6, 232, 0.88, 39, "Agreed to start insulin glargine 10 units."),
    (14, 87.9, (132, 80), 8.6, 178, 0.87, 36, "Glargine 16 units, no lows."),
    (8, 88.4, (130, 80), 8.1, 161, 0.89, 38, "Glargine 22 units. Two lows at night in a month."),
    (3, 88.1, (128, 78), 7.9, 149, 0.90, 41, "No lows since the evening snack. Eye exam overdue."),
)  # fmt: skip


def _visits(chart: Chart) -> None:
    chart.heights[chart.birth] = 158.0
    for months, weight, bp, a1c, glucose, creatinine, acr, words in _HISTORY:
        day = chart.ago(months=months, days=6)
        visit(chart, day, "diabetes", bp=bp, weight=weight, note=f"Diabetes visit. {words}")
        measure(chart, day, a1c=a1c)
        panel(chart, day, "bmp", glucose=glucose, creatinine=creatinine)
        if months in range(8, 72, 12):
            panel(chart, day, "lipids", cholesterol=176 - months // 4, triglycerides=162, hdl=44)
            measure(chart, day, acr=acr)
            procedure(chart, "foot-exam", day)
    measure(chart, chart.ago(months=3, days=6), acr=41, b12=288)
    procedure(chart, "eye-exam", chart.ago(months=32, days=2))
    smoking(chart, chart.ago(months=3, days=6), "never")


def _medicines(chart: Chart) -> None:
    more = chart.ago(months=56, days=6)
    prescribe(
        chart,
        "metformin-500",
        1,
        "bid",
        chart.ago(months=68, days=6),
        until=more,
        stopped="Dose increased",
        why="diabetes",
    )
    renewed(chart, "metformin-1000", 1, "bid", more, why="diabetes", note="With meals")
    prescribe(
        chart,
        "empagliflozin",
        1,
        "morning",
        chart.ago(months=38, days=6),
        why="diabetes",
        until=chart.ago(months=26, days=6),
        stopped="Recurrent yeast infections",
    )
    for units, since, until in ((10, 20, 14), (16, 14, 8)):
        prescribe(
            chart,
            "glargine",
            units,
            "bedtime",
            chart.ago(months=since, days=6),
            why="diabetes",
            until=chart.ago(months=until, days=6),
            stopped="Dose increased",
        )
    prescribe(
        chart,
        "glargine",
        22,
        "bedtime",
        chart.ago(months=8, days=6),
        why="diabetes",
        how="separate",
    )
    renewed(chart, "lisinopril-10", 1, "daily", chart.ago(months=44, days=6), why="hypertension")
    renewed(
        chart, "atorvastatin-40", 1, "bedtime", chart.ago(months=62, days=6), why="hyperlipidemia"
    )
    renewed(chart, "gabapentin-300", 1, "bedtime", chart.ago(months=26, days=6), why="neuropathy")
    statement(chart, "acetaminophen", 2, "pain", chart.ago(months=3, days=6))
    course(chart, "cephalexin", 1, "qid", chart.ago(months=17), days=5, why="cystitis")


def build(chart: Chart) -> None:
    """Write the chart."""
    coverage(chart, chart.ago(years=4), "Prairie Choice PPO")
    _visits(chart)
    sugar = problem(chart, "diabetes", chart.ago(years=9))
    problem(chart, "hypertension", chart.ago(years=7))
    problem(chart, "hyperlipidemia", chart.ago(years=7))
    problem(chart, "obesity", chart.ago(years=7))
    nerves = problem(chart, "neuropathy", chart.ago(months=50, days=6))
    eyes = problem(chart, "retinopathy", chart.ago(months=32, days=2))
    diagnosis(chart, "cystitis", chart.ago(months=17))
    no_known_allergies(chart, chart.ago(months=8, days=6))
    _medicines(chart)
    refer(chart, "ophthalmology", chart.ago(months=8, days=6), why="retinopathy")
    order(chart, "lipids", chart.ago(months=3, days=6), why="hyperlipidemia")
    family(chart, chart.ago(years=5), ("FTH", "father"), "Type 2 diabetes, dialysis at 66", 48)
    immunize(chart, "flu", *(chart.last(10, 17, years=each) for each in range(6)))
    immunize(
        chart,
        "hepatitis-b-adult",
        chart.ago(months=60),
        chart.ago(months=59),
        chart.ago(months=54),
    )
    immunize(chart, "pcv20", chart.ago(years=2, months=5))
    immunize(chart, "zoster", chart.ago(years=4), chart.ago(years=3, months=9))
    procedure(chart, "colonoscopy", chart.ago(years=6, months=3))
    care(
        chart,
        chart.ago(months=20, days=6),
        "Hemoglobin A1c below 7.5 percent without night lows. "
        "Glargine by 2 units every week to a fasting glucose of 130; foot and eye exam every year.",
        [sugar, nerves, eyes],
        adler="Primary care",
    )
    book(chart, 2, "diabetes", description="Diabetes follow-up; interpreter requested")


PERSON = Person(
    "maria-alvarez",
    "Maria",
    "Alvarez",
    "female",
    58,
    (1, 30),
    "MRN1009",
    "66 Poplar Sample Avenue",
    ethnicity=("2135-2", "Hispanic or Latino"),
    language=("es", "Spanish"),
)
CASE = Case(
    PERSON, "Type 2 diabetes on metformin and insulin, HbA1c falling, eye exam overdue", build
)
