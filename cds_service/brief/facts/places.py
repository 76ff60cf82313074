"""Where a medicine acts, as its name, its route or its dose tells: on the whole body, or on one place."""

from collections.abc import Iterable, Mapping

from cds_service.domain.json import JsonObject
from cds_service.domain.tables import words
from cds_service.fhir.elements import name, obj
from cds_service.rulebook import DEFAULT

_TERMS = DEFAULT.terms["acts_on"]
_PLACES: Mapping[str, str] = {
    word: place for place, said in _TERMS["words"].items() for word in said
}
_INHALED = frozenset(_TERMS["inhaled"])
_BY_MOUTH = frozenset({"oral", "mouth"})
EVERYWHERE = frozenset(_TERMS["everywhere"])
"""Ingredients that act on the whole body from wherever they are given: fentanyl from a patch."""
ON_THE_SURFACE = frozenset({"eye", "ear", "skin", "line"})
"""Places from which little enters the body: drops for an eye, an ointment, what keeps a line open."""


def acts_on(names: Iterable[str], dosages: Iterable[JsonObject], dose: str) -> str:
    """Return the place that a medicine is for ("eye", "body"); "" where nothing tells it, or more than one thing.

    Its name and route tell it. What else a dose is written with ("stop before eye surgery") does not, but for how
    it is inhaled.
    """
    routes = [word for each in dosages for word in words(name(obj(each, "route")))]
    heard = {word for word in (*names, *routes) if word in _PLACES}
    places = {_PLACES[word] for word in heard}
    if "lung" in places:  # "oral inhalation"
        places = {_PLACES[word] for word in heard - _BY_MOUTH}
    if not places:
        return "" if _INHALED.isdisjoint(words(dose)) else "lung"
    return places.pop() if len(places) == 1 else ""
