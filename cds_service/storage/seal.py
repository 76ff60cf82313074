"""Seals chart content at rest: AES-256-GCM, bound to the place where it is stored.

What is sealed reads `version|kid|nonce|ciphertext`. Version 2 is sealed with a data key of its site; version 1, of the
first release, with a key of the ring itself, and still opens. `place` is `table|column|row|site`, and is authenticated:
a row that was moved, or swapped with another site's, does not open.
"""

import hmac
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cds_service.domain.errors import Misconfigured
from cds_service.storage.keyring import KID, NONCE, Wrapping, new_kid

_V1, _V2 = b"\x01", b"\x02"
SHARED = "-"
"""Stands where a site's name would: what belongs to no site."""
SEAL, INDEX, CHAIN = "seal", "index", "chain"
"""What a data key is for: chart content; blind indexes; the audit's chains."""
_NOT_LOADED = "The data keys have not been loaded: storage.start() does."


@dataclass(frozen=True, slots=True, kw_only=True)
class DataKey:
    """One data key, unwrapped."""

    kid: str
    purpose: str
    site: str
    quarter: str
    begins: datetime
    """From when it seals; earlier, only other processes' content is opened with it."""
    secret: bytes = field(repr=False)

    @property
    def place(self) -> str:
        """Return what its wrapping is bound to."""
        return f"data_key|wrapped|{self.kid}|{self.purpose}|{self.quarter}|{self.site}"


def new_key(purpose: str, *, site: str, begins: datetime) -> DataKey:
    """Make a data key."""
    return DataKey(
        kid=new_kid(),
        purpose=purpose,
        site=site,
        quarter=quarter(begins),
        begins=begins,
        secret=AESGCM.generate_key(256),
    )


def quarter(moment: datetime) -> str:
    """Return a moment's quarter, e.g. `2026Q4`."""
    return f"{moment.year}Q{(moment.month + 2) // 3}"


@dataclass(slots=True)
class Seals:
    """The data keys in memory: sealing and opening wait for nothing."""

    ring: Wrapping
    now: datetime | None = None
    """When keys were last turned: see `turn`."""
    keys: dict[str, DataKey] = field(default_factory=dict)
    unsaved: list[DataKey] = field(default_factory=list)
    """Made here and not stored yet: the next transaction takes them along."""
    _ciphers: dict[str, AESGCM] = field(default_factory=dict)
    _current: dict[str, DataKey] = field(default_factory=dict)
    _secrets: dict[str, bytes] = field(default_factory=dict, repr=False)

    def add(self, keys: Iterable[DataKey], *, now: datetime) -> None:
        """Take keys in, and turn to those that seal at this moment."""
        self.keys |= {key.kid: key for key in keys}
        self.turn(now)

    def turn(self, now: datetime) -> None:
        """Let each site seal with the newest of its keys that has begun."""
        self.now = now
        begun = sorted((k for k in self.keys.values() if k.begins <= now), key=_age)
        self._current = {key.site: key for key in begun if key.purpose == SEAL}
        self._secrets = {key.purpose: key.secret for key in reversed(begun) if key.purpose != SEAL}

    def saved(self, keys: Iterable[DataKey]) -> None:
        """Note that these are stored."""
        stored = {key.kid for key in keys}
        self.unsaved = [key for key in self.unsaved if key.kid not in stored]

    @property
    def is_loaded(self) -> bool:
        """Return whether the keys that are made once are here."""
        return len(self._secrets) == len((INDEX, CHAIN))

    def current(self, site: str) -> DataKey | None:
        """Return the key that seals for a site now."""
        return self._current.get(site)

    def seal(self, plain: bytes, *, place: str) -> bytes:
        """Return `version|kid|nonce|ciphertext`, bound to `place`."""
        key = self._sealing(place.rpartition("|")[2])
        nonce = os.urandom(NONCE)
        return (
            _V2
            + key.kid.encode()
            + nonce
            + self._cipher(key.kid).encrypt(nonce, plain, place.encode())
        )

    def knows(self, sealed: bytes) -> bool:
        """Return whether the key that sealed this is at hand."""
        return sealed[:1] == _V1 or kid_of(sealed) in self.keys

    def open(self, sealed: bytes, *, place: str) -> bytes:
        """Return what was sealed at this place.

        Raises `Misconfigured` when the key is missing or the content was changed or moved.
        """
        kid, nonce = kid_of(sealed), sealed[1 + KID : 1 + KID + NONCE]
        if sealed[:1] == _V1 and kid in self.ring.keys:
            cipher = AESGCM(self.ring.keys[kid])
        elif sealed[:1] == _V2 and kid in self.keys:
            cipher = self._cipher(kid)
        else:
            raise Misconfigured("The key ring lacks the key that sealed this data.")
        try:
            return cipher.decrypt(nonce, sealed[1 + KID + NONCE :], place.encode())
        except (InvalidTag, ValueError):
            raise Misconfigured("Sealed data was changed, or moved from another place.") from None

    def blind(self, value: str, *, site: str) -> str:
        """Return 64 hexadecimal digits that find a value again and cannot be turned back into it."""
        return self._keyed(INDEX, f"{site}|{value}".encode()).hex()

    def chain(self, message: bytes) -> bytes:
        """Return the keyed hash that links the audit's entries, 32 bytes."""
        return self._keyed(CHAIN, message)

    def _keyed(self, purpose: str, message: bytes) -> bytes:
        if not self.is_loaded:
            raise Misconfigured(_NOT_LOADED)
        return hmac.digest(self._secrets[purpose], message, "sha256")

    def _sealing(self, site: str) -> DataKey:
        """Return the key that seals for a site; a site that has none yet gets one at once."""
        key = self._current.get(site)
        if key is None:
            if self.now is None:
                raise Misconfigured(_NOT_LOADED)
            key = new_key(SEAL, site=site, begins=self.now)
            self.unsaved.append(key)
            self.add([key], now=self.now)
        return key

    def _cipher(self, kid: str) -> AESGCM:
        cipher = self._ciphers.get(kid)
        if cipher is None:
            cipher = self._ciphers[kid] = AESGCM(self.keys[kid].secret)
        return cipher


def kid_of(sealed: bytes) -> str:
    """Return the id of the key that sealed this."""
    return sealed[1 : 1 + KID].decode("ascii", "replace")


def _age(key: DataKey) -> tuple[datetime, str]:
    return key.begins, key.kid
