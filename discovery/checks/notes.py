"""Checks of the way that an approved note takes into the chart, before the first one is written."""

from typing import Any

from cds_service.vendors import write_scope
from discovery.checks.scopes import covered
from discovery.checks.verdict import (
    EHR_ADMIN,
    SITE_ADMIN,
    Check,
    Subject,
    Verdict,
    fail,
    listed,
    passed,
    skip,
    warn,
)


def note_route(subject: Subject) -> Verdict:
    """Judge whether the way of notes exists at this vendor."""
    if subject.site.file.write.route == "none":
        return skip('no notes are written ([write] route = "none")')
    if subject.site.profile.note.route != "fhir":
        return fail(
            f"{subject.site.profile.title} takes no note by FHIR",
            'set [write] route = "none"; `cds-service site plan` names the way there is',
            SITE_ADMIN,
        )
    row = _document_reference(subject)
    if row is None:
        return skip("no metadata")
    if "create" not in _codes(row):
        return fail(
            "the server does not list DocumentReference create",
            "ask for the API that creates clinical notes",
            EHR_ADMIN,
        )
    return passed("DocumentReference create is listed; the first note proves it")


def note_conditional(subject: Subject) -> Verdict:
    """Judge whether a lost answer can be repaired by a conditional create."""
    if subject.site.file.write.route == "none":
        return skip("no notes are written")
    row = _document_reference(subject)
    if row is None:
        return skip("no metadata")
    told, known = row.get("conditionalCreate"), subject.site.profile.note.conditional_create
    if told is False and known:
        return warn(
            "the server says that it takes no conditional create, the profile says that it does",
            "set [vendor_overrides.note] conditional_create = false: a lost answer is then searched for",
            SITE_ADMIN,
        )
    return passed(
        "conditional create is used"
        if known
        else "after a lost answer the chart is searched, nothing is sent twice"
    )


def note_scope(subject: Subject) -> Verdict:
    """Judge whether the app asks for the scope that files a note."""
    smart = subject.site.file.smart
    if subject.site.file.write.route == "none" or smart is None:
        return skip("no notes are written")
    wanted = write_scope(subject.site.profile, level="user").split()
    missing = [s for s in wanted if not covered(s, smart.scopes)]
    if not _asks(smart.scopes, "c", "write"):
        return fail(
            f"[smart] scopes lack {listed(wanted)}, so that no note can be filed",
            "add it to the site file and at the EHR",
            SITE_ADMIN,
        )
    if missing:
        lost = "taken back" if _asks(smart.scopes, "rs", "read") else "read back"
        return warn(
            f"[smart] scopes lack {listed(missing)}: a note is filed and cannot be {lost}",
            "add it to the site file and at the EHR",
            SITE_ADMIN,
        )
    return passed("the app asks for the scope that files a note and reads it back")


def _asks(scopes: tuple[str, ...], verbs: str, v1: str) -> bool:
    """Return whether an app asks for this of notes, in either syntax."""
    named = (f"user/DocumentReference.{each}" for each in (verbs, v1))
    return any(covered(each, scopes) for each in named)


def note_status(subject: Subject) -> Verdict:
    """Judge whether approving is signing here, and whether everybody knows."""
    write = subject.site.file.write
    if write.route == "none":
        return skip("no notes are written")
    status = write.doc_status or subject.site.profile.note.draft_status
    if status != "preliminary":
        return warn(
            f'notes are filed with docStatus "{status}": approving in our app is signing',
            "tell the clinicians before go-live",
            "the clinical lead",
        )
    return passed("notes are filed unsigned, for the clinician to sign in the EHR")


def note_type(subject: Subject) -> Verdict:
    """Judge whether the configured type of note is one that the chart already has."""
    if subject.site.file.write.route == "none":
        return skip("no notes are written")
    rules = subject.site.profile.note
    seen = {t for row in subject.seen.searches for t in row.types}
    if not seen:
        return skip("no document of the test patient was read")
    if f"{rules.type_system}|{rules.type_code}" in seen:
        return passed(f"notes of type {rules.type_code} are in the chart already")
    return warn(
        f"no document in the test chart has the type {rules.type_code}; there are {listed(sorted(seen), 4)}",
        "agree the note type, and set [vendor_overrides.note] type_code",
        EHR_ADMIN,
    )


def _document_reference(subject: Subject) -> dict[str, Any] | None:
    answer = subject.seen.metadata
    rest = answer.body.get("rest") if answer is not None and answer.is_good else None
    if not isinstance(rest, list) or not rest:
        return None
    rows = rest[0].get("resource", ()) if isinstance(rest[0], dict) else ()
    return next(
        (r for r in rows if isinstance(r, dict) and r.get("type") == "DocumentReference"), {}
    )


def _codes(row: dict[str, Any]) -> set[str]:
    return {str(i.get("code")) for i in row.get("interaction", ()) if isinstance(i, dict)}


CHECKS = (
    Check(id="note-route", title="A way for notes", judge=note_route, traps=("A3",)),
    Check(
        id="note-conditional", title="After a lost answer", judge=note_conditional, traps=("E14",)
    ),
    Check(id="note-scope", title="The scope that files a note", judge=note_scope),
    Check(id="note-status", title="Approving and signing", judge=note_status, traps=("E11",)),
    Check(id="note-type", title="The type of notes", judge=note_type),
)
