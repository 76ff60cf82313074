"""The brief as cards: one that is read in ten seconds, and a warning for each critical newest result."""

from collections.abc import Iterator

from cds_service.hook import (
    Brief,
    Bullets,
    CardIntent,
    DraftNote,
    Kind,
    Line,
    OpenBrief,
    SectionId,
    Text,
)

FOLD = 5
"""Lines above the fold: what a clinician reads in ten seconds."""
MAX_WARNINGS = 2
LINK = OpenBrief(label="Open the pre-visit brief")

COUNTED: tuple[tuple[SectionId, Kind, str, str], ...] = (
    ("problems", "problem", "problem", "problems"),
    ("medications", "medication", "medication", "medications"),
    ("allergies", "allergy", "allergy", "allergies"),
)
BELOW: dict[SectionId, int] = {
    "changes": 6,
    "problems": 12,
    "medications": 20,
    "allergies": 12,
    "results": 8,
    "open_loops": 6,
}
"""Sections below the fold, and how many of their lines a card carries; the brief has them all."""

LISTS = frozenset({"problems", "medications", "allergies"})
"""Told in full even where a line stands above the fold: a shortened list reads as a complete one."""


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
            link=LINK,
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
        link=LINK,
        note=DraftNote(label="File this brief as a draft note", title="Pre-visit brief (draft)"),
        override_reasons=True,
    )


def _summary(brief: Brief) -> str:
    """Say who, and how much there is: 139 characters are all that every EHR shows."""
    who = next((x.text for x in brief.section("visit") if x.statement.kind == "patient"), "")
    alarms = len(brief.section("attention"))
    said = [f"{alarms} to note"] if alarms else []
    said += [text for row in COUNTED if (text := _count(brief, *row))]
    said += ["record read only in part"] if brief.gaps else []
    head = f"Pre-visit brief, {who}" if who else "Pre-visit brief"
    return f"{head}: {', '.join(said)}" if said else head


def _count(brief: Brief, section: SectionId, kind: Kind, one: str, many: str) -> str:
    number = sum(line.statement.kind == kind for line in brief.section(section))
    return f"{number} {one if number == 1 else many}" if number else ""


def _detail(brief: Brief) -> Iterator[Text | Bullets]:
    top = _top(brief)
    if top:
        yield Bullets(lines=tuple(line.text for line in top))
    if brief.gap_texts:
        yield Bullets(heading="Not available", lines=brief.gap_texts)
    above = {line.text for line in top}
    for section in brief.sections:
        whole = section.id in LISTS
        rest = [x.text for x in section.lines if whole or x.text not in above]
        most = BELOW.get(section.id, 0)
        if most and rest:
            yield Bullets(heading=section.title, lines=tuple(_cut(rest, most)))
    yield Text(text=f"Record as of {brief.as_of:%Y-%m-%d %H:%M %Z}. Not reviewed by a clinician.")


def _top(brief: Brief) -> list[Line]:
    """Choose what stands above the fold: the visit, what needs attention, then what changed."""
    visit = [x for x in brief.section("visit") if x.statement.kind != "patient"]
    order = (
        *visit[:1],
        *brief.section("attention"),
        *brief.section("changes"),
        *brief.section("open_loops"),
        *visit[1:],
        *(x for x in brief.section("results") if "abnormal" in x.statement.flags),
    )
    once = {line.text: line for line in order}
    return list(once.values())[:FOLD]


def _cut(lines: list[str], most: int) -> Iterator[str]:
    yield from lines[:most]
    if len(lines) > most:
        yield f"and {len(lines) - most} more in the brief"
