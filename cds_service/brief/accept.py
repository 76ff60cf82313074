"""What may be said of which entries: one proposed statement becomes one that rules would make, or a reason why not.

Most kinds are computed: a conflict, a change or an open order is one only if rules find it. Of what is only chosen
(a result, an encounter, a note) the statement is made here as the rules make theirs.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import msgspec

from cds_service.brief.facts import observations, order_kinds, orders, problems, reports
from cds_service.brief.record import Item, Record
from cds_service.brief.render import fits
from cds_service.brief.wording.words import TEXT_MAX
from cds_service.domain.brief import Brief, Kind, SectionId, Statement
from cds_service.domain.draft import Code, Proposed
from cds_service.domain.json import JsonObject
from cds_service.domain.needs import NeedName
from cds_service.fhir.compartment import patient_of
from cds_service.fhir.elements import clean, inline_text, obj, objs, states, type_and_id

Placed = tuple[SectionId, Statement]
Made = Placed | Code

_MEASURED = frozenset({"result", "vital", "observation"})
_QUOTE_MIN = 12
_MARKUP = re.compile(r"[<>\[\]{}|`]|//|www\.", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Known:
    """What rules say of a record, by kind and by what is cited."""

    record: Record = field(repr=False)
    shown: frozenset[str] = field(repr=False)
    """References that a model has seen in its run."""
    read: frozenset[str] = field(repr=False)
    """Notes whose text it has seen."""
    by_ref: Mapping[tuple[Kind, str], tuple[Placed, ...]] = field(repr=False)
    absences: Mapping[tuple[Kind, tuple[NeedName, ...]], Placed] = field(repr=False)
    """What rules say was not found, by kind and needs: it cites nothing."""

    def about(self, said: Statement) -> tuple[Placed, ...]:
        """Return what rules say of the same kind that begins with the same entry, or of the same absence."""
        if said.refs:
            return self.by_ref.get((said.kind, said.refs[0]), ())
        found = self.absences.get((said.kind, said.needs))
        return (found,) if found else ()

    def find(self, kind: Kind, refs: tuple[str, ...]) -> Placed | None:
        """Return the statement of this kind by rules that cites all of these, its own section before attention.

        A line of many names is found only by all of them.
        """
        for section, said in self.by_ref.get((kind, refs[0]), ()):
            cited, all_of_it = set(refs), set(said.refs)
            if cited <= all_of_it and ("grouped" not in said.flags or cited == all_of_it):
                return section, said
        return None


def known(record: Record, rules: Brief, shown: frozenset[str], read: frozenset[str]) -> Known:
    """Index the rules' brief of a record, and what a model has seen of it."""
    found: dict[tuple[Kind, str], list[Placed]] = {}
    absences: dict[tuple[Kind, tuple[NeedName, ...]], Placed] = {}
    parts = sorted(rules.sections, key=lambda part: part.id in {"attention", "changes"})
    for part in parts:
        for line in part.lines:
            plain = tuple(each for each in line.statement.flags if each != "restricted")
            said = msgspec.structs.replace(line.statement, flags=plain)
            if not said.refs:
                absences[said.kind, said.needs] = (part.id, said)
            for ref in said.refs:
                found.setdefault((said.kind, ref), []).append((part.id, said))
    return Known(record, shown, read, {key: tuple(each) for key, each in found.items()}, absences)


def accept(said: Proposed, by: Known) -> Made:
    """Return where a statement stands and what it is, or the first check that it fails."""
    if said.kind == "absence":
        return _absence(said, by)
    return _refused(said, by) or _made(said, by)


def _refused(said: Proposed, by: Known) -> Code | None:
    if not said.refs:
        return "no_refs"
    wrong = next((code for ref in said.refs if (code := _check(ref, by))), None)
    fitting = wrong or fits(Statement(kind=said.kind, refs=said.refs), by.record)
    return wrong if fitting else "kind_mismatch"


def _made(said: Proposed, by: Known) -> Made:
    if said.kind == "note_quote":
        return _quote(said, by)
    if said.kind in _MEASURED:
        return _measured(said, by)
    found = by.find(said.kind, said.refs)
    if found and said.kind == "problem" and "stopped" in found[1].flags:
        return "not_active"  # an illness of the past stands where rules put it
    return found or _chosen(said, by)


def _check(ref: str, by: Known) -> Code | None:
    """Check one reference: it was shown, it is what it says, it is this patient's, and it was not an error."""
    context = by.record.context
    evidence = context.ledger.evidence.get(ref) if ref in by.shown else None
    if evidence is None:
        return "ref_not_retrieved"
    theirs = patient_of(evidence.resource)
    ours = {f"Patient/{context.patient}", f"{context.ledger.base_url}/Patient/{context.patient}"}
    if context.ledger.patient not in ours or (theirs is not None and not theirs & ours):
        return "wrong_patient"
    kind, identity = type_and_id(evidence.resource)
    if ref.partition("/")[0] != kind or (identity and ref.partition("/")[2] != identity):
        return "ref_not_retrieved"
    if ref not in by.record.items:
        return "entered_in_error"
    return "refuted" if "refuted" in states(evidence.resource, "verificationStatus") else None


