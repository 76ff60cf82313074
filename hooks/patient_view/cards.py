"""The brief as cards: one that is read in ten seconds, and a warning for each critical newest result."""

from collections.abc import Iterator

from cds_service.hook import (
    Brief,
    Bullets,
    CardIntent,
    DraftNote,
    Flag,
    Kind,
    Line,
    OpenBrief,
    SectionId,
    Text,
)

FOLD = 5
"""Lines above the fold: what a clinician reads in ten seconds."""
MAX_WARNINGS = 2
NOTE = DraftNote(label="File this brief as a draft note", title="Pre-visit brief (draft)")
LINK = OpenBrief(label="Open the pre-visit brief")

RANKS: tuple[tuple[SectionId, Kind, Flag | None, int], ...] = (
    ("visit", "flag", "must_show", FOLD),
    ("visit", "visit", "must_show", FOLD),
    ("attention", "result", "critical", FOLD),
    ("attention", "vital", "critical", FOLD),
    ("attention", "report", "critical", FOLD),
    ("attention", "report_pending", "critical", FOLD),
    ("attention", "problem", "acute", FOLD),
    ("attention", "observation", "acute", FOLD),
    ("attention", "conflict", "allergen", FOLD),
    ("attention", "conflict", "high_alert", FOLD),
    ("attention", "conflict", "stopped", FOLD),
    ("changes", "encounter", "acute", FOLD),
    ("attention", "order_open", "must_show", FOLD),
    ("changes", "report", "worded", 2),
    ("open_loops", "report_pending", "worded", 1),
    ("changes", "result", "abnormal", 1),
    ("changes", "result", "unmeasured", 1),
    ("changes", "result", "abnormal", 2),
    ("changes", "result", "worded", 2),
    ("attention", "medication_change", "must_show", FOLD),
    ("changes", "problem", "new", 2),
    ("attention", "conflict", "doubled", FOLD),
    ("attention", "allergy", "severe", FOLD),
    ("attention", "observation", "must_show", FOLD),
    ("attention", "problem", "must_show", FOLD),
    ("attention", "flag", "must_show", FOLD),
    ("attention", "conflict", "conflict", FOLD),
    ("attention", "medication", "high_alert", FOLD),
    ("changes", "result", "abnormal", FOLD),
    ("changes", "report", None, FOLD),
    ("open_loops", "report_pending", "worded", FOLD),
    ("changes", "result", "worded", FOLD),
    ("changes", "result", "changed", FOLD),
)
"""What may stand above the fold, first things first: section, kind and flag (None: any) of a line, and how
many such lines. The last rows fill what is left with more that is new; nothing else does, so that old results never
fill the place of what was not there."""

ON_ONE_LINE: frozenset[Kind] = frozenset({"encounter"})
"""Kinds of which several share a line above the fold: two emergencies are one piece of news there."""
NAMED = 3
"""How many of them that line names, newest first, of more than these stays first; it counts the rest."""

COUNTED: tuple[tuple[SectionId, Kind, str, str], ...] = (
    ("problems", "problem", "problem", "problems"),
    ("medications", "medication", "medication", "medications"),
    ("allergies", "allergy", "allergy", "allergies"),
)
BELOW: dict[SectionId, int] = {
    "visit": 4,
    "attention": 40,
    "changes": 6,
    "problems": 12,
    "medications": 20,
    "allergies": 12,
    "results": 10,
    "open_loops": 6,
    "procedures": 4,
    "context": 4,
}
"""Sections below the fold, and how many of their lines a card carries; the brief has them all."""

ONLY: dict[SectionId, tuple[str, dict[Kind, Flag | None]]] = {
    "procedures": ("Past illnesses and operations", {"problem": None, "procedure": "lasting"}),
    "context": ("Directives", {"directive": None}),
}
"""Sections of which a card carries some kinds of line, or those with a flag, under a heading of its own."""

LEADS = 3
"""Lines that a model put first and that a card shows apart from those that rules put there."""

LISTS = frozenset({"problems", "medications", "allergies"})
"""Told in full even where a line stands above the fold: a shortened list reads as a complete one."""


def cards(brief: Brief) -> tuple[CardIntent, ...]:
    """Return warnings for critical results, then the brief card."""
    return (*_warnings(brief), _brief_card(brief))


def _warnings(brief: Brief) -> Iterator[CardIntent]:
    for line in [x for x in brief.section("attention") if _is_alarm(x)][:MAX_WARNINGS]:
        former = "changed" in line.statement.flags  # then the line itself says so, and what is now
        yield CardIntent(
            summary=_text(line) if former else f"Critical result: {_text(line)}",
            indicator="warning",
            topic="critical-result",
            topic_display="Critical result in the record",
            detail=(Text(text=_text(line)),),
            link=LINK,
            override_reasons=True,
        )


def _is_alarm(line: Line) -> bool:
    return line.statement.kind in _ALARMS and "critical" in line.statement.flags


_ALARMS: frozenset[Kind] = frozenset({"result", "report", "report_pending"})


def _text(line: Line) -> str:
    """Return a line as a card shows it: what is labelled as restricted says so."""
    return f"[restricted] {line.text}" if "restricted" in line.statement.flags else line.text


def _brief_card(brief: Brief) -> CardIntent:
    open_to_all = all("restricted" not in line.statement.flags for line in brief.lines())
    return CardIntent(
        summary=_summary(brief),
        indicator="info",
        topic="pre-visit-brief",
        topic_display="Pre-visit brief",
        detail=tuple(_detail(brief)),
        link=LINK,
        note=NOTE if open_to_all else None,  # a note is read by more people than this chart
        override_reasons=True,
    )


