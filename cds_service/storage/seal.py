"""Seals chart content at rest: AES-256-GCM, bound to the place where it is stored."""

import hmac
import json
import os
import stat
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cds_service.domain.errors import Misconfigured

_VERSION = b"\x01"
_NONCE = 12
_KID = 8


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Keys by id; the newest seals, each of them opens."""

    keys: dict[str, bytes] = field(repr=False)
    newest: str

    def seal(self, plain: bytes, *, place: str) -> bytes:
        """Return `version|kid|nonce|ciphertext`; `place` (table, column, row, site) is authenticated."""
        nonce = os.urandom(_NONCE)
        sealed = AESGCM(self.keys[self.newest]).encrypt(nonce, plain, place.encode())
        return _VERSION + self.newest.encode() + nonce + sealed

    def open(self, sealed: bytes, *, place: str) -> bytes:
        """Return what was sealed at this place.

        Raises `Misconfigured` when the key is missing or the content was changed or moved.
        """
        kid = sealed[1 : 1 + _KID].decode("ascii", "replace")
        key = self.keys.get(kid)
        if sealed[:1] != _VERSION or key is None:
            raise Misconfigured("The key ring lacks the key that sealed this data.")
        nonce, body = sealed[1 + _KID : 1 + _KID + _NONCE], sealed[1 + _KID + _NONCE :]
        try:
            return AESGCM(key).decrypt(nonce, body, place.encode())
        except InvalidTag:
            raise Misconfigured("Sealed data was changed, or moved from another place.") from None

    def blind(self, value: str, *, site: str) -> str:
        """Return 64 hexadecimal digits that find a value again and cannot be turned back into it."""
        root = self.keys[min(self.keys)]
        key = HKDF(hashes.SHA256(), length=32, salt=None, info=b"blind").derive(root)
        return hmac.digest(key, f"{site}|{value}".encode(), "sha256").hex()


def load_key_ring(file: Path | None, *, data_dir: Path, demo: bool) -> KeyRing:
    """Read the key ring; in the demo a missing one is made.

    The file is JSON, `{"newest": "<kid>", "keys": {"<kid>": "<32 bytes, base64>"}}` with kids of eight
    characters, readable by its owner only. Raises `Misconfigured` with what to do.
    """
    place = file or data_dir / "keyring.json"
    if not place.exists():
        if not demo:
            raise Misconfigured(
                "CDS_KEYRING is not set or its file is missing: without it nothing can be sealed."
            )
        _make(place)
    if place.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise Misconfigured(
            f"{place}: the key ring must be readable by its owner only (mode 0600)."
        )
    try:
        data = json.loads(place.read_text(encoding="ascii"))
        keys = {str(kid): b64decode(key, validate=True) for kid, key in data["keys"].items()}
        ring = KeyRing(keys, str(data["newest"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Misconfigured(f"{place}: not a key ring; see the file format in the docs.") from None
    good = all(len(kid) == _KID and len(key) == 32 for kid, key in keys.items())  # noqa: PLR2004
    if not good or ring.newest not in keys:
        raise Misconfigured(f"{place}: a key must have 32 bytes and a kid of {_KID} characters.")
    return ring


def _make(place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    kid = os.urandom(_KID // 2).hex()
    key = b64encode(AESGCM.generate_key(256)).decode()
    handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as out:
        json.dump({"newest": kid, "keys": {kid: key}}, out)
