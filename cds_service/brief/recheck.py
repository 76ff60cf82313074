"""A stored brief against the record that it was made of: is every line still what code writes from what it cites?

Values are right by construction when a brief is made. This finds what happened to it, or to its record, afterwards.
"""

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any, Literal

from cds_service.brief import why
from cds_service.brief.accept import Known, accept, known
from cds_service.brief.gaps import sentence
from cds_service.brief.must_show import missing
from cds_service.brief.record import Record, index
from cds_service.brief.rules import gaps, line, rule_brief, version
from cds_service.brief.show import to_json
from cds_service.brief.verify import uncovered
from cds_service.domain.brief import Brief, Line, Section, Statement
from cds_service.domain.draft import Proposed
from cds_service.domain.evidence import Context, Ledger
from cds_service.domain.json import JsonObject, encode
from cds_service.fhir.compartment import patient_of

Fault = Literal[
    "other_rules",
    "other_patient",
    "record_changed",
    "shape_changed",
    "ref_missing",
    "wrong_patient",
    "statement_changed",
    "text_changed",
    "reason_changed",
    "must_show_missing",
    "line_missing",
    "gap_changed",
]

FAULTS: Mapping[Fault, str] = {
    "other_rules": "made by other rules: it cannot be written again",
    "other_patient": "made for another patient",
    "record_changed": "the kept record is not the one that it was made of",
    "shape_changed": "has members, sections or an order that no brief has",
    "ref_missing": "a line cites what the kept record does not hold",
    "wrong_patient": "a line cites what is not this patient's",
    "statement_changed": "a line says of an entry what cannot be said of it",
    "text_changed": "a line is not what code writes from what it cites",
    "reason_changed": "a model's reason would not pass its check",
    "must_show_missing": "something that no brief may leave out is not there",
    "line_missing": "a section lacks what rules say there",
    "gap_changed": "what could not be read is told otherwise",
}
"""What may be found, and what it means."""


def fingerprint(ledger: Ledger) -> str:
    """Return a hash of every resource, version and search of a ledger: the same ledger, the same hash."""
    digest = blake2b(ledger.patient.encode(), digest_size=16)
    for ref in sorted(ledger.evidence):
        item = ledger.evidence[ref]
        digest.update(encode([ref, item.version, item.resource]))
    for search in ledger.searches:
        digest.update(encode([search.need, search.key, search.state, search.found]))
    digest.update(encode([[gap.need, gap.reason, gap.count] for gap in ledger.dropped]))
    return digest.hexdigest()


def recheck(stored: JsonObject, context: Context) -> tuple[Fault, ...]:
    """Return what is wrong with a stored brief (`to_json`), in the order of checking; nothing is the usual answer.

    The Context is that of the moment when it was made.
    """
    return tuple(dict.fromkeys(_faults(stored, context)))


def _faults(stored: JsonObject, context: Context) -> Iterator[Fault]:
    record = index(context)
    if stored.get("rules_version") != version(record):
        yield "other_rules"
        return
    if not stored.get("patient") == f"Patient/{context.patient}" == context.ledger.patient:
        yield "other_patient"
    hashed = _as_dict(stored.get("versions")).get("evidence")
    if hashed is not None and hashed != fingerprint(context.ledger):
        yield "record_changed"
    rules = rule_brief(context)
    by = _known(record, rules)
    lines = list(_lines(stored, by))
    yield from (fault for _, faults in lines for fault in faults)
    kept = [said for said, faults in lines if said and not faults]
    if missing(record, iter(kept)):
        yield "must_show_missing"
    if _lacks(stored, rules, by):
        yield "line_missing"
    if not _gaps_stand(stored, record):
        yield "gap_changed"
    if not lines or (all(not faults for _, faults in lines) and not _same(stored, by)):
        yield "shape_changed"


def _lines(stored: JsonObject, by: Known) -> Iterator[tuple[Statement | None, tuple[Fault, ...]]]:
    for section in _dicts(stored.get("sections")):
        for told in _dicts(section.get("statements")):
            said = _statement(told)
            faults = _line_faults(said, told, by) if said else ("shape_changed",)
            yield said, tuple(faults)  # type: ignore[arg-type]  # each is one of the literals


