"""Reads and writes JSON without changing a number: a dose of 1.50 stays 1.50."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import orjson

# Decoded JSON is as free as FHIR itself; the simulator never models it further.
Json = dict[str, Any]


def _exact(value: object) -> orjson.Fragment:
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value))
    message = f"{type(value).__name__} is not JSON"
    raise TypeError(message)


def dumps(value: object, *, pretty: bool = False) -> bytes:
    """Write JSON bytes; a Decimal is written digit for digit. Raises TypeError for non-JSON."""
    return orjson.dumps(value, default=_exact, option=orjson.OPT_INDENT_2 if pretty else None)


def loads(data: bytes | str) -> Any:
    """Read JSON, decimals kept as Decimal. Raises ValueError when it is not JSON."""
    return json.loads(data, parse_float=Decimal)


def listed(value: object) -> list[Any]:
    """Give a FHIR element as a list, whether it is absent, single or repeated."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
