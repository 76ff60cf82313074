"""Allergies of a record: which stand, which are severe, what "none known" covers, which meet a medicine."""

from collections.abc import Collection, Iterator
from typing import Literal, NamedTuple

from cds_service.brief.facts import allergen
from cds_service.brief.facts.allergy_problems import candidates
from cds_service.brief.facts.allergy_problems import told as problem_told
from cds_service.brief.facts.labels import restricted
from cds_service.brief.facts.medicine_entries import Entry
from cds_service.brief.facts.medicines import Medicine, foremost, medicines
from cds_service.brief.facts.none_known import UNKNOWN, Scopes, scopes
from cds_service.brief.facts.severe_reactions import is_severe_kind, says_severe
from cds_service.brief.record import Item, Record
from cds_service.domain.brief import Flag, Statement
from cds_service.domain.tables import Tables, words
from cds_service.fhir.elements import code, codes, has_code, name, obj, objs, states, strings

Says = Literal["allergy", "none", "unknown"]
_ENDED = frozenset({"inactive", "resolved"})


def allergies(record: Record) -> tuple[Item, ...]:
    """Return the allergies that stand: severe ones first, then those to medicines, then by name."""
    named, _ = record.once(_standing)
    return tuple(sorted(named, key=lambda item: _place(record, item)))


def _place(record: Record, item: Item) -> tuple[bool, bool, str, str]:
    is_of_medicine = any(record.once(_reaches)[item.ref]) or "medication" in strings(
        item.resource, "category"
    )
    return not is_severe(item), not is_of_medicine, substance(item).casefold(), item.ref


def no_known(record: Record) -> list[Item]:
    """Return the standing entries that say that no allergy, or nothing of allergies, is known."""
    return record.once(_standing)[1]


def _standing(record: Record) -> tuple[list[Item], list[Item]]:
    """Return the entries that stand: those that name an allergy, and those that say that none is known."""
    named: list[Item] = []
    denied: list[Item] = []
    for item in record.of("AllergyIntolerance"):
        if is_active(item):
            (named if says(record, item) == "allergy" else denied).append(item)
    return named, denied


def is_active(item: Item) -> bool:
    """Return whether an allergy stands: not inactive, not resolved, not refuted."""
    if not _ENDED.isdisjoint(states(item.resource, "clinicalStatus")):
        return False
    return "refuted" not in states(item.resource, "verificationStatus")


def says(record: Record, item: Item) -> Says:
    """Return whether an entry names an allergy, says that none is known, or that nothing is."""
    concept = obj(item.resource, "code")
    said = record.each(_denied, item)
    if said is not None and said != UNKNOWN:
        return "none"
    is_unknown = said or has_code(concept, *record.tables.terms["none"]["unknown"])
    return "unknown" if is_unknown else "allergy"


def covered(record: Record, item: Item) -> Scopes | None:
    """Return what a "no known allergy" covers, () for all; None for an allergy, and where nothing is known."""
    said = record.each(_denied, item)
    return None if said == UNKNOWN else said


def _denied(record: Record, item: Item) -> Scopes | None:
    """Return what an entry says is not known, by code, else by its whole text.

    A reaction is one to something: beside it words such as "None" deny nothing.
    """
    concept = obj(item.resource, "code")
    for each in codes(concept):
        if each in record.tables.terms["no_known_allergy"]:
            scope: str = record.tables.terms["no_known_allergy"][each]
            return (scope,) if scope else ()
    return None if item.resource.get("reaction") else scopes(record.tables, name(concept))


def substance(item: Item) -> str:
    """Return the name of what a patient is allergic to: its code, else the substances of its reactions."""
    found = (name(obj(each, "substance")) for each in objs(item.resource, "reaction"))
    return name(obj(item.resource, "code")) or next((each for each in found if each), "")


def is_severe(item: Item) -> bool:
    """Return whether criticality is high, or a reaction severe, as recorded or by what it is.

    Words count also in the note of an allergy without a name, and in the name of a problem.
    """
    reactions = objs(item.resource, "reaction")
    if code(item.resource, "criticality") == "high":
        return True
    if any(code(each, "severity") == "severe" or is_severe_kind(each) for each in reactions):
        return True
    if item.type == "Condition":
        return any(map(says_severe, allergen.names(item)))
    return "note" in item.resource and says_severe(allergen.note(item))


