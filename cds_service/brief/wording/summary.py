"""Problems, allergies, flags, vaccines, procedures and the rest of a chart's lists in words."""

from collections.abc import Sequence

from cds_service.brief.facts.allergies import (
    covered,
    is_intolerance,
    says,
    substance,
)
from cds_service.brief.facts.conditions import entry
from cds_service.brief.facts.problems import by_entry, span
from cds_service.brief.facts.reports import coded_conclusion, conclusion, has_attachment
from cds_service.brief.facts.vaccines import vaccine
from cds_service.brief.record import Item, Record
from cds_service.brief.wording.past import illnesses, procedures, state
from cds_service.brief.wording.visits import standing
from cds_service.brief.wording.words import (
    TEXT_MAX,
    code_name,
    dated,
    day,
    from_heading,
    joined,
    moment,
    named,
    names,
    note_of,
    person,
    quoted,
    short,
    spoken,
    status_word,
)
from cds_service.domain.brief import Statement
from cds_service.domain.json import JsonObject
from cds_service.fhir.elements import code, codes, name, obj, objs, text
from cds_service.rulebook import DEFAULT

_BARE = frozenset(DEFAULT.terms["no_known"]["bare"])
_USUAL_VERIFICATION = {"", "confirmed"}


def problem(statement: Statement, record: Record, items: list[Item]) -> str:
    """Write a problem, or several on one line."""
    if "grouped" in statement.flags:
        over = "stopped" in statement.flags
        return illnesses(statement, record) if over else _problems(record, items)
    ordered = [record.items[ref] for ref in statement.refs]
    first, others = ordered[0], ordered[1:]
    called = _problem_name(first)
    written = _problem(record, first, called, ordered)
    if not others:
        return written
    listed = [named(obj(each.resource, "code"), "unnamed") for each in others]
    differing = dict.fromkeys(each for each in listed if each != called)
    also = f"also as: {joined(differing)}" if differing else ""
    return joined((written, _entries(ordered), also), "; ")


def _problems(record: Record, items: list[Item]) -> str:
    in_remission = entry(record, items[0]).status == "remission"
    head = "In remission" if in_remission else "Older diagnoses not on the problem list"
    merged = record.once(by_entry)
    sets = dict.fromkeys(merged.get(each.ref, (each,)) for each in items)
    return f"{head}: {joined(map(_briefly, sets))}"


def _briefly(entries: tuple[Item, ...]) -> str:
    """Write a problem by name and its earliest date, with how many entries are one with it."""
    earliest, _ = span(entries)
    when = day(earliest.when) if earliest else "undated"
    return f"{_problem_name(entries[0])} ({joined((when, _entries(entries)))})"


def _entries(entries: Sequence[Item]) -> str:
    """Write how many entries are one problem, and the date of the newest where they have several dates."""
    if len(entries) <= 1:
        return ""
    earliest, newest = span(entries)
    dates = dict.fromkeys(day(each.when) for each in (earliest, newest) if each)
    last = f"newest {list(dates)[-1]}" if len(dates) > 1 else ""
    return joined((f"{len(entries)} entries", last))


def _problem_name(item: Item) -> str:
    return code_name(item, "Problem without a name")


def _problem(record: Record, item: Item, called: str, entries: Sequence[Item]) -> str:
    """Write one problem by its first entry, and since when by the earliest of all."""
    said, known = item.resource, entry(record, item)
    onset = _since(record, span(entries)[0] or item)
    return joined(
        (
            called,
            named(obj(said, "severity"), "").lower(),
            _clinical(said),
            verification(said),
            "" if known.is_listed else "not on the problem list",
            onset,
            "pregnancy" if known.is_pregnancy and "pregnan" not in called.lower() else "",
        )
    )


def _since(record: Record, item: Item) -> str:
    """Write when a problem began as an entry says it, in words where it gives no date; else when it was recorded."""
    said = item.resource
    onset = record.moment(said.get("onsetDateTime")) or record.moment(
        obj(said, "onsetPeriod").get("start")
    )
    return dated("since", onset) or _onset_words(said) or dated("recorded", item.when) or "undated"


def _onset_words(said: JsonObject) -> str:
    words = text(said, "onsetString")
    return f"onset {short(words, 60)}" if words else ""


