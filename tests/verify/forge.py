"""Makes tokens, good and bad, byte by byte: a JWT library refuses to make most of the bad ones."""

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.ground import CDS, Ground

_NUMBERS = count()
GONE = object()
"""As a value: leave the member out."""

Signer = Callable[[bytes], bytes]


def b64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def ecdsa(key: ec.EllipticCurvePrivateKey) -> Signer:
    def sign(message: bytes) -> bytes:
        size = (key.key_size + 7) // 8
        pair = decode_dss_signature(key.sign(message, ec.ECDSA(SHA384())))
        return b"".join(part.to_bytes(size, "big") for part in pair)

    return sign


def rsassa(key: rsa.RSAPrivateKey, digest: SHA256 | SHA384 | None = None) -> Signer:
    return lambda message: key.sign(message, padding.PKCS1v15(), digest or SHA384())


def hmac_with(secret: bytes, digest: str) -> Signer:
    return lambda message: hmac.digest(secret, message, digest)


def pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@dataclass(frozen=True)
class Token:
    """A token before it is written out; `header_text` and `claims_text` replace the JSON as a whole."""

    header: dict[str, object]
    claims: dict[str, object]
    signer: Signer = field(repr=False)
    header_text: str | None = None
    claims_text: str | None = None

    def with_header(self, **members: object) -> "Token":
        return replace(self, header=_changed(self.header, members))

    def with_claims(self, **members: object) -> "Token":
        return replace(self, claims=_changed(self.claims, members))

    def signed_by(self, signer: Signer) -> "Token":
        return replace(self, signer=signer)

    def __str__(self) -> str:
        """Write it out as a compact JWS."""
        return f"{self.unsigned()}.{b64(self.signer(self.unsigned().encode()))}"

    def unsigned(self) -> str:
        header = self.header_text or json.dumps(self.header)
        claims = self.claims_text or json.dumps(self.claims)
        return f"{b64(header.encode())}.{b64(claims.encode())}"


def _changed(old: dict[str, object], members: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in (old | members).items() if value is not GONE}


@dataclass
class Forge:
    """Makes tokens for one site of the ground, with the EHR's own keys and with all the wrong ones."""

    ground: Ground
    site: str = "general"

    @property
    def url(self) -> str:
        return f"{CDS}/{self.site}/cds-services/patient-view-brief"

    @property
    def ehr(self):
        return self.ground.client(self.site).ehr

    @property
    def now(self) -> int:
        return int(self.ground.clock().timestamp())

    def key(self, algorithm: str = "ES384"):
        """Return the EHR's private key."""
        return self.ehr.hook_keys._key(algorithm)

    def signer(self, algorithm: str) -> Signer:
        key = self.key(algorithm)
        return ecdsa(key) if algorithm == "ES384" else rsassa(key)

    def token(self, algorithm: str = "ES384") -> Token:
        """Return a good token; each has a `jti` of its own."""
        return Token(
            header={"typ": "JWT", "alg": algorithm, "kid": self.ehr.hook_keys.kid(algorithm)},
            claims={
                "iss": self.ehr.hook_issuer,
                "aud": self.url,
                "iat": self.now,
                "exp": self.now + 300,
                "jti": f"jti-{next(_NUMBERS)}",
            },
            signer=self.signer(algorithm),
        )

    async def send(self, token: object, *, scheme: str = "Bearer", url: str = ""):
        """Call the service with this token and a body that is always good."""
        headers = {"Content-Type": "application/json"}
        if scheme:
            headers["Authorization"] = f"{scheme} {token}".rstrip()
        return await self.ground.http.post(url or self.url, json=BODY, headers=headers)

    async def audited(self) -> dict[str, object]:
        """Return this site's newest audit entry."""
        entries = await self.ground.audited()
        return [entry for entry in entries if entry["site"] == self.site][-1]


BODY = {
    "hook": "patient-view",
    "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
    "context": {"patientId": "p1", "userId": "Practitioner/1"},
    "prefetch": {
        "patient": {
            "resourceType": "Patient",
            "id": "p1",
            "gender": "female",
            "birthDate": "1955-09-02",
        }
    },
}
