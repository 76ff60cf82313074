"""Our signing keys: what proves us to an EHR's token endpoint, and how a key is replaced without a failed call.

An EHR keeps a copy of our key set (Epic for up to 29 hours), so that a new key must be published long before the
first assertion is signed with it, and an old one must stay published for a while afterwards:

    rotate          new key published, old key signs
    + LEAD          new key signs, old key published
    + LEAD + KEPT   old key gone

The keys lie in one file of mode 0600, replaced as a whole; every running process sees a change within a second.
"""

import fcntl
import json
import logging
import os
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from cds_service.domain.errors import Misconfigured

SigningAlgorithm = Literal["ES384", "RS384"]
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
MakeKey = Callable[[SigningAlgorithm], PrivateKey]

ALGORITHMS: tuple[SigningAlgorithm, ...] = ("ES384", "RS384")
"""SMART App Launch 2.2, client-confidential-asymmetric: both, so that every EHR finds one that it supports."""
LEAD = timedelta(hours=30)
"""From publishing a key to signing with it: one hour more than the longest known cache of a key set (Epic: 29 h)."""
KEPT = timedelta(hours=48)
"""From the last signature of a key to its removal from the key set."""
MAX_AGE_S = 3600
"""How long we allow a cache to keep our key set."""
RSA_BITS = 3072
_LOOK_EVERY_S = 1.0
_KID_BYTES = 12
log = logging.getLogger("cds_service")


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key pair of ours and the times between which it is what."""

    kid: str
    algorithm: SigningAlgorithm
    created: datetime
    signs_from: datetime
    published_until: datetime | None
    """When it leaves the key set; None while no newer key is to follow it."""
    private: PrivateKey = field(repr=False)

    def public_jwk(self) -> dict[str, Any]:
        """Return the public half (RFC 7517): nothing of the private one is in it."""
        public = self.private.public_key()
        made = (
            ECAlgorithm.to_jwk(public, as_dict=True)
            if isinstance(public, ec.EllipticCurvePublicKey)
            else RSAAlgorithm.to_jwk(public, as_dict=True)
        )
        members = ("kty", "crv", "x", "y", "n", "e")
        told = {name: made[name] for name in members if name in made}
        return {**told, "kid": self.kid, "alg": self.algorithm, "use": "sig"}


Keys = tuple[SigningKey, ...]


def facts_of(keys: Keys) -> dict[str, str | list[str]]:
    """Return what the audit keeps of new keys."""
    first = min(key.signs_from for key in keys)
    return {"for": "sign", "kids": [key.kid for key in keys], "signs_from": first.isoformat()}


def new_keys(make_key: MakeKey, *, now: datetime, signs_from: datetime) -> Keys:
    """Return one new key for each algorithm."""
    return tuple(
        SigningKey(
            kid=os.urandom(_KID_BYTES).hex(),
            algorithm=algorithm,
            created=now,
            signs_from=signs_from,
            published_until=None,
            private=make_key(algorithm),
        )
        for algorithm in ALGORITHMS
    )


def make_key(algorithm: SigningAlgorithm) -> PrivateKey:
    """Return a new key pair: P-384, or RSA of 3072 bits."""
    if algorithm == "ES384":
        return ec.generate_private_key(ec.SECP384R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)


def published(keys: Keys, now: datetime) -> Keys:
    """Return the keys that stand in our key set at a time, newest first."""
    shown = [k for k in keys if k.published_until is None or k.published_until > now]
    return tuple(sorted(shown, key=lambda key: key.created, reverse=True))


def signing(keys: Keys, algorithm: SigningAlgorithm, now: datetime) -> SigningKey:
    """Return the key that signs at a time: the newest whose time has come. Raises `Misconfigured`."""
    ready = [k for k in keys if k.algorithm == algorithm and k.signs_from <= now]
    if not ready:
        raise Misconfigured(f"There is no {algorithm} signing key: run `cds-service keys rotate`.")
    return max(reversed(ready), key=lambda key: key.created)


def rotated(keys: Keys, new: Keys, *, now: datetime) -> Keys:
    """Return the keys after a rotation: what is gone dropped, what is there given an end, the new ones added.

    Keys of an earlier rotation that nobody has signed with yet are followed like any other: a second rotation
    breaks no promise of the first.
    """
    ends = max(key.signs_from for key in new) + KEPT
    kept = tuple(
        SigningKey(
            kid=key.kid,
            algorithm=key.algorithm,
            created=key.created,
            signs_from=key.signs_from,
            published_until=key.published_until or ends,
            private=key.private,
        )
        for key in published(keys, now)
    )
    return (*kept, *new)


@dataclass(slots=True, kw_only=True)
class KeyFile:
    """The file of our signing keys, read again when it changed."""

    path: Path
    now: Callable[[], datetime]
    clock: Callable[[], float]
    make_missing: bool = False
    """The demo's relaxation: keys are made when they are first needed."""
    make_key: MakeKey = make_key
    tell: Callable[[Keys], None] = lambda _: None
    """Hears of keys that were made when they were first needed."""
    _keys: Keys = ()
    _stamp: tuple[int, int] = (0, 0)
    _looked: float = float("-inf")

    def keys(self) -> Keys:
        """Return all keys; the file is looked at once a second at most.

        A file that was good and cannot be read now is told in the log, and its keys serve on. Raises `Misconfigured`
        when there never was a good one.
        """
        if self.clock() - self._looked >= _LOOK_EVERY_S:
            self._looked = self.clock()
            self._look()
        return self._keys

    def _look(self) -> None:
        if self.make_missing and not self.path.exists():
            with self.rotating() as made:
                self.tell(made)
            log.warning("demo profile: made signing keys at %s", self.path)
        try:
            stamp = _stamp(self.path)
            if stamp != self._stamp:
                self._keys, self._stamp = load(self.path), stamp
        except Misconfigured as problem:
            if not self._keys:
                self._looked = float("-inf")
                raise
            log.warning("signing keys: %s", problem.detail)

    def signing(self, algorithm: SigningAlgorithm) -> SigningKey:
        """Return the key that signs now. Raises `Misconfigured`."""
        return signing(self.keys(), algorithm, self.now())

    def key_set(self) -> Mapping[str, object]:
        """Return our public JWK set (RFC 7517 section 5) as it stands now."""
        return {"keys": [key.public_jwk() for key in published(self.keys(), self.now())]}

    def rotate(self, *, lead: timedelta = LEAD) -> None:
        """Add new keys and store them."""
        with self.rotating(lead=lead):
            pass

    @contextmanager
    def rotating(self, *, lead: timedelta = LEAD) -> Iterator[Keys]:
        """Give new keys, to be told of; they are stored beside the others when the block has ended well.

        A missing file is made. One rotation at a time, across processes.
        """
        with _locked(self.path):
            known, now = load(self.path) if self.path.exists() else (), self.now()
            new = new_keys(self.make_key, now=now, signs_from=now + lead if known else now)
            yield new
            _save(self.path, rotated(known, new, now=now))
        self._looked = float("-inf")

    @contextmanager
    def revoking(self) -> Iterator[Keys]:
        """Give new keys, which replace all others when the block has ended well: one of those was stolen.

        Calls fail until each EHR has fetched our key set again.
        """
        with _locked(self.path):
            now = self.now()
            new = new_keys(self.make_key, now=now, signs_from=now)
            yield new
            _save(self.path, new)
        self._looked = float("-inf")


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        raise Misconfigured(
            f"There are no signing keys at {path}: run `cds-service keys rotate` to make the first."
        ) from None
    return (found.st_ino, found.st_mtime_ns)


