"""Resources that do not agree, set side by side without a verdict; and what was looked for in vain."""

from collections.abc import Sequence

from cds_service.brief.facts.allergen import NOTE_MAX, note
from cds_service.brief.facts.allergies import (
    is_intolerance,
    is_same_class,
    shared_part,
    substance,
)
from cds_service.brief.facts.code_status import disagreement
from cds_service.brief.facts.conditions import entry
from cds_service.brief.facts.medicine_conflicts import differ, is_regimen
from cds_service.brief.facts.medicine_entries import ORDER, REPORT, Entry
from cds_service.brief.facts.pregnancies import end
from cds_service.brief.facts.purpose import missing_tests
from cds_service.brief.facts.screenings import missing
from cds_service.brief.record import Item, Record
from cds_service.brief.wording.directives import code_status
from cds_service.brief.wording.medicines import (
    dose_of,
    entries_of,
    in_brief,
    is_alike,
    name_of,
    reason_of,
    standing,
)
from cds_service.brief.wording.observations import told as named_value
from cds_service.brief.wording.summary import allergen
from cds_service.brief.wording.words import (
    code_name,
    dated,
    day,
    joined,
    names,
    note_of,
    short,
    spoken,
)
from cds_service.domain.brief import Statement
from cds_service.domain.needs import NEEDS
from cds_service.fhir.elements import has_code, obj, objs

_DOSE_MAX, _PART_MAX = 120, 60
_DRUGS = frozenset({ORDER, REPORT})


def conflict(statement: Statement, record: Record, items: list[Item]) -> str:
    """Write what two or more resources say that cannot all be so, in the order that was cited."""
    by_ref = {item.ref: item for item in items}
    cited = [by_ref[ref] for ref in statement.refs if ref in by_ref]
    first, others = cited[0], cited[1:]
    if cited == list(record.once(disagreement)):
        listed = joined(map(code_status, cited), "; ")
        return f"Entries on resuscitation do not agree: {listed}"
    if "stale" in statement.flags:
        return _pregnancy(record, first, others)
    if first.type == "AllergyIntolerance" or "allergen" in statement.flags:
        return _allergy(record, first, others)
    if {each.type for each in cited} <= _DRUGS:
        return _medicines(record, entries_of(record, cited))
    if first.type == "Condition":
        return _problem(record, first, others)
    return f"Do not agree: {joined(code_name(each, each.type) for each in cited)}"


def _pregnancy(record: Record, first: Item, others: list[Item]) -> str:
    """Write that a pregnancy is over first, then what still tells of it."""
    over = record.once(end)
    word = over.word if over else "end of a pregnancy"
    head = f"{word.capitalize()} recorded{_on(first)} ({code_name(first, 'without a name')})"
    return f"{head}, after: {joined((_sign(record, each) for each in others), '; ')}"


def _sign(record: Record, item: Item) -> str:
    if item.type == "Observation":
        return named_value(record, item)
    recorded = record.moment(item.resource.get("recordedDate"))
    when = dated("recorded", recorded) or dated("since", item.when) or "undated"
    return f"{code_name(item, 'Pregnancy')}, {when}"


def _allergy(record: Record, first: Item, others: list[Item]) -> str:
    drugs = entries_of(record, (each for each in others if each.type in _DRUGS))
    if drugs:
        met = (first, *(each for each in others if each.type not in _DRUGS))
        related = all(is_same_class(record, one, each) for one in met for each in drugs)
        meets = f"yet {_active(record, drugs)}"
        part = {name for one in met for each in drugs for name in shared_part(record, one, each)}
        common = f"in common: {joined(sorted(part))}" if part else ""
        return joined((_all_met(record, met), meets, _RELATED if related else "", common))
    stated = spoken(substance(first)) or "No known allergies"
    listed = joined(_listed_as(record, each) for each in others)
    return f"“{stated}” recorded{_on(first)}, yet allergies are listed: {listed}"


_ALSO = 3
"""Allergies that a line names behind the worst one."""


def _all_met(record: Record, met: Sequence[Item]) -> str:
    """Write the allergies that one medicine meets, alike ones once, and how many more entries there are."""
    told: dict[str, tuple[str, Item]] = {}
    for each in met:
        written = _named_allergy(record, each)
        told.setdefault(written.casefold(), (written, each))
    (first, item), *others = told.values()
    also = joined(f"{_shortly(each)}{written}" for written, each in others[:_ALSO])
    rest = len(others) - _ALSO
    more = f"and {rest} more" if rest > 0 else ""
    return joined((f"{_of(item)}{first}", f"also {also}" if also else "", more))


def _named_allergy(record: Record, item: Item) -> str:
    """Write what an allergy is to, its reactions, and its note where the name tells nothing."""
    reactions = (names(each, "manifestation") for each in objs(item.resource, "reaction"))
    said = joined(dict.fromkeys(reactions))
    told = note_of(item.resource, NOTE_MAX) if note(item) else ""
    return joined((f"{_listed_as(record, item)}{f' ({said})' if said else ''}", told))


def _of(item: Item) -> str:
    """Write what a substance is named after; a problem is called as it calls itself."""
    if item.type == "Condition":
        return ""
    return "Intolerance to " if is_intolerance(item) else "Allergy to "


