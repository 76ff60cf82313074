"""The key ring: the keys that wrap the data keys. From a file that only its owner reads, or from a command.

The ring is JSON, `{"newest": "<kid>", "keys": {"<kid>": "<32 bytes, base64>"}}` with kids of eight characters. It is
never in the database, and the database is worth nothing without it. `command:` runs a program of the operator's,
which fetches the ring from where it is kept (a secrets manager, a KMS that decrypts it) and prints it.
"""

import json
import os
import stat
import subprocess
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cds_service.domain.errors import Misconfigured

KID = 8
"""Characters of a key's id."""
NONCE = 12
_COMMAND = "command:"
_COMMAND_S = 30


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
class RingPlace:
    """Where the ring is kept: `command:PROGRAM ARGUMENTS`, or the path of a file."""

    setting: str

    @property
    def file(self) -> Path | None:
        """Return the file, or None where a command gives the ring."""
        return None if self.setting.startswith(_COMMAND) else Path(self.setting)

    def load(self) -> KeyRing:
        """Return the ring. Raises `Misconfigured` with what to do."""
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
        place.file.parent.mkdir(parents=True, exist_ok=True)
        place.save(KeyRing({}, "").with_new_key())
    return place


def load_key_ring(setting: str, *, data_dir: Path, demo: bool) -> KeyRing:
    """Return the ring of the settings. Raises `Misconfigured` with what to do."""
    return ring_place(setting, data_dir=data_dir, demo=demo).load()


def _printed(command: str) -> bytes:
    """Return what the command prints. What it says on standard error goes to ours: it is the operator's."""
    try:
        # The operator's own command line, from the operator's own setting.
        ended = subprocess.run(  # noqa: S602
            command, shell=True, stdout=subprocess.PIPE, timeout=_COMMAND_S, check=True
        )
    except (subprocess.SubprocessError, OSError) as problem:
        raise Misconfigured(
            f"The command of CDS_KEYRING gave no key ring ({type(problem).__name__}):"
            " run it by hand to see why."
        ) from None
    return ended.stdout


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
