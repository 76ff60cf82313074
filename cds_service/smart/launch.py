"""SMART EHR launch, our side of it: what we send the browser away with, and what we exchange when it comes back.

SMART App Launch 2.2, "EHR launch", with PKCE (RFC 7636, S256) always. Nothing here knows a database or a page.
"""

import json
import re
import secrets
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Literal
from urllib.parse import quote, urlencode

import httpx

from cds_service.domain.errors import NoToken, SignInFailed
from cds_service.settings import read_secret
from cds_service.sites import Site, Smart
from cds_service.smart.configuration import Configuration, Configurations
from cds_service.smart.keys import KeyFile
from cds_service.smart.scopes import shortfalls, written
from cds_service.smart.tokens import ASSERTION_TYPE, Granted, ask, assertion, assertion_key

_FHIR_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_LAUNCH_CHARS = 4096
"""Epic's launch tokens are long; this is longer."""
_ALWAYS = ("launch", "openid", "fhirUser")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """What is kept between sending a browser to the EHR and its return. Good for one return."""

    site: str
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    browser: str = field(repr=False)
    """Stands in a cookie: a stolen answer of the EHR is of no use in another browser."""
    begun: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """Where the browser goes, and with what."""

    address: str
    fields: Mapping[str, str] = field(repr=False)
    method: Literal["get", "post"]

    @property
    def url(self) -> str:
        """Return the address with the fields as its query."""
        joint = "&" if "?" in self.address else "?"
        return f"{self.address}{joint}{urlencode(self.fields, quote_via=quote)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchContext:
    """What the EHR says that the app was opened for."""

    patient: str = field(repr=False)
    encounter: str | None = field(repr=False)
    appointment: str | None = field(repr=False)
    """Epic's hand-off of a visit."""
    brief: str | None
    """What our card's link asked for, where the EHR passed it on."""


