"""Where a medicine acts, as its name, its route or its dose tells: on the whole body, or on one place."""

from collections.abc import Iterable, Mapping

from cds_service.domain.json import JsonObject
from cds_service.domain.tables import words
from cds_service.fhir.elements import name, obj
from cds_service.rulebook import DEFAULT

_PLACES: Mapping[str, str] = {
    word: place for place, said in DEFAULT.terms["acts_on"].items() for word in said
}
ON_THE_SURFACE = frozenset({"eye", "ear", "skin", "line"})
"""Places from which little enters the body: drops for an eye, an ointment, what keeps a line open."""


def acts_on(names: Iterable[str], dosages: Iterable[JsonObject], dose: str) -> str:
    """Return the place that a medicine is for ("eye", "nose"), "" for the whole body."""
    routes = [word for each in dosages for word in words(name(obj(each, "route")))]
    said = {_PLACES[word] for word in (*names, *routes, *words(dose)) if word in _PLACES}
    if "lung" in said:  # "Inhale 1 puff by mouth"
        return "lung"
    return said.pop() if len(said) == 1 and "body" not in said else ""
