"""From audit entries to what the checks want to know of the calls already seen."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from cds_service.domain.observed import Calls, Differs

_STRIPPED = ("context", "hookInstance", "hook must")
_CLAIMS = {
    "audience": "aud",
    "issuer": "iss",
    "jku": "jku",
    "unknown_kid": "kid",
    "algorithm": "alg",
    "subject": "sub",
}
"""Reasons of refusals, and the claim whose value differed."""
Row = Mapping[str, Any]
_NEWEST = 20
"""Calls of a service that are asked for their prefetch keys: what was mended is not held against it for ever."""


class _Fold:
    """Counts entries of one site; the newest come first."""

    def __init__(self) -> None:
        self.refused: Counter[str] = Counter()
        self.issues: Counter[str] = Counter()
        self.access: Counter[str] = Counter()
        self.triggers: Counter[str] = Counter()
        self.by_service: Counter[str] = Counter()
        self.prefetch: dict[str, Counter[str]] = {}
        self.differs: dict[str, Differs] = {}
        self.counts: Counter[str] = Counter()
        self.token_s: list[int] = []
        self.took_ms: list[float] = []
        self.current: set[str] = set()
        self.ungranted: Counter[str] = Counter()
        self.is_past = False
        """Whether a good call was met already: rows come newest first."""

    def answer(self, row: Row) -> None:
        """Count one hook call."""
        facts, outcome = row["facts"], str(row["outcome"])
        reason, service = str(facts.get("reason", "")), str(facts.get("service", ""))
        many = int(facts.get("count", 1))
        if outcome == "not_trusted":
            self._refusal(reason, facts, many)
            return
        self.counts["answered"] += outcome in {"ok", "nothing_to_say"}
        if outcome != "ok":
            self.issues[reason if outcome == "nothing_to_say" else outcome] += many
        if reason == "trigger_not_answered":
            self.triggers[str(facts.get("trigger", "?"))] += 1
        if (outcome == "bad_call" and reason.startswith(_STRIPPED)) or (
            outcome == "missing_context" and facts.get("bare")
        ):
            self.counts["stripped"] += 1
            self._met("stripped")
        if "prefetch" in facts and self.by_service[service] < _NEWEST:
            self.by_service[service] += 1
            self.prefetch.setdefault(service, Counter()).update(str(facts["prefetch"]).split())
        self._answered(facts, outcome)

    def _answered(self, facts: Mapping[str, Any], outcome: str) -> None:
        if isinstance(facts.get("token_s"), int):
            self.token_s.append(facts["token_s"])
        if outcome != "ok":
            return
        self.is_past = True
        self.access[str(facts.get("access", "?"))] += 1
        self.took_ms.append(float(facts.get("took_ms", 0.0)))
        if facts.get("mode") is None:
            cards = facts.get("cards", ())
            self.counts["cards"] += len(cards) if isinstance(cards, list) else int(cards or 0)
            self.counts["links"] += int(facts.get("links", 0))

    def _met(self, reason: str) -> None:
        if not self.is_past:
            self.current.add(reason)

    def _refusal(self, reason: str, facts: Mapping[str, Any], many: int) -> None:
        self.refused[reason] += many
        self._met(reason)
        claim, theirs = _CLAIMS.get(reason), facts.get("theirs")
        if claim and isinstance(theirs, str):
            known = self.differs.get(claim)
            self.differs[claim] = known or Differs(
                reason=reason, claim=claim, theirs=theirs, count=0
            )


def calls_of(rows: Iterable[Row]) -> Calls:
    """Return what a site's newest audit entries say of its calls."""
    fold = _Fold()
    for row in rows:
        if row["action"] == "answer":
            fold.answer(row)
        elif row["action"] == "feedback" and row["outcome"] == "ok":
            fold.counts["feedback"] += int(row["facts"].get("items", 0))
        elif row["action"] == "sign_in" and row["outcome"] == "ok":
            fold.counts["launches"] += 1
            fold.ungranted.update(row["facts"].get("missing_scopes", ()))
    return Calls(
        answered=fold.counts["answered"],
        refused=dict(fold.refused),
        differs=tuple(
            replace(each, count=fold.refused[each.reason]) for each in fold.differs.values()
        ),
        past=frozenset({*fold.refused, "stripped"} - fold.current),
        stripped=fold.counts["stripped"],
        prefetch={service: dict(keys) for service, keys in fold.prefetch.items()},
        by_service=dict(fold.by_service),
        access=dict(fold.access),
        token_s=tuple(fold.token_s),
        triggers=dict(fold.triggers),
        took_ms=tuple(fold.took_ms),
        cards=fold.counts["cards"],
        links=fold.counts["links"],
        launches=fold.counts["launches"],
        ungranted=dict(fold.ungranted),
        feedback=fold.counts["feedback"],
        issues=dict(fold.issues),
    )
