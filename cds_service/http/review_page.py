"""What the review page shows, as plain data for its templates."""

from collections.abc import Iterator, Mapping
from datetime import datetime, tzinfo
from typing import Any

from cds_service.domain.brief import made_by_words
from cds_service.domain.evidence import Ledger
from cds_service.domain.json import EMPTY
from cds_service.fhir.elements import code, obj
from cds_service.flow.opened import Opened
from cds_service.review.approval import OnScreen
from cds_service.review.sheet import Sheet, SheetLine, SheetSection
from cds_service.review.source import kind_and_date, person
from cds_service.review.trend import trend
from cds_service.writeback.preflight import Finding
from cds_service.writeback.verdict import sentence

_TRENDS = frozenset({"result", "vital"})
_CRITICAL = ("critical", "severe", "allergen")
_MARKS: Mapping[str, tuple[str, str]] = {
    "critical": ("Critical", "stop"),
    "severe": ("Severe", "stop"),
    "allergen": ("Allergy conflict", "stop"),
    "conflict": ("Conflict", "care"),
    "high_alert": ("High-alert", "care"),
    "acute": ("Acute", "care"),
    "high": ("High", "care"),
    "low": ("Low", "care"),
    "preliminary": ("Preliminary", ""),
    "unconfirmed": ("Unconfirmed", ""),
    "stale": ("Old", ""),
    "new": ("New", "good"),
    "changed": ("Changed", "care"),
    "stopped": ("Stopped", "care"),
    "restricted": ("Restricted", "stop"),
}
"""Flags that a reader is told of, in this order; their word and their tone."""
_BY: Mapping[str, str] = {
    "rule": "By rule",
    "model": "Chosen by the model",
    "reviewer": "Added by the reviewer",
}
_DIFFERENCES: Mapping[str, str] = {
    "content": "text",
    "content.count": "number of attachments",
    "context.encounter": "encounter",
    "docStatus": "document status",
}


def page(opened: Opened, *, edit: str = "", add: str = "", asking: str = "") -> dict[str, Any]:
    """Return the data of the brief's page.

    `edit` and `add` name the line and section with an open panel, `asking` the decision that is asked its reason.
    """
    editable = opened.may("edit")
    reasoned = list(_reasoned(opened))
    numbers = {ref: n for n, ref in enumerate(opened.sheet.refs)}
    return {
        "who": who(opened),
        "first": list(_first(opened.sheet)),
        "state": opened.brief.state,
        "csrf": opened.session.csrf,
        "banners": list(_banners(opened)),
        "gaps": opened.sheet.gaps,
        "editable": editable,
        "reasoned": reasoned,
        "asking": next((each for each in reasoned if each["to"] == asking), None),
        "corrects": opened.corrects,
        "renewable": opened.site.may_prepare,
        "refreshing": any(each.kind == "refresh" for each in opened.edits),
        "sections": [
            _section(part, opened, numbers, edit=edit, add=add)
            for part in opened.sheet.sections
            if part.lines or editable
        ],
    }


def _reasoned(opened: Opened) -> Iterator[dict[str, str]]:
    """Yield the decisions that want a reason and may be made now."""
    if opened.may("reject"):
        yield {
            "to": "reject",
            "label": "Reject…",
            "question": "Why is this brief rejected?",
            "button": "Reject the brief",
        }
    if opened.may_take_back:
        yield {
            "to": "take_back",
            "label": "Take the note back…",
            "question": "Why is the note taken back? The chart will say that it was entered in error.",
            "button": "Take the note back",
        }


def note_page(
    opened: Opened, screen: OnScreen, findings: tuple[Finding, ...], at: str
) -> dict[str, Any]:
    """Return the data of the page that shows the exact note before it is approved."""
    document = screen.document
    ends = code(obj(obj(document, "context"), "period"), "end")
    rules = opened.site.profile.note
    decides = opened.may("correct" if opened.corrects else "approve")
    return {
        "who": who(opened),
        "csrf": opened.session.csrf,
        "digest": screen.digest,
        "at": at,
        "text": screen.text,
        "reduced": rules.stored_as == "rich_text",
        "signing": code(document, "docStatus") == "final",
        "header": [
            ("To", opened.site.file.title),
            ("Note type", rules.type_display),
            ("Document status", code(document, "docStatus")),
            *([("Visit", who(opened)["visit"])] if who(opened)["visit"] else []),
            ("Encounter", screen.note.encounter or "none"),
            ("Author", screen.note.author if "author" in document else "set by the EHR"),
            ("Content", rules.content_type),
            *([("Replaces", screen.note.relates_to)] if screen.note.relates_to else []),
            *([("Visit ends", ends)] if ends else []),
        ],
        "left_out": [line.text for line in opened.sheet.lines() if not line.is_kept],
        "findings": findings,
        "can_approve": decides and not any(each.stops for each in findings),
    }


