"""Fixtures for the tests against real counterparties; this will install, start and stop them as they are asked for.

For a test that needs the product too: start it in a fixture of its own, put `signing_proxy(service_url, signer)`
before it for a client without a key (`healthchain(url=proxy.base_url + "/cds-services/<id>", ...)`), and name
`sekmet.base_url` as `fhirServer`. The patient of `chart` is on the server; `searchset(chart, "Condition")` is the same
record as prefetch.
"""

import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from .population import Resource, as_server_resources, synthea_patients
from .sekmet import OPEN, Sekmet, running
from .signing_proxy import Signer
from .validators import FhirCheck, fhircheck_running

HERE = Path(__file__).parent
SEED = 2  # two living adults with allergies and many active medicines
OTHER_SEED = 7

StartSekmet = Callable[..., AbstractContextManager[Sekmet]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this folder `real`, so that a plain run can leave it out with `-m "not real"`."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.real)


@pytest.fixture(scope="session")
def sekmet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sekmet]:
    """Share one open FHIR server, empty at its start; each test brings its own ids."""
    with running(tmp_path_factory.mktemp("sekmet")) as server:
        yield server


@pytest.fixture
def start_sekmet(tmp_path_factory: pytest.TempPathFactory) -> StartSekmet:
    """Start private FHIR servers, each empty and about a second of work.

    `with start_sekmet(auth={...}, bearer="...") as server`, as in `running`.
    """

    def start(
        *, auth: Mapping[str, Any] = OPEN, bearer: str | None = None
    ) -> AbstractContextManager[Sekmet]:
        return running(tmp_path_factory.mktemp("sekmet"), auth=auth, bearer=bearer)

    return start


@pytest.fixture(scope="session")
def patients() -> list[Resource]:
    """Generate two adults; this will be their transaction Bundles, references as `urn:uuid:`."""
    return synthea_patients(SEED, 2)


@pytest.fixture(scope="session")
def stranger() -> Resource:
    """Generate one more adult, who is on no server."""
    return synthea_patients(OTHER_SEED, 1)[0]


@pytest.fixture(scope="session")
def chart(sekmet: Sekmet, patients: list[Resource]) -> list[Resource]:
    """Put the first adult on the shared server; this will be the same resources, for a prefetch."""
    resources = as_server_resources(patients[0])
    sekmet.load(resources)
    return resources


@pytest.fixture(scope="session")
def fhircheck() -> Iterator[FhirCheck]:
    """Load the definitions-based R4 validator once."""
    with fhircheck_running() as checker:
        yield checker


@pytest.fixture(scope="session")
def signer() -> Signer:
    """Make a CDS Client's identity; `signer.private_key.public_key()` is what a site would list."""
    return Signer(
        private_key=ec.generate_private_key(ec.SECP384R1()),
        kid="real-1",
        issuer="https://ehr.example",
        now=time.time,
    )


@pytest.fixture(scope="session")
def moment() -> datetime:
    """Stop the product's clock at the start of the run."""
    return datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(scope="session")
def signer_now(signer: Signer, moment: datetime) -> Signer:
    """Let the same client sign at that moment."""
    return Signer(
        private_key=signer.private_key,
        kid=signer.kid,
        issuer=signer.issuer,
        now=moment.timestamp,
        serial=itertools.count(1_000),
    )