def is_intolerance(item: Item) -> bool:
    """Return whether an entry calls itself an intolerance, not an allergy: a code in R4, a concept in R5."""
    said = item.resource
    return code(said, "type") == "intolerance" or has_code(obj(said, "type"), "intolerance")


def statement(item: Item) -> Statement:
    """Return the statement of one allergy."""
    return Statement(kind="allergy", refs=(item.ref,), flags=tuple(_flags(item)))


def _flags(item: Item) -> Iterator[Flag]:
    if is_severe(item):
        yield from ("must_show", "severe")
    if has_code(
        obj(item.resource, "verificationStatus"), "unconfirmed", "provisional", "presumed"
    ):
        yield "unconfirmed"


def denials(record: Record) -> tuple[tuple[Item, ...], ...]:
    """Return each "none known" that stands beside allergies which it covers, with those allergies."""
    found = []
    for denial in no_known(record):
        scope = covered(record, denial)
        if scope is None:
            continue
        against = [i for i in record.once(allergies) if _covers(record, scope, i)]
        told = [i for i in record.once(allergy_problems) if _covers_problem(record, scope, i)]
        if against or told:
            found.append((denial, *against, *told))
    return tuple(found)


def _covers(record: Record, scope: Scopes, allergy: Item) -> bool:
    if not scope or not frozenset(scope).isdisjoint(strings(allergy.resource, "category")):
        return True
    return "medication" in scope and any(record.once(_reaches)[allergy.ref])


def _covers_problem(record: Record, scope: Scopes, problem: Item) -> bool:
    """Return whether a "none known" denies what a problem says: not a pollen, of which neither code nor table tells."""
    of_it = _scope(record, problem)
    return bool(of_it) and (not scope or of_it in scope)


def allergy_problems(record: Record) -> tuple[Item, ...]:
    """Return the standing problems that say of an allergy to a substance, newest first."""
    return tuple(item for item in record.once(candidates) if _names_substance(record, item))


def _names_substance(record: Record, problem: Item) -> bool:
    told = record.each(problem_told, problem)
    return bool(_scope(record, problem) or (told and told.alike))


def _scope(record: Record, problem: Item) -> str:
    """Return what a "none known" has to cover to deny what a problem says."""
    told = record.each(problem_told, problem)
    if told and told.scope:
        return told.scope
    own, related = record.once(_reaches)[problem.ref]
    return "medication" if own or related else ""


class Meeting(NamedTuple):
    """A medicine that allergies meet."""

    allergies: tuple[Item, ...]
    """The worst first."""
    medicine: Entry


def against_medicines(record: Record) -> tuple[Meeting, ...]:
    """Return each active medicine that allergies meet: by ingredient, class, name or code; also those of problems.

    What is labelled as restricted stands by itself: withholding it takes nothing else away.
    """
    taken, labelled = record.once(_by_ingredient), record.once(restricted)
    met: dict[tuple[str, str], tuple[Entry, dict[str, Item]]] = {}
    for allergy in (*record.once(allergies), *record.once(allergy_problems)):
        own, related = record.once(_reaches)[allergy.ref]
        known = (each for name_ in sorted(own | related) for each in taken.get(name_, ()))
        apart = allergy.ref if allergy.ref in labelled else ""
        for medicine in (*known, *_named_alike(record, allergy)):
            item = foremost(medicine.items)
            met.setdefault((item.ref, apart), (item, {}))[1][allergy.ref] = allergy
    found = [
        Meeting(_worst_first(record, each.values(), item), item) for item, each in met.values()
    ]
    return tuple(sorted(found, key=lambda each: not is_severe(each.allergies[0])))


def _worst_first(record: Record, found: Collection[Item], medicine: Entry) -> tuple[Item, ...]:
    """Return allergies to one medicine: severe ones, then those that name it, its class, and intolerances."""
    if len(found) == 1:
        return tuple(found)
    return tuple(
        sorted(
            found,
            key=lambda each: (
                not is_severe(each),
                is_intolerance(each),
                is_same_class(record, each, medicine),
            ),
        )
    )


