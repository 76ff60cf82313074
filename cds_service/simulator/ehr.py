"""Is one EHR: its records, tokens, keys, launches and registered clients in one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from cds_service.simulator.faults import Faults
from cds_service.simulator.fhir import FhirRecords
from cds_service.simulator.grants import Grants
from cds_service.simulator.keys import KeyRing
from cds_service.simulator.launches import Launches
from cds_service.simulator.store import Generated, Store
from cds_service.simulator.wire import Json, loads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from cds_service.simulator.config import Client, SimulatorConfig
    from cds_service.simulator.personalities import Personality

SCOPES = [
    "openid",
    "fhirUser",
    "launch",
    "offline_access",
    "online_access",
    "patient/*.rs",
    "patient/*.cruds",
    "user/*.rs",
    "user/*.cruds",
    "system/*.rs",
    "system/*.cruds",
]


SUPPORTED: Json = {
    "token_endpoint_auth_methods_supported": ["private_key_jwt", "client_secret_basic"],
    "token_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384"],
    "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
    "response_types_supported": ["code"],
    "subject_types_supported": ["public"],
    "id_token_signing_alg_values_supported": ["RS256"],
    "code_challenge_methods_supported": ["S256"],
    "scopes_supported": SCOPES,
    "capabilities": [
        "launch-ehr",
        "authorize-post",
        "client-public",
        "client-confidential-asymmetric",
        "context-ehr-patient",
        "context-ehr-encounter",
        "sso-openid-connect",
        "permission-offline",
        "permission-patient",
        "permission-user",
        "permission-v1",
        "permission-v2",
    ],
}


@dataclass(frozen=True, slots=True)
class Parts:
    """What every EHR of one simulator shares; `http` gives the client to call out with."""

    ids: Callable[[], str]
    faults: Faults
    generated: Generated
    http: Callable[[], httpx.AsyncClient]


class Ehr:
    """One EHR: its records, tokens, keys, launches and registered clients."""

    def __init__(self, personality: Personality, config: SimulatorConfig, parts: Parts) -> None:
        """Build the EHR of a personality."""
        self._parts = parts
        self.faults = parts.faults
        self.personality = personality
        self.origin = config.origin
        self.clock = config.clock
        self.ids = parts.ids
        self.faults = parts.faults
        self.store = Store(parts.generated, personality, anchor=config.anchor, clock=config.clock)
        self.records = FhirRecords(
            personality, self.store, origin=config.origin, faults=parts.faults, ids=self.ids
        )
        self.grants = Grants(clock=config.clock, ids=self.ids)
        self.launches = Launches(ids=self.ids)
        self.hook_keys = KeyRing(personality.hook_kid, make_key=config.make_key)
        self.identity_keys = KeyRing(
            {"RS256": f"{personality.name}-identity-1"}, make_key=config.make_key
        )
        self.issuer = config.origin + personality.oauth_path
        self.token_endpoint = f"{self.issuer}/token"
        self.hook_jwks_url = config.origin + personality.hook_keys_path
        self.clients = _registered(config, personality.name)

    @property
    def hook_issuer(self) -> str:
        """Give the `iss` of this EHR's CDS Hooks tokens."""
        return self.origin if self.personality.hooks.issuer == "origin" else self.records.base

    async def fetch_json(self, url: str) -> Json:
        """Fetch a client's JWK set; an unreachable or odd answer counts as an empty set."""
        try:
            response = await self._parts.http().get(url)
            body = loads(response.content) if response.status_code == httpx.codes.OK else {}
        except (httpx.HTTPError, ValueError):
            return {}
        return body if isinstance(body, dict) else {}

    def smart_configuration(self) -> Json:
        """Give the SMART and OpenID discovery document."""
        return {
            "issuer": self.issuer,
            "jwks_uri": self.origin + self.personality.identity_keys_path,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": self.token_endpoint,
            **SUPPORTED,
        }


def _registered(config: SimulatorConfig, personality: str) -> dict[str, Client]:
    sites = config.service_base_by_site.values()
    clients: Iterable[Client] = (
        client
        for site in sites
        if site.personality == personality
        for client in site.registrations()
    )
    return {client.client_id: client for client in clients}