def _shortly(item: Item) -> str:
    """Write the same behind another allergy."""
    if item.type == "Condition":
        return ""
    return "intolerance to " if is_intolerance(item) else "to "


def _listed_as(record: Record, item: Item) -> str:
    """Write what an allergy is to; of a problem that says of one its name, and that it stands among problems."""
    if item.type != "Condition":
        return allergen(item)
    place = "problem" if entry(record, item).is_listed else "diagnosis"
    return f"{code_name(item, 'Allergy without a name')} (listed as a {place})"


_RELATED = "a medicine of the same class"


def _on(item: Item) -> str:
    return f" {item.when.day}" if item.when else ""


def _active(record: Record, drugs: list[Entry]) -> str:
    """Write active entries; they are called active only where each plainly is."""
    word = "listed" if any(standing(record, each) for each in drugs) else "active"
    return f"{word}: {joined((in_brief(record, each) for each in drugs), '; ')}"


def _medicines(record: Record, cited: list[Entry]) -> str:
    """Write entries of one ingredient, or an order beside a report that it is not taken."""
    denied = [each for each in cited if each.status in {"stopped", "not-taken"}]
    if denied:
        active = _active(record, [each for each in cited if each not in denied])
        report = denied[0]
        word = "not taken" if report.status == "not-taken" else "stopped"
        told = joined(each for i in denied for each in (reason_of(i), note_of(i.resource)))
        return joined(
            (active[0].upper() + active[1:], f"reported as {word}{_on(report)}", told), "; "
        )
    shared = frozenset.intersection(*(each.ingredients for each in cited))
    what = joined(sorted(each.name for each in shared)) or "one ingredient"
    head = what[0].upper() + what[1:]
    if is_regimen(cited):
        parts = (joined((name_of(i), short(dose_of(i), _PART_MAX)), ": ") for i in cited)
        return f"{head}, {len(cited)} orders of {day(cited[0].when)}: {joined(parts, '; ')}"
    listed = _listed(record, cited)
    return f"{head} listed {_times(len(cited))}{_differ(record, cited)}: {listed}"


def _differ(record: Record, cited: list[Entry]) -> str:
    """Say that strengths or doses are unlike, or that only their words are known to be."""
    told = differ(record, cited)
    unwritten = [each for each in cited if not each.dose]
    if told == "alike" and unwritten:  # doses that are put together from their structure
        doses = {dose_of(each).casefold() for each in cited} - {""}
        told = "alike" if len(doses) <= 1 else "unlike" if unwritten == cited else "worded"
    return _DIFFER[told]


_DIFFER = {"alike": "", "worded": ", worded unlike", "unlike": " and not alike"}


def _listed(record: Record, cited: list[Entry]) -> str:
    """Write each entry; many orders of the same words as how many and since when."""
    first, *others = cited
    same = [each for each in others if is_alike(first, each)]
    if len(same) < _MANY:
        return joined((_with_dose(record, each) for each in cited), "; ")
    rest = [_with_dose(record, each) for each in others if each not in same]
    more = f"{len(same)} more of the same, {day(same[-1].when)} to {day(same[0].when)}"
    return joined((_with_dose(record, first), more, *rest), "; ")


_MANY = 3


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _with_dose(record: Record, item: Entry) -> str:
    return in_brief(record, item, short(dose_of(item), _DOSE_MAX))


def _problem(record: Record, first: Item, others: list[Item]) -> str:
    status = [
        each for each in others if has_code(obj(each.resource, "clinicalStatus"), "resolved")
    ]
    word = "resolved" if status else "inactive"
    name = code_name(first, "Problem without a name")
    since, onset = dated("since", first.when), dated("onset", next((i.when for i in others), None))
    ends = (record.moment(each.resource.get("abatementDateTime")) for each in others)
    ended = dated("ended", next((each for each in ends if each), None))
    twin = joined((onset, ended)) or "undated"
    return f"{name}: listed as active ({since or 'undated'}) and as {word} ({twin})"


def not_found(statement: Statement, record: Record) -> str:
    """Write which screenings, or which tests of the visit, no entry may be of."""
    tests = "for_visit" in statement.flags
    names_ = record.once(missing_tests) if tests else [e.name for e in record.once(missing)]
    known = "this bundle" if record.is_bundle(statement.needs) else "the record"
    head = "Not recorded in" if record.is_bundle(statement.needs) else "Not found in"
    day_ = "" if record.is_bundle(statement.needs) else f" as of {record.today.isoformat()}"
    how = "for the reason of this visit" if tests else "by code or name"
    return f"{head} {known}{day_}, {how}: {joined(names_)}"


_STANDING = frozenset({"problems", "allergies", "medications", "medication_statements"})
"""Needs whose resources may be there and no longer stand."""


def absence(statement: Statement, record: Record) -> str:
    """Write that nothing was found, as far as the searches of its needs prove it."""
    titles = joined((NEEDS[need].title.lower() for need in statement.needs), " and ").capitalize()
    ended = any(need in _STANDING and record.holds_any(need) for need in statement.needs)
    active = " active" if ended else ""
    if record.is_bundle(statement.needs):
        return f"{titles}: none{active} recorded in this bundle"
    return f"{titles}: none{active} found in the record as of {record.today.isoformat()}"
