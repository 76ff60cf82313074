"""Noah Fairweather, 7: asthma since the age of four, eczema, and a peanut allergy."""

import datetime as dt

from cds_service.simulator.patients import clock
from cds_service.simulator.patients.chart import Case, Chart, Person
from cds_service.simulator.patients.medicines import course, prescribe, renewed
from cds_service.simulator.patients.plans import care, coverage, family
from cds_service.simulator.patients.results import measure, panel
from cds_service.simulator.patients.summary import (
    allergy,
    diagnosis,
    flag,
    immunize,
    order,
    problem,
)
from cds_service.simulator.patients.visits import book, visit

# age in months, weight, height, head, heart rate, breaths, what was written
_WELL = (
    (2, 5.6, 58.4, 39.1, 138, 40, "Smiles. Breastfed."),
    (4, 7.0, 63.9, 41.6, 132, 36, "Rolls over. Dry patches on the cheeks."),
    (6, 7.9, 67.6, 43.3, 128, 34, "Sits with support. Eczema; emollients."),
    (9, 8.9, 72.0, 45.0, 124, 32, "Crawls."),
    (12, 9.7, 75.8, 46.1, 120, 30, "First steps. Peanut not yet introduced."),
    (15, 10.3, 79.2, 46.8, 118, 28, "Three words."),
    (18, 10.9, 82.3, 47.4, 114, 28, "Runs. Hives after peanut butter, see allergy."),
    (24, 12.2, 87.8, 48.3, 110, 26, "Two-word phrases."),
    (36, 14.3, 96.1, 49.5, 102, 24, "Wheeze with colds twice this year."),
    (48, 16.4, 102.5, 0, 98, 23, "Night cough once a week."),
    (60, 18.5, 109.2, 0, 95, 22, "Asthma well controlled."),
    (72, 20.7, 115.5, 0, 92, 21, "Asthma well controlled. Spacer technique good."),
    (84, 23.1, 121.8, 0, 90, 20, "Some wheeze with sports; technique reviewed."),
)

_PRESSURE_FROM = 36
_PERCENTILE_FROM = 24


def _after(chart: Chart, months: float) -> dt.date:
    whole = int(months)
    day = clock.back(chart.birth, months=-whole, days=-int((months - whole) * 30))
    return clock.weekday(day, step=1)


