"""Verifies the id_token of a SMART launch: who signed in, said by the EHR and by nobody else.

OpenID Connect Core 1.0 section 3.1.3.7, as SMART App Launch 2.2 asks for it ("Scopes for requesting identity data").
The keys are had and judged as those of hook calls are.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from cds_service.domain.errors import NotTrusted
from cds_service.sites import Site
from cds_service.smart.configuration import Configuration
from cds_service.verify.jws import Members, is_signed, take_apart
from cds_service.verify.keys import KeySets, fits
from cds_service.verify.token import check_header, number_of, text_of

ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384"})
"""OpenID Connect's default is RS256; never none or HMAC."""
_USERS = re.compile(
    r"(Practitioner|PractitionerRole|Person|Patient|RelatedPerson)/[A-Za-z0-9\-.]{1,64}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyIdentity:
    """Turns an id_token into the person that it names. One for each process."""

    keys: KeySets
    now: Callable[[], datetime]

    async def __call__(
        self, token: str, site: Site, found: Configuration, *, client_id: str, nonce: str
    ) -> str:
        """Return `fhirUser` as `Type/id` on this site's FHIR server. Raises `NotTrusted` with the reason."""
        now = self.now().timestamp()
        # (1) The header names a key; it is one of the set that discovery names, at this site's servers.
        header, claims = take_apart(token)
        check_header(header)
        if not found.issuer or not found.jwks_uri:
            raise NotTrusted("no_key_set")
        key = await self.keys.find(site, found.jwks_uri, text_of(header, "kid"))
        # (2) The algorithm is on our list and fits the key's own type.
        algorithm = text_of(header, "alg")
        if algorithm not in ALGORITHMS or not fits(key, algorithm):
            raise NotTrusted("algorithm")
        # (3) The signature, over exactly the bytes that were sent.
        if not is_signed(token, key, algorithm):
            raise NotTrusted("signature")
        # (4) It was issued by this authorization server, for us alone.
        if text_of(claims, "iss").rstrip("/") != found.issuer.rstrip("/"):
            raise NotTrusted("issuer")
        _check_audience(claims, client_id)
        # (5) It is of now, and the answer to the request that this browser made.
        skew = site.profile.jwt.skew_s
        if number_of(claims, "exp") + skew < now:
            raise NotTrusted("expired")
        if number_of(claims, "iat") - skew > now:
            raise NotTrusted("issued_in_future")
        if claims.get("nonce") != nonce:
            raise NotTrusted("nonce")
        # (6) The person is one of this site's.
        return _user(claims, site)


def _check_audience(claims: Members, client_id: str) -> None:
    aud = claims.get("aud")
    if client_id not in (aud if isinstance(aud, list) else [aud]):
        raise NotTrusted("audience")
    if claims.get("azp", client_id) != client_id:
        raise NotTrusted("audience")


def _user(claims: Members, site: Site) -> str:
    """Return `fhirUser`, else `profile` (SMART 1.0), which is absolute or relative to the FHIR server."""
    named = "fhirUser" if "fhirUser" in claims else "profile"
    user = text_of(claims, named).removeprefix(f"{site.file.fhir.base_url}/")
    if not _USERS.fullmatch(user):
        raise NotTrusted("fhir_user")
    return user
