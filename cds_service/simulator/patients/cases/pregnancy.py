"""Elena Marchetti, 31: second pregnancy at 30 weeks, with a one-hour glucose test above the limit."""

import datetime as dt

from cds_service.simulator.patients import clock
from cds_service.simulator.patients.chart import Case, Chart, Person
from cds_service.simulator.patients.medicines import course, prescribe, statement
from cds_service.simulator.patients.plans import care, coverage, family
from cds_service.simulator.patients.results import measure, observe, panel, say, smoking, study
from cds_service.simulator.patients.summary import (
    allergy,
    diagnosis,
    immunize,
    order,
    problem,
    procedure,
)
from cds_service.simulator.patients.terms import LOINC, SNOMED, concept, quantity
from cds_service.simulator.patients.visits import book, visit

_NEGATIVE = concept(SNOMED, "260385009", "Negative")

# week, weight, pressure, fundal height, fetal heart rate, what was written
_PRENATAL = (
    (8, 62.4, (112, 68), 0, 0, "Dated by last period and scan. Nausea, no vomiting."),
    (12, 63.0, (110, 66), 0, 158, "Doing well. Cell-free DNA screening low risk."),
    (16, 64.5, (112, 70), 0, 154, "Feels well."),
    (20, 66.6, (114, 70), 20, 148, "Feels movement. Anatomy scan normal, anterior placenta."),
    (24, 68.9, (116, 70), 24, 146, "Heartburn at night. Glucose test due at next visit."),
    (28, 71.2, (118, 74), 28, 142, "Glucose 152 at one hour; three-hour test ordered. Iron started."),
)  # fmt: skip


def _serology(chart: Chart, day: dt.date, rubella: float) -> None:
    group = concept(LOINC, "883-9", "ABO group [Type] in Blood")
    say(chart, day, "blood-group", group, concept(SNOMED, "112144000", "Blood group A"))
    rh = concept(LOINC, "10331-7", "Rh [Type] in Blood")
    say(chart, day, "rh", rh, concept(SNOMED, "165747007", "RhD positive"))
    for name, code, display in (
        ("antibody-screen", "890-4", "Blood group antibody screen [Presence] in Serum or Plasma"),
        ("hepatitis-b-antigen", "5195-3", "Hepatitis B virus surface Ag [Presence] in Serum"),
        (
            "hiv-screen",
            "56888-1",
            "HIV 1+2 Ab+HIV1 p24 Ag [Presence] in Serum or Plasma by Immunoassay",
        ),
        ("rpr", "20507-0", "Reagin Ab [Presence] in Serum by RPR"),
    ):
        say(chart, day, name, concept(LOINC, code, display), _NEGATIVE)
    measure(chart, day, rubella=rubella)
    study(chart, day, "urine-culture", "No growth.")


def _prenatal(chart: Chart, start: dt.date, *, through: int, lighter: float = 0) -> None:
    for week, weight, bp, fundus, heart, words in _PRENATAL:
        if week > through:
            continue
        day = clock.weekday(start + dt.timedelta(weeks=week))
        visit(
            chart,
            day,
            "pregnancy",
            kind="prenatal",
            by="rivera",
            bp=bp,
            weight=weight - lighter,
            note=f"Prenatal visit, {week} weeks. {words}",
        )
        measure(chart, day, gestational_age=week)
        if fundus:
            measure(chart, day, fundal_height=fundus)
        if heart:
            measure(chart, day, fetal_heart_rate=heart - 2 * lighter)
        for name, code, display in (
            ("urine-protein", "20454-5", "Protein [Presence] in Urine by Test strip"),
            ("urine-glucose", "25428-4", "Glucose [Presence] in Urine by Test strip"),
        ):
            say(chart, day, name, concept(LOINC, code, display), _NEGATIVE)


