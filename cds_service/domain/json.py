"""JSON as this product holds it: decoded once, numbers exact, never rewritten.

Decimals keep the digits that were sent (`7.10` stays `7.10`), because a brief prints values as
they are stored. Plain mappings are read through the accessors of `cds_service.fhir.elements`.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from cds_service.domain.errors import NotJson

Json = Any
"""Any decoded JSON: seldom what a specification says, and never known before it is looked at."""
JsonObject = Mapping[str, object]
"""One decoded JSON object: str, int, Decimal, bool, None, list and dict below it."""

EMPTY: JsonObject = {}

BOM = b"\xef\xbb\xbf"
NOT_JSON = (msgspec.DecodeError, InvalidOperation, RecursionError, UnicodeDecodeError)
"""What a decoder raises; the second for a number whose exponent no Decimal takes."""
_decoder = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")


def decode(body: bytes) -> object:
    """Decode JSON with exact decimals.

    Raises `NotJson`, without a word of the input, when the bytes are not JSON or nest too deeply.
    """
    try:
        return _decoder.decode(body.removeprefix(BOM))
    except NOT_JSON:
        raise NotJson from None


def encode(value: object) -> bytes:
    """Encode as compact JSON; decimals as numbers with the digits that they came with."""
    return _encoder.encode(value)
