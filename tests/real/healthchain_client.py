"""HealthChain's CDS Hooks client, run by the interpreter that has it; this will call a service and print what it saw.

One JSON order on standard input, one JSON report on standard output. The order names what to send, one of:

* `request`: a CDS Hooks request of ours, sent as HealthChain's own request model serialises it.
* `bundle`: one patient's FHIR Bundle; HealthChain's Synthea loader makes the prefetch from it. Its context is random
  unless `context` is given.
* `synthetic`: a seed; HealthChain invents the patient.
* `responses`: nothing is sent; HealthChain's response model reads these.

The report: `sent` (the bodies), `answers` (as HealthChain returned them), `refusals` (for each answer, what its
response model did not accept; it then hands on the raw answer without a word) and `errors` (its log: an HTTP error
becomes an empty answer).
"""

import json
import logging
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from healthchain.models import CDSRequest, CDSResponse  # type: ignore[import-not-found]
from healthchain.models.hooks import PatientViewContext  # type: ignore[import-not-found]
from healthchain.sandbox import SandboxClient  # type: ignore[import-not-found]
from pydantic import ValidationError
from typing_extensions import override

Order = dict[str, Any]


class Errors(logging.Handler):
    """Keeps the client's error lines, since it reports an HTTP error in no other way."""

    def __init__(self) -> None:
        """Listen for errors only."""
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    @override
    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line."""
        self.lines.append(record.getMessage())


def queue_request(client: SandboxClient, order: Order) -> None:
    """Queue a request of ours."""
    client.requests.append(CDSRequest(**order["request"]))


def queue_bundle(client: SandboxClient, order: Order) -> None:
    """Queue what HealthChain's own loader makes of a patient's Bundle."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "patient.json").write_text(json.dumps(order["bundle"]))
        client.load_from_registry(
            "synthea-patient", data_dir=folder, resource_types=order.get("resource_types")
        )
    if "context" in order:
        client.requests[-1].context = PatientViewContext(**order["context"])


def queue_synthetic(client: SandboxClient, order: Order) -> None:
    """Queue a patient that HealthChain invents."""
    client.load_synthetic(n=1, random_seed=order["synthetic"])


QUEUES: dict[str, Callable[[SandboxClient, Order], None]] = {
    "request": queue_request,
    "bundle": queue_bundle,
    "synthetic": queue_synthetic,
}


def refusals(response: Order) -> list[str]:
    """Read a response with HealthChain's model; this will be what it does not accept, as `path: reason`."""
    try:
        CDSResponse(**response)
    except ValidationError as refused:
        return [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in refused.errors()]
    except AttributeError as broken:  # its message for a missing selectionBehavior does not build
        return [f"cards: {broken}"]
    return []


def converse(order: Order) -> dict[str, Any]:
    """Send one order; this will be the report."""
    if "responses" in order:
        return {"refusals": [refusals(response) for response in order["responses"]]}
    errors = Errors()
    logging.getLogger("healthchain").addHandler(errors)
    client = SandboxClient(url=order["url"], workflow="patient-view")
    next(queue for kind, queue in QUEUES.items() if kind in order)(client, order)
    sent = [request.model_dump(exclude_none=True, mode="json") for request in client.requests]
    answers = client.send_requests()
    refused = [refusals(answer) for answer in answers]
    return {"sent": sent, "answers": answers, "refusals": refused, "errors": errors.lines}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(converse(json.load(sys.stdin))))
