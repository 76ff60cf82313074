"""SMART scopes of both syntaxes: read, compared and written.

SMART App Launch 2.2, "Scopes and launch context": v1 is `user/Patient.read`, v2 is `user/Patient.rs`, optionally
narrowed (`user/Observation.rs?category=laboratory`). What is no resource scope (`launch`, `openid`) is a plain word.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, Self

Syntax = Literal["v1", "v2"]
Verb = Literal["c", "r", "u", "d", "s"]
VERBS = "cruds"

_SCOPE = re.compile(r"(patient|user|system)/([A-Za-z]+|\*)\.(read|write|\*|c?r?u?d?s?)(?:\?(.*))?")
_V1 = {"read": "rs", "write": "cud", "*": VERBS}


@dataclass(frozen=True, slots=True)
class Scope:
    """One resource scope."""

    level: str
    """`patient`, `user` or `system`."""
    type: str
    """A resource type, or `*`."""
    verbs: str
    """Of `cruds`, in that order."""
    narrowed: str = ""
    """The query after `?`; what lies outside of it is not granted."""

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return one scope of either syntax, or None for a word that is no resource scope."""
        match = _SCOPE.fullmatch(text)
        if match is None:
            return None
        return cls(match[1], match[2], _V1.get(match[3], match[3]), match[4] or "")

    def grants(self, resource_type: str, verb: str) -> bool:
        """Return whether this lets a type be created, read, updated, deleted or searched (one of `cruds`)."""
        return self.type in {resource_type, "*"} and verb in self.verbs

    def write(self, syntax: Syntax) -> tuple[str, ...]:
        """Return this as the words of a syntax; v1 knows no finer grain than `read` and `write`."""
        if syntax == "v2":
            query = f"?{self.narrowed}" if self.narrowed else ""
            return (f"{self.level}/{self.type}.{self.verbs}{query}",)
        kinds = [kind for kind in ("read", "write") if set(_V1[kind]) & set(self.verbs)]
        return tuple(f"{self.level}/{self.type}.{kind}" for kind in kinds)


def resource_scopes(words: Iterable[str]) -> tuple[Scope, ...]:
    """Return the resource scopes among words."""
    return tuple(scope for word in words if (scope := Scope.parse(word)))


def grants(scope: str, resource_type: str, verb: Verb) -> list[str] | None:
    """Return the query of each granted scope that permits this, "" for none; None when no scope can be read."""
    scopes = resource_scopes(scope.split())
    if not scopes:
        return None
    return [each.narrowed for each in scopes if each.grants(resource_type, verb)]


def written(words: Iterable[str], syntax: Syntax) -> tuple[str, ...]:
    """Return words as a vendor's syntax has them, each once, in their order."""
    told: list[str] = []
    for word in words:
        scope = Scope.parse(word)
        told += scope.write(syntax) if scope else (word,)
    return tuple(dict.fromkeys(told))


def shortfalls(asked: Iterable[str], granted: Iterable[str]) -> tuple[str, ...]:
    """Return by name what was asked for and not granted, e.g. `system/Observation.s`.

    A wider grant covers a narrower wish (`*` a type, v1 `read` v2 `rs`); a grant that is narrowed by a query covers
    only a wish that is narrowed alike. A grant in words of the vendor's own (Epic lists API names) says nothing about
    SMART scopes, and none is reported.
    """
    words = frozenset(granted)
    held = resource_scopes(words)
    if not held and words - _PLAIN:
        return ()
    return tuple(dict.fromkeys(_missing(asked, held, words)))


def _missing(
    asked: Iterable[str], held: tuple[Scope, ...], words: frozenset[str]
) -> Iterator[str]:
    for word in asked:
        wish = Scope.parse(word)
        if wish is None:
            if word not in words | _NOT_TOLD:
                yield word
            continue
        lacking = "".join(verb for verb in wish.verbs if not _covered(wish, verb, held))
        if lacking:
            query = f"?{wish.narrowed}" if wish.narrowed else ""
            yield f"{wish.level}/{wish.type}.{lacking}{query}"


_NOT_TOLD = frozenset({"launch", "openid", "fhirUser", "profile"})
"""Many servers leave these out of the answer; whether they held shows in the answer itself."""
_PLAIN = _NOT_TOLD | {"launch/patient", "launch/encounter", "online_access", "offline_access"}


def _covered(wish: Scope, verb: str, held: tuple[Scope, ...]) -> bool:
    return any(
        have.level == wish.level
        and have.grants(wish.type, verb)
        and have.narrowed in {"", wish.narrowed}
        for have in held
    )