def _summary(brief: Brief) -> str:
    """Say who, and how much there is: 139 characters are all that every EHR shows."""
    who = next((x.text for x in brief.section("visit") if x.statement.kind == "patient"), "")
    alarms = len(brief.section("attention"))
    said = [f"{alarms} to note"] if alarms else []
    said += [text for row in COUNTED if (text := _count(brief, *row))]
    said += [text for text in (_allergies(brief),) if text]
    said += ["record read only in part"] if brief.gaps else []
    head = f"Pre-visit brief, {who}" if who else "Pre-visit brief"
    return f"{head}: {', '.join(said)}" if said else head


def _allergies(brief: Brief) -> str:
    """Say what is known where no allergy is listed: "none known" and "not recorded" are not the same."""
    said = brief.section("allergies")
    if not said:
        return "allergies not read"
    if any(line.statement.kind == "allergy" for line in said):
        return ""
    if any(x.statement.kind == "no_known" and "conflict" in x.statement.flags for x in said):
        return "entries on allergies disagree"
    if any(line.statement.kind == "problem" for line in said):
        return "allergy among problems"
    heads = (_head(x.text) for x in said if x.statement.kind == "no_known")
    return next(heads, "allergies not recorded")


def _head(denial: str) -> str:
    """Return what a line says that is known of none, and that a note stands behind it: that may name one."""
    head, _, more = denial.partition(",")
    return head.replace("No ", "no ", 1) + (", with a note" if _NOTED in more else "")


_NOTED = "note: “"


def _count(brief: Brief, section: SectionId, kind: Kind, one: str, many: str) -> str:
    number = sum(line.statement.kind == kind for line in brief.section(section))
    return f"{number} {one if number == 1 else many}" if number else ""


def _detail(brief: Brief) -> Iterator[Text | Bullets]:
    yield from (Text(text=each) for each in (brief.receipt, brief.since) if each)
    top = list(dict.fromkeys(_top(brief)))[:FOLD]
    if top:
        yield Bullets(lines=tuple(map(_on_one_line, top)))
    told = {each for texts in top for each in texts[:NAMED]}
    led = _led(brief)
    if led:
        yield Bullets(heading="Put first by a model", lines=tuple(led))
    if brief.gap_texts:
        yield Bullets(heading="Not available", lines=brief.gap_texts)
    for section in brief.sections:
        if section.id not in BELOW:
            continue
        whole = section.id in LISTS
        heading, only = ONLY.get(section.id, (section.title, {}))
        kept = [line for line in section.lines if not only or _is_one_of(line, only)]
        lines = [_text(line) for line in kept if not _is_said_already(line)]
        rest = [each for each in lines if whole or each not in told]
        if rest:
            yield Bullets(heading=heading, lines=tuple(_cut(rest, BELOW[section.id])))
    if brief.notices:
        yield Text(text=" ".join(brief.notices))
    yield Text(text=f"Record as of {brief.as_of:%Y-%m-%d %H:%M %Z}. Not reviewed by a clinician.")


def _is_one_of(line: Line, only: dict[Kind, Flag | None]) -> bool:
    """Return whether a card carries a line of a section of which it carries some."""
    return only.get(line.statement.kind, "") in {None, *line.statement.flags}


def _is_said_already(line: Line) -> bool:
    """Return whether the summary or the model's own list says it: who it is, and what a model put first."""
    return line.statement.kind == "patient" or line.statement.added_by == "model"


def _led(brief: Brief) -> list[str]:
    """Return what a model put first, each line written by code, its reason marked as what it is."""
    lines = [x for x in brief.section("attention") if x.statement.added_by == "model"]
    return [_with_reason(x) for x in lines[:LEADS]]


def _with_reason(line: Line) -> str:
    why = line.statement.why
    return f"{_text(line)} (model's reason, not verified: {why})" if why else _text(line)


def _top(brief: Brief) -> Iterator[tuple[str, ...]]:
    """Yield what may stand above the fold, in the order of RANKS: for each line there the texts that it says."""
    former = _formerly_critical(brief)
    for section, kind, flag, most in RANKS:
        fits = [
            line
            for line in brief.section(section)
            if line.statement.kind == kind
            and flag in {None, *line.statement.flags}
            and (section == "attention" or former.isdisjoint(line.statement.refs[:1]))
        ]
        groups = _grouped(fits) if kind in ON_ONE_LINE else [[each] for each in fits[:most]]
        yield from (tuple(dict.fromkeys(map(_text, lines))) for lines in groups if lines)


def _formerly_critical(brief: Brief) -> frozenset[str]:
    """Return the newest values of what was critical: that line tells them, and above the fold no other does."""
    alarms = (line.statement for line in brief.section("attention") if _is_alarm(line))
    return frozenset(each.refs[0] for each in alarms if "changed" in each.flags)


def _is_stay(line: Line) -> bool:
    """Return whether a line is of a stay: that is named before emergencies, of which some may only be counted."""
    return line.text.partition(":")[0].endswith(" stay")


def _grouped(lines: list[Line]) -> tuple[list[Line], list[Line]]:
    """Return the lines that may share one, stays first; what is labelled as restricted shares none with the rest."""
    if len(lines) > NAMED:
        lines = sorted(lines, key=lambda line: not _is_stay(line))
    free = [line for line in lines if "restricted" not in line.statement.flags]
    return free, [line for line in lines if line not in free]


def _on_one_line(texts: tuple[str, ...]) -> str:
    """Write what stands together above the fold; where there is more than it names, the rest stands below."""
    named = "; ".join(texts[:NAMED])
    return f"{named}; and {len(texts) - NAMED} more" if len(texts) > NAMED else named


def _cut(lines: list[str], most: int) -> Iterator[str]:
    yield from lines[:most]
    if len(lines) > most:
        yield f"and {len(lines) - most} more in the brief"
