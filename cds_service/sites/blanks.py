"""What a site file still leaves to be filled in: `site new` writes REPLACE where it cannot know.

Such a file can be looked at, printed and checked. It is never in service: what it says of callers and servers is
nobody's.
"""

import re
from collections.abc import Iterator

from cds_service.sites.file import SiteFile

_LEFT = re.compile(r"\bREPLACE\b")


def is_left(value: str) -> bool:
    """Return whether a value is one that nobody has filled in."""
    return _LEFT.search(value) is not None


def unfilled(file: SiteFile) -> tuple[str, ...]:
    """Return the keys whose values have to be filled in, such as `trust.iss`, each once."""
    return tuple(dict.fromkeys(_unfilled(file.model_dump(mode="json"), "")))


def _unfilled(value: object, place: str) -> Iterator[str]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _unfilled(each, f"{place}.{name}" if place else str(name))
    elif isinstance(value, list):
        for each in value:
            yield from _unfilled(each, place)
    elif isinstance(value, str) and is_left(value):
        yield place
