"""A source resource as a person reads it: what, value, when, who, and where it came from.

Tolerant: an element that is not there or has another shape leaves no row. Nothing is interpreted; numbers and
dates are as stored.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC

from cds_service.domain.evidence import Evidence, Ledger
from cds_service.domain.json import JsonObject
from cds_service.fhir.dates import as_stored
from cds_service.fhir.elements import (
    code,
    inline_text,
    medication,
    name,
    number,
    obj,
    objs,
    reference,
    text,
)

_TYPES: Mapping[str, str] = {
    "AllergyIntolerance": "Allergy",
    "CarePlan": "Care plan",
    "CareTeam": "Care team",
    "DiagnosticReport": "Report",
    "DocumentReference": "Document",
    "MedicationRequest": "Medication order",
    "MedicationStatement": "Reported medication",
    "QuestionnaireResponse": "Questionnaire",
    "ServiceRequest": "Order",
}
_WHAT = ("code", "vaccineCode", "type", "serviceType")
_DATES: Mapping[str, str] = {
    "effectiveDateTime": "Taken",
    "occurrenceDateTime": "Given",
    "performedDateTime": "Performed",
    "authoredOn": "Ordered",
    "recordedDate": "Recorded",
    "onsetDateTime": "Since",
    "abatementDateTime": "Until",
    "issued": "Issued",
    "dateAsserted": "Reported",
    "start": "Starts",
    "end": "Ends",
    "date": "Dated",
    "birthDate": "Born",
}
_PEOPLE: Mapping[str, str] = {
    "performer": "Performer",
    "requester": "Ordered by",
    "recorder": "Recorded by",
    "asserter": "Reported by",
    "author": "Author",
    "participant": "With",
    "custodian": "Kept by",
    "informationSource": "Reported by",
}
_STATES: Mapping[str, str] = {
    "status": "Status",
    "docStatus": "Document status",
    "intent": "Intent",
    "criticality": "Criticality",
    "priority": "Priority",
}
_CONCEPTS: Mapping[str, str] = {
    "clinicalStatus": "Clinical status",
    "verificationStatus": "Verification",
    "bodySite": "Body site",
    "method": "Method",
    "class": "Class",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceView:
    """One resource for a person."""

    ref: str
    kind: str
    title: str = field(repr=False)
    date: str
    rows: tuple[tuple[str, str], ...] = field(repr=False)
    version: str
    fetched: str


def view(evidence: Evidence, ledger: Ledger) -> SourceView:
    """Return a resource as a title and labelled rows."""
    resource = evidence.resource
    kind, date = kind_and_date(evidence)
    dates = [(label, _shown(resource, key)) for key, label in _DATES.items()]
    return SourceView(
        ref=evidence.ref,
        kind=kind,
        title=_title(resource, ledger) or kind,
        date=date[:10],
        rows=tuple((label, said) for label, said in _rows(resource, ledger, dates) if said),
        version=evidence.version,
        fetched=f"{evidence.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC",
    )


def _shown(resource: JsonObject, key: str) -> str:
    """Return a date as stored, at its precision and with its own offset."""
    return as_stored(code(resource, key))


def kind_and_date(evidence: Evidence) -> tuple[str, str]:
    """Return what a resource is and its date as stored, "" where it has none."""
    kind = evidence.ref.partition("/")[0]
    dates = (code(evidence.resource, key) for key in _DATES)
    return _TYPES.get(kind, kind), next(filter(None, dates), "")


def _title(resource: JsonObject, ledger: Ledger) -> str:
    named = [name(obj(resource, key)) for key in _WHAT]
    coded, reference = medication(resource)
    named += [
        name(coded),
        _display(reference, ledger),
        text(resource, "description"),
    ]
    return next((each for each in named if each), "")


def _rows(
    resource: JsonObject, ledger: Ledger, dates: list[tuple[str, str]]
) -> Iterator[tuple[str, str]]:
    yield from _values(resource)
    yield from dates
    yield from _periods(resource)
    yield from ((label, code(resource, key)) for key, label in _STATES.items())
    yield from ((label, _words(obj(resource, key))) for key, label in _CONCEPTS.items())
    yield from ((label, _people(resource, key, ledger)) for key, label in _PEOPLE.items())
    yield from _texts(resource)


def _texts(resource: JsonObject) -> Iterator[tuple[str, str]]:
    dosages = objs(resource, "dosageInstruction") or objs(resource, "dosage")
    yield from (("Instruction", text(dosage, "text")) for dosage in dosages)
    for reaction in objs(resource, "reaction"):
        shown = [name(m) for m in objs(reaction, "manifestation")]
        yield "Reaction", ", ".join(filter(None, [*shown, code(reaction, "severity")]))
    for key, label in (("reasonCode", "Reason"), ("category", "Category")):
        yield label, ", ".join(filter(None, map(name, objs(resource, key))))
    yield from (("Note", text(note, "text")) for note in objs(resource, "note"))
    yield "Conclusion", text(resource, "conclusion")
    attached = (obj(content, "attachment") for content in objs(resource, "content"))
    yield from (("Text", inline_text(attachment)) for attachment in attached)


def _values(resource: JsonObject) -> Iterator[tuple[str, str]]:
    yield "Value", _value(resource)
    for part in objs(resource, "component"):
        yield name(obj(part, "code")) or "Part", _value(part)
    for limits in objs(resource, "referenceRange"):
        low, high = _quantity(obj(limits, "low")), _quantity(obj(limits, "high"))
        bounds = f"{low or '…'} to {high or '…'}" if low or high else ""
        yield "Reference range", text(limits, "text") or bounds
    yield "Interpretation", ", ".join(filter(None, map(_words, objs(resource, "interpretation"))))


def _words(concept: JsonObject) -> str:
    return name(concept) or next(
        (each for c in objs(concept, "coding") if (each := code(c, "code"))), ""
    )


def _value(resource: JsonObject) -> str:
    quantity = _quantity(obj(resource, "valueQuantity"))
    if quantity:
        return quantity
    concept = name(obj(resource, "valueCodeableConcept"))
    return concept or text(resource, "valueString") or code(resource, "valueDateTime")


def _quantity(quantity: JsonObject) -> str:
    amount = number(quantity, "value")
    if amount is None:
        return ""
    unit = text(quantity, "unit") or code(quantity, "code")
    return f"{code(quantity, 'comparator')}{amount} {unit}".strip()


def _periods(resource: JsonObject) -> Iterator[tuple[str, str]]:
    for key in ("period", "effectivePeriod", "performedPeriod", "onsetPeriod"):
        found = obj(resource, key)
        start, end = _shown(found, "start"), _shown(found, "end")
        if start or end:
            yield "Period", f"{start or 'start not recorded'} to {end or 'open'}"


def _people(resource: JsonObject, key: str, ledger: Ledger) -> str:
    """Return who stands in one role: their names, and the role that the resource gives them."""
    shown = []
    for each in objs(resource, key):
        inner = next(
            (obj(each, k) for k in ("actor", "individual", "member") if obj(each, k)), each
        )
        who = _display(inner, ledger)
        role = _words(obj(each, "function")) or next(
            (r for t in (*objs(each, "role"), *objs(each, "type")) if (r := _words(t))), ""
        )
        if who:
            shown.append(f"{who} ({role})" if role else who)
    return ", ".join(shown)


def _display(target: JsonObject, ledger: Ledger) -> str:
    """Return the words of a reference: its display, else the name of what it leads to."""
    said = text(target, "display")
    if said:
        return said
    found = ledger.get(code(target, "reference"))
    if found is None:
        return ""
    resource = found.resource
    if found.ref.startswith("Medication/"):
        return name(obj(resource, "code"))
    if found.ref.startswith("PractitionerRole/"):
        return text(obj(resource, "practitioner"), "display") or _display(
            {"reference": reference(resource, "practitioner")}, ledger
        )
    return person(resource) or text(resource, "name")


def person(resource: JsonObject) -> str:
    """Return a person's usual or official name as one line, or ""."""
    names = sorted(
        objs(resource, "name"),
        key=lambda each: {"usual": 0, "official": 1, "": 2}.get(code(each, "use"), 3),
    )
    for each in names:
        whole = text(each, "text")
        if whole:
            return whole
        given = each.get("given")
        parts = [g for g in given if isinstance(g, str)] if isinstance(given, list) else []
        told = " ".join(filter(None, [*parts, text(each, "family")]))
        if told:
            return told
    return ""
