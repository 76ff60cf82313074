"""What a text that denies allergies covers: "NKDA - No Known Drug Allergies." says no more than either half of it."""

import re
from collections.abc import Collection

from cds_service.domain.tables import NoKnown, whole_text, words

Scopes = tuple[str, ...]
"""What is covered, () for everything."""
UNKNOWN: Scopes = ("unknown",)
"""Of a text that says that nothing is known, which is not the same as none."""

_PARTS = re.compile(r"[-/+,;&|()\[\]\u2013\u2014]| and ")
"""Between texts that stand side by side."""


def scopes(known: NoKnown, said: str) -> Scopes | None:
    """Return what a text covers that says that no allergy is known, None for any other text.

    A text of several parts counts only where each of them is known: "NKDA, penicillin" denies nothing.
    """
    first = words(said)[:1]
    if (first and first[0] not in known.begins) or "?" in said:
        return None
    whole = _scope(known, said)
    if whole is not None:
        return _of([whole])
    parts = [each for each in _PARTS.split(said.lower()) if whole_text(each)]
    found = [scope for each in parts if (scope := _scope(known, each)) is not None]
    return _of(found) if found and len(found) == len(parts) else None


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
