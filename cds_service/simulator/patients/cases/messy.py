"""Zoe Quagmire, 55: an ordinary thyroid and pressure chart, and everything that real charts get wrong.

Her chart breaks R4 on purpose: `INVALID` names the resources that a strict model refuses,
`DANGLING` the references that lead nowhere. What is planted stands in
`odd_entries`, `withdrawn`, `broken_entries` and `hostile`.
"""

from cds_service.simulator.patients.cases import broken_entries, hostile, odd_entries, withdrawn
from cds_service.simulator.patients.chart import Case, Chart, Person
from cds_service.simulator.patients.medicines import prescribe, renewed
from cds_service.simulator.patients.plans import coverage
from cds_service.simulator.patients.results import measure, panel, smoking, study
from cds_service.simulator.patients.summary import (
    allergy,
    diagnosis,
    immunize,
    order,
    problem,
    procedure,
)
from cds_service.simulator.patients.visits import book, visit

DANGLING = broken_entries.DANGLING
INVALID = broken_entries.INVALID

# months ago, weight, pressure, TSH, creatinine, what was written
_HISTORY = (
    (73, 71.0, (142, 88), 8.20, 0.82, "Tired, cold. Levothyroxine 75 mcg started."),
    (70, 70.2, (138, 86), 3.90, 0.80, "More energy."),
    (62, 70.4, (140, 86), 2.70, 0.84, "Pressure high at home too. Lisinopril 10 mg."),
    (54, 70.9, (128, 80), 2.40, 0.83, "At goal."),
    (46, 71.3, (126, 78), 2.10, 0.85, "Heartburn; pantoprazole."),
    (38, 71.8, (130, 80), 2.60, 0.86, "Low mood since a move. Sertraline 50 mg."),
    (30, 72.4, (128, 80), 3.10, 0.84, "Mood better."),
    (22, 72.9, (132, 82), 3.80, 0.87, "No complaints."),
    (14, 73.5, (130, 82), 4.60, 0.88, "Takes levothyroxine with iron tablets; told to space them."),
    (5, 73.9, (134, 84), 5.20, 0.89, "Tired again. Recheck TSH in six weeks."),
)  # fmt: skip


def _ordinary(chart: Chart) -> None:
    chart.heights[chart.birth] = 165.0
    for months, weight, bp, tsh, creatinine, words in _HISTORY:
        day = chart.ago(months=months, days=2)
        visit(chart, day, "hypothyroidism", bp=bp, weight=weight, note=f"Follow-up. {words}")
        measure(chart, day, tsh=tsh)
        panel(chart, day, "bmp", creatinine=creatinine)
        if months in range(14, 72, 16):
            panel(chart, day, "cbc", hemoglobin=12.9)
    problem(chart, "hypothyroidism", chart.ago(months=73, days=2))
    problem(chart, "hypertension", chart.ago(months=62, days=2))
    problem(chart, "gerd", chart.ago(months=46, days=2))
    problem(chart, "depression", chart.ago(months=38, days=2))
    diagnosis(chart, "uri", chart.ago(months=20))
    renewed(
        chart, "levothyroxine-75", 1, "morning", chart.ago(months=73, days=2), why="hypothyroidism"
    )
    renewed(chart, "lisinopril-10", 1, "daily", chart.ago(months=62, days=2), why="hypertension")
    prescribe(chart, "pantoprazole-40", 1, "morning", chart.ago(months=46, days=2), why="gerd")
    prescribe(chart, "sertraline-50", 1, "daily", chart.ago(months=38, days=2), why="depression")
    allergy(chart, "sulfa", chart.ago(years=9), "rash", "mild")
    study(chart, chart.ago(months=29), "mammogram", "BI-RADS 1, negative.")
    order(chart, "mammogram", chart.ago(months=5, days=2), why="Screening")
    procedure(chart, "colonoscopy", chart.ago(years=5, months=2))
    smoking(chart, chart.ago(months=5, days=2), "former")
    immunize(chart, "flu", *(chart.last(10, 13, years=each) for each in range(1, 5)))


def build(chart: Chart) -> None:
    """Write the chart."""
    coverage(chart, chart.ago(years=6), "Prairie Choice PPO")
    _ordinary(chart)
    odd_entries.plant(chart)
    withdrawn.plant(chart)
    broken_entries.plant(chart)
    hostile.plant(chart)
    book(chart, 1, "hypothyroidism", description="Thyroid <b>follow-up</b> & review")


PERSON = Person(
    "zoe-quagmire",
    "Zoe",
    "Quagmire",
    "female",
    55,
    (2, 28),
    "MRN1007",
    "1 Muddle Sample Mews",
    extra={
        "name": [
            {"use": "official", "family": "Quagmire", "given": ["Zoe", "Ève"]},
            {"use": "nickname", "text": "Zoe <script>alert('chart')</script> Quagmire"},
            {
                "use": "old",
                "family": "O'Quagmire-van der Müll",
                "given": ["Zoë"],
                "period": {"end": "2009"},
            },
        ],
        "_gender": {
            "extension": [
                {"url": "http://ehr.example.org/extension/source", "valueString": "intake"}
            ]
        },
    },
)
CASE = Case(
    PERSON, "Messy chart: odd codes, dates and values, planted errors and injection text", build
)
