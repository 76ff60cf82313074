"""What a terminal shows and takes: cards as lines, ports as numbers."""

import argparse
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self


def shown(card: dict[str, Any]) -> Iterator[str]:
    """Yield a card as lines for a terminal."""
    yield f"[{card['indicator']}] {card['summary']}"
    yield textwrap.indent(card.get("detail", ""), "  | ")
    for suggestion in card.get("suggestions", ()):
        yield f"  (suggestion) {suggestion['label']}"
    for link in card.get("links", ()):
        yield f"  (link) {link['label']}"


def counted(number: int, one: str) -> str:
    """Return a number of things in words: 1 card, 2 cards."""
    return f"{number} {one}" if number == 1 else f"{number} {one}s"


def progress(text: str) -> None:
    """Show how far long work came, to a person who watches; the line is overwritten by the next."""
    if sys.stderr.isatty():
        print(f"\r{text}", end="\r", file=sys.stderr, flush=True)


def port(text: str) -> int:
    """Return a port number. Raises argparse's own error, which names the option."""
    if not text.isdecimal() or not 0 < int(text) < 65536:  # noqa: PLR2004  # RFC 6335 section 6
        raise argparse.ArgumentTypeError("a port is a number from 1 to 65535")
    return int(text)


@dataclass(slots=True)
class Progress:
    """Says on stderr what is being done: one line that changes on a terminal, nothing where nobody looks."""

    quiet: bool = False
    _width: int = 0

    def __enter__(self) -> Self:
        """Begin."""
        self.quiet = self.quiet or not sys.stderr.isatty()
        return self

    def __call__(self, what: str) -> None:
        """Say what is being done now."""
        if not self.quiet:
            line = f"  looking at {what} ..."
            print(f"\r{line:<{self._width}}", end="", file=sys.stderr, flush=True)
            self._width = len(line)

    def __exit__(self, *_: object) -> None:
        """Leave a clean line."""
        if not self.quiet:
            print("\r" + " " * self._width + "\r", end="", file=sys.stderr, flush=True)
