"""Renders the small, safe part of GitHub-Flavored Markdown that cards use.

Paragraphs, headings, bullet and numbered lists (nested by indentation), bold, italic, code,
hard breaks, rules and backslash escapes. Raw HTML is shown as text; links are shown as their
text, since an EHR follows only a card's own links.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import escape, unescape

from cds_service.simulator.markup import Html, tag

_ITEM = re.compile(r"^(\s*)(?:[-*+]|(\d+)[.)])\s+(.*)$")
_HEADING = re.compile(r"^(#{1,6})\s+(.*?)\s*#*$")
_RULE = re.compile(r"^\s{0,3}([-*_])(?:\s*\1){2,}\s*$")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_CODE = re.compile(r"(`+)(.+?)\1")
_INLINE = (
    (re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*\)"), r"\1"),
    (re.compile(r"\*\*(?=\S)(.+?)(?<=\S)\*\*"), r"<strong>\1</strong>"),
    (re.compile(r"(?<!\w)__(?=\S)(.+?)(?<=\S)__(?!\w)"), r"<strong>\1</strong>"),
    (re.compile(r"\*(?=\S)([^*]+?)(?<=\S)\*"), r"<em>\1</em>"),
    (re.compile(r"(?<!\w)_(?=\S)([^_]+?)(?<=\S)_(?!\w)"), r"<em>\1</em>"),
    (re.compile(r"~~(?=\S)(.+?)(?<=\S)~~"), r"<del>\1</del>"),
)
# Escapes and code spans are parked behind private-use characters while the rest is read.
_PARK = 0xE000
_PARKED = re.compile("[\ue000-\uf8ff]")


def inline(source: str) -> Html:
    """Render one run of text; everything that is not our own mark-up is escaped."""
    parked: list[str] = []

    def park(html: str) -> str:
        parked.append(html)
        return chr(_PARK + len(parked) - 1)

    shown = _PARKED.sub("", source)
    shown = _ESCAPED.sub(lambda m: park(escape(m.group(1))), shown)
    shown = _CODE.sub(lambda m: park(f"<code>{escape(m.group(2).strip())}</code>"), shown)
    shown = escape(unescape(shown), quote=True)
    for pattern, replacement in _INLINE:
        shown = pattern.sub(replacement, shown)
    return Html(_PARKED.sub(lambda m: "".join(parked[ord(m.group()) - _PARK :][:1]), shown))


@dataclass(slots=True)
class _Item:
    text: str
    children: list[_Block] = field(default_factory=list)


@dataclass(slots=True)
class _Block:
    kind: str
    indent: int = 0
    lines: list[str] = field(default_factory=list)
    items: list[_Item] = field(default_factory=list)


def _blocks(lines: list[str]) -> list[_Block]:
    blocks: list[_Block] = []
    fresh = True
    for line in lines:
        if not line.strip():
            fresh = True
            continue
        heading, item = _HEADING.match(line), _ITEM.match(line)
        if _RULE.match(line):
            blocks.append(_Block("hr"))
        elif heading is not None:
            level = min(len(heading.group(1)) + 2, 6)
            blocks.append(_Block(f"h{level}", lines=[heading.group(2)]))
        elif item is not None:
            kind = "ol" if item.group(2) else "ul"
            _add_item(blocks, _Block(kind, len(item.group(1))), item.group(3))
        else:
            _add_text(blocks, line, fresh=fresh)
        fresh = False
    return blocks


def _add_item(blocks: list[_Block], shape: _Block, content: str) -> None:
    last = blocks[-1] if blocks else None
    if last is not None and last.items and shape.indent > last.indent + 1:
        _add_item(last.items[-1].children, shape, content)
    elif last is not None and last.items and last.kind == shape.kind:
        last.items.append(_Item(content))
    else:
        shape.items.append(_Item(content))
        blocks.append(shape)


def _add_text(blocks: list[_Block], line: str, *, fresh: bool) -> None:
    last = blocks[-1] if blocks else None
    if last is not None and last.items and (not fresh or line.startswith("  ")):
        last.items[-1].text += "\n" + line.strip()
    elif last is not None and last.kind == "p" and not fresh:
        last.lines.append(line)
    else:
        blocks.append(_Block("p", lines=[line]))


def _joined(lines: list[str]) -> Html:
    parts = []
    for number, line in enumerate(lines):
        hard = line.endswith(("  ", "\\")) and number < len(lines) - 1
        plain = line.rstrip().removesuffix("\\") if hard else line.strip()
        parts.append(inline(plain.strip()) + ("<br>" if hard else "\n"))
    return Html("".join(parts).strip())


def _shown(block: _Block) -> Html:
    if block.kind == "hr":
        return tag("hr")
    if block.items:
        items = [
            tag("li", _joined(item.text.split("\n")), *map(_shown, item.children))
            for item in block.items
        ]
        return tag(block.kind, *items)
    return tag(block.kind, _joined(block.lines))


def render(source: str) -> Html:
    """Render a card's detail as safe HTML."""
    return Html("".join(_shown(block) for block in _blocks(source.splitlines())))
