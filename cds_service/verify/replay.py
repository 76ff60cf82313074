"""Remembers each token's `jti` until the token has expired, by issuer."""

from dataclasses import dataclass, field
from heapq import heappop, heappush

from cds_service.domain.errors import NotTrusted


@dataclass(slots=True)
class Replay:
    """The `(iss, jti)` pairs seen, dropped once their token has expired anyway."""

    _seen: dict[tuple[str, str], float] = field(default_factory=dict)
    _ends: list[tuple[float, tuple[str, str]]] = field(default_factory=list)
    """A heap: the token that expires first is in front."""

    def check(self, issuer: str, jti: str, *, expires: float, now: float, policy: str) -> None:
        """Check that a token is new, and remember it. Raises `NotTrusted`.

        `policy` is the site's: `strict`, `window:N` (the same token again within N seconds of its first
        use, for test tools that send one token with several bodies) or `off`. Times are epoch seconds.
        """
        self._forget(now)
        key = (issuer, jti)
        first = self._seen.get(key)
        if first is None:
            self._seen[key] = now
            heappush(self._ends, (expires, key))
            return
        grace = float(policy.removeprefix("window:")) if policy.startswith("window:") else -1.0
        if policy != "off" and now - first > grace:
            raise NotTrusted("replayed")

    def _forget(self, now: float) -> None:
        while self._ends and self._ends[0][0] < now:
            _, key = heappop(self._ends)
            self._seen.pop(key, None)
