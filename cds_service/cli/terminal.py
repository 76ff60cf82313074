"""What a terminal shows and takes: cards as lines, ports as numbers."""

import argparse
import textwrap
from collections.abc import Iterator
from typing import Any


def shown(card: dict[str, Any]) -> Iterator[str]:
    """Yield a card as lines for a terminal."""
    yield f"[{card['indicator']}] {card['summary']}"
    yield textwrap.indent(card.get("detail", ""), "  | ")
    for suggestion in card.get("suggestions", ()):
        yield f"  (suggestion) {suggestion['label']}"
    for link in card.get("links", ()):
        yield f"  (link) {link['label']}"


def port(text: str) -> int:
    """Return a port number. Raises argparse's own error, which names the option."""
    if not text.isdecimal() or not 0 < int(text) < 65536:  # noqa: PLR2004  # RFC 6335 section 6
        raise argparse.ArgumentTypeError("a port is a number from 1 to 65535")
    return int(text)
