"""Holds the simulator's signing keys and signs with them.

Three key pairs may exist for each algorithm: the published one, a retired one still published
after a rotation, and a rogue one that was never published (it claims the published kid).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
RSA_BITS = 2048


def make_key(algorithm: str) -> PrivateKey:
    """Make a new key: P-384 for ES384, RSA of 2048 bits for every RS algorithm."""
    if algorithm == "ES384":
        return ec.generate_private_key(ec.SECP384R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)


def reused_keys(pool: int = 4) -> Callable[[str], PrivateKey]:
    """Give a `make_key` for tests: it makes a few keys for each kind and deals them in turn.

    Neighbouring calls give different keys, so a rotated or rogue key is never the current one.
    """
    made: dict[str, list[PrivateKey]] = {"ES384": [], "RSA": []}
    dealt = dict.fromkeys(made, 0)

    def deal(algorithm: str) -> PrivateKey:
        kind = algorithm if algorithm in made else "RSA"
        number, dealt[kind] = dealt[kind] % pool, dealt[kind] + 1
        if number == len(made[kind]):
            made[kind].append(make_key(algorithm))
        return made[kind][number]

    return deal


def public_jwk(key: PrivateKey, *, kid: str, algorithm: str) -> dict[str, Any]:
    """Give the public half as a JWK with kid, alg and use."""
    public = key.public_key()
    text = (
        ECAlgorithm.to_jwk(public)
        if isinstance(public, ec.EllipticCurvePublicKey)
        else RSAAlgorithm.to_jwk(public)
    )
    fields: dict[str, Any] = json.loads(text)
    fields.pop("key_ops", None)
    return {**fields, "kid": kid, "alg": algorithm, "use": "sig"}


class KeyRing:
    """Keys of one issuer, made when first needed (an RSA key takes tens of milliseconds)."""

    def __init__(
        self, kids: Mapping[str, str], *, make_key: Callable[[str], PrivateKey] = make_key
    ) -> None:
        """Take the key id of each algorithm, for example `{"ES384": "ec-1"}`."""
        self._make_key = make_key
        self._kids = dict(kids)
        self._keys: dict[str, PrivateKey] = {}
        self._retired: list[dict[str, Any]] = []
        self._rogue: dict[str, PrivateKey] = {}

    def kid(self, algorithm: str) -> str:
        """Name the key that signs with this algorithm now."""
        return self._kids[algorithm]

    def jwks(self) -> dict[str, Any]:
        """Give the published JWK set: current keys first, then retired ones."""
        current = [
            public_jwk(self._key(name), kid=kid, algorithm=name)
            for name, kid in self._kids.items()
        ]
        return {"keys": current + self._retired}

    def sign(
        self,
        claims: Mapping[str, object],
        *,
        algorithm: str,
        header: Mapping[str, str] | None = None,
        rogue: bool = False,
    ) -> str:
        """Sign claims as a compact JWS; `rogue` uses a key that was never published."""
        key = self._rogue_key(algorithm) if rogue else self._key(algorithm)
        headers = {"typ": "JWT", "kid": self._kids[algorithm], **(header or {})}
        return jwt.encode(dict(claims), key, algorithm=algorithm, headers=headers)

    def rotate(self, algorithm: str, new_kid: str, *, keep_old: bool = True) -> None:
        """Replace a key; the old one stays published unless `keep_old` is false."""
        if keep_old:
            self._retired.append(
                public_jwk(self._key(algorithm), kid=self._kids[algorithm], algorithm=algorithm)
            )
        self._keys.pop(algorithm, None)
        self._kids[algorithm] = new_kid

    def _key(self, algorithm: str) -> PrivateKey:
        if algorithm not in self._keys:
            self._keys[algorithm] = self._make_key(algorithm)
        return self._keys[algorithm]

    def _rogue_key(self, algorithm: str) -> PrivateKey:
        if algorithm not in self._rogue:
            self._rogue[algorithm] = self._make_key(algorithm)
        return self._rogue[algorithm]
