"""Knows every access token that was issued and what each of them permits."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

Interaction = Literal["r", "s", "c", "u", "d"]

_SMART = re.compile(r"^(patient|user|system)/(\*|[A-Za-z]+)\.([a-z*]+)(?:\?.*)?$")
_API_NAME = re.compile(r"([A-Za-z]+)\.(Read|Search|Create|Update)(?: \([^)]*\))*")
_V1 = {"read": "rs", "write": "cud", "*": "cruds"}
_API_VERB = {"Read": "r", "Search": "s", "Create": "c", "Update": "u"}


@dataclass(frozen=True, slots=True)
class Grant:
    """One access token: who holds it, for which patient, until when."""

    token: str
    client_id: str
    scope: str
    expires_at: datetime
    patient: str | None = None
    user: str | None = None

    def allows(self, kind: str, interaction: Interaction) -> bool:
        """Tell whether the scope permits an interaction: SMART v1, v2 or API-name syntax."""
        return any(
            kind == name and interaction == _API_VERB[verb]
            for name, verb in _API_NAME.findall(self.scope)
        ) or any(_smart_allows(part, kind, interaction) for part in self.scope.split())


def _smart_allows(scope: str, kind: str, interaction: Interaction) -> bool:
    match = _SMART.match(scope)
    if match is None:
        return False
    _, name, verbs = match.groups()
    return name in {"*", kind} and interaction in _V1.get(verbs, verbs)


class Grants:
    """The tokens of one EHR."""

    def __init__(self, *, clock: Callable[[], datetime], ids: Callable[[], str]) -> None:
        """Take the clock that decides expiry and the source of token values."""
        self._clock = clock
        self._ids = ids
        self._held: dict[str, Grant] = {}

    def issue(
        self,
        client_id: str,
        scope: str,
        *,
        lifetime_s: int,
        patient: str | None = None,
        user: str | None = None,
    ) -> Grant:
        """Issue a token; `patient` limits it to one patient."""
        grant = Grant(
            token=f"sim-{self._ids()}",
            client_id=client_id,
            scope=scope,
            expires_at=self._clock() + timedelta(seconds=lifetime_s),
            patient=patient,
            user=user,
        )
        self._held[grant.token] = grant
        return grant

    def find(self, token: str) -> Grant | None:
        """Give the grant of a token that is known and not past its end."""
        grant = self._held.get(token)
        return grant if grant is not None and self._clock() < grant.expires_at else None

    def revoke(self, token: str) -> None:
        """Forget a token; unknown tokens are ignored."""
        self._held.pop(token, None)
