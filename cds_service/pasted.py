"""Finds a secret that was pasted into a site file, before anything can read, keep or quote it."""

import re

from cds_service.domain.errors import Misconfigured

_KEY = re.compile(r"secret|passw|private|api[-_]?key|token$|^d$", re.IGNORECASE)
_VALUE = re.compile(r"-----BEGIN|^eyJ[\w-]+\.eyJ|^Bearer |\"d\"\s*:", re.IGNORECASE)
_REFERENCES = ("env:", "file:")


def check_secrets(data: object, path: tuple[str, ...] = ()) -> None:
    """Refuse what looks like a secret: a PEM block, a JWT, a private JWK, or text under a key that asks for one.

    References (`env:NAME`, `file:PATH`) are what should stand there. Raises `Misconfigured`, which names the key
    and the right form, never the value.
    """
    if isinstance(data, dict):
        for name, value in data.items():
            check_secrets(value, (*path, str(name)))
    elif isinstance(data, list):
        for number, value in enumerate(data):
            check_secrets(value, (*path, str(number)))
    elif isinstance(data, str) and path and _is_secret(path[-1], data):
        raise Misconfigured(
            f"{'.'.join(path)}: a secret is never written in a site file: put it into a file that only the"
            ' service can read and write "file:PATH", or "env:NAME" for a variable.'
        )


def _is_secret(key: str, value: str) -> bool:
    found = _KEY.search(key) or _VALUE.search(value)
    return found is not None and not value.startswith(_REFERENCES)
