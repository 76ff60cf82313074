"""Record prescriptions, stopped and changed ones, and what patients say that they take."""

import datetime as dt

from . import clock
from .chart import Chart
from .directory import practitioner
from .drugs import DRUGS, ROUTES, TIMINGS, Drug
from .terms import RXNORM, SNOMED, Json, Number, concept, hl7, quantity, reference
from .vocabulary import reason

_UNITS = {"mL": "mL", "unit": "[iU]"}


def dosage(drug: Drug, dose: Number, times: str, note: str = "") -> Json:
    """Return a Dosage with the sentence for people and the same in structure."""
    when = TIMINGS[times]
    code, display, route = ROUTES[drug.route]
    amount = f"{dose:g}" if isinstance(dose, float) else str(dose)
    noun = drug.unit if dose == 1 or drug.unit == "mL" else f"{drug.unit}s"
    text = " ".join(filter(None, (drug.verb, amount, noun, route, when.words)))
    return {
        "text": f"{text}. {note}" if note else text,
        "timing": {
            "repeat": {
                "frequency": when.frequency,
                "period": when.period,
                "periodUnit": when.unit,
            },
            "code": {"text": when.words},
        },
        "asNeededBoolean": when.needed,
        "route": concept(SNOMED, code, display),
        "doseAndRate": [
            {
                "type": hl7("dose-rate-type", "ordered", "Ordered"),
                "doseQuantity": quantity(
                    dose, drug.unit, _UNITS.get(drug.unit, f"{{{drug.unit}}}")
                ),
            }
        ],
    }


def product(key: str, how: str = "coded") -> Json:
    """Return the medication[x] element: coded, a separate Medication, or a contained one."""
    drug = DRUGS[key]
    code = concept(RXNORM, drug.rxnorm, drug.display, text=drug.text)
    if how == "separate":
        return {"medicationReference": reference(f"Medication/med-{key}", drug.text)}
    if how == "contained":
        inside: Json = {
            "resourceType": "Medication",
            "id": "med",
            "code": code,
            "status": "active",
        }
        return {"contained": [inside], "medicationReference": reference("#med", drug.text)}
    return {"medicationCodeableConcept": code}


def prescribe(
    chart: Chart, key: str, dose: Number, times: str, since: dt.date, **more: object
) -> str:
    """Record a MedicationRequest and return its reference.

    `more` may hold `until` (day it ended), `why` (problem), `note` (patient instruction), `how`
    (see `product`), `by`, `stopped` (reason for stopping), `refills`, and further elements.
    """
    until = more.pop("until", None)
    why, note, how = (str(more.pop(name, "")) for name in ("why", "note", "how"))
    by = str(more.pop("by", "") or chart.clinician(since))
    stopped = more.pop("stopped", "")
    refills = more.pop("refills", 3)
    written = clock.instant(since, 11, 40)
    changed = clock.instant(until, 11, 30) if isinstance(until, dt.date) else written
    ending = "stopped" if stopped else "completed"
    body: Json = {
        "status": ending if until else "active",
        **({"statusReason": {"text": stopped}} if stopped else {}),
        "intent": "order",
        "category": [hl7("medicationrequest-category", "community", "Community")],
        **product(key, how),
        "subject": chart.patient(),
        **chart.encounter(since),
        "authoredOn": written,
        "requester": practitioner(by),
        **({"reasonCode": [reason(why)]} if why else {}),
        "dosageInstruction": [dosage(DRUGS[key], dose, times, note)],
        "dispenseRequest": {"numberOfRepeatsAllowed": refills},
        **more,
    }
    return chart.add("MedicationRequest", f"rx-{key}", body, at=changed, version=2 if until else 1)


def course(
    chart: Chart, key: str, dose: Number, times: str, since: dt.date, **more: object
) -> str:
    """Record a short course of `days` days, completed if it ended before the anchor; return its reference."""
    over = since + dt.timedelta(days=int(str(more.pop("days", 7))))
    until = over if over < chart.anchor else None
    return prescribe(chart, key, dose, times, since, until=until, refills=0, **more)


def renewed(
    chart: Chart, key: str, dose: Number, times: str, since: dt.date, **more: object
) -> str:
    """Record a long-term prescription with a yearly renewal; return the active one's reference."""
    prior: Json = {}
    day = since
    while (after := clock.weekday(clock.back(day, years=-1))) < chart.anchor:
        old = prescribe(chart, key, dose, times, day, until=after, **prior, **more)
        prior = {"priorPrescription": reference(old)}
        day = after
    return prescribe(chart, key, dose, times, day, **prior, **more)


def statement(
    chart: Chart, key: str, dose: Number, times: str, since: dt.date, **more: object
) -> str:
    """Record what the patient reports taking, asserted on `since`, and return its reference."""
    note = str(more.pop("note", ""))
    how = str(more.pop("how", ""))
    begun = more.pop("begun", since)
    body: Json = {
        "status": "active",
        "category": hl7("medication-statement-category", "patientspecified", "Patient Specified"),
        **product(key, how),
        "subject": chart.patient(),
        **({"context": chart.encounter(since)["encounter"]} if chart.visit_on(since) else {}),
        "effectivePeriod": {"start": str(begun)},
        "dateAsserted": clock.instant(since, 9, 10),
        "informationSource": chart.patient(),
        "dosage": [dosage(DRUGS[key], dose, times)],
        **({"note": [{"text": note}]} if note else {}),
        **more,
    }
    return chart.add(
        "MedicationStatement", f"{key}-reported", body, at=clock.instant(since, 9, 10)
    )