def load(path: Path) -> Keys:
    """Read a key file. Raises `Misconfigured` with what to do."""
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise Misconfigured(
            f"{path}: signing keys must be readable by their owner only: chmod 600."
        )
    try:
        rows = json.loads(path.read_text(encoding="ascii"))["keys"]
        return tuple(_parsed(row) for row in rows)
    except (OSError, ValueError, KeyError, TypeError):
        raise Misconfigured(
            f"{path}: not a file of signing keys; restore it, or move it away and rotate."
        ) from None


def _parsed(row: Mapping[str, Any]) -> SigningKey:
    private = serialization.load_pem_private_key(row["private"].encode("ascii"), password=None)
    algorithm: SigningAlgorithm = "RS384" if row["algorithm"] == "RS384" else "ES384"
    wanted = {"ES384": ec.EllipticCurvePrivateKey, "RS384": rsa.RSAPrivateKey}[algorithm]
    if not isinstance(private, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise TypeError
    if not isinstance(private, wanted):
        raise TypeError
    until = row["published_until"]
    return SigningKey(
        kid=str(row["kid"]),
        algorithm=algorithm,
        created=datetime.fromisoformat(row["created"]),
        signs_from=datetime.fromisoformat(row["signs_from"]),
        published_until=None if until is None else datetime.fromisoformat(until),
        private=private,
    )


def _save(path: Path, keys: Keys) -> None:
    """Replace the file as a whole, so that no reader sees half of it."""
    rows = [
        {
            "kid": key.kid,
            "algorithm": key.algorithm,
            "created": key.created.isoformat(),
            "signs_from": key.signs_from.isoformat(),
            "published_until": key.published_until and key.published_until.isoformat(),
            "private": _pem(key.private),
        }
        for key in keys
    ]
    with tempfile.NamedTemporaryFile(  # made with mode 0600
        "w", encoding="ascii", dir=path.parent, prefix=f".{path.name}.", delete=False
    ) as out:
        json.dump({"keys": rows}, out, indent=1)
        out.flush()
        os.fsync(out.fileno())
    Path(out.name).replace(path)


def _pem(key: PrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode("ascii")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.with_name(f"{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
