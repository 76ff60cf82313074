"""Daniel Whitlock, 45: oxycodone with clonazepam, and a substance-use history under 42 CFR Part 2.

His addiction care was in a Part 2 programme; those resources carry restricted labels. His pain
prescriptions in the ordinary clinic carry none.
"""

import datetime as dt

from cds_service.simulator.patients.chart import Case, Chart, Person
from cds_service.simulator.patients.labels import recorded_in, restrict
from cds_service.simulator.patients.medicines import course, prescribe, renewed
from cds_service.simulator.patients.plans import coverage
from cds_service.simulator.patients.results import measure, panel, say, smoking, study
from cds_service.simulator.patients.summary import (
    allergy,
    diagnosis,
    flag,
    immunize,
    order,
    problem,
    procedure,
    refer,
)
from cds_service.simulator.patients.terms import LOINC, SNOMED, concept
from cds_service.simulator.patients.visits import book, visit

# months ago, weight, pressure, pain, PHQ-9, GAD-7, what was written
_CLINIC = (
    (72, 82.4, (128, 80), 5, 9, 11, "Back pain since a fall at work. Physical therapy, duloxetine."),
    (65, 83.0, (126, 78), 5, 8, 10, "Pain steady."),
    (58, 83.9, (130, 82), 6, 10, 12, "Worse on lifting. MRI: disc bulge L4-5."),
    (51, 84.6, (128, 80), 5, 8, 12, "Sciatica on the left. Gabapentin started."),
    (44, 84.1, (126, 78), 4, 7, 9, "Back at light duty."),
    (37, 83.2, (128, 80), 4, 6, 9, "Doing well."),
    (30, 82.9, (130, 80), 5, 8, 13, "Panic at work. Clonazepam 1 mg as needed, short term."),
    (23, 82.5, (128, 78), 5, 9, 12, "Still uses clonazepam most days."),
    (16, 83.3, (126, 78), 6, 10, 12, "Pain worse after car accident."),
    (11, 83.7, (132, 84), 7, 11, 13, "Oxycodone 5 mg begun elsewhere after the accident, taken over here."),
    (7, 84.0, (130, 82), 7, 12, 13, "Takes oxycodone four times daily with clonazepam twice daily."),
    (2, 84.4, (128, 80), 6, 11, 12, "Sleepy at work. Naloxone given. Taper plan to be agreed."),
)  # fmt: skip

# months ago, what the Part 2 programme wrote
_PROGRAMME = (
    (
        70,
        "Intake. Heroin and oxycodone use for three years, last use two weeks ago. Buprenorphine started.",
    ),
    (67, "Stable on 8 mg daily. Weekly counseling."),
    (61, "Six months without use."),
    (52, "Dose lowered at his wish."),
    (46, "Programme completed. In remission."),
)

_SCREENS = (
    ("urine-opiates", "19295-5", "Opiates [Presence] in Urine by Screen method"),
    ("urine-oxycodone", "10998-3", "Oxycodone [Presence] in Urine"),
    ("urine-benzodiazepines", "14316-4", "Benzodiazepines [Presence] in Urine by Screen method"),
    ("urine-cocaine", "14314-9", "Benzoylecgonine [Presence] in Urine by Screen method"),
)


def _drug_screen(chart: Chart, day: dt.date, *positive: str) -> None:
    answers = {True: ("10828004", "Positive"), False: ("260385009", "Negative")}
    results = [
        say(
            chart,
            day,
            name,
            concept(LOINC, code, display),
            concept(SNOMED, *answers[name.removeprefix("urine-") in positive]),
        )
        for name, code, display in _SCREENS
    ]
    study(chart, day, "urine-drugs", "Screen only, not confirmed.", results=results, section="LAB")


def _programme(chart: Chart) -> None:
    hidden: list[str] = []
    first, last = (chart.ago(months=months, days=7) for months in (70, 46))
    for months, words in _PROGRAMME:
        day = chart.ago(months=months, days=7)
        seen = visit(
            chart,
            day,
            "opioid-use",
            by="pierce",
            bp=(124, 76),
            note=f"Recovery programme. {words}",
        )
        if seen.day < last:
            _drug_screen(chart, day)
        hidden += recorded_in(chart, seen)
    hidden.append(
        problem(
            chart,
            "opioid-use",
            first,
            clinicalStatus={
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/condition-clinical",
                        "code": "remission",
                    }
                ],
            },
        )
    )
    hidden.append(
        problem(chart, "alcohol-dependence", chart.ago(years=12), until=chart.ago(years=9))
    )
    hidden.append(
        prescribe(
            chart,
            "buprenorphine",
            1,
            "daily",
            first,
            by="pierce",
            until=last,
            stopped="Programme completed",
            why="opioid-use",
        )
    )
    hidden.append(refer(chart, "addiction", chart.ago(months=2, days=4), why="opioid-use"))
    hidden.append("Task/daniel-whitlock-addiction-task")
    restrict(chart, hidden, "42CFRPart2", "ETH")


