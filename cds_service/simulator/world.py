"""Holds the running simulator: one EHR for each personality, and the sites that use them."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import httpx

from cds_service.simulator.cds_client import CdsClient
from cds_service.simulator.ehr import Ehr, Parts
from cds_service.simulator.faults import Faults
from cds_service.simulator.store import Generated, PatientSource

if TYPE_CHECKING:
    from cds_service.simulator.config import SimulatorConfig


class Simulator:
    """The running simulator. `http` may be replaced, to call a service in process."""

    def __init__(self, config: SimulatorConfig) -> None:
        """Build every EHR of the configuration; patients are generated when first read."""
        self.config = config
        self.ids = config.ids()
        self.faults = Faults()
        self.patients = config.patients if config.patients is not None else _built_in()
        self.generated = Generated(self.patients)
        self._http: httpx.AsyncClient | None = None
        parts = Parts(self.ids, self.faults, self.generated, lambda: self.http)
        self.ehrs = {one.name: Ehr(one, config, parts) for one in config.personalities}

    @property
    def http(self) -> httpx.AsyncClient:
        """Give the client with which services are called; made at first use."""
        if self._http is None:
            self._http = httpx.AsyncClient(timeout=self.config.timeout_s)
        return self._http

    @http.setter
    def http(self, client: httpx.AsyncClient) -> None:
        self._http = client

    def warm_up(self) -> None:
        """Generate every record now, so that no request has to wait for it."""
        for ehr in self.ehrs.values():
            ehr.store.types()

    async def close(self) -> None:
        """Close the HTTP client, if one was made."""
        if self._http is not None:
            await self._http.aclose()

    def ehr(self, site: str) -> Ehr:
        """Give the EHR that a site runs. Raises KeyError for an unknown site."""
        return self.ehrs[self.config.service_base_by_site[site].personality]

    def client(self, site: str) -> CdsClient:
        """Give the CDS Hooks client of a site. Raises KeyError for an unknown site."""
        return CdsClient(
            self.ehr(site),
            self.config.service_base_by_site[site],
            http=lambda: self.http,
            faults=self.faults,
        )

    def where(self, path: str) -> str | None:
        """Sort a path for faults and log: fhir, token, jwks, or None for the pages."""
        for one in self.config.personalities:
            if path in {one.hook_keys_path, one.identity_keys_path}:
                return "jwks"
            if path.startswith(one.oauth_path + "/"):
                return "token"
            if path == one.fhir_path or path.startswith(one.fhir_path + "/"):
                return "fhir"
        return None


@functools.cache
def _built_in() -> PatientSource:
    # Imported late: generating code is big and a simulator with its own patients needs none of it.
    from cds_service.simulator import patients

    return patients
