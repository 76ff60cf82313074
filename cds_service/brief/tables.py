"""The rules' data files, read once at import: windows, LOINC groups, terms, ingredients."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

_WORD = re.compile(r"[a-z0-9]+")


def _load(name: str) -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath("data", f"{name}.toml").read_text("utf-8"))


@dataclass(frozen=True, slots=True)
class Group:
    """LOINC codes that make one line: its name, its place in reading order and its thresholds."""

    name: str
    section: str
    place: int
    trend: float | None
    """The smallest change that is called a trend, in the unit of the result."""
    percent: float
    stale_days: int | None
    change: bool
    """Whether the difference from the value before is told."""


@dataclass(frozen=True, slots=True)
class Ingredient:
    """A medicine that rules know, with the high-alert group it belongs to, if any."""

    name: str
    high_alert: str = ""


@dataclass(frozen=True, slots=True)
class DrugClass:
    """Ingredients that share an allergy."""

    name: str
    names: tuple[tuple[str, ...], ...]
    members: frozenset[str]
    by_name_only: bool
    """True: only an allergy to the class by name reaches its members."""


def words(text: str) -> tuple[str, ...]:
    """Return the lower-case words of a text, as matching compares them."""
    return tuple(_WORD.findall(text.lower()))


def _groups(table: Mapping[str, Any]) -> dict[str, Group]:
    found: dict[str, Group] = {}
    for part in table["group"]:
        for entry in part["entries"]:
            group = Group(
                name=entry["name"],
                section=part["section"],
                place=len(found),
                trend=entry.get("trend"),
                percent=entry.get("percent", 10),
                stale_days=entry.get("stale_days"),
                change=entry.get("change", False),
            )
            found.update(dict.fromkeys(entry["codes"], group))
    return found


def _ingredients(table: Mapping[str, Any]) -> dict[str, tuple[Ingredient, list[str]]]:
    parts = [*table["high_alert"].items(), ("", table["other"])]
    return {
        name: (Ingredient(name, alert), entry)
        for alert, entries in parts
        for name, entry in entries.items()
    }


def _by_word(
    known: Mapping[str, tuple[Ingredient, list[str]]],
) -> dict[str, list[tuple[tuple[str, ...], Ingredient]]]:
    """Return the names and brands by their first word, longest first."""
    found: dict[str, list[tuple[tuple[str, ...], Ingredient]]] = {}
    for name, (ingredient, (_, *brands)) in known.items():
        for each in (name, *brands):
            key = words(each)
            found.setdefault(key[0], []).append((key, ingredient))
    for names in found.values():
        names.sort(key=lambda pair: -len(pair[0]))
    return found


def _classes(table: Mapping[str, Any]) -> tuple[DrugClass, ...]:
    return tuple(
        DrugClass(
            name=name,
            names=tuple(words(each) for each in entry["names"]),
            members=frozenset(entry["members"]),
            by_name_only=entry.get("by_name_only", False),
        )
        for name, entry in table["class"].items()
    )


_WINDOWS, _LOINC, _TERMS, _DRUGS = map(_load, ("windows", "loinc", "terms", "ingredients"))
_KNOWN = _ingredients(_DRUGS)

DAYS: Mapping[str, int] = _WINDOWS["days"]
COUNT: Mapping[str, int] = _WINDOWS["count"]
CRITICAL: Mapping[str, Mapping[str, Any]] = _WINDOWS["critical"]
TERMS: Mapping[str, Any] = _TERMS
GROUPS: Mapping[str, Group] = _groups(_LOINC)
PRESSURE: Mapping[str, Any] = _LOINC["pressure"]
CLASSES: tuple[DrugClass, ...] = _classes(_DRUGS)
RXNORM: Mapping[str, Ingredient] = {entry[0]: each for each, entry in _KNOWN.values() if entry[0]}
_NAMES = _by_word(_KNOWN)


def ingredients(text: str) -> frozenset[Ingredient]:
    """Return the ingredients that a text names, by name or brand; the longest name at each place counts."""
    found, said, at = set(), words(text), 0
    while at < len(said):
        for key, ingredient in _NAMES.get(said[at], ()):
            if said[at : at + len(key)] == key:
                found.add(ingredient)
                at += len(key) - 1
                break
        at += 1
    return frozenset(found)
