"""Reads and writes JSON without changing a number: a dose of 1.50 stays 1.50."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec

# Decoded JSON is as free as FHIR itself; the simulator never models it further.
Json = dict[str, Any]

_WRITER = msgspec.json.Encoder(decimal_format="number")


def dumps(value: object, *, pretty: bool = False) -> bytes:
    """Write JSON bytes; a Decimal is written digit for digit. Raises TypeError for non-JSON."""
    text = _WRITER.encode(value)
    return msgspec.json.format(text, indent=2) if pretty else text


def loads(data: bytes | str) -> Any:  # noqa: ANN401 - JSON is whatever was sent
    """Read JSON, decimals kept as Decimal. Raises ValueError when it is not JSON."""
    return json.loads(data, parse_float=Decimal)


def listed(value: object) -> list[Any]:
    """Give a FHIR element as a list, whether it is absent, single or repeated."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