def _this_pregnancy(chart: Chart) -> str:
    start = chart.anchor - dt.timedelta(weeks=30)
    _prenatal(chart, start, through=28)
    first, mid, late = (start + dt.timedelta(weeks=week) for week in (8, 20, 28))
    status = concept(LOINC, "82810-3", "Pregnancy status")
    say(
        chart,
        first,
        "pregnancy-status",
        status,
        concept(SNOMED, "77386006", "Pregnant"),
        category="social-history",
    )
    due = start + dt.timedelta(days=280)
    observe(
        chart,
        "due-date",
        first,
        "exam",
        valueDateTime=due.isoformat(),
        code=concept(LOINC, "11778-8", "Delivery date Estimated"),
    )
    observe(
        chart,
        "last-period",
        first,
        "exam",
        valueDateTime=start.isoformat(),
        code=concept(LOINC, "8665-2", "Last menstrual period start date"),
    )
    for name, code, display, number in (
        ("gravidity", "11996-6", "[#] Pregnancies", 2),
        ("parity", "11977-6", "[#] Parity", 1),
    ):
        observe(
            chart,
            name,
            first,
            "exam",
            code=concept(LOINC, code, display),
            valueQuantity=quantity(number, "count", "{#}"),
        )
    _serology(chart, first, 34)
    panel(chart, first, "cbc", hemoglobin=12.4, mcv=88)
    panel(chart, late, "cbc", hemoglobin=10.3, mcv=79)
    measure(chart, first, tsh=1.6)
    measure(chart, late, gct=152, ferritin=11)
    study(
        chart, first, "ob-ultrasound", "Single live pregnancy, 8 weeks 1 day, agrees with dates."
    )
    study(
        chart,
        mid,
        "ob-ultrasound",
        "Normal anatomy at 20 weeks. Anterior placenta, clear of the cervix. Cervix 38 mm.",
    )
    order(chart, "cbc", late, why="iron-deficiency")
    order(chart, "ob-ultrasound", late, why="Growth at 32 weeks")
    order(
        chart,
        "glucose-tolerance",
        late,
        why="One-hour glucose 152 mg/dL",
        code=concept(SNOMED, "113076002", "Glucose tolerance test", text="3-hour, 100 g glucose"),
    )
    return problem(chart, "pregnancy", first)


def _first_pregnancy(chart: Chart) -> None:
    born = chart.ago(years=4, months=2)
    start = born - dt.timedelta(weeks=39)
    _prenatal(chart, start, through=24, lighter=1.7)
    _serology(chart, start + dt.timedelta(weeks=8), 31)
    problem(chart, "pregnancy", start + dt.timedelta(weeks=8), until=born)
    visit(
        chart,
        born,
        "pregnancy",
        kind="inpatient",
        by="rivera",
        days=2,
        bp=(122, 76),
        weight=74.0,
        note="Spontaneous vaginal delivery at 39 weeks, healthy girl 3,310 g. Small tear repaired.",
    )
    procedure(chart, "vaginal-delivery", born)
    panel(chart, born, "cbc", hemoglobin=11.0, mcv=84)


def build(chart: Chart) -> None:
    """Write the chart."""
    coverage(chart, chart.ago(years=6), "Prairie Choice PPO")
    for years in (6, 5, 3, 2, 1):
        day = chart.ago(years=years, months=2, days=5)
        visit(
            chart,
            day,
            "Yearly visit",
            kind="checkup",
            bp=(112, 70),
            weight=60.8 + years % 3,
            height=166.0,
            note="Healthy. Exercises three times a week.",
        )
        measure(chart, day, phq2=0, tsh=1.4 + 0.1 * years)
    _first_pregnancy(chart)
    current = _this_pregnancy(chart)
    late = chart.anchor - dt.timedelta(weeks=2)
    problem(chart, "iron-deficiency", late)
    problem(chart, "allergic-rhinitis", chart.ago(years=9))
    diagnosis(chart, "cystitis", chart.ago(months=4))
    course(chart, "cephalexin", 1, "bid", chart.ago(months=4), by="rivera", why="cystitis")
    prescribe(
        chart,
        "folic-acid",
        1,
        "daily",
        late - dt.timedelta(weeks=20),
        by="rivera",
        why="pregnancy",
    )
    prescribe(chart, "ferrous-sulfate", 1, "alternate", late, by="rivera", why="iron-deficiency")
    prescribe(
        chart,
        "ondansetron-4",
        1,
        "nausea",
        late - dt.timedelta(weeks=20),
        by="rivera",
        until=late - dt.timedelta(weeks=12),
        stopped="Nausea resolved",
    )
    statement(chart, "cetirizine-5", 1, "allergy", late)
    allergy(chart, "latex", chart.ago(years=4, months=2), "rash", "mild")
    family(chart, late - dt.timedelta(weeks=20), ("MTH", "mother"), "Type 2 diabetes", 49)
    study(
        chart, chart.ago(years=2, months=2, days=5), "pap", "Negative for intraepithelial lesion."
    )
    smoking(chart, late - dt.timedelta(weeks=20), "never")
    immunize(chart, "tdap", late, chart.ago(years=4, months=4))
    immunize(chart, "flu", *(chart.last(10, 20, years=each) for each in range(6)))
    immunize(chart, "covid-first", chart.ago(years=5), chart.ago(years=4, months=11))
    care(
        chart,
        late,
        "Healthy term birth. Three-hour glucose test, iron every other day, growth scan "
        "at 32 weeks, birth plan at 34 weeks.",
        [current],
        rivera="Obstetrician",
    )
    book(chart, 1, "pregnancy", by="rivera", minutes=25, description="Prenatal visit, 30 weeks")


PERSON = Person(
    "elena-marchetti", "Elena", "Marchetti", "female", 31, (3, 8), "MRN1003", "7 Elm Sample Court"
)
CASE = Case(PERSON, "Second pregnancy, 30 weeks, glucose test above the limit", build)
