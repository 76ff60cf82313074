"""What granted SMART scopes permit, in v1 (`user/Patient.read`) and v2 (`user/Patient.rs`) syntax."""

import re
from typing import Literal

Verb = Literal["c", "r", "u", "d", "s"]

_SCOPE = re.compile(
    r"(?:patient|user|system)/([A-Za-z]+|\*)\.(read|write|\*|c?r?u?d?s?)(?:\?(.*))?"
)
_V1 = {"read": "rs", "write": "cud", "*": "cruds"}


def grants(scope: str, resource_type: str, verb: Verb) -> list[str] | None:
    """Return the query of each scope that grants this, "" for none; None when no scope can be read."""
    scopes = [m for part in scope.split() if (m := _SCOPE.fullmatch(part))]
    if not scopes:
        return None
    return [
        m[3] or "" for m in scopes if m[1] in {resource_type, "*"} and verb in _V1.get(m[2], m[2])
    ]
