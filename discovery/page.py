"""A page as data, and the three ways in which it is shown: for a terminal, as Markdown and as HTML that prints well."""

import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from importlib import resources
from typing import Any, TypeAlias

_WIDTH = 100
_COLUMN = 48


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph."""

    text: str


@dataclass(frozen=True, slots=True)
class Items:
    """A list; `boxes` are to be ticked off."""

    items: tuple[str, ...]
    boxes: bool = False


@dataclass(frozen=True, slots=True)
class Fields:
    """Names and what stands there, to be copied: (name, lines, note)."""

    rows: tuple[tuple[str, tuple[str, ...], str], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


Block: TypeAlias = Text | Items | Fields | Table


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands below it."""

    title: str
    blocks: tuple[Block, ...]


def table(title: str, head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[Section]:
    """Yield a section that is one table; none without rows."""
    found = tuple(rows)
    if found:
        yield Section(title, (Table(head, found),))


@dataclass(frozen=True, slots=True)
class Page:
    """A whole page."""

    title: str
    lead: str
    sections: tuple[Section, ...] = field(default=())


def markdown(page: Page) -> str:
    """Return the page as Markdown."""
    lines = [f"# {page.title}", "", page.lead, ""]
    for section in page.sections:
        lines += [f"## {section.title}", ""]
        for block in section.blocks:
            lines += [*_MARKDOWN[type(block)](block), ""]
    return "\n".join(lines)


def text(page: Page) -> str:
    """Return the page for a terminal of 100 columns."""
    lines = [page.title, "=" * len(page.title), "", *_wrapped(page.lead), ""]
    for section in page.sections:
        lines += [section.title, "-" * len(section.title)]
        for block in section.blocks:
            lines += [*_TEXT[type(block)](block), ""]
    return "\n".join(lines)


def html(page: Page) -> str:
    """Return the page as one HTML file without anything to load: it is printed and mailed."""
    style = resources.files(__package__).joinpath("page.css").read_text(encoding="utf-8")
    body = "".join(
        f"<section><h2>{escape(s.title)}</h2>{''.join(_HTML[type(b)](b) for b in s.blocks)}</section>\n"
        for s in page.sections
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(page.title)}</title><style>{style}</style></head>\n<body><main>\n"
        f'<header><h1>{escape(page.title)}</h1><p class="lead">{_inline(page.lead)}</p></header>\n'
        f"{body}</main></body></html>\n"
    )


def _wrapped(words: str, first: str = "", rest: str = "") -> list[str]:
    return textwrap.wrap(
        words,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _md_fields(block: Fields) -> Iterator[str]:
    for name, lines, note in block.rows:
        said = f" ({note})" if note else ""
        if len(lines) == 1:
            yield f"* **{name}**{said}: `{lines[0]}`"
        else:
            yield from (
                f"* **{name}**{said}:",
                "",
                "  ```text",
                *(f"  {x}" for x in lines),
                "  ```",
                "",
            )


def _md_table(block: Table) -> Iterator[str]:
    yield f"| {' | '.join(block.head)} |"
    yield f"|{' --- |' * len(block.head)}"
    for row in block.rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


def _text_fields(block: Fields) -> Iterator[str]:
    for name, lines, note in block.rows:
        yield f"  {name}{f' ({note})' if note else ''}:"
        yield from (f"      {line}" for line in lines)


def _text_table(block: Table) -> Iterator[str]:
    plain = [tuple(cell.replace("`", "") for cell in row) for row in block.rows]
    width = max((len(row[0]) for row in plain), default=0)
    for row in plain:
        first, *rest = row
        if len(row) == 2 and width <= _COLUMN:  # noqa: PLR2004  # two columns stand side by side
            yield from _wrapped(rest[0], f"  {first:<{width}}  ", " " * (width + 4)) or [
                f"  {first}"
            ]
            continue
        yield from _wrapped(first, "  - ", "    ")
        for name, cell in zip(block.head[1:], rest, strict=True):
            if cell:
                yield from _wrapped(f"{name}: {cell}", "      ", "      ")


def _inline(words: str) -> str:
    """Escape words and set what stands between backticks as code."""
    parts = escape(words).split("`")
    return "".join(f"<code>{p}</code>" if n % 2 else p for n, p in enumerate(parts))


def _html_fields(block: Fields) -> str:
    rows = "".join(
        f"<tr><th>{_inline(name)}{f'<small>{_inline(note)}</small>' if note else ''}</th>"
        f"<td>{''.join(f'<code>{escape(line)}</code>' for line in lines)}</td></tr>"
        for name, lines, note in block.rows
    )
    return f'<table class="fields">{rows}</table>'


def _html_table(block: Table) -> str:
    head = "".join(f"<th>{_inline(cell)}</th>" for cell in block.head)
    rows = "".join(
        f"<tr>{''.join(f'<td>{_inline(c)}</td>' for c in row)}</tr>" for row in block.rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _html_items(block: Items) -> str:
    kind = ' class="boxes"' if block.boxes else ""
    return f"<ul{kind}>{''.join(f'<li>{_inline(item)}</li>' for item in block.items)}</ul>"


def _md_items(block: Items) -> list[str]:
    return [f"* {'[ ] ' if block.boxes else ''}{item}" for item in block.items]


def _text_items(block: Items) -> list[str]:
    mark = "  [ ] " if block.boxes else "  - "
    return [line for item in block.items for line in _wrapped(item, mark, " " * len(mark))]


_Lines = Mapping[type, Callable[[Any], Iterable[str]]]
_MARKDOWN: _Lines = {
    Text: lambda block: [block.text],
    Items: _md_items,
    Fields: _md_fields,
    Table: _md_table,
}
_TEXT: _Lines = {
    Text: lambda block: _wrapped(block.text),
    Items: _text_items,
    Fields: _text_fields,
    Table: _text_table,
}
_HTML: Mapping[type, Callable[[Any], str]] = {
    Text: lambda block: f"<p>{_inline(block.text)}</p>",
    Items: _html_items,
    Fields: _html_fields,
    Table: _html_table,
}
