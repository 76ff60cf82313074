"""The simulated EHR beside the server that others wrote: where they differ, and that a brief does not."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cds_service.simulator import patients
from cds_service.simulator.wire import dumps
from tests.ground import TODAY, standing

from .product import LARGE_PAGES, SMART, patient_view, product_running
from .sekmet import Sekmet
from .signing_proxy import Signer

PATIENT = "harold-lindqvist"
LATER = datetime(TODAY.year, TODAY.month, TODAY.day, 15, tzinfo=UTC)
"""The moment at which the simulated EHR stands."""
NOTE: dict[str, Any] = {
    "resourceType": "DocumentReference",
    "status": "current",
    "docStatus": "preliminary",
    "type": {"coding": [{"system": "http://loinc.org", "code": "11506-3"}]},
    "subject": {"reference": f"Patient/{PATIENT}"},
    "content": [{"attachment": {"contentType": "text/plain", "data": "aGVsbG8="}}],
}


@pytest.fixture(scope="module")
def loaded(sekmet: Sekmet) -> Sekmet:
    """Put a patient of the simulated EHR on the other server."""
    resources = json.loads(dumps(patients.resources(PATIENT, anchor=TODAY)))
    sekmet.load(resources)
    return sekmet
