"""Cards as lines for a terminal."""

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
