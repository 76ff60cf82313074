"""Whatever a chart says, a card shows it as text: no markup, no link, no image, and nothing lost."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from cds_service.card.markdown import escape, markdown
from cds_service.domain.card import Bullets, Text

GFM = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
"""HTML is let through, as the public sandbox and some EHRs do."""

LOOKS_LIKE_A_LINK = re.compile(
    r"(?:^|[\s*_~(])www\.[^\s<]|(?<![a-z])(?:https?|ftp)://[^\s<]|(?<![a-z])(?:mailto|xmpp):[^\s<]"
    r"|[\w.+-]@[\w-]",
    re.IGNORECASE,
)
"""GFM 0.29, section 6.9, read generously: what an extended autolink could begin with."""

OURS = {"p", "ul", "li", "strong"}
TRICKS = (
    "*", "**", "_", "__", "~~", "`", "```", "~~~", "[", "](", "]", "![", ")", "<", "</", ">", "<!--",
    "<script>", "&", "&lt;", "&#60;", "&copy;", "\\", "\n", "\n\n", "    ", "\t", "#", "# ", "- ", "+ ",
    "1. ", "1) ", "|", "|-|-|", "---", "===", "> ", "- [ ] ", "[a]: /u", "https://e.example", "1http://e.example",
    "_https://e.example", "www.e.example", "_www.e.example", "a@e.example", "mailto:a@e.example", "javascript:", ":",
    "HTTPS://E.EXAMPLE", "^", "[^1]", "$", ":tada:", "\u200b", "\u2028", "\u00a0", "\x00", "  \n", "a", "é", "7", " ",
)  # fmt: skip
wild = st.one_of(st.text(max_size=80), st.lists(st.sampled_from(TRICKS), max_size=12).map("".join))


def tokens(source):
    for token in GFM.parse(source):
        yield token
        yield from token.children or ()


def shown(source):
    """Return (tags, text) of what a Markdown reader makes of it."""
    tags, text = set(), []
    for token in tokens(source):
        if token.tag:
            tags.add(token.tag)
        if token.type in {"text", "code_inline", "html_inline", "html_block", "fence"}:
            text.append(token.content)
    return tags, "".join(text)


def plain(text):
    """Return text as a line of it reads: spaces collapsed, invisible breaks and NUL aside."""
    return " ".join(text.replace("\u200b", "").replace("\x00", "\ufffd").split())


@pytest.mark.spec("A-12", "A-13", "S-30")
@given(wild)
@example("_www.evil.example/x")
@example("1https://evil.example/x")
@example("_https://evil.example/x")
def test_a_paragraph_of_any_text_shows_exactly_that_text(text):
    tags, said = shown(escape(text))
    assert tags <= {"p"}
    assert plain(said) == plain(text)
    assert not LOOKS_LIKE_A_LINK.search(said)


@pytest.mark.spec("A-13", "S-30")
@given(st.lists(wild, min_size=1, max_size=4), wild, wild)
def test_bullets_of_any_text_stay_one_list(lines, heading, after):
    source = markdown([Bullets(lines=tuple(lines), heading=f"Title {heading}"), Text(text=after)])
    kinds = [token for token in tokens(source) if token.type == "list_item_open"]
    tags, said = shown(source)
    assert tags <= OURS
    assert len(kinds) == len(lines)
    assert plain(said).replace(" ", "") == plain(
        " ".join(("Title", heading, *lines, after))
    ).replace(" ", "")
    assert not any(token.type in {"link_open", "image"} for token in tokens(source))


@pytest.mark.parametrize(
    "text",
    [
        "Potassium 5.9 mmol/L (high), was 4.8 on 2026-10-01",
        "INR 2-3; Hb < 7 g/dL & falling",
        "metoprolol_succinate 50 mg",
        "BP 140/90",
    ],
)
def test_plain_clinical_text_is_left_as_it_is(text):
    """Some EHRs show the source: needless backslashes would be noise."""
    assert escape(text) == text
