"""What the measurements share: a folder with a site, a key and the bodies, and the commands of the servers."""

import json
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from cds_service.simulator.keys import public_jwk
from cds_service.simulator.wire import dumps
from cds_service.sites import Site, load_sites
from tests.bench import chart
from tests.bench.load import Order, Report, run
from tests.bench.process import Server, free_port, serving
from tests.real.signing_proxy import Signer

PUBLIC_URL = "https://cds.example.org"
"""What the service calls itself: tokens name it, whatever port they are sent to."""
ISSUER = "https://ehr.example.org"
RULES, AHEAD = "bench", "ahead"
"""Two sites of one EHR: at one a call is answered by rules, at the other from a brief that was prepared."""
TIMES = 10
"""How much larger the large body is."""
_SITE = """
title = "Bench"
vendor = "generic-r4"
environment = "test"
timezone = "America/Chicago"
services = ["patient-view-brief"]

[fhir]
base_url = "{fhir}"

[[trust]]
iss = "{issuer}"
jwks_file = "{jwks}"
client_id = "bench"

[smart]
client_id = "bench"
"""
_WORK_AHEAD = """
[backend]
client_id = "bench"

[prepare]
concurrency = 20
requests_per_second = 1000
"""


def path(site: str) -> str:
    """Return where a site's calls go."""
    return f"/{site}/cds-services/{chart.SERVICE}"


def _issuer(site: str) -> str:
    return f"{ISSUER}/{site}"


PATH = path(RULES)


@dataclass(frozen=True, slots=True)
class Stand:
    """One run's folder, its signer and where the stand-in FHIR server listens."""

    folder: Path
    signer: Signer
    fhir_port: int

    def settings(self, name: str) -> Mapping[str, str]:
        """Return the environment of one service process."""
        return {
            "CDS_PROFILE": "demo",
            "CDS_PUBLIC_URL": PUBLIC_URL,
            "CDS_SITES": str(self.folder / "sites"),
            "CDS_DATA_DIR": str(self.folder / name),
        }

    def serve(self, port: int) -> list[str]:
        """Return the command of the service, as an operator runs it."""
        return ["cds_service.cli", "serve", "--port", str(port)]

    @contextmanager
    def ours(self) -> Iterator[Server]:
        """Run the service."""
        port = free_port()
        log, settings = self.folder / "ours.log", self.settings("data")
        with serving(self.serve(port), port=port, log=log, settings=settings) as server:
            yield server

    @contextmanager
    def without_audit(self) -> Iterator[Server]:
        """Run the service with an audit that keeps nothing."""
        port = free_port()
        command = ["tests.bench.null_audit", "serve", "--port", str(port)]
        log, settings = self.folder / "null.log", self.settings("null")
        with serving(command, port=port, log=log, settings=settings) as server:
            yield server

    @contextmanager
    def floor(self) -> Iterator[Server]:
        """Run the floor."""
        port = free_port()
        words = [str(port), str(self.folder / "jwks.json")]
        log = self.folder / "floor.log"
        with serving(["tests.bench.floor", *words], port=port, log=log) as server:
            yield server

    @contextmanager
    def fhir(self) -> Iterator[Server]:
        """Run the FHIR server that takes its time."""
        words = ["tests.bench.fhir", str(self.fhir_port), str(self.folder / "prefetch.json")]
        log = self.folder / "fhir.log"
        with serving(words, port=self.fhir_port, log=log) as server:
            yield server

    def site(self) -> Site:
        """Return the site as the service loads it."""
        services = frozenset({"patient-view-brief"})
        return load_sites(self.folder / "sites", services=services, demo=True).find(RULES)

    def tokens(self, count: int, site: str = RULES) -> list[str]:
        """Sign fresh tokens: each is good for one call of one site."""
        signer = replace(self.signer, issuer=_issuer(site))
        return [signer.token(PUBLIC_URL + path(site), sub="bench") for _ in range(count)]

    def send(
        self,
        server: Server,
        tokens: list[str],
        body: str = "body",
        site: str = RULES,
        **how: float,
    ) -> Report:
        """Send one call for each token."""
        file = str(self.folder / f"{body}.json")
        return run(Order(port=server.port, path=path(site), body_file=file, tokens=tokens, **how))


@contextmanager
def standing() -> Iterator[Stand]:
    """Write everything a run needs into a folder that goes away with it."""
    folder = Path(tempfile.mkdtemp(prefix="cds-bench-"))
    try:
        key, port = ec.generate_private_key(ec.SECP384R1()), free_port()
        fhir = f"http://127.0.0.1:{port}/r4"
        jwks = {"keys": [public_jwk(key, kid="bench", algorithm="ES384")]}
        (folder / "jwks.json").write_text(json.dumps(jwks), encoding="ascii")
        (folder / "sites").mkdir()
        for name, more in ((RULES, ""), (AHEAD, _WORK_AHEAD)):
            site = _SITE.format(fhir=fhir, issuer=_issuer(name), jwks=folder / "jwks.json")
            (folder / "sites" / f"{name}.toml").write_text(site + more, encoding="ascii")
        _write_bodies(folder, fhir)
        yield Stand(
            folder,
            Signer(private_key=key, kid="bench", issuer=_issuer(RULES), now=time.time),
            port,
        )
    finally:
        shutil.rmtree(folder)


def _write_bodies(folder: Path, fhir: str) -> None:
    today = datetime.now(UTC).date()
    body, prefetch = chart.call(anchor=today, fhir_server=fhir)
    (folder / "body.json").write_bytes(body)
    (folder / "prefetch.json").write_bytes(dumps(prefetch))
    large, _ = chart.call(anchor=today, fhir_server=fhir, times=TIMES)
    (folder / "large.json").write_bytes(large)
    bare, _ = chart.call(anchor=today, fhir_server=fhir, prefetched=False)
    (folder / "bare.json").write_bytes(bare)
