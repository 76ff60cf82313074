"""Write a resource as JSON bytes that keep the stored digits of every number.

FHIR says that 7.10 and 7.1 differ in precision. A float cannot hold that difference, so a value
whose digits matter is a `decimal.Decimal`, and this writer prints it as a plain JSON number.
"""

from decimal import Decimal
from json import JSONEncoder

_text = JSONEncoder(ensure_ascii=False, allow_nan=False).encode


def to_json(resource: dict[str, object]) -> bytes:
    """Return the resource as compact UTF-8 JSON, with Decimals as numbers in their exact digits.

    Raises TypeError for a value that is not plain JSON or Decimal.
    """
    return _write(resource).encode()


def _write(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{_text(key)}:{_write(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_write, value)) + "]"
    if isinstance(value, Decimal):
        return str(value)
    return _text(value)
