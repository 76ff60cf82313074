"""Dates in a page, each in one piece: a browser breaks a line at the hyphens of 2026-11-23 otherwise."""

import re
from html import escape

_DATE = re.compile(r"\b\d{4}-\d{2}(?:-\d{2})?\b")


class Escaped(str):
    """Text that is markup already: templates ask it by this method, and escape it no further."""

    __slots__ = ()

    def __html__(self) -> str:
        """Return itself."""
        return str(self)


def dated(text: str) -> Escaped:
    """Return a text, escaped, in which no date is broken."""
    return Escaped(_DATE.sub(r'<span class="date">\g<0></span>', escape(text)))