def check_launch(site: Site, *, iss: str, launch: str) -> None:
    """Raise `SignInFailed` when `iss` is not this site's FHIR server, or there is no launch; nobody is asked."""
    _app(site)
    if iss.rstrip("/") != site.file.fhir.base_url:
        raise SignInFailed("other_iss")
    if not launch or len(launch) > _LAUNCH_CHARS:
        raise SignInFailed("no_launch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Launches:
    """Sends browsers to the sites' authorization servers and exchanges what they bring back."""

    client: Callable[[Site], httpx.AsyncClient]
    configurations: Configurations
    keys: KeyFile
    public_url: str
    now: Callable[[], datetime]

    async def begin(self, site: Site, *, iss: str, launch: str) -> tuple[Pending, Authorization]:
        """Return what to keep and where to send the browser.

        Raises `SignInFailed` as `check_launch` does, `NoToken` when the EHR's configuration cannot be had.
        """
        check_launch(site, iss=iss, launch=launch)
        smart = _app(site)
        found = await self.configurations.find(site, smart.client_id)
        if not found.authorization_endpoint:
            raise NoToken("discovery_lacks_authorization_endpoint")
        pending = Pending(
            site=site.name,
            state=secrets.token_urlsafe(24),
            nonce=secrets.token_urlsafe(24),
            verifier=secrets.token_urlsafe(48),
            browser=secrets.token_urlsafe(32),
            begun=self.now(),
        )
        fields = {
            "response_type": "code",
            "client_id": smart.client_id,
            "redirect_uri": self._back(site),
            "scope": " ".join(asked_scopes(site)),
            "state": pending.state,
            "aud": iss,
            "launch": launch,
            "nonce": pending.nonce,
            "code_challenge": challenge(pending.verifier),
            "code_challenge_method": "S256",
        }
        method: Literal["get", "post"] = "post" if site.profile.oauth.authorize_post else "get"
        address = found.authorization_endpoint
        return pending, Authorization(address=address, fields=fields, method=method)

    async def exchange(self, site: Site, pending: Pending, code: str) -> Granted:
        """Return what the EHR grants for a code. Raises `NoToken`: used before, expired, not ours."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._back(site),
            "code_verifier": pending.verifier,
        }
        return await self._ask(site, form, asked=frozenset(asked_scopes(site)))

    async def refresh(self, site: Site, refresh_token: str, scopes: frozenset[str]) -> Granted:
        """Return a new token for a launch that was granted one. Raises `NoToken`."""
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        return await self._ask(site, form, asked=scopes)

    async def party(self, site: Site) -> tuple[Configuration, str]:
        """Return who answers and who we are: the EHR's configuration and our client id. Raises `NoToken`."""
        smart = _app(site)
        return await self.configurations.find(site, smart.client_id), smart.client_id

    async def _ask(self, site: Site, form: dict[str, str], *, asked: frozenset[str]) -> Granted:
        smart = _app(site)
        found = await self.configurations.find(site, smart.client_id)
        proof, headers = self._proof(site, smart, found)
        return await ask(
            self.client(site),
            found.token_endpoint,
            form | proof,
            asked=asked,
            now=self.now(),
            headers=headers,
        )

    def _proof(
        self, site: Site, smart: Smart, found: Configuration
    ) -> tuple[dict[str, str], dict[str, str]]:
        """Return the fields and headers that prove us: a signed assertion, a secret, or only our name."""
        rules = site.profile.oauth
        if smart.client_auth == "private_key_jwt":
            signed = assertion(
                assertion_key(self.keys, rules.assertion_algorithms, found.assertion_algorithms),
                client_id=smart.client_id,
                audience=rules.assertion_audience or found.token_endpoint,
                now=self.now(),
                lifetime_s=rules.assertion_lifetime_s,
            )
            return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": signed}, {}
        if smart.secret is not None:
            # RFC 6749 section 2.3.1: both halves are form-encoded first.
            pair = f"{quote(smart.client_id, safe='')}:{quote(read_secret(smart.secret), safe='')}"
            return {}, {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}
        return {"client_id": smart.client_id}, {}

    def _back(self, site: Site) -> str:
        return f"{self.public_url}/{site.name}/smart/callback"


def challenge(verifier: str) -> str:
    """Return the S256 code challenge (RFC 7636 section 4.2)."""
    return urlsafe_b64encode(sha256(verifier.encode("ascii")).digest()).rstrip(b"=").decode()


def asked_scopes(site: Site) -> tuple[str, ...]:
    """Return the scopes that the app asks for, in the vendor's syntax: the site's, and what signing in takes."""
    wanted = dict.fromkeys((*_ALWAYS, *_app(site).scopes))
    return written(wanted, site.profile.oauth.scope_syntax)


def missing_scopes(site: Site, granted: frozenset[str]) -> tuple[str, ...]:
    """Return by name what the app asked for and was not granted."""
    return shortfalls(asked_scopes(site), granted)


def launch_context(granted: Granted) -> LaunchContext:
    """Return the context of a launch. Raises `SignInFailed` where it has no patient."""
    patient = _identity(granted, "patient")
    if patient is None:
        raise SignInFailed("no_patient")
    return LaunchContext(
        patient=patient,
        encounter=_identity(granted, "encounter"),
        appointment=_identity(granted, "appointment"),
        brief=_brief(granted.answer.get("appContext")),
    )


def _identity(granted: Granted, name: str) -> str | None:
    """Return a logical id; `Type/id` is read as the id. Raises `SignInFailed` for what is none."""
    value = granted.text(name).rpartition("/")[2]
    if value and not _FHIR_ID.fullmatch(value):
        raise SignInFailed(f"{name}_malformed")
    return value or None


def _brief(app_context: object) -> str | None:
    """Return the brief that our card's `appContext` names; EHRs drop it, change it, or send it as an object."""
    if isinstance(app_context, str):
        try:
            app_context = json.loads(app_context)
        except (ValueError, RecursionError):
            return None
    value = app_context.get("brief") if isinstance(app_context, dict) else None
    return value if isinstance(value, str) and len(value) <= 36 else None  # noqa: PLR2004  # a uuid


def _app(site: Site) -> Smart:
    if site.file.smart is None:
        raise SignInFailed("no_app_at_this_site")
    return site.file.smart
