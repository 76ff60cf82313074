"""Record vital signs, single observations, laboratory panels, studies and the orders behind them."""

import datetime as dt

from . import clock
from .chart import Chart, Visit
from .directory import organization, practitioner
from .labs import DERIVED, PANELS, TESTS, Test
from .terms import (
    INTERPRETATION,
    LOINC,
    Json,
    Number,
    coding,
    concept,
    hl7,
    quantity,
    reference,
)
from .vocabulary import SMOKING, STUDIES

_FLAGS = {"H": "High", "L": "Low", "HH": "Critical high", "LL": "Critical low", "N": "Normal"}


def _flag(test: Test, value: Number) -> str:
    phone_low, phone_high = test.critical
    for name, beyond in (
        ("HH", phone_high is not None and value > phone_high),
        ("LL", phone_low is not None and value < phone_low),
        ("H", test.high is not None and value > test.high),
        ("L", test.low is not None and value < test.low),
    ):
        if beyond:
            return name
    return "N"


def _range(test: Test) -> Json:
    limits = {
        name: quantity(limit, test.shown_unit, test.unit)
        for name, limit in (("low", test.low), ("high", test.high))
        if limit is not None
    }
    bounds = " - ".join(str(limit) for limit in (test.low, test.high) if limit is not None)
    words = bounds if len(limits) > 1 else ("<=" if test.high else ">=") + bounds
    return {"referenceRange": [{**limits, "text": f"{words} {test.shown_unit}"}]}


def _drawn(chart: Chart, test: Test) -> float:
    low, high = test.usual
    return chart.chance.uniform(low or 0, high or low or 0)


def rounded(test: Test, value: float) -> Number:
    """Return the value at the precision in which the test is reported."""
    return round(value, test.places) if test.places else round(value)


def measured(key: str, value: Number) -> Json:
    """Return code, value, interpretation and reference range of one measurement."""
    test = TESTS[key]
    body: Json = {
        "code": concept(LOINC, test.loinc, test.display),
        "valueQuantity": quantity(value, test.shown_unit, test.unit),
    }
    if test.low is None and test.high is None:
        return body
    flag = _flag(test, value)
    shown = {"interpretation": [{"coding": [coding(INTERPRETATION, flag, _FLAGS[flag])]}]}
    return {**body, **shown, **_range(test)}


def observe(chart: Chart, name: str, day: dt.date, category: str, **body: object) -> str:
    """Record one final Observation of that category and return its reference."""
    visit = chart.visit_on(day)
    at = visit.start if visit else clock.instant(day, 9, 20)
    lab = category == "laboratory"
    issued = clock.instant(day, 17, 5) if lab else at
    full: Json = {
        "status": "final",
        "category": [hl7("observation-category", category)],
        "subject": chart.patient(),
        **chart.encounter(day),
        "effectiveDateTime": at,
        "issued": issued,
        "performer": [
            organization("riverbend-lab") if lab else practitioner(chart.clinician(day))
        ],
        **body,
    }
    return chart.add("Observation", name, full, at=issued)


def measure(chart: Chart, day: dt.date, **values: float) -> list[str]:
    """Record single measurements by test name (`_` for `-`) and return their references."""
    made = []
    for name, value in values.items():
        key = name.replace("_", "-")
        body = measured(key, rounded(TESTS[key], value))
        made.append(observe(chart, key, day, TESTS[key].category, **body))
    return made


def vitals(chart: Chart, seen: Visit, **given: object) -> None:
    """Record the vital signs of a visit: `bp=(s, d)`, `weight=`, `height=`, others as drawn by chance.

    The body mass index follows from weight and height; a height is remembered between visits.
    """
    values = {name.replace("_", "-"): value for name, value in given.items()}
    pressure = values.pop("bp", None)
    if isinstance(pressure, tuple):
        _blood_pressure(chart, seen, pressure)
    for key in ("heart-rate", "resp-rate", "temp", "spo2"):
        values.setdefault(key, _drawn(chart, TESTS[key]))
    numbers = {key: float(str(value)) for key, value in values.items()}
    if "height" in numbers:
        chart.heights[seen.day] = numbers["height"]
    height = chart.height(seen.day)
    if "weight" in numbers and height:
        numbers["bmi"] = numbers["weight"] / (height / 100) ** 2
    measure(chart, seen.day, **{key.replace("-", "_"): value for key, value in numbers.items()})