def _growth(chart: Chart) -> None:
    for months, weight, height, head, heart, breaths, words in _WELL:
        day = _after(chart, months)
        if day >= chart.anchor:
            continue
        visit(
            chart,
            day,
            "Well child visit",
            kind="wellness",
            by="tanaka",
            weight=weight,
            height=height,
            heart_rate=heart,
            resp_rate=breaths,
            note=f"Well child visit at {months} months. {words}",
            **({"bp": (92 + months // 24, 56 + months // 24)} if months >= _PRESSURE_FROM else {}),
            **({"head_circumference": head} if head else {}),
            **({"bmi_percentile": 48 + months // 6} if months >= _PERCENTILE_FROM else {}),
        )
    year = _after(chart, 12)
    panel(chart, year, "cbc", hemoglobin=12.1, mcv=80, wbc=8.9, hematocrit=36.4)
    measure(chart, year, lead=1.2)
    measure(chart, _after(chart, 24), lead=1.0)
    measure(chart, _after(chart, 48), ige=214)
    for months, flow in ((60, 140), (72, 160), (84, 170)):
        measure(chart, _after(chart, months), peak_flow=flow)


def _vaccines(chart: Chart) -> None:
    for key, *months in (
        ("hepatitis-b", 0.1),
        ("dtap-hepb-ipv", 2, 4, 6),
        ("rotavirus", 2, 4, 6),
        ("hib", 2, 4, 6, 15),
        ("pcv13", 2, 4, 6, 12),
        ("mmr", 12),
        ("varicella", 12),
        ("hepatitis-a", 12, 18),
        ("dtap", 15),
        ("dtap-ipv", 48),
        ("mmrv", 48),
    ):
        immunize(chart, key, *(_after(chart, month) for month in months))
    immunize(chart, "flu", *(chart.last(10, 2, years=each) for each in range(6)))


# age in months, weight, temperature, heart rate, breaths, problem, mL, times, dose in words, what was written
_INFECTIONS = (
    (25, 12.4, 38.8, 124, 28, "otitis", 7, "bid", "560 mg per dose, 90 mg/kg/day at 12.4 kg",
     "Right ear pain, bulging drum. Amoxicillin 90 mg/kg/day in two doses."),
    (66, 19.6, 38.4, 112, 22, "strep", 12, "daily", "960 mg per dose, 50 mg/kg/day at 19.6 kg",
     "Rapid strep positive. Amoxicillin 50 mg/kg once daily for ten days."),
)  # fmt: skip


def _sick(chart: Chart) -> None:
    for months, weight, temp, heart, breaths, what, dose, times, per_kg, words in _INFECTIONS:
        day = _after(chart, months)
        visit(
            chart,
            day,
            what,
            by="tanaka",
            weight=weight,
            temp=temp,
            heart_rate=heart,
            resp_rate=breaths,
            note=words,
        )
        diagnosis(chart, what, day)
        course(chart, "amoxicillin-liquid", dose, times, day, days=10, why=what, note=per_kg)
    lungs = _after(chart, 4.6)
    visit(
        chart,
        lungs,
        "bronchiolitis",
        kind="emergency",
        by="novak",
        weight=7.2,
        temp=38.1,
        heart_rate=152,
        resp_rate=52,
        spo2=93,
        note="RSV season. Suctioned, drinks well, sent home.",
    )
    diagnosis(chart, "bronchiolitis", lungs)


def _asthma(chart: Chart) -> str:
    begun = _after(chart, 48)
    asthma = problem(chart, "asthma", begun)
    renewed(
        chart,
        "albuterol",
        2,
        "wheeze",
        begun,
        by="tanaka",
        why="asthma",
        how="separate",
        note="Use with spacer",
    )
    attack = chart.ago(months=4, days=3)
    visit(
        chart,
        attack,
        "asthma-attack",
        kind="emergency",
        by="novak",
        weight=22.6,
        spo2=91,
        temp=37.6,
        heart_rate=134,
        resp_rate=36,
        bp=(102, 62),
        note="Wheeze for a day after smoke from a campfire. Three albuterol nebulizers and "
        "prednisolone; saturation 96 percent on room air at discharge. Preventer inhaler had run out.",
    )
    diagnosis(chart, "asthma-attack", attack)
    course(
        chart,
        "prednisolone",
        7.5,
        "daily",
        attack,
        by="novak",
        days=5,
        why="asthma-attack",
        note="22.5 mg per dose, 1 mg/kg/day at 22.6 kg, for 5 days",
    )
    course(chart, "albuterol-neb", 3, "q6h", attack, by="novak", days=2, why="asthma-attack")
    follow = chart.ago(months=3, days=25)
    visit(
        chart,
        follow,
        "asthma",
        by="tanaka",
        weight=22.7,
        heart_rate=92,
        resp_rate=20,
        bp=(98, 60),
        note="Clear lungs. Preventer restarted, two puffs twice daily with spacer. School plan renewed.",
    )
    for key, dose, times, start, end, stopped in (
        ("fluticasone-44", 2, "bid", 50, 62, "Not refilled"),
        ("montelukast-5", 1, "bedtime", 72, 73, "Nightmares; stopped by mother"),
    ):
        since, until = _after(chart, start), _after(chart, end)
        prescribe(
            chart, key, dose, times, since, until=until, stopped=stopped, by="tanaka", why="asthma"
        )
    spacer = "Use with spacer, rinse mouth"
    prescribe(chart, "fluticasone-44", 2, "bid", follow, why="asthma", note=spacer)
    order(chart, "spirometry", follow, why="asthma")
    return asthma


def build(chart: Chart) -> None:
    """Write the chart."""
    coverage(chart, chart.birth, "Prairie Choice PPO (dependent)")
    _growth(chart)
    _sick(chart)
    asthma = _asthma(chart)
    _vaccines(chart)
    follow = chart.ago(months=3, days=25)
    problem(chart, "eczema", _after(chart, 6))
    problem(chart, "allergic-rhinitis", _after(chart, 60))
    allergy(
        chart,
        "peanut",
        _after(chart, 18),
        "anaphylaxis",
        "severe",
        note=[{"text": "Hives, vomiting and wheeze ten minutes after peanut butter"}],
    )
    for key, dose, times, since, note in (
        ("epinephrine-jr", 1, "anaphylaxis", follow, "Into the outer thigh; weight 15 to 30 kg"),
        ("cetirizine-5", 1, "allergy", _after(chart, 60), ""),
        ("ibuprofen-liquid", 11, "pain", follow, "220 mg per dose, 10 mg/kg at 22.7 kg"),
    ):
        prescribe(chart, key, dose, times, since, by="tanaka", note=note)
    family(chart, _after(chart, 48), ("MTH", "mother"), "Asthma", 9)
    flag(chart, "Peanut anaphylaxis: epinephrine at home and at school", _after(chart, 18))
    care(
        chart,
        chart.ago(months=3, days=25),
        "No emergency visits for asthma this year. Preventer "
        "every day, reliever before sports, school asthma plan.",
        [asthma],
        tanaka="Pediatrician",
    )
    book(
        chart,
        1,
        "asthma",
        by="tanaka",
        description="Asthma check after emergency visit; flu season",
    )


PERSON = Person(
    "noah-fairweather",
    "Noah",
    "Fairweather",
    "male",
    7,
    (8, 21),
    "MRN1004",
    "31 Willow Sample Drive",
    extra={
        "contact": [
            {
                "relationship": [{"text": "Mother"}],
                "name": {"family": "Fairweather", "given": ["Joanna"]},
                "telecom": [{"system": "phone", "value": "555-0144"}],
            }
        ]
    },
)
CASE = Case(PERSON, "Asthma at age 7, emergency visit four months ago, peanut anaphylaxis", build)