def _absence(said: Proposed, by: Known) -> Made:
    """Accept that there is none only where rules say it, or complete searches, or a Bundle, hold none at all."""
    record = by.record
    if said.refs or not said.needs:
        return "kind_mismatch"
    if (said.kind, said.needs) in by.absences:
        return by.absences[said.kind, said.needs]
    if any(record.holds_any(need) for need in said.needs):
        return "absence_denied"
    if not (record.proves_absence(said.needs) or record.is_bundle(said.needs)):
        return "absence_unproven"
    section = _OF_NEED.get(said.needs[0])
    return (
        (section, Statement(kind="absence", refs=(), needs=said.needs))
        if section
        else "kind_mismatch"
    )


_OF_NEED: Mapping[str, SectionId] = {
    "problems": "problems",
    "allergies": "allergies",
    "medications": "medications",
    "medication_statements": "medications",
    "immunizations": "prevention",
    "procedures": "procedures",
    "encounters": "encounters",
    "orders": "open_loops",
    "tasks": "open_loops",
    "reports": "results",
    "directives": "context",
    "care_team": "context",
    "documents": "notes",
    "flags": "context",
}
"""Where an absence stands. Results, vitals and social history share a type, so that none of one proves little."""


def _quote(said: Proposed, by: Known) -> Made:
    """Accept words that stand exactly, whitespace aside, in a note that was read, and fit on a line."""
    words = clean(said.quote)
    if not set(said.refs) <= by.read:
        return "ref_not_retrieved"
    if len(words) > TEXT_MAX:
        return "quote_too_long"
    if _MARKUP.search(words):
        return "quote_markup"
    item = by.record.items[said.refs[0]]
    if (
        len(words) < _QUOTE_MIN
        or len(said.refs) > 1
        or words not in " ".join(_texts(item.resource))
    ):
        return "not_in_note"
    return "notes", Statement(kind="note_quote", refs=said.refs, quote=words)


def _texts(resource: JsonObject) -> list[str]:
    attached = (obj(each, "attachment") for each in objs(resource, "content"))
    return [words for each in attached if (words := inline_text(each))]


def _measured(said: Proposed, by: Known) -> Made:
    """Accept Observations of one code as the series that they belong to, newest first."""
    held = [
        each
        for each in by.record.once(observations.series)
        if any(item.ref == said.refs[0] for item in each.items)
    ]
    if not held:
        return "no_value"
    series = held[0]
    if not set(said.refs) <= {item.ref for item in series.items}:
        return "kind_mismatch"
    if not _has_value(series.items[0].resource):
        return "no_value"
    if series.section in {"social", "survey"}:
        newest = (series.items[0].ref,)
        return by.find("observation", newest) or (
            ("context", Statement(kind="observation", refs=newest))
            if series.section == "social"
            else "not_computed"  # answers of questionnaires may identify
        )
    kind: Kind = "vital" if series.section == "vitals" else "result"
    section: SectionId = "vitals" if kind == "vital" else "results"
    return section, observations.statement(by.record, series, kind)


def _has_value(resource: JsonObject) -> bool:
    told = any(name.startswith("value") for name in resource)
    return told or "dataAbsentReason" in resource or "component" in resource


def is_newest(said: Proposed, accepted: Statement) -> bool:
    """Return whether the newest of a series was cited, where a series is what is told."""
    return said.kind not in _MEASURED or not accepted.refs or accepted.refs[0] in said.refs


def _chosen(said: Proposed, by: Known) -> Made:
    """Make a statement that rules would not show but that may be said."""
    make = _CHOOSE.get(said.kind)
    if make is None:
        return "not_computed"
    return make(by.record, by.record.items[said.refs[0]])


def _problem(record: Record, item: Item) -> Made:
    held = [each for each in record.once(problems.problems) if item in each.items]
    return ("problems", problems.statement(held[0])) if held else "not_active"


def _order(record: Record, item: Item) -> Made:
    if item not in record.once(orders.forgotten):
        return "not_computed"
    kind: Kind = "task_open" if order_kinds.is_referral(record, item) else "order_open"
    return "open_loops", Statement(kind=kind, refs=(item.ref,))


def _encounter(_: Record, item: Item) -> Made:
    if item.status in {"cancelled", "planned"}:
        return "not_active"
    return "encounters", Statement(kind="encounter", refs=(item.ref,))


def _procedure(_: Record, item: Item) -> Made:
    if item.type != "Procedure" or item.status not in {"completed", ""}:
        return "not_active"
    return "procedures", Statement(kind="procedure", refs=(item.ref,))


def _report(record: Record, item: Item) -> Made:
    held = item in record.once(reports.reports)
    return ("results", reports.statement(record, item)) if held else "no_value"


def _note(_: Record, item: Item) -> Made:
    if item.status == "superseded":
        return "not_active"
    return "notes", Statement(kind="note", refs=(item.ref,))


def _ended(_: Record, __: Item) -> Made:
    return "not_active"


_CHOOSE: Mapping[Kind, Callable[[Record, Item], Made]] = {
    "problem": _problem,
    "medication": _ended,
    "allergy": _ended,
    "immunization": _ended,
    "flag": _ended,
    "care_team": _ended,
    "directive": _ended,
    "order_open": _order,
    "task_open": _order,
    "encounter": _encounter,
    "procedure": _procedure,
    "report": _report,
    "note": _note,
}
"""Kinds that may be said of more than rules show. An entry that rules leave out of a list has ended."""
