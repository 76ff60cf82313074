"""What a site's policy comes to: labels, codes and words, each with the action that it calls for."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from importlib import resources
from typing import Any

from cds_service.sensitive.policy import Action, MoreCodes, Sensitive

_TABLE: Mapping[str, Any] = tomllib.loads(
    resources.files("cds_service.sensitive").joinpath("categories.toml").read_text("utf-8")
)
_STRICTER: tuple[Action, ...] = ("local_only", "hide")
_ICD = (
    _TABLE["systems"]["icd"],
    "http://hl7.org/fhir/sid/icd-10",
    "urn:oid:2.16.840.1.113883.6.90",
)
"""ICD-10 goes by several names; the blocks of our lists are the same in all."""


@dataclass(frozen=True)
class Marks:
    """What to look for; categories that are allowed are not looked for at all."""

    labels: Mapping[str, Action]
    codes: Mapping[tuple[str, str], Action]
    prefixes: Mapping[str, tuple[tuple[str, Action], ...]]
    """By system."""
    words: tuple[tuple[Action, re.Pattern[str]], ...]
    """The strictest first."""

    @cached_property
    def version(self) -> str:
        """Return what tells these marks from others, whether a site's file or our own lists changed."""
        words = [(action, pattern.pattern) for action, pattern in self.words]
        told = repr(
            [
                sorted(self.labels.items()),
                sorted(self.codes.items()),
                sorted(self.prefixes.items()),
                words,
            ]
        )
        return blake2b(told.encode(), digest_size=6).hexdigest()

    @property
    def hides(self) -> bool:
        """Return whether anything is hidden at all."""
        return "hide" in self.labels.values()

    def of_label(self, label: str) -> Action:
        """Return what a security label calls for."""
        return self.labels.get(label, "allow")

    def of_code(self, system: str, code: str) -> Action:
        """Return what a code calls for."""
        action = self.codes.get((system, code), "allow")
        for prefix, other in self.prefixes.get(system, ()):
            if code.startswith(prefix):
                action = strictest((action, other))
        return action

    def of_words(self, text: str) -> Action:
        """Return what the words of a name call for."""
        return next((action for action, words in self.words if words.search(text)), "allow")


def strictest(actions: Iterable[Action]) -> Action:
    """Return the strictest of some actions; `allow` of none."""
    order: tuple[Action, ...] = ("allow", *_STRICTER)
    return max(actions, key=order.index, default="allow")


def load_marks(actions: Sensitive, more: MoreCodes) -> Marks:
    """Return what a site's policy comes to."""
    wanted = {name: action for name, action in dict(actions).items() if action != "allow"}
    labels: dict[str, Action] = {}
    codes: dict[tuple[str, str], Action] = {}
    prefixes: dict[str, list[tuple[str, Action]]] = {}
    for name, action in wanted.items():
        for label in _TABLE[name].get("labels", ()):
            labels[label] = strictest((action, labels.get(label, "allow")))
        for system, code in [*_listed(name), *_added(getattr(more, name))]:
            if code.endswith("*"):
                prefixes.setdefault(system, []).append((code[:-1], action))
            else:
                codes[system, code] = strictest((action, codes.get((system, code), "allow")))
    return Marks(
        labels=labels,
        codes=codes,
        prefixes={system: tuple(found) for system, found in prefixes.items()},
        words=tuple(_words(wanted)),
    )


def _listed(name: str) -> Iterator[tuple[str, str]]:
    for kind, system in _TABLE["systems"].items():
        for code in _TABLE[name].get(kind, ()):
            for each in _ICD if kind == "icd" else (system,):
                yield each, code


def _added(codes: Iterable[str]) -> Iterator[tuple[str, str]]:
    for each in codes:
        system, _, code = each.partition("|")
        yield system, code


def _words(wanted: Mapping[str, Action]) -> Iterator[tuple[Action, re.Pattern[str]]]:
    for action in reversed(_STRICTER):
        found = [
            w for name in wanted if wanted[name] == action for w in _TABLE[name].get("words", ())
        ]
        if found:
            yield action, re.compile(rf"\b(?:{'|'.join(found)})\b", re.IGNORECASE)


DEFAULT = load_marks(Sensitive(), MoreCodes())
