"""The EHRs' public keys: fetched only from what the site file names, cached, refetched with a floor."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from math import isfinite
from pathlib import Path

import httpx
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, SECP521R1
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey as EcKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from cds_service.domain.errors import NotJson, NotTrusted
from cds_service.domain.json import decode
from cds_service.sites import Site, Trust

REFETCH_FLOOR_S = 10.0
"""An unknown `kid` refetches its key set at most this often."""
MAX_AGE_S = 3600.0
"""Millennium rotates about every two days, Epic less often: an hour keeps both fresh."""
MAX_STALE_S = 24 * 3600.0
"""For how long keys at hand outlive their server: a night's outage, not a revocation that is withheld from us."""
MAX_SET_BYTES = 512 * 1024
MIN_RSA_BITS = 2048
_FETCH_S = 2.0
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity"}
"""A key set is small: what is packed could only be a bomb."""

_CURVES = {SECP256R1: "ES256", SECP384R1: "ES384", SECP521R1: "ES512"}

KNOWN_PRIVATE_KIDS = frozenset({"example-kid", "44823f3d-0b01-4a6c-a80e-b9d3e8a7226f"})
"""`kid`s of the keys whose private halves are public: the specification's sample and the hosted sandbox's."""
KNOWN_PRIVATE_KEYS = frozenset(
    {
        "46SDH7Znh821wblCBglA61sNE9ZrHYKKt3qRtRTmSXyOI_FIGBLWrWa0GPUkDCEk",
        "dw_JGR8nB2I6XveNxUOl2qk699ZPLM2nYI5STSdiEl9avAkrm3CkfYMbrrjr8laB",
    }
)
"""Their `x` coordinates: under another `kid` they are the same keys."""

KeySource = str | Path
"""The address of a key set, or its file."""
PublicKey = EcKey | RSAPublicKey


@dataclass(slots=True)
class _KeySet:
    keys: Mapping[str, PublicKey] = field(default_factory=dict)
    fetched: float = float("-inf")
    tried: float = float("-inf")
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    refresh: asyncio.Task[None] | None = None
    """Kept, because the loop holds tasks only weakly."""