def _blood_pressure(chart: Chart, seen: Visit, pressure: tuple[int, int]) -> None:
    parts = (
        ("8480-6", "Systolic blood pressure", pressure[0]),
        ("8462-4", "Diastolic blood pressure", pressure[1]),
    )
    observe(
        chart,
        "blood-pressure",
        seen.day,
        "vital-signs",
        code=concept(LOINC, "85354-9", "Blood pressure panel with all children optional"),
        component=[
            {
                "code": concept(LOINC, code, name),
                "valueQuantity": quantity(value, "mmHg", "mm[Hg]"),
            }
            for code, name, value in parts
        ],
    )


_ADULT = 18


def egfr(creatinine: float, *, age: int, female: bool) -> int:
    """Return the estimated filtration rate by CKD-EPI 2021 (doi:10.1056/NEJMoa2102953)."""
    kappa, alpha = (0.7, -0.241) if female else (0.9, -0.302)
    ratio = creatinine / kappa
    rate = 142 * min(ratio, 1) ** alpha * max(ratio, 1) ** -1.2 * 0.9938**age
    return round(float(rate * (1.012 if female else 1)))


def _derived(chart: Chart, day: dt.date, values: dict[str, float]) -> None:
    if "creatinine" in values and (age := clock.age(chart.birth, day)) >= _ADULT:
        female = chart.person.gender == "female"
        values["egfr"] = egfr(values["creatinine"], age=age, female=female)
    if "hemoglobin" in values:
        values.setdefault("hematocrit", values["hemoglobin"] * 2.98)
    if "hdl" in values:
        values["ldl"] = values["cholesterol"] - values["hdl"] - values["triglycerides"] / 5
    if "fvc" in values:
        values["fev1-fvc"] = 100 * values["fev1"] / values["fvc"]
    if "inr" in values:
        values.setdefault("pt", 11 * values["inr"] ** 0.95)


def panel(chart: Chart, day: dt.date, key: str, *, order: str = "", **given: float) -> str:
    """Record a laboratory panel as a DiagnosticReport and return its reference.

    A test that is not given gets a usual value by chance; calculated tests follow from the others.
    """
    code, display, names = PANELS[key]
    values = {name.replace("_", "-"): value for name, value in given.items()}
    for name in names:
        if name not in values and name not in DERIVED:
            values[name] = _drawn(chart, TESTS[name])
    values = {name: float(rounded(TESTS[name], value)) for name, value in values.items()}
    _derived(chart, day, values)
    made = [
        ref
        for name in names
        if name in values
        for ref in measure(chart, day, **{name.replace("-", "_"): values[name]})
    ]
    return report(chart, day, concept(LOINC, code, display), key, made, order=order)


def report(
    chart: Chart, day: dt.date, code: Json, name: str, results: list[str], **more: object
) -> str:
    """Record a final DiagnosticReport over those results and return its reference.

    `more` may hold `order` (reference of the request) and any further element of the resource.
    """
    order = more.pop("order", "")
    section = more.pop("section", "LAB")
    visit = chart.visit_on(day)
    issued = clock.instant(day, 17, 10)
    body: Json = {
        **({"basedOn": [reference(str(order))]} if order else {}),
        "status": "final",
        "category": [hl7("v2-0074", str(section))],
        "code": code,
        "subject": chart.patient(),
        **chart.encounter(day),
        "effectiveDateTime": visit.start if visit else clock.instant(day, 9, 20),
        "issued": issued,
        "performer": [organization("riverbend-lab" if section == "LAB" else "riverbend-health")],
        **({"result": [reference(each) for each in results]} if results else {}),
        **more,
    }
    return chart.add("DiagnosticReport", f"{name}-report", body, at=issued)


def study(chart: Chart, day: dt.date, key: str, conclusion: str, **more: object) -> str:
    """Record an imaging or other study with its conclusion and return the report's reference."""
    section = {"ecg": "EC", "pap": "PAT", "pathology": "PAT", "urine-culture": "MB"}
    code = STUDIES[key].concept()
    results = more.pop("results", [])
    made = [str(each) for each in results] if isinstance(results, list) else []
    more.setdefault("section", section.get(key, "RAD"))
    return report(chart, day, code, key, made, conclusion=conclusion, **more)


def say(chart: Chart, day: dt.date, name: str, code: Json, answer: Json, **more: object) -> str:
    """Record an Observation whose value is a concept and return its reference."""
    category = str(more.pop("category", "laboratory"))
    return observe(chart, name, day, category, code=code, valueCodeableConcept=answer, **more)


def smoking(chart: Chart, day: dt.date, status: str) -> str:
    """Record the smoking status (US Core) and return the reference of the Observation."""
    code = concept(LOINC, "72166-2", "Tobacco smoking status")
    answer = SMOKING[status].concept()
    return say(chart, day, "smoking-status", code, answer, category="social-history")
