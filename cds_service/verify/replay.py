"""Remembers each token's `jti` until the token has expired, by issuer, over restarts and in all processes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from heapq import heappop, heappush

from cds_service.domain.errors import NotTrusted, StorageAway
from cds_service.storage.replay import UsedTokens, token_key


@dataclass(slots=True)
class Replay:
    """The tokens seen, dropped once they have expired anyway; `used` keeps them beyond this process."""

    used: UsedTokens | None = None
    _seen: dict[bytes, float] = field(default_factory=dict)
    _ends: list[tuple[float, bytes]] = field(default_factory=list)
    """A heap: the token that expires first is in front."""

    async def check(
        self, issuer: str, jti: str, *, expires: float, now: float, policy: str
    ) -> None:
        """Check that a token is new, and remember it. Raises `NotTrusted`.

        `policy` is the site's: `strict`, `window:N` (the same token again within N seconds of its first
        use, for test tools that send one token with several bodies) or `off`. Times are epoch seconds.
        """
        self._forget(now)
        key = token_key(issuer, jti)
        first = self._seen.get(key)
        if first is None:
            # Known here from now on: a second call that comes while the first one waits is refused.
            self._remember(key, now, expires)
            first = await self._claim(key, now, expires)
        if first is None:
            return
        grace = float(policy.removeprefix("window:")) if policy.startswith("window:") else -1.0
        if policy != "off" and now - first > grace:
            raise NotTrusted("replayed")

    def restore(self, known: Mapping[bytes, tuple[float, float]]) -> None:
        """Take in what was used before this process began: first use and expiry by key."""
        for key, (first, expires) in known.items():
            self._remember(key, first, expires)

    async def _claim(self, key: bytes, now: float, expires: float) -> float | None:
        """Claim a token in all processes; one that could not be claimed may come again."""
        if self.used is None:
            return None
        try:
            return await self.used.claim(key, first=now, expires=expires)
        except StorageAway:
            self._seen.pop(key, None)
            raise

    def _remember(self, key: bytes, first: float, expires: float) -> None:
        self._seen[key] = first
        heappush(self._ends, (expires, key))

    def _forget(self, now: float) -> None:
        while self._ends and self._ends[0][0] < now:
            _, key = heappop(self._ends)
            self._seen.pop(key, None)
