"""A CDS Hooks client that others wrote; this will run it as a process and read its report."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .parts import PartError, python_of

SCRIPT = Path(__file__).with_name("healthchain_client.py")
TIMEOUT_S = 60


@dataclass(frozen=True, slots=True)
class Report:
    """What HealthChain sent, what it made of the answers (refusals are one list for each), and its error log."""

    sent: tuple[dict[str, Any], ...] = ()
    answers: tuple[dict[str, Any], ...] = ()
    refusals: tuple[list[str], ...] = ()
    errors: tuple[str, ...] = ()


def healthchain(**order: Any) -> Report:
    """Run the client once; this will be its report. Raises `PartError` when it cannot build the request.

    Orders, all for `patient-view`: `url=..., request=...`; `url=..., bundle=..., resource_types=[...], context={...}`;
    `url=..., synthetic=<seed>`; or `responses=[...]` to have answers read without calling anybody. A process takes
    about a second.
    """
    ended = subprocess.run(
        [python_of("healthchain"), "-P", SCRIPT],
        input=json.dumps(order),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    if ended.returncode != 0:
        message = f"healthchain: {ended.stderr.strip().splitlines()[-1:]}"
        raise PartError(message)
    return Report(**{field: tuple(rows) for field, rows in json.loads(ended.stdout).items()})
