"""A brief for other programs and for a terminal."""

from collections.abc import Iterator
from datetime import UTC, datetime
from textwrap import wrap

from cds_service.domain.brief import Brief, Line, Section
from cds_service.domain.evidence import Gap
from cds_service.fhir.elements import clean
from cds_service.fhir.note import bullet

FORM = 1
"""Of what `to_json` tells and `from_json` reads. Changes when a member is renamed or gone, or a section is new: what
another release stored in another form is not read."""


def to_json(brief: Brief) -> dict[str, object]:
    """Return the brief as plain JSON: sections of statements with text and references, and gaps."""
    return {
        "as_of": _instant(brief.as_of),
        "patient": brief.patient,
        "rules_version": brief.rules_version,
        **({"since": brief.since} if brief.since else {}),
        **({"receipt": brief.receipt} if brief.receipt else {}),
        "sections": [_section(each) for each in brief.sections],
        "gaps": [
            {**_gap(gap), "text": text}
            for gap, text in zip(brief.gaps, brief.gap_texts, strict=True)
        ],
        **({"versions": dict(brief.versions)} if brief.versions else {}),
        **({"notices": list(brief.notices)} if brief.notices else {}),
    }


def _section(section: Section) -> dict[str, object]:
    return {
        "id": section.id,
        "title": section.title,
        "statements": [_statement(line) for line in section.lines],
    }


def _statement(line: Line) -> dict[str, object]:
    said = line.statement
    shown: dict[str, object] = {
        "kind": said.kind,
        "text": line.text,
        "refs": list(said.refs),
        "added_by": said.added_by,
        "flags": list(said.flags),
    }
    if said.needs:
        shown["needs"] = list(said.needs)
    if said.quote:
        shown["quote"] = said.quote
    if said.why:
        shown["why"] = said.why
    if said.group:
        shown["group"] = said.group
    return shown


def _gap(gap: Gap) -> dict[str, object]:
    count = {"count": gap.count} if gap.count else {}
    return {"need": gap.need, "reason": gap.reason, **count}


def _instant(moment: datetime) -> str:
    shown = moment.isoformat()
    return (
        shown.removesuffix("+00:00") + "Z" if moment.utcoffset() == UTC.utcoffset(None) else shown
    )


def to_text(brief: Brief, width: int = 100, *, sources: bool = False) -> str:
    """Return the brief as plain text of `width` columns: a heading for each section, a dash for each line.

    With `sources` the entries that each line was written from stand below it.
    """
    parts = [f"Brief as of {brief.as_of:%Y-%m-%d %H:%M %Z} (rules {brief.rules_version})"]
    for section in brief.sections:
        lines = [each for line in section.lines for each in _written(line, width, sources=sources)]
        parts.append("\n".join([section.title.upper(), *lines]))
    if brief.gaps:
        parts.append(
            "\n".join(["NOT AVAILABLE", *(bullet(text, width) for text in brief.gap_texts)])
        )
    return "\n\n".join(parts)


def _written(line: Line, width: int, *, sources: bool) -> Iterator[str]:
    yield bullet(_told(line), width)
    if sources:  # each reference whole, to be looked for; an absence cites nothing
        below = "      "
        yield from wrap(
            ", ".join(line.statement.refs),
            width,
            initial_indent=below,
            subsequent_indent=below,
            break_long_words=False,
            break_on_hyphens=False,
        )


def _told(line: Line) -> str:
    restricted = "[restricted] " if "restricted" in line.statement.flags else ""
    why = f" (model's reason, not verified: {line.statement.why})" if line.statement.why else ""
    return clean(f"{restricted}{line.text}{why}")
