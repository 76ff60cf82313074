"""Vaccines of a record: the doses that were given, by what they have in common, and what was not given."""

from cds_service.brief.facts.visits import names
from cds_service.brief.record import Item, Record
from cds_service.fhir.elements import codes, name, obj

INFLUENZA = "influenza"


def vaccines(record: Record) -> dict[str, list[Item]]:
    """Return the doses given, newest first, by vaccine; influenza first, then by name."""
    given: dict[str, list[Item]] = {}
    for item in record.of("Immunization"):
        if item.status in {"completed", ""}:
            given.setdefault(vaccine(record, item), []).append(item)
    return {
        each: given[each] for each in sorted(given, key=lambda each: (each != INFLUENZA, each))
    }


def not_given(record: Record) -> tuple[Item, ...]:
    """Return what was refused or not given for another reason, unless a dose was given on that day or later."""
    given = record.once(vaccines)
    return tuple(
        item
        for item in record.of("Immunization")
        if item.status == "not-done"
        and not any(_is_later(each, item) for each in given.get(vaccine(record, item), ()))
    )


def _is_later(dose: Item, item: Item) -> bool:
    return dose.when is not None and item.when is not None and dose.when.date >= item.when.date


def vaccine(record: Record, item: Item) -> str:
    """Return what doses of one vaccine share: influenza as one, else its name, else its code."""
    return record.each(_vaccine, item)


def _vaccine(record: Record, item: Item) -> str:
    terms = record.tables.terms["influenza"]
    says = names(item).__contains__
    if any(map(says, terms["words"])) and not any(map(says, terms["not_words"])):
        return INFLUENZA
    concept = obj(item.resource, "vaccineCode")
    coded = next(iter(codes(concept)), "")
    return name(concept).casefold() or coded or item.ref