def _clinical(said: JsonObject) -> str:
    """Return the clinical status where it is not plainly active."""
    concept = obj(said, "clinicalStatus")
    known = codes(concept)
    if "active" in known:
        return ""
    return short(name(concept) or next(iter(known), "")).lower() or "no clinical status"


def verification(said: JsonObject) -> str:
    """Return the verification status where it is not plainly confirmed."""
    concept = obj(said, "verificationStatus")
    word = next(iter(codes(concept)), "") or name(concept).lower()
    return "" if word in _USUAL_VERIFICATION else short(word, 40)


def allergy(statement: Statement, record: Record, items: list[Item]) -> str:
    """Write one allergy: substance, reactions, criticality, verification, when it was recorded."""
    del statement
    item = items[0]
    said = item.resource
    recorded = record.moment(said.get("recordedDate"))
    reactions = joined(dict.fromkeys(_reaction(each) for each in objs(said, "reaction")), "; ")
    criticality = {"high": "high criticality", "low": "low criticality"}.get(
        code(said, "criticality"), ""
    )
    head = f"{allergen(item)}: {reactions or 'reaction not recorded'}"
    severity = joined((_severity(said), criticality), "; ")
    return joined(
        (
            f"{head} ({severity})" if severity else head,
            "intolerance" if is_intolerance(item) else "",
            verification(said),
            dated("recorded", recorded),
            note_of(said),
        )
    )


def allergen(item: Item) -> str:
    """Return what a patient is allergic to."""
    return spoken(substance(item)) or named(obj(item.resource, "code"), "Allergy without a name")


def _reaction(reaction: JsonObject) -> str:
    return names(reaction, "manifestation") or short(text(reaction, "description"), TEXT_MAX)


def _severity(said: JsonObject) -> str:
    found = {code(each, "severity") for each in objs(said, "reaction")}
    return next((each for each in ("severe", "moderate", "mild") if each in found), "")


def no_known(statement: Statement, record: Record, items: list[Item]) -> str:
    """Write an explicit "none known", or "nothing is known"; never plainly beside what it denies."""
    item = items[0]
    concept = obj(item.resource, "code") or obj(item.resource, "medicationCodeableConcept")
    unknown = item.type == "AllergyIntolerance" and says(record, item) == "unknown"
    words = named(concept, "None known")
    if "conflict" in statement.flags:
        on = dated(" recorded", item.when)
        return f"Conflict: “{words}”{on} contradicts what is listed here"
    if item.type == "AllergyIntolerance" and words.casefold() in _BARE:
        words = f"Allergies: {words}"
    return joined(
        (
            f"{words}: nothing is known, which is not the same as none" if unknown else words,
            _scope(record, item),
            verification(item.resource),
            dated("recorded", item.when),
            note_of(item.resource),
        )
    )


def _scope(record: Record, item: Item) -> str:
    scope = covered(record, item) if item.type == "AllergyIntolerance" else None
    return f"covers {joined(scope, ' and ')} only" if scope else ""


def flag(statement: Statement, record: Record, items: list[Item]) -> str:
    """Write an alert that the chart carries, or what the Patient says of itself before all else."""
    del statement
    item = items[0]
    if item.type == "Patient":
        return standing(record, item)
    words = short(name(obj(item.resource, "code")), TEXT_MAX) or "without words"
    kind = names(item.resource, "category").lower()
    head = f"Flag ({kind}): {words}" if kind else f"Flag: {words}"
    return joined((head, dated("since", item.when)))


def immunization(statement: Statement, record: Record, items: list[Item]) -> str:
    """Write the newest dose of a vaccine and how many are in the record."""
    if items[0].status == "not-done":
        return f"Refused or not given: {joined(map(_refused, items), '; ')}"
    if "grouped" in statement.flags:
        return _vaccines(record, items)
    newest = items[0]
    absent = _none_newer(record) if "stale" in statement.flags else ""
    undated = "" if all(item.when for item in items) or len(items) == 1 else "some undated"
    count = f"{len(items)} doses recorded" if len(items) > 1 else ""
    name_ = named(obj(newest.resource, "vaccineCode"), "Vaccine without a name")
    reported = "reported" if newest.resource.get("primarySource") is False else ""
    when = moment(newest.when) if newest.when else _occurrence(newest)
    return joined((f"{name_}, {when}", reported, count, undated, absent), "; ")