def _statement(told: Mapping[str, Any]) -> Statement | None:
    try:
        return Statement(
            kind=told["kind"],
            refs=tuple(told["refs"]),
            flags=tuple(each for each in told["flags"] if each != "restricted"),
            added_by=told["added_by"],
            needs=tuple(told.get("needs", ())),
            quote=told.get("quote"),
            why=told.get("why"),
            group=told.get("group"),
        )
    except (KeyError, TypeError):
        return None


def _line_faults(said: Statement, told: Mapping[str, Any], by: Known) -> Iterator[Fault]:
    record = by.record
    ours = {f"Patient/{record.context.patient}"}
    ours |= {f"{record.context.ledger.base_url}/{each}" for each in ours}
    for ref in said.refs:
        item = record.items.get(ref)
        if item is None:
            yield "ref_missing"
            return
        theirs = patient_of(item.resource)
        if theirs is not None and not theirs & ours:
            yield "wrong_patient"
            return
    if not _can_be_said(said, by):
        yield "statement_changed"
        return
    made = line(record, said)
    if made.text != told.get("text") or list(made.statement.flags) != told.get("flags"):
        yield "text_changed"
    cited = [record.items[ref] for ref in said.refs]
    if said.why and (said.added_by != "model" or why.check(said.why, record, cited)):
        yield "reason_changed"


def _can_be_said(said: Statement, by: Known) -> bool:
    """Return whether rules say exactly this of a record, or may be made to: the same entries, the same flags."""
    if any(_alike(said, each) for _, each in by.about(said)):
        return True
    made = accept(
        Proposed(kind=said.kind, refs=said.refs, needs=said.needs, quote=said.quote or ""), by
    )
    return not isinstance(made, str) and _alike(said, made[1])


def _alike(said: Statement, other: Statement) -> bool:
    return (said.kind, said.refs, said.flags, said.needs) == (
        other.kind,
        other.refs,
        other.flags,
        other.needs,
    )


def _lacks(stored: JsonObject, rules: Brief, by: Known) -> bool:
    """Return whether a section lacks a line of the rules, itself or in a model's choice of the same."""
    told = {part.get("id"): list(_held(part, by)) for part in _dicts(stored.get("sections"))}
    return any(uncovered(part.lines, told.get(part.id, [])) for part in rules.sections)


def _gaps_stand(stored: JsonObject, record: Record) -> bool:
    """Return whether every gap of the record is told, in its words."""
    told = [each.get("text") for each in _dicts(stored.get("gaps"))]
    return told == [sentence(gap) for gap in gaps(record)]


def rebuilt(stored: JsonObject, context: Context) -> Brief:
    """Return the brief that code writes today of the statements of a stored one; those that do not hold left out."""
    return _rebuilt(stored, _known(index(context), rule_brief(context)))


def _known(record: Record, rules: Brief) -> Known:
    """Index a record as if a model had seen all of it: here only what may be said counts."""
    everything = frozenset(record.context.ledger.evidence)
    return known(record, rules, everything, everything)


def _rebuilt(stored: JsonObject, by: Known) -> Brief:
    record, context = by.record, by.record.context
    missed = gaps(record)
    return Brief(
        patient=f"Patient/{context.patient}",
        as_of=context.now,
        rules_version=version(record),
        sections=tuple(
            Section(id=part["id"], title=part["title"], lines=tuple(_held(part, by)))
            for part in _dicts(stored.get("sections"))
        ),
        gaps=missed,
        gap_texts=tuple(sentence(gap) for gap in missed),
        versions=_as_dict(stored.get("versions")),
        notices=tuple(_strings(stored.get("notices"))),
    )


def _held(part: Mapping[str, Any], by: Known) -> Iterator[Line]:
    for told in _dicts(part.get("statements")):
        said = _statement(told)
        if said and not list(_line_faults(said, told, by)):
            yield line(by.record, said)


def _same(stored: JsonObject, by: Known) -> bool:
    """Return whether writing it again gives the same JSON."""
    return encode(to_json(_rebuilt(stored, by))) == encode(stored)


def _dicts(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _strings(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _as_dict(value: object) -> Mapping[str, str]:
    return value if isinstance(value, dict) else {}
