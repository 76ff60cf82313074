"""The validator's end of a pipe, run by the interpreter that has it; this will answer each JSON line with one.

In: a resource. Out: `[{"severity", "code", "path", "message"}, ...]`. The library prints traces on standard output, so
the answers go out on a copy of it and the traces to standard error.
"""

import json
import os
import sys

from pyfhircheck import Validator  # type: ignore[import-not-found]
from pyfhircheck.config import ValidatorConfig  # type: ignore[import-not-found]


def main(definitions: str) -> None:
    """Load the definitions, then validate until the input ends; this will write one line for each resource."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    settings = {
        "fhirVersion": "4.0.1",
        "localPackagePaths": [definitions],
        "terminology": {"mode": "local"},
    }
    validator = Validator(ValidatorConfig.load_dict(settings))
    for line in sys.stdin:
        issues = validator.validate_resource(json.loads(line)).issues
        rows = [
            {
                "severity": str(getattr(i.severity, "value", i.severity)),
                "code": i.code,
                "path": i.path,
                "message": i.message,
            }
            for i in issues
        ]
        answers.write(json.dumps(rows) + "\n")
        answers.flush()


if __name__ == "__main__":
    main(sys.argv[1])