def who(opened: Opened) -> dict[str, Any]:
    """Return who this is, which visit, as of when, and who made the brief."""
    held = opened.ledger.get(opened.ledger.patient)
    patient = held.resource if held else EMPTY
    sheet = opened.sheet
    lines = next((part.lines for part in sheet.sections if part.id == "visit"), ())
    told = {line.kind: line.text for line in reversed(lines)}
    born = code(patient, "birthDate")
    facts = [told.get("patient", ""), f"born {born}" if born else "", *_numbers(patient)]
    reviewed = opened.brief.state not in {"ready", "in_review"}
    made = "AI-assisted" if sheet.is_assisted else "Made by rules from the record"
    return {
        "name": person(patient) or "Patient of this chart",
        "facts": ", ".join(filter(None, facts)),
        "visit": told.get("visit", ""),
        "user": opened.session.clinician.name or opened.session.clinician.fhir_user,
        "csrf": opened.session.csrf,
        "as_of": _local(sheet.as_of, opened.site.zone),
        "assisted": sheet.is_assisted,
        "made": made if reviewed else f"{made}, not yet reviewed",
        "made_by": made_by_words(opened.versions),
    }


def _local(instant: str, zone: tzinfo) -> str:
    try:
        return f"{datetime.fromisoformat(instant).astimezone(zone):%Y-%m-%d %H:%M %Z}"
    except ValueError:
        return instant


def _numbers(patient: Mapping[str, object]) -> Iterator[str]:
    """Yield the medical record number, by which a clinician checks whose page this is."""
    found = patient.get("identifier")
    for each in found if isinstance(found, list) else ():
        kind = each.get("type") if isinstance(each, dict) else None
        codings = kind.get("coding") if isinstance(kind, dict) else None
        if isinstance(codings, list) and any(code(c, "code") == "MR" for c in codings):
            yield f"MRN {code(each, 'value')}"
            return


def _section(
    part: SheetSection, opened: Opened, numbers: Mapping[str, int], *, edit: str, add: str
) -> dict[str, Any]:
    return {
        "id": part.id,
        "title": part.title,
        "kept": sum(line.is_kept for line in part.lines),
        "is_open": add == part.id,
        "lines": [_line(line, opened, numbers, edit) for line in part.lines],
    }


def _line(
    line: SheetLine, opened: Opened, numbers: Mapping[str, int], edit: str
) -> dict[str, Any]:
    ledger = opened.ledger
    is_series = line.kind in _TRENDS and "grouped" not in line.flags
    drawn = trend(line.refs, ledger, opened.site.zone) if is_series else None
    marks = [{"word": _MARKS[f][0], "tone": _MARKS[f][1]} for f in _MARKS if f in line.flags]
    if line.state != "kept":
        marks.insert(0, {"word": "Wrong" if line.state == "wrong" else "Left out", "tone": ""})
    return {
        "key": line.key,
        "text": line.text,
        "tone": _tone(line),
        "kept": line.is_kept,
        "marks": marks,
        "why": line.why,
        "annotation": line.annotation,
        "trend": drawn,
        "by": _BY[line.added_by] + (", always shown" if "must_show" in line.flags else ""),
        "sources": ",".join(str(numbers[ref]) for ref in line.refs if ref in ledger.evidence),
        "source_label": _label(line.refs, ledger),
        "is_open": edit == line.key and opened.may("edit"),
    }


def _first(sheet: Sheet) -> Iterator[dict[str, str]]:
    """Yield what cannot wait until a reader has scrolled: the critical lines of what needs attention."""
    for part in sheet.sections:
        if part.id == "attention":
            for line in (each for each in part.lines if _tone(each) == "critical"):
                word = next(_MARKS[flag][0] for flag in _CRITICAL if flag in line.flags)
                yield {"key": line.key, "text": line.text, "word": word}


def _tone(line: SheetLine) -> str:
    if not line.is_kept:
        return "off"
    if not line.flags.isdisjoint(_CRITICAL):
        return "critical"
    return "abnormal" if line.flags & {"abnormal", "high", "low", "conflict", "high_alert"} else ""


def _label(refs: tuple[str, ...], ledger: Ledger) -> str:
    """Return what opens the sources of a line: what the newest is and its date, and how many there are."""
    seen = [kind_and_date(item) for ref in refs if (item := ledger.evidence.get(ref))]
    if not seen:
        return ""
    kind, date = max(seen, key=lambda each: each[1])
    said = f"{kind}, {date[:10]}" if date else kind
    return said if len(seen) == 1 else f"{said} and {len(seen) - 1} more"


