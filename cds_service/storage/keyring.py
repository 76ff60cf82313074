"""What wraps the data keys: a key ring, from a file that only its owner reads or from a command; or a KMS.

The ring is JSON, `{"newest": "<kid>", "keys": {"<kid>": "<32 bytes, base64>"}}` with kids of eight characters. It is
never in the database, and the database is worth nothing without it. `command:` runs a program of the operator's,
which fetches the ring from where it is kept (a secrets manager, a KMS that decrypts it) and prints it. With `kms:` no
wrapping key is ever here: the program has each data key wrapped and unwrapped where the wrapping keys are.
"""

import json
import os
import stat
import subprocess
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cds_service.domain.errors import Misconfigured

KID = 8
"""Characters of a key's id."""
NONCE = 12
_COMMAND, _KMS = "command:", "kms:"
_COMMAND_S = 30


class Wrapping(Protocol):
    """Wraps data keys, and unwraps what it or its predecessors wrapped."""

    @property
    def keys(self) -> Mapping[str, bytes]:
        """Return the wrapping keys that are here, by id: none where a KMS keeps them."""

    @property
    def newest(self) -> str:
        """Return the id of the key that wraps."""

    def wrap(self, key: bytes, *, place: str) -> bytes:
        """Return a data key wrapped, bound to the place where it is stored."""

    def unwrap(self, wrapped: bytes, *, kid: str, place: str) -> bytes:
        """Return a data key. Raises `Misconfigured` when this is not what wrapped it there."""


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Wrapping keys by id; the newest wraps, each of them unwraps."""

    keys: dict[str, bytes] = field(repr=False)
    newest: str

    def wrap(self, key: bytes, *, place: str) -> bytes:
        """Return a data key under the newest wrapping key, bound to the place where it is stored."""
        nonce = os.urandom(NONCE)
        return nonce + AESGCM(self.keys[self.newest]).encrypt(nonce, key, place.encode())

    def unwrap(self, wrapped: bytes, *, kid: str, place: str) -> bytes:
        """Return a data key. Raises `Misconfigured` when this is not the ring that wrapped it."""
        if kid not in self.keys:
            raise Misconfigured(
                f"The key ring lacks the key {kid}, which this database was sealed with:"
                " put the ring back that belongs to it (CDS_KEYRING); nothing was changed."
            )
        try:
            return AESGCM(self.keys[kid]).decrypt(wrapped[:NONCE], wrapped[NONCE:], place.encode())
        except InvalidTag:
            raise Misconfigured(
                f"The key {kid} in the key ring is not the one that this database was sealed with:"
                " put the ring back that belongs to it (CDS_KEYRING); nothing was changed."
            ) from None

    def with_new_key(self) -> "KeyRing":
        """Return this ring with one more key, which wraps from now on."""
        kid = new_kid()
        return KeyRing({**self.keys, kid: AESGCM.generate_key(256)}, kid)

    def without(self, kids: frozenset[str]) -> "KeyRing":
        """Return this ring without these keys; the newest always stays."""
        kept = {kid: key for kid, key in self.keys.items() if kid not in kids - {self.newest}}
        return KeyRing(kept, self.newest)


def new_kid() -> str:
    """Return a random key id."""
    return os.urandom(KID // 2).hex()


@dataclass(frozen=True, slots=True)
class Kms:
    """A key management service, behind a program of the operator's that is run for each question.

    It reads one JSON object on its standard input and prints one:
    `{"do": "newest"}` -> `{"kid": "<8 characters>"}`,
    `{"do": "wrap", "key": "<base64>", "kid": "...", "place": "..."}` -> `{"wrapped": "<base64>", "kid": "..."}`,
    `{"do": "unwrap", "wrapped": "<base64>", "kid": "...", "place": "..."}` -> `{"key": "<base64>"}`.
    The `kid` of a wrapping comes back, so that none is stored under the name of a key that did not wrap it.
    `place` is what a KMS calls the context, or additional authenticated data: a key that was wrapped for one place must
    not unwrap for another.
    """

    command: str = field(repr=False)
    newest: str

    @property
    def keys(self) -> Mapping[str, bytes]:
        """Return no key: they stay where they are."""
        return {}

    def wrap(self, key: bytes, *, place: str) -> bytes:
        """Return a data key wrapped by the KMS's key `newest`. Blocks; raises `Misconfigured` when another wrapped."""
        sent = b64encode(key).decode()
        told = _answer(self.command, do="wrap", key=sent, kid=self.newest, place=place)
        if told.get("kid") != self.newest:
            raise Misconfigured(
                f"The command of CDS_KEYRING was to wrap with its key {self.newest} and does not say that it did:"
                ' it answers {"wrapped": ..., "kid": ...}.'
            )
        return _bytes(told, "wrapped", of="wrap")

    def unwrap(self, wrapped: bytes, *, kid: str, place: str) -> bytes:
        """Return a data key. Blocks; raises `Misconfigured` when the KMS does not unwrap it."""
        sent = b64encode(wrapped).decode()
        told = _answer(self.command, do="unwrap", wrapped=sent, kid=kid, place=place)
        return _bytes(told, "key", of="unwrap")


