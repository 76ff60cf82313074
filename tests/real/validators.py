"""Two validators that fail in different places; this will ask both about a resource we are going to write.

`fhir.resources` knows the shape of a resource but treats every code as a free string and every reference as a reference
to anything. `pyfhircheck` knows codes, reference targets and invariants from the specification's definitions but looks
less closely inside data types. `test_validators.py` shows where each is alone, and what neither sees.
"""

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fhir.resources import R4B  # the package's own top level is R5
from pydantic import ValidationError

from .parts import PARTS, PartError, python_of, r4_definitions

WORKER = Path(__file__).with_name("fhircheck_worker.py")
STOP_TIMEOUT_S = 10


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing wrong: the element's path, the validator's own code, and its sentence."""

    path: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class FhirCheck:
    """The definitions-based validator, kept running: the first answer takes 3 s, the next ones 2 ms."""

    process: subprocess.Popen[str]

    def validate(self, resource: Mapping[str, Any]) -> list[Issue]:
        """Check one R4 resource; this will be its errors, without warnings. Raises `PartError` if the process died."""
        if self.process.stdin is None or self.process.stdout is None:
            message = "fhircheck runs without its pipes"
            raise PartError(message)
        self.process.stdin.write(json.dumps(resource) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            message = f"fhircheck ended; see {PARTS / 'fhircheck-run.log'}"
            raise PartError(message)
        found = json.loads(line)
        return [
            Issue(i["path"], i["code"], i["message"]) for i in found if i["severity"] == "error"
        ]


@contextmanager
def fhircheck_running() -> Iterator[FhirCheck]:
    """Start the definitions-based validator; this will stop it when left."""
    command: list[str | Path] = [python_of("fhircheck"), "-P", WORKER, r4_definitions()]
    with (PARTS / "fhircheck-run.log").open("w") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
        )
    try:
        yield FhirCheck(process)
    finally:
        process.communicate(timeout=STOP_TIMEOUT_S)


def model_issues(resource: Mapping[str, Any]) -> list[Issue]:
    """Check one R4 resource against its `fhir.resources` model; this will be its errors."""
    try:
        R4B.get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    except ValidationError as refused:
        return [
            Issue(".".join(map(str, e["loc"])), e["type"], e["msg"])
            for e in refused.errors(include_url=False, include_input=False)
        ]
    return []