def _named_alike(record: Record, allergy: Item) -> Iterator[Medicine]:
    """Yield the active medicines in whose name an allergy's own words stand, or that share a code with it.

    No table has to know either: what is called the same is the same.
    """
    wanted = _wanted(record, allergy)
    is_near = not record.once(_words).isdisjoint(word for each in wanted for word in each)
    for said, medicines_ in record.once(_by_name).items() if is_near else ():
        if allergen.holds_any(said, wanted):
            yield from medicines_
    if not record.once(_reaches)[allergy.ref][0]:  # else its ingredient has been looked for
        for each in sorted(allergen.coded(allergen.concepts(allergy))):
            yield from record.once(_by_code).get(each, ())


def _words(record: Record) -> frozenset[str]:
    """Return the words of all names of active medicines: an allergy of which none is among them meets no name."""
    named = (item.names for medicine in record.once(medicines) for item in medicine.items)
    return frozenset().union(*named)


def _wanted(record: Record, allergy: Item) -> Collection[allergen.Phrase]:
    """Return the words of an allergy that are looked for in the names of medicines."""
    if allergy.type == "Condition":
        told = record.each(problem_told, allergy)
        return told.alike if told else ()
    found = allergen.phrases(allergen.names(allergy))
    return [each for each in found if allergen.is_comparable(each)]


def _by_name(record: Record) -> dict[allergen.Phrase, list[Medicine]]:
    """Return the active medicines by the words of each name they go by; not what is given to the allergic."""
    found: dict[allergen.Phrase, list[Medicine]] = {}
    for medicine in record.once(medicines):
        for said in dict.fromkeys(item.names for item in medicine.items):
            if not allergen.is_given_on_purpose(said):
                found.setdefault(said, []).append(medicine)
    return found


def _by_code(record: Record) -> dict[tuple[str, str], list[Medicine]]:
    """Return the active medicines by each code of a substance or medicine that they have."""
    found: dict[tuple[str, str], list[Medicine]] = {}
    for medicine in record.once(medicines):
        for each in allergen.coded(x for item in medicine.items for x in item.concepts):
            found.setdefault(each, []).append(medicine)
    return found


def is_same_class(record: Record, allergy: Item, medicine: Entry) -> bool:
    """Return whether a medicine shares a class with what an allergy names, and is not that itself."""
    own, related = record.once(_reaches)[allergy.ref]
    held = {each.name for each in medicine.ingredients}
    return bool(own) and own.isdisjoint(held) and not related.isdisjoint(held)


def shared_part(record: Record, allergy: Item, medicine: Entry) -> frozenset[str]:
    """Return the ingredients that a medicine holds of the several that an allergy names, if not all of these."""
    own, _ = record.once(_reaches)[allergy.ref]
    held = own.intersection(each.name for each in medicine.ingredients)
    return held if held != own else frozenset()


def _by_ingredient(record: Record) -> dict[str, list[Medicine]]:
    """Return the active medicines by each ingredient that their entries hold, which all hold the same."""
    found: dict[str, list[Medicine]] = {}
    for medicine in record.once(medicines):
        for each in medicine.ingredients:
            found.setdefault(each.name, []).append(medicine)
    return found


def _reaches(record: Record) -> dict[str, tuple[frozenset[str], frozenset[str]]]:
    found = {
        item.ref: _reach(
            record.tables,
            words(" . ".join((*map(allergen.harming, allergen.names(item)), allergen.note(item)))),
        )
        for item in record.once(_standing)[0]
    }
    for item in record.once(candidates):
        if told := record.each(problem_told, item):
            own, related = _reach(record.tables, told.said)
            found[item.ref] = own, related - _named(record.tables, told.tolerated)
    return found


def _named(tables: Tables, said: allergen.Phrase) -> frozenset[str]:
    """Return the ingredients that words name, by their own name or that of a class."""
    if not said:
        return frozenset()
    own = frozenset(each.name for each in tables.ingredients(said))
    called = (each.members for each in tables.classes if allergen.holds_any(said, each.names))
    return own.union(*called)


def _reach(tables: Tables, said: allergen.Phrase) -> tuple[frozenset[str], frozenset[str]]:
    """Return the ingredients that words of an allergy name and those that share a class with them."""
    own = frozenset(each.name for each in tables.ingredients(said))
    related: set[str] = set()
    for each in tables.classes:
        by_name = allergen.holds_any(said, each.names)
        if by_name or (own & each.members and not each.by_name_only):
            related |= each.members
    return own, frozenset(related)
