"""Answers that tell of danger: that somebody answered, and not by a plain no; what was answered is told nowhere."""

from cds_service.brief.facts.observations import series
from cds_service.brief.facts.visits import is_of_late, names
from cds_service.brief.record import Item, Record
from cds_service.domain.json import JsonObject
from cds_service.domain.tables import words
from cds_service.fhir.elements import codes, name, number, obj, text
from cds_service.rulebook import DEFAULT

_TERMS = DEFAULT.terms["survey"]
_CODES = frozenset(_TERMS["danger_codes"])
_NO_CODES = frozenset(_TERMS["no_codes"])
_NO_WORDS = frozenset(map(words, _TERMS["no_words"]))


def answers_of_danger(record: Record) -> tuple[Item, ...]:
    """Return the newest answer to each question on suicide, self-harm or violence that is of late and no plain no."""
    return tuple(
        item
        for each in record.once(series)
        if each.section == "survey" and each.aside in {"", "preliminary"}
        for item in each.items[:1]
        if item.when and is_of_late(record, item.when) and _asks(item) and _is_yes(item.resource)
    )


def _asks(item: Item) -> bool:
    if not _CODES.isdisjoint(codes(obj(item.resource, "code"))):
        return True
    said = names(item)
    return any(each in said for each in _TERMS["danger_words"])


def _is_yes(said: JsonObject) -> bool:
    """Return whether a question was answered, and by anything but a plain no."""
    answer = obj(said, "valueCodeableConcept")
    if not _NO_CODES.isdisjoint(codes(answer)):
        return False
    told = text(said, "valueString") or name(answer)
    if told:
        return words(told) not in _NO_WORDS
    amounts = number(said, "valueInteger"), number(obj(said, "valueQuantity"), "value")
    counted = [each for each in amounts if each is not None]
    return any(counted) or said.get("valueBoolean") is True or bool(codes(answer))
