"""The brief as cards: one that is read in ten seconds, and a warning for each critical newest result."""

from collections.abc import Iterable, Iterator

from cds_service.hook import Brief, Bullets, CardIntent, DraftNote, Line, OpenBrief, Text

FOLD = 5
"""Lines above the fold: what a clinician reads in ten seconds."""
MAX_WARNINGS = 2
_PER_SECTION = 12
_BELOW = (
    "changes",
    "problems",
    "medications",
    "allergies",
    "results",
    "open_loops",
    "encounters",
)
_COUNTED = (
    ("problems", "problem", "problems"),
    ("medications", "medication", "medications"),
    ("allergies", "allergy", "allergies"),
)


def cards(brief: Brief) -> tuple[CardIntent, ...]:
    """Return warnings for critical results, then the brief card."""
    return (*_warnings(brief), _brief_card(brief))


def _warnings(brief: Brief) -> Iterator[CardIntent]:
    for line in [x for x in brief.section("attention") if _is_alarm(x)][:MAX_WARNINGS]:
        yield CardIntent(
            summary=f"Critical result: {line.text}",
            indicator="warning",
            topic="critical-result",
            topic_display="Critical result in the record",
            detail=(Text(text=line.text),),
            link=OpenBrief(label="Open the pre-visit brief"),
            override_reasons=True,
        )


def _is_alarm(line: Line) -> bool:
    return line.statement.kind == "result" and "critical" in line.statement.flags


def _brief_card(brief: Brief) -> CardIntent:
    return CardIntent(
        summary=_summary(brief),
        indicator="info",
        topic="pre-visit-brief",
        topic_display="Pre-visit brief",
        detail=tuple(_detail(brief)),
        link=OpenBrief(label="Open the pre-visit brief"),
        note=DraftNote(label="File this brief as a draft note", title="Pre-visit brief (draft)"),
        override_reasons=True,
    )


def _summary(brief: Brief) -> str:
    who = next(
        (x.text for x in brief.section("visit") if x.statement.kind == "patient"), "Patient"
    )
    counts = [_count(brief, *row) for row in _COUNTED]
    alarms = len(brief.section("attention"))
    attention = f"{alarms} to note" if alarms else ""
    return f"Pre-visit brief, {who}: " + ", ".join(x for x in (attention, *counts) if x)


def _count(brief: Brief, section: str, one: str, many: str) -> str:
    kinds = {"problems": "problem", "medications": "medication", "allergies": "allergy"}
    found = [x for part in brief.sections if part.id == section for x in part.lines]
    number = sum(x.statement.kind == kinds[section] for x in found)
    return f"{number} {one if number == 1 else many}" if number else ""


def _detail(brief: Brief) -> Iterator[Text | Bullets]:
    top = _top(brief)
    if top:
        yield Bullets(lines=tuple(x.text for x in top))
    if brief.gap_texts:
        yield Text(text="Not read: " + "; ".join(brief.gap_texts))
    shown = set(map(id, top))
    for section in brief.sections:
        rest = [x.text for x in section.lines if id(x) not in shown]
        if section.id in _BELOW and rest:
            yield Bullets(heading=section.title, lines=tuple(_cut(rest)))
    yield Text(
        text=f"From the record as of {brief.as_of:%Y-%m-%d %H:%M}. Not reviewed by a clinician."
    )


def _top(brief: Brief) -> list[Line]:
    """Choose what stands above the fold: the visit, what needs attention, then what changed."""
    visit = [x for x in brief.section("visit") if x.statement.kind != "patient"]
    order: Iterable[Line] = (
        *visit[:1],
        *brief.section("attention"),
        *brief.section("changes"),
        *brief.section("open_loops"),
        *visit[1:],
        *brief.section("results"),
        *brief.section("problems"),
    )
    return list(order)[:FOLD]


def _cut(lines: list[str]) -> Iterator[str]:
    yield from lines[:_PER_SECTION]
    if len(lines) > _PER_SECTION:
        yield f"and {len(lines) - _PER_SECTION} more in the brief"
