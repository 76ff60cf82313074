"""Builds HTML that cannot be broken by its content: text is escaped unless it is Html."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

VOID: Final = frozenset({"meta", "link", "input", "br", "hr", "img"})


class Html(str):
    """Markup that is already safe; only this module and `markdown` make it."""

    __slots__ = ()


# A list is a sequence of children; a string is text before it is a sequence.
Child: TypeAlias = "str | Sequence[Child] | None"


def text(child: Child) -> Html:
    """Turn a child into safe markup: strings are escaped, lists joined, None is nothing."""
    if child is None:
        return Html("")
    if isinstance(child, Html):
        return child
    if isinstance(child, str):
        return Html(escape(child, quote=True))
    return Html("".join(text(one) for one in child))


def tag(name: str, /, *children: Child, **attributes: str | bool | None) -> Html:
    """Build an element; `class_` is class, underscores become hyphens, True is a bare name."""
    shown = "".join(_attributes(attributes.items()))
    if name in VOID:
        return Html(f"<{name}{shown}>")
    return Html(f"<{name}{shown}>{text(list(children))}</{name}>")


def _attributes(pairs: Iterable[tuple[str, str | bool | None]]) -> Iterable[str]:
    for name, value in pairs:
        plain = name.rstrip("_").replace("_", "-")
        if value is True:
            yield f" {plain}"
        elif value is not None and value is not False:
            yield f' {plain}="{escape(value, quote=True)}"'


def document(title: str, *body: Child, head: Child = None) -> str:
    """Build a whole page with the simulator's style sheet."""
    heading = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", title),
        tag("link", rel="stylesheet", href="/_sim/style.css"),
        head,
    )
    return "<!doctype html>" + tag("html", heading, tag("body", *body), lang="en")


def web_address(url: object) -> str | None:
    """Give a URL back only if a browser may follow it: http and https."""
    if isinstance(url, str) and url.startswith(("http://", "https://")):
        return url
    return None
