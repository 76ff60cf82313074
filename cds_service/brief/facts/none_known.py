"""What a text that denies allergies covers: "NKDA - No Known Drug Allergies." says no more than either half of it."""

import re
from collections.abc import Collection

from cds_service.domain.tables import NoKnown, Tables, whole_text, words

Scopes = tuple[str, ...]
"""What is covered, () for everything."""
UNKNOWN: Scopes = ("unknown",)
"""Of a text that says that nothing is known, which is not the same as none."""

_PARTS = re.compile(r"[-/+,;&|()\[\]\u2013\u2014]| and ")
"""Between texts that stand side by side."""


def scopes(tables: Tables, said: str) -> Scopes | None:
    """Return what a text covers that says that no allergy is known, None for any other text.

    A text of several parts counts only where each of them is known: "NKDA, penicillin" denies nothing.
    """
    known, first = tables.no_known, words(said)[:1]
    if (first and first[0] not in known.begins) or "?" in said:
        return None
    whole = _scope(known, said)
    if whole is not None:
        return _of([whole])
    parts = [each for each in _PARTS.split(said.lower()) if whole_text(each)]
    found = [scope for each in parts if (scope := _scope(known, each)) is not None]
    if found and len(found) == len(parts):
        return _of(found)
    return _of_one(tables, whole_text(said))


def _of_one(tables: Tables, heard: tuple[str, ...]) -> Scopes | None:
    """Return the one medicine or class that "no known allergy to X" covers, where nothing else is said of it."""
    for lead in tables.no_known.to_one:
        rest = heard[len(lead) :]
        if heard[: len(lead)] == lead and rest and _is_medicine(tables, rest):
            return (" ".join(rest),)
    return None


def _is_medicine(tables: Tables, said: tuple[str, ...]) -> bool:
    named = (key for key, _ in tables.by_word.get(said[0], ()))
    return said in named or any(said in each.names for each in tables.classes)


def _scope(known: NoKnown, said: str) -> str | None:
    """Return what one text covers, with or without a beginning such as "Allergies:"."""
    heard = whole_text(said)
    if heard in known.texts:
        return known.texts[heard]
    for lead in known.leads:
        if heard[: len(lead)] == lead and heard[len(lead) :] in known.texts:
            return known.texts[heard[len(lead) :]]
    return None


def _of(found: Collection[str]) -> Scopes:
    if UNKNOWN[0] in found:
        return UNKNOWN
    return () if "" in found else tuple(dict.fromkeys(found))