@dataclass(frozen=True, slots=True)
class RingPlace:
    """Where the ring is kept: `command:PROGRAM ARGUMENTS`, `kms:PROGRAM ARGUMENTS`, or the path of a file."""

    setting: str

    @property
    def file(self) -> Path | None:
        """Return the file, or None where a command gives the ring or wraps itself."""
        return None if self.setting.startswith((_COMMAND, _KMS)) else Path(self.setting)

    def load(self) -> Wrapping:
        """Return what wraps. Raises `Misconfigured` with what to do."""
        if self.setting.startswith(_KMS):
            command = self.setting.removeprefix(_KMS)
            return Kms(command, _kid(_answer(command, do="newest")))
        return self.ring()

    def ring(self) -> KeyRing:
        """Return the ring, where there is one. Raises `Misconfigured` with what to do."""
        if self.file is None:
            return _parsed(_printed(self.setting.removeprefix(_COMMAND)), "CDS_KEYRING")
        if not self.file.exists():
            raise Misconfigured(
                "CDS_KEYRING is not set or its file is missing: without it nothing can be sealed."
            )
        if self.file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise Misconfigured(
                f"{self.file}: the key ring must be readable by its owner only (mode 0600)."
            )
        return _parsed(self.file.read_bytes(), str(self.file))

    def save(self, ring: KeyRing) -> None:
        """Put a ring in the file's place, whole or not at all. Raises `Misconfigured` for a command."""
        if self.file is None:
            raise Misconfigured(
                "CDS_KEYRING is a command: add or remove the key where the ring is kept, then run this again."
            )
        keys = {kid: b64encode(key).decode() for kid, key in ring.keys.items()}
        beside = self.file.with_name(f"{self.file.name}.{os.getpid()}")
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as out:
            json.dump({"newest": ring.newest, "keys": keys}, out)
            out.flush()
            os.fsync(out.fileno())
        beside.replace(self.file)


def ring_place(setting: str, *, data_dir: Path, demo: bool) -> RingPlace:
    """Return where the ring of the settings is; in the demo a missing file is made."""
    place = RingPlace(setting or str(data_dir / "keyring.json"))
    if demo and place.file is not None and not place.file.exists():
        place.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        place.save(KeyRing({}, "").with_new_key())
    return place


def load_key_ring(setting: str, *, data_dir: Path, demo: bool) -> Wrapping:
    """Return what wraps by the settings. Raises `Misconfigured` with what to do."""
    return ring_place(setting, data_dir=data_dir, demo=demo).load()


def _printed(command: str, *, said: bytes = b"") -> bytes:
    """Return what the command prints. What it says on standard error goes to ours: it is the operator's."""
    try:
        # The operator's own command line, from the operator's own setting.
        ended = subprocess.run(  # noqa: S602
            command, shell=True, input=said, stdout=subprocess.PIPE, timeout=_COMMAND_S, check=True
        )
    except (subprocess.SubprocessError, OSError) as problem:
        raise Misconfigured(
            f"The command of CDS_KEYRING gave no answer ({type(problem).__name__}):"
            " run it by hand to see why."
        ) from None
    return ended.stdout


def _answer(command: str, **asked: str) -> Mapping[str, object]:
    """Return the KMS program's answer to one question."""
    try:
        told = json.loads(_printed(command, said=json.dumps(asked).encode()))
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise Misconfigured("The command of CDS_KEYRING printed no JSON object.")
    return told


def _bytes(told: Mapping[str, object], member: str, *, of: str) -> bytes:
    """Return one member of an answer, out of base64."""
    try:
        return b64decode(str(told[member]), validate=True)
    except (KeyError, ValueError):
        raise Misconfigured(
            f"The command of CDS_KEYRING answered a question to {of} without {member!r}."
        ) from None


def _kid(told: Mapping[str, object]) -> str:
    kid = told.get("kid")
    if not isinstance(kid, str) or len(kid) != KID or not kid.isascii():
        raise Misconfigured(f"The command of CDS_KEYRING names its key by {KID} characters.")
    return kid


def _parsed(content: bytes, name: str) -> KeyRing:
    try:
        data = json.loads(content)
        keys = {str(kid): b64decode(key, validate=True) for kid, key in data["keys"].items()}
        ring = KeyRing(keys, str(data["newest"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Misconfigured(f"{name}: not a key ring; see the file format in the docs.") from None
    good = all(len(kid) == KID and len(key) == 32 for kid, key in keys.items())  # noqa: PLR2004
    if not good or ring.newest not in keys:
        raise Misconfigured(f"{name}: a key must have 32 bytes and a kid of {KID} characters.")
    return ring
