"""An approval is bound to the hash of exactly what stood on the screen: note, sources, versions.

`on_screen` makes what is shown; the page carries its digest. When the person approves, the same is made
again from what is stored then: an equal digest proves that nothing changed in between.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from cds_service.domain.brief import made_by_words
from cds_service.domain.errors import Conflict, Misconfigured
from cds_service.domain.filing import ApprovedBrief
from cds_service.domain.json import JsonObject, decode, encode
from cds_service.domain.note import Note, NoteSection, Relation
from cds_service.domain.session import LaunchSession
from cds_service.fhir.dates import clock_of
from cds_service.fhir.note import shown, to_document_reference
from cds_service.fhir.write import checked
from cds_service.review.sheet import Sheet
from cds_service.sites import Site

TITLE = "Pre-visit brief"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What of a stored brief goes into the note, beside its lines."""

    brief: str
    revision: int
    """Of the note: 1, and one more for each correction."""
    sheet: Sheet
    sources: Mapping[str, str]
    """Version of every resource that a kept line cites."""
    versions: Mapping[str, str]
    """Rules, prompt and model that made the brief."""
    relation: Relation | None = None
    relates_to: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OnScreen:
    """The note as it is shown for approval."""

    note: Note = field(repr=False)
    document: JsonObject = field(repr=False)
    text: str = field(repr=False)
    """As a reader of this vendor's chart will see it."""
    digest: str
    draft: Draft


def on_screen(draft: Draft, session: LaunchSession, site: Site, at: datetime) -> OnScreen:
    """Make the exact note that approving at this moment would file. Equal input gives equal bytes."""
    note = _note(draft, session, site.zone, at)
    document = checked(to_document_reference(note, site.profile.note, doc_status=site.doc_status))
    return OnScreen(
        note=note,
        document=document,
        text=shown(note, site.profile.note),
        digest=_digest(_bound(document, draft)),
        draft=draft,
    )


def _bound(document: JsonObject, draft: Draft) -> dict[str, Any]:
    """Return all that an approval is bound to."""
    return {
        "document": document,
        "sources": dict(sorted(draft.sources.items())),
        "versions": dict(sorted(draft.versions.items())),
        "seq": draft.sheet.seq,
    }


def _digest(bound: dict[str, Any]) -> str:
    return sha256(encode(bound)).hexdigest()


def _note(draft: Draft, session: LaunchSession, zone: ZoneInfo, at: datetime) -> Note:
    sheet = draft.sheet
    sections = [
        NoteSection(title=part.title, lines=lines)
        for part in sheet.sections
        if (lines := tuple(line.filed for line in part.lines if line.is_kept))
    ]
    if sheet.gaps:
        sections.append(NoteSection(title="Not available", lines=sheet.gaps))
    made = "AI-assisted draft" if sheet.is_assisted else "Draft made by rules from the record"
    who = session.clinician.name or session.clinician.fhir_user
    when = at.astimezone(zone).strftime("%Y-%m-%d %H:%M %z")
    return Note(
        brief=draft.brief,
        revision=draft.revision,
        patient=session.patient,
        encounter=session.encounter,
        title=TITLE if draft.revision == 1 else f"{TITLE}, correction {draft.revision - 1}",
        notice=f"{made}, reviewed by {who} on {when}.",
        head=tuple(_head(draft, zone)),
        sections=tuple(sections),
        at=at,
        author=session.clinician.fhir_user,
        relation=draft.relation,
        relates_to=draft.relates_to,
    )


def _head(draft: Draft, zone: ZoneInfo) -> list[str]:
    by = made_by_words(draft.versions)
    told = [f"Record as of {_to_the_minute(draft.sheet.as_of)} ({by})"]
    told += filter(None, [clock_of(zone)])
    if draft.relates_to:
        word = "Replaces" if draft.relation == "replaces" else "Adds to"
        told.append(f"{word} the note filed before ({draft.relates_to.partition('/')[2]}).")
    return told


def _to_the_minute(instant: str) -> str:
    try:
        return f"{datetime.fromisoformat(instant).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    except ValueError:
        return instant


def approve(
    screen: OnScreen,
    *,
    digest: str,
    session: LaunchSession,
    site: Site,
    now: datetime,
    new_id: str,
) -> ApprovedBrief:
    """Return the approval of what was on the screen.

    Raises `Conflict` when the page is too old, or what would be filed now is not what the person saw.
    """
    age = now - screen.note.at
    if not -timedelta(minutes=1) <= age <= timedelta(minutes=site.file.write.approval_minutes):
        raise Conflict("This page is too old to approve from: read it again, then approve.")
    if digest != screen.digest:
        raise Conflict(
            "The brief changed after you opened this page: read it again, then approve."
        )
    return ApprovedBrief(
        id=new_id,
        site=site.name,
        brief=screen.note.brief,
        revision=screen.note.revision,
        identifier=screen.note.identifier,
        patient=session.patient,
        encounter=session.encounter,
        document=screen.document,
        sources=tuple(sorted(screen.draft.sources)),
        digest=digest,
        approver=session.clinician.fhir_user,
        session=session.id,
        at=now,
    )


def pack(approved: ApprovedBrief, screen: OnScreen) -> bytes:
    """Return all that was approved, for sealed storage."""
    told = {name: getattr(approved, name) for name in _STORED}
    bound = _bound(screen.document, screen.draft)
    return encode({**told, "at": approved.at.isoformat(), "bound": bound})


def reopen(packed: bytes, *, session: str) -> ApprovedBrief:
    """Return an approval from storage, once its hash has proved that it is what the person saw.

    `session` is the one whose token files the note: the person may have signed in again since. Raises
    `Misconfigured` when it was changed.
    """
    told: Any = decode(packed)
    if _digest(told["bound"]) != told["digest"]:
        raise Misconfigured("A stored approval is not what was approved: nothing is filed.")
    return ApprovedBrief(
        **{name: told[name] for name in _STORED},
        document=told["bound"]["document"],
        sources=tuple(told["bound"]["sources"]),
        at=datetime.fromisoformat(told["at"]),
        session=session,
    )


_STORED = (
    "id",
    "site",
    "brief",
    "revision",
    "identifier",
    "patient",
    "encounter",
    "digest",
    "approver",
)
