"""The product itself on a loopback port; this will run it under uvicorn in a thread, its clock standing still.

A clock that stands still makes two answers comparable byte for byte: a brief says when it was made.
"""

import asyncio
import json
import threading
import time
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import httpx
import uvicorn

from cds_service.app import Service, World, build
from cds_service.settings import Settings
from cds_service.simulator.keys import public_jwk

from .sekmet import _free_port
from .signing_proxy import Signer

START_TIMEOUT_S = 20
CLIENT_ID = "cds-brief"
SITE = """
title = "Real Hospital"
vendor = "generic-r4"
environment = "test"
timezone = "America/Chicago"
services = ["patient-view-brief", "care-team"]
hook_budget_ms = 10000

[fhir]
base_url = "{base_url}"

[[trust]]
iss = "{issuer}"
jwks_file = "{jwks}"
client_id = "cds-brief"

[policy]
reads_per_second = 10000
"""
SMART = """
[smart]
client_id = "cds-brief"
"""
LARGE_PAGES = """
[vendor_overrides.search]
page_size = 1000
"""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Product:
    """The running service: where it listens, and what an EHR needs to call it."""

    base_url: str
    service: Service
    loop: asyncio.AbstractEventLoop
    signer: Signer
    http: httpx.Client

    def call(
        self, body: Mapping[str, Any], *, service: str = "patient-view-brief"
    ) -> httpx.Response:
        """Send a hook call with a token of its own; this will be the answer, whatever its status."""
        url = f"{self.base_url}/real/cds-services/{service}"
        headers = {"Authorization": f"Bearer {self.signer.token(url)}"}
        return self.http.post(url, json=body, headers=headers)

    def templates(self, service: str = "patient-view-brief") -> dict[str, str]:
        """Read discovery; this will be the prefetch templates of a service."""
        services = self.http.get(f"{self.base_url}/real/cds-services").json()["services"]
        return next(each["prefetch"] for each in services if each["id"] == service)

    def brief(self, answer: httpx.Response) -> bytes:
        """Open the stored brief that an answer's cards link to; this will be its JSON."""
        link = answer.raise_for_status().json()["cards"][0]["links"][0]
        found = self._run(
            self.service.database.brief("real", json.loads(link["appContext"])["brief"])
        )
        assert found is not None
        return found

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        asyncio.run_coroutine_threadsafe(self.service.writer.flush(), self.loop).result(10)
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(10)


@contextmanager
def product_running(
    folder: Path, signer: Signer, *, fhir: str, moment: datetime, more: str = SMART
) -> Iterator[Product]:
    """Run the service with one site, `real`, whose FHIR server is `fhir`; `more` ends the site file."""
    port = _free_port()
    settings = _settings(folder, signer, f"http://127.0.0.1:{port}", fhir, more)
    started, running = threading.Event(), {}

    async def serve() -> None:
        service = build(settings, World(now=lambda: moment))
        config = uvicorn.Config(service.asgi, port=port, log_level="error", access_log=False)
        running.update(
            service=service, loop=asyncio.get_running_loop(), server=uvicorn.Server(config)
        )
        started.set()
        await running["server"].serve()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert started.wait(START_TIMEOUT_S)
    try:
        with httpx.Client(timeout=30) as http:
            base_url = f"http://127.0.0.1:{port}"
            _await_ready(http, base_url, thread)
            yield Product(base_url, running["service"], running["loop"], signer, http)
    finally:
        running["server"].should_exit = True
        thread.join(START_TIMEOUT_S)


def _settings(folder: Path, signer: Signer, public_url: str, fhir: str, more: str) -> Settings:
    jwks = folder / "jwks.json"
    key = public_jwk(signer.private_key, kid=signer.kid, algorithm="ES384")
    jwks.write_text(json.dumps({"keys": [key]}))
    sites = folder / "sites"
    sites.mkdir()
    site = SITE.format(base_url=fhir, issuer=signer.issuer, jwks=jwks)
    (sites / "real.toml").write_text(site + more)
    return Settings(
        profile="demo",
        data_dir=folder / "data",
        public_url=public_url,
        sites=sites,
        hook_packages=("hooks", "tests.real.services"),
    )


def _await_ready(http: httpx.Client, base_url: str, thread: threading.Thread) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while thread.is_alive() and time.monotonic() < deadline:
        try:
            if http.get(f"{base_url}/readyz").is_success:
                return
        except httpx.ConnectError:
            time.sleep(0.02)
    raise RuntimeError("the service did not start")


def patient_view(
    patient: str,
    *,
    fhir: str,
    encounter: str | None = None,
    prefetch: Mapping[str, Any] | None = None,
    access: bool = True,
) -> dict[str, Any]:
    """Write a patient-view call; this will offer a token unless `access` is false."""
    context = {"userId": "Practitioner/1", "patientId": patient}
    body: dict[str, Any] = {
        "hook": "patient-view",
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "fhirServer": fhir,
        "context": context | ({"encounterId": encounter} if encounter else {}),
    }
    if access:
        body["fhirAuthorization"] = {
            "access_token": "any",
            "token_type": "Bearer",
            "expires_in": 300,
            "scope": "user/*.rs",
            "subject": CLIENT_ID,
        }
    return body if prefetch is None else body | {"prefetch": prefetch}


def resolved(
    templates: Mapping[str, str], body: Mapping[str, Any], http: httpx.Client
) -> dict[str, Any]:
    """Resolve prefetch templates against a server, as an EHR does; this will be the prefetch."""
    found = {}
    for key, template in templates.items():
        path = template
        for name, value in body["context"].items():
            path = path.replace("{{context." + name + "}}", value)
        if "{{" not in path:
            found[key] = http.get(f"/{path}").raise_for_status().json()
    return found
