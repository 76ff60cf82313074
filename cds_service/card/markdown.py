"""Plain text to GitHub-Flavored Markdown: whatever a chart says is text, never markup or a link.

Only what would have an effect is escaped, so that the text also reads well in an EHR that shows it raw.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from cds_service.domain.card import Bullets, Text

_ZERO_WIDTH = "\u200b"
_SPECIAL = re.compile(
    r"(?P<mark>[\\`*\[\]~])"  # code, emphasis, links, strikethrough (GFM 0.29, 6.1 to 6.6)
    r"|(?P<under>(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))"  # emphasis, where not inside a word
    r"|(?P<tag><(?=[A-Za-z/!?]))"  # raw HTML and autolinks (6.8, 6.10)
    r"|(?P<entity>&(?=#?[A-Za-z0-9]+;))"  # character references (6.2)
    # Autolinks (6.9) may follow a digit or "_" too, so that a word boundary would miss some.
    r"|(?P<scheme>(?<![A-Za-z])(?i:(?:https?|ftp|mailto|xmpp|javascript|data|vbscript):|www\.))"
    r"|(?P<at>(?<=[\w.+-])@(?=\w))"  # e-mail autolinks (6.9)
)
_MARKS = r"\`*[]~_<&@"
_MARK = re.compile(f"[{re.escape(_MARKS)}]")
_WORDS = ("www.", "http:", "https:", "ftp:", "mailto:", "xmpp:", "script:", "data:")
"""Every match of `_SPECIAL` holds one of these marks or words; most texts do not, and this is told faster."""
_BLOCK_START = re.compile(r"^(?:[-+=>#|]|\d{1,9}(?=[.)](?:\s|$)))")
_BLOCK_STARTS = frozenset("-+=>#|0123456789")


def escape(text: str) -> str:
    """Escape one line of plain text for GFM; an autolink, which has no escape, is broken invisibly."""
    [line] = _escaped((text,))
    return line


def _escaped(texts: Iterable[str]) -> list[str]:
    """Escape lines. What few of them hold is looked for in all of them at once."""
    lines = list(map(_one_line, texts))
    whole = "\n".join(lines)
    suspects = "\n".join([line for line in lines if ":" in line or "." in line]).lower()
    if any(map(suspects.__contains__, _WORDS)):
        lines = [_SPECIAL.sub(_disarm, line) for line in lines]
    elif any(map(whole.__contains__, _MARKS)):
        lines = [_SPECIAL.sub(_disarm, line) if _MARK.search(line) else line for line in lines]
    return [_as_text(line) if line[:1] in _BLOCK_STARTS else line for line in lines]


def _one_line(text: str) -> str:
    if text.isprintable() and "  " not in text and text.strip(" ") == text:
        return text  # as most are
    return " ".join(text.split())


def _as_text(line: str) -> str:
    """Take from a line what would make it begin a list, a heading, a quotation or a table."""
    start = _BLOCK_START.match(line)
    if start is None:
        return line
    if start[0].isdigit():
        return f"{start[0]}\\{line[start.end() :]}"
    return f"\\{line}"


def _disarm(match: re.Match[str]) -> str:
    found = match[0]
    if match.lastgroup == "entity":
        return "&amp;"
    if match.lastgroup in {"scheme", "at"}:
        return found[:-1] + _ZERO_WIDTH + found[-1]
    return "\\" + found


def markdown(blocks: Iterable[Text | Bullets]) -> str:
    """Render blocks as GFM: paragraphs, and bullet lists below an optional bold heading."""
    said = tuple(blocks)
    escaped = iter(_escaped([text for block in said for text in _texts(block)]))
    return "\n\n".join([_block(block, escaped) for block in said])


def _texts(block: Text | Bullets) -> Iterable[str]:
    return (block.text,) if isinstance(block, Text) else (block.heading, *block.lines)


def _block(block: Text | Bullets, escaped: Iterator[str]) -> str:
    """Render a block with the next of the escaped texts."""
    first = next(escaped)
    if isinstance(block, Text):
        return first
    heading = f"**{first}**\n\n" if first else ""
    return heading + "\n".join([f"- {line}" for line in islice(escaped, len(block.lines))])