def _vaccines(record: Record, items: list[Item]) -> str:
    """Write vaccines on one line, each by its newest dose and how many are recorded."""
    doses: dict[str, list[Item]] = {}
    for item in items:
        doses.setdefault(vaccine(record, item), []).append(item)
    listed = joined((_doses(given) for _, given in sorted(doses.items())), "; ")
    return f"Other vaccines, newest dose: {listed}"


def _refused(item: Item) -> str:
    """Write a vaccine that was not given, with the reason as recorded."""
    said = item.resource
    name_ = named(obj(said, "vaccineCode"), "vaccine without a name")
    why = named(obj(said, "statusReason"), "")
    return joined((f"{name_} ({why})" if why else name_, day(item.when) or _occurrence(item)))


def _doses(given: list[Item]) -> str:
    newest = given[0]
    count = f" ({len(given)} doses)" if len(given) > 1 else ""
    when = day(newest.when) or _occurrence(newest)
    return f"{named(obj(newest.resource, 'vaccineCode'), 'vaccine without a name')} {when}{count}"


def _none_newer(record: Record) -> str:
    """Return that no newer dose is there, as far as searches prove it."""
    if record.is_bundle(("immunizations",)):
        return "none newer recorded in this bundle"
    return "none newer found in the record" if record.proves_absence(("immunizations",)) else ""


def _occurrence(item: Item) -> str:
    return short(text(item.resource, "occurrenceString"), 60) or "undated"


def procedure(statement: Statement, record: Record, items: list[Item]) -> str:
    """Write a procedure, or a report of a screening; older ones by name alone."""
    if "grouped" in statement.flags:
        return procedures(statement, items)
    item = items[0]
    actor = next((obj(each, "actor") for each in objs(item.resource, "performer")), {})
    by = person(record, item.resource, actor)
    outcome = named(obj(item.resource, "outcome"), "")
    return joined(
        (
            code_name(item, "Procedure without a name"),
            moment(item.when),
            _performed(item),
            state(item),
            by,
            outcome,
            _times(statement, items),
        )
    )


def _times(statement: Statement, items: list[Item]) -> str:
    """Say how often it was done, and since when, where one line stands for several times."""
    if "merged" not in statement.flags:
        return ""
    return f"{len(items)} times since {day(items[-1].when) or 'an unknown day'}"


def _performed(item: Item) -> str:
    """Return when an undated procedure was done as somebody wrote it."""
    words = "" if item.when else text(item.resource, "performedString") or item.odd_date
    return f"written as {quoted(words, 60)}" if words else ""


def report(statement: Statement, record: Record, items: list[Item]) -> str:
    """Write what a final report concludes, in its own words; older ones only by name."""
    if "grouped" in statement.flags:
        listed = joined(f"{code_name(i, 'report')} ({day(i.when) or 'undated'})" for i in items)
        return f"Older reports: {listed}"
    item = items[0]
    head = joined(
        (
            f"Report: {code_name(item, 'without a name')}",
            moment(item.when),
            status_word(item, "final"),
        )
    )
    unread = (
        "text in an attachment, not read" if has_attachment(item) else "no conclusion recorded"
    )
    return f"{head}: {concluded(record, item) or unread}"


def concluded(record: Record, item: Item) -> str:
    """Write what a report concludes as quotations: its text, and the words of its codes that the text lacks."""
    coded = quoted(coded_conclusion(item))
    return joined((from_heading(record, conclusion(item)), coded and f"coded as {coded}"), "; ")


def care_team(statement: Statement, record: Record, items: list[Item]) -> str:
    """Write who is on the care teams, each once, patients and relatives apart."""
    del statement
    members = (
        _member(record, item, each)
        for item in items
        for each in objs(item.resource, "participant")
    )
    titles = (short(text(item.resource, "name")) for item in items)
    listed = joined(dict.fromkeys(members)) or joined(dict.fromkeys(titles))
    return f"Care team: {listed or 'without names'}"


def _member(record: Record, item: Item, participant: JsonObject) -> str:
    member = obj(participant, "member")
    if code(member, "reference").startswith(("Patient/", "RelatedPerson/")):
        return ""
    who, role = person(record, item.resource, member), names(participant, "role")
    return f"{who} ({role})" if who and role else who or role