def _medicines(chart: Chart) -> None:
    renewed(chart, "duloxetine-60", 1, "daily", chart.ago(months=72, days=4), why="back-pain")
    renewed(chart, "gabapentin-300", 1, "tid", chart.ago(months=51, days=4), why="sciatica")
    renewed(
        chart,
        "clonazepam-1",
        1,
        "anxiety",
        chart.ago(months=30, days=4),
        why="anxiety",
        how="separate",
    )
    for months in range(11, 0, -1):
        course(
            chart,
            "oxycodone-5",
            1,
            "q6h",
            chart.ago(months=months, days=4),
            days=28,
            why="back-pain",
        )
    prescribe(
        chart,
        "oxycodone-5",
        1,
        "q6h",
        chart.ago(days=5),
        why="back-pain",
        refills=0,
        note="28 days, 112 tablets",
    )
    prescribe(chart, "naloxone", 1, "overdose", chart.ago(months=2, days=4), refills=1)
    prescribe(
        chart,
        "trazodone-50",
        1,
        "bedtime",
        chart.ago(months=16, days=4),
        until=chart.ago(months=11, days=4),
        stopped="Morning drowsiness",
    )


def _accident(chart: Chart) -> None:
    crash = chart.ago(months=16, days=20)
    visit(
        chart,
        crash,
        "Car accident",
        kind="emergency",
        by="novak",
        bp=(142, 88),
        pain=8,
        note="Rear-ended. No fracture. Ibuprofen for a week.",
    )
    course(chart, "ibuprofen-600", 1, "tid", crash, by="novak")
    study(
        chart,
        chart.ago(months=58, days=1),
        "mri-spine",
        "Broad disc bulge at L4-5 touching the left L5 root.",
    )


def build(chart: Chart) -> None:
    """Write the chart."""
    coverage(chart, chart.ago(years=6), "Prairie Community Medicaid")
    chart.heights[chart.birth] = 180.0
    for months, weight, bp, pain, phq, gad, words in _CLINIC:
        day = chart.ago(months=months, days=4)
        visit(chart, day, "back-pain", bp=bp, weight=weight, note=f"Pain and mood visit. {words}")
        measure(chart, day, pain=pain, phq9=phq, gad7=gad)
        if months in range(2, 80, 14):
            panel(chart, day, "cmp")
    _programme(chart)
    for key, months in (("back-pain", 72), ("sciatica", 51), ("anxiety", 72), ("depression", 72)):
        problem(chart, key, chart.ago(months=months, days=4))
    problem(chart, "tobacco", chart.ago(years=20))
    diagnosis(chart, "bronchitis", chart.ago(months=27))
    _medicines(chart)
    _drug_screen(chart, chart.ago(months=7, days=4), "oxycodone", "benzodiazepines")
    _accident(chart)
    order(chart, "urine-drugs", chart.ago(months=2, days=4), why="back-pain")
    refer(chart, "physiotherapy", chart.ago(months=7, days=4), why="back-pain")
    procedure(chart, "physiotherapy", chart.ago(months=69))
    allergy(chart, "bee-venom", chart.ago(years=15), "hives", "moderate")
    flag(
        chart,
        "Opioid with benzodiazepine: sedation seen",
        chart.ago(months=2, days=4),
        category="drug",
    )
    smoking(chart, chart.ago(months=2, days=4), "daily")
    immunize(chart, "flu", *(chart.last(10, 24, years=each) for each in (1, 2, 4)))
    immunize(
        chart,
        "hepatitis-b-adult",
        chart.ago(months=66),
        chart.ago(months=65),
        chart.ago(months=60),
    )
    book(chart, 0, "back-pain", minutes=40, description="Pain contract and taper plan")


PERSON = Person(
    "daniel-whitlock",
    "Daniel",
    "Whitlock",
    "male",
    45,
    (7, 5),
    "MRN1012",
    "29 Spruce Sample Terrace",
)
CASE = Case(
    PERSON, "Oxycodone with clonazepam; restricted substance-use history (42 CFR Part 2)", build
)