def _banners(opened: Opened) -> Iterator[dict[str, Any]]:
    """Yield what happened to this brief, and what may be done about it."""
    if opened.lacks_sources:
        said = "What a line rests on was not kept with it: look into the chart before you approve."
        yield _banner("Made while the chart opened.", said, "caution")
    if opened.session.of_other_visit and opened.may("edit"):
        said = "Its note would be filed in the encounter that you opened it from. Check the visit above."
        yield _banner("This brief was made for another visit of this patient.", said, "caution")
    receipt = opened.body.get("receipt")
    if isinstance(receipt, str) and opened.may("approve"):
        yield _banner(
            "There is a note already.", f"{receipt} Approving files another one.", "caution"
        )
    make = _BANNERS.get(opened.brief.state)
    if make is not None:
        yield make(opened)


def _moving(opened: Opened) -> dict[str, Any]:
    said = "The note is being filed; this page says when it is in the chart."
    actions = [{"to": "withdraw", "label": "Withdraw the approval", "quiet": True}]
    return _banner("Approved.", said, actions=actions if opened.may_withdraw else [])


def _filed(opened: Opened) -> dict[str, Any]:
    held = opened.approval
    reason = held.filing.reason if held else ""
    if reason == "person":
        return _banner(
            "Filed.", "A person looked into the chart and found the note there.", "good"
        )
    said = sentence(reason, opened.site.profile.note) if reason else "It is being read back."
    return _banner("Filed.", said, "good")


def _verified(opened: Opened) -> dict[str, Any]:
    held = opened.approval
    where = held.filing.location if held else ""
    read = held.read_at.astimezone(opened.site.zone) if held and held.read_at else None
    when = f" on {read:%Y-%m-%d at %H:%M}" if read else ""
    differs = [
        f"The EHR keeps its own {_DIFFERENCES.get(each.element, each.element)}, as expected."
        for each in (held.differences if held else ())
    ]
    said = f"The chart holds exactly what was approved{when}. Its id is {where}."
    return _banner("Filed and read back.", said, "good", points=differs)


def _unknown(opened: Opened) -> dict[str, Any]:
    held = opened.approval
    rules = opened.site.profile.note
    said = sentence(held.filing.reason, rules) if held else ""
    items = [
        f"The {_DIFFERENCES.get(each.element, each.element)} is not as approved."
        for each in (held.differences if held else ())
        if not each.expected
    ]
    actions = []
    if opened.may("settle_there"):
        label = "Leave it as it is" if items else "It is in the chart"
        actions.append({"to": "settle_there", "label": label, "quiet": False})
    if opened.may("file_again") and not items:
        actions.append({"to": "file_again", "label": "It is not there: file it", "quiet": True})
    return _banner("Please look into the chart.", said, "caution", points=items, actions=actions)


def _failed(opened: Opened) -> dict[str, Any]:
    held = opened.approval
    reason = held.filing.reason if held else ""
    said = sentence(reason, opened.site.profile.note) if held else "It could not be prepared."
    actions = []
    if held and opened.may("file_again"):
        actions.append({"to": "file_again", "label": "File it again", "quiet": False})
    heading = "Waiting for your sign-in." if reason == "token" else "The note was not filed."
    return _banner(heading, f"{said} (code {reason})" if reason else said, "stop", actions=actions)


def _closed(opened: Opened) -> dict[str, Any]:
    held = opened.approval
    if held is not None and held.filing.state == "withdrawn" and held.filing.location:
        said = f"The chart says that {held.filing.location} was entered in error."
        return _banner("The note was taken back.", said)
    return _banner(_CLOSED[opened.brief.state], "Nothing more can be done with it here.")


def _banner(
    heading: str,
    text: str,
    tone: str = "",
    *,
    points: list[str] | None = None,
    actions: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    return {
        "heading": heading,
        "sentence": text,
        "tone": tone,
        "label": heading.rstrip("."),
        "points": points or [],
        "actions": actions or [],
    }


ENDED: Mapping[str, tuple[str, str]] = {
    "expired": ("This visit is over", "Its brief ended with it, and nobody approved it."),
    "cancelled": ("This visit was cancelled", "Its brief ended with it."),
    "rejected": ("This brief was rejected", "A clinician read it, and said why it is of no use."),
    "withdrawn": ("This brief was withdrawn", "Nothing of it was filed."),
    "failed": ("The brief could not be prepared", "The record could not be read from the EHR."),
}
"""What a person is told where there is no brief to show: heading and sentence."""
_CLOSED: Mapping[str, str] = {
    "rejected": "This brief was rejected.",
    "withdrawn": "This brief was withdrawn.",
    "cancelled": "The visit was cancelled.",
    "expired": "The visit is over.",
}
_BANNERS: Mapping[str, Any] = {
    "approved": _moving,
    "writing": _moving,
    "written": _filed,
    "verified": _verified,
    "unknown": _unknown,
    "failed": _failed,
    **dict.fromkeys(_CLOSED, _closed),
}