@dataclass(slots=True, kw_only=True)
class KeySets:
    """All key sets by their address (an URL, or the path of a file)."""

    client: Callable[[Site], httpx.AsyncClient]
    """How the servers of a site are reached."""
    clock: Callable[[], float]
    trust_public_sandbox: bool = False
    _sets: dict[tuple[str, str], _KeySet] = field(default_factory=dict)
    """By site and source: one site's broken key server is no other's."""

    async def find(self, site: Site, source: KeySource, kid: str) -> PublicKey:
        """Return the key with this `kid`, compared as the raw string that was sent.

        From half its age on a set is refetched beside the call, so that busy sites never wait; past its age
        the call waits for it, so that a withdrawn key is gone. While a refetch fails the set at hand serves
        on, but not past `MAX_STALE_S`. Raises `NotTrusted` when no set holds the key, or when it is too old.
        """
        known = self._known(site, source)
        if self._is_wanting(known, kid):
            async with known.lock:  # who needs a key that is on its way waits for it
                if self._is_wanting(known, kid) and self._is_due(known):
                    await self._refetch(site, source, known)
        elif self._age(known) > MAX_AGE_S / 2 and self._is_due(known):
            known.refresh = asyncio.create_task(self._refetch(site, source, known))
        key = known.keys.get(kid)
        if key is None:
            raise NotTrusted("unknown_kid", theirs=kid)
        if self._age(known) > MAX_STALE_S:
            raise NotTrusted("keys_too_old")
        return key

    def has(self, site: Site, source: KeySource) -> bool:
        """Return whether a set is at hand that may still be used; readiness tells when it is not."""
        known = self._known(site, source)
        return bool(known.keys) and self._age(known) <= MAX_STALE_S

    def ages(self, sites: Iterable[Site]) -> dict[str, int]:
        """Return the age in seconds of each site's oldest key set; a site of which one was never had is left out."""
        oldest = {
            site.name: max(self._age(self._known(site, source)) for source in key_sources(site))
            for site in sites
        }
        return {name: int(age) for name, age in oldest.items() if isfinite(age)}

    async def warm(self, sites: Iterable[Site]) -> None:
        """Fetch every set once, at start; one that cannot be had is fetched at its first call."""
        every = [(site, source) for site in sites for source in key_sources(site)]
        await asyncio.gather(
            *(self._refetch(site, source, self._known(site, source)) for site, source in every)
        )

    def _known(self, site: Site, source: KeySource) -> _KeySet:
        return self._sets.setdefault((site.name, str(source)), _KeySet())

    def _age(self, known: _KeySet) -> float:
        return self.clock() - known.fetched

    def _is_wanting(self, known: _KeySet, kid: str) -> bool:
        return kid not in known.keys or self._age(known) > MAX_AGE_S

    def _is_due(self, known: _KeySet) -> bool:
        """Return whether this set may be fetched now, and if so count it as tried."""
        due = self.clock() - known.tried > REFETCH_FLOOR_S
        if due:
            known.tried = self.clock()
        return due

    async def _refetch(self, site: Site, source: KeySource, known: _KeySet) -> None:
        body = await (
            self._load(source) if isinstance(source, Path) else self._fetch(site, source)
        )
        keys = self._parse(body) if body is not None else {}
        if keys:
            known.keys, known.fetched = keys, self.clock()

    async def _load(self, file: Path) -> bytes | None:
        try:
            return await asyncio.to_thread(file.read_bytes)
        except OSError:
            return None

    async def _fetch(self, site: Site, url: str) -> bytes | None:
        try:
            async with (
                asyncio.timeout(_FETCH_S),
                self.client(site).stream("GET", url, headers=_HEADERS) as response,
            ):
                return await _read(response) if response.status_code == HTTPStatus.OK else None
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError):
            return None

    def _parse(self, body: bytes) -> dict[str, PublicKey]:
        try:
            data = decode(body)
        except NotJson:
            return {}
        listed = data.get("keys") if isinstance(data, dict) else None
        keys = {}
        for jwk in listed if isinstance(listed, list) else ():
            kid = jwk.get("kid") if isinstance(jwk, dict) else None
            if not isinstance(kid, str) or (_is_everybodys(jwk) and not self.trust_public_sandbox):
                continue
            key = _public_key(jwk)
            if key is not None:
                keys[kid] = key
        return keys


def key_source(trust: Trust) -> KeySource:
    """Return where an issuer's keys are: the site file names one of the two."""
    source = trust.jwks_url or trust.jwks_file
    if source is None:
        raise NotTrusted("no_key_set")
    return source


def key_sources(site: Site) -> list[KeySource]:
    """Return where all keys of a site are."""
    return [key_source(trust) for trust in site.file.trust]


async def _read(response: httpx.Response) -> bytes | None:
    """Return the body, or None as soon as it grows past the limit."""
    body = b""
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MAX_SET_BYTES:
            return None
    return body


def _is_everybodys(jwk: dict[str, object]) -> bool:
    """Return whether anybody can sign with a key, because its private half is printed beside it."""
    return jwk.get("kid") in KNOWN_PRIVATE_KIDS or jwk.get("x") in KNOWN_PRIVATE_KEYS


def _public_key(jwk: dict[str, object]) -> PublicKey | None:
    """Return an asymmetric public key, or None: symmetric and unknown kinds are skipped."""
    if jwk.get("kty") not in ("EC", "RSA") or jwk.get("use", "sig") != "sig":
        return None
    try:
        key = PyJWK({k: v for k, v in jwk.items() if k != "alg"} | {"alg": _alg_for(jwk)}).key
    except (PyJWTError, ValueError, TypeError, KeyError):
        return None
    if isinstance(key, RSAPublicKey):
        return key if key.key_size >= MIN_RSA_BITS else None
    return key if isinstance(key, EcKey) else None


def _alg_for(jwk: dict[str, object]) -> str:
    if jwk["kty"] == "RSA":
        return "RS384"
    return {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}[str(jwk["crv"])]


def fits(key: PublicKey, algorithm: str) -> bool:
    """Return whether an algorithm is one that this key's type and curve can have made."""
    if isinstance(key, RSAPublicKey):
        return algorithm[:2] in {"RS", "PS"}
    return _CURVES.get(type(key.curve)) == algorithm
