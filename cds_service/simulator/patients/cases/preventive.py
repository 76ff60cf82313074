"""Amara Singh, 41: a healthy woman who comes once a year."""

from cds_service.simulator.patients.chart import Case, Chart, Person
from cds_service.simulator.patients.medicines import course, statement
from cds_service.simulator.patients.plans import coverage, family
from cds_service.simulator.patients.results import measure, panel, smoking, study
from cds_service.simulator.patients.summary import (
    diagnosis,
    immunize,
    no_known_allergies,
    order,
    problem,
    procedure,
)
from cds_service.simulator.patients.visits import book, visit


def _visits(chart: Chart) -> None:
    chart.heights[chart.birth] = 161.0
    for years in (7, 6, 5, 4, 3, 2, 1):
        day = chart.ago(years=years)
        visit(
            chart,
            day,
            "Yearly visit",
            kind="checkup",
            weight=58.0 + 0.4 * (7 - years),
            bp=(112 + years % 3, 70 + years % 4),
            height=161.0,
            note="Yearly visit. No complaints. Runs twice a week. Sleeps well.",
        )
        panel(chart, day, "lipids", cholesterol=182 - years, triglycerides=88 + years, hdl=61)
        measure(chart, day, phq2=0, audit_c=1)
        if years in (1, 3, 5):
            panel(chart, day, "cmp")
            panel(chart, day, "cbc", hemoglobin=13.1)
        smoking(chart, day, "never")
    measure(chart, chart.ago(years=1), a1c=5.2, tsh=1.9, vitamin_d=31)


def build(chart: Chart) -> None:
    """Write the chart."""
    coverage(chart, chart.ago(years=7), "Prairie Choice PPO")
    _visits(chart)
    problem(chart, "allergic-rhinitis", chart.ago(years=15))
    for key, months in (("uri", 40), ("strep", 22)):
        visit(
            chart,
            chart.ago(months=months),
            key,
            by="adler",
            bp=(114, 72),
            weight=59.5,
            temp=38.1,
            note="Sore throat for two days."
            if key == "strep"
            else "Cough and runny nose for a week.",
        )
        diagnosis(chart, key, chart.ago(months=months))
    course(chart, "amoxicillin-500", 1, "bid", chart.ago(months=22), days=10, why="strep")
    statement(chart, "cetirizine-5", 2, "allergy", chart.ago(years=1))
    no_known_allergies(chart, chart.ago(years=7))
    procedure(chart, "cesarean", chart.ago(years=10, months=4))
    for years in (6, 1):
        study(chart, chart.ago(years=years), "pap", "Negative for intraepithelial lesion.")
        study(chart, chart.ago(years=years), "hpv", "High-risk HPV not detected.", section="MB")
        procedure(chart, "pap", chart.ago(years=years))
    study(
        chart,
        chart.ago(months=11),
        "mammogram",
        "BI-RADS 1, negative. Dense tissue.",
        order=order(chart, "mammogram", chart.ago(years=1), status="completed", why="Screening"),
    )
    family(chart, chart.ago(years=7), ("MTH", "mother"), "Hypothyroidism", 50)
    immunize(chart, "flu", *(chart.last(10, 29, years=each) for each in range(1, 7)))
    immunize(chart, "tdap", chart.ago(years=10, months=6))
    immunize(chart, "covid-first", chart.ago(years=5, months=7), chart.ago(years=5, months=6))
    immunize(chart, "covid", chart.last(10, 29, years=1))
    book(chart, 2, "Yearly preventive visit", minutes=45, description="Yearly preventive visit")


PERSON = Person(
    "amara-singh",
    "Amara",
    "Singh",
    "female",
    41,
    (4, 3),
    "MRN1014",
    "3 Juniper Sample Lane",
    race=("2028-9", "Asian"),
)
CASE = Case(PERSON, "Healthy, yearly preventive visit", build)
