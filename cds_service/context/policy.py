"""Applies a site's policy for sensitive categories to a ledger.

What is hidden is gone before any rule sees it, and is counted without its kind. A search that found some of it is no
longer complete, so that a brief never says "none" of what policy keeps from it. What stays local is shown to clinicians
and never given to a model.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from cds_service.domain.evidence import Evidence, Gap, Ledger, Search
from cds_service.domain.json import JsonObject
from cds_service.fhir.elements import code, codings, obj, objs, text
from cds_service.sensitive import Action, Marks
from cds_service.sensitive.marks import strictest

_CONCEPTS = (
    "code",
    "medicationCodeableConcept",
    "vaccineCode",
    "type",
    "category",
    "reasonCode",
    "serviceType",
    "valueCodeableConcept",
    "substance",
    "manifestation",
    "itemCodeableConcept",
    "concept",
)
_CARRIERS = (
    "medicationReference",
    "reasonReference",
    "result",
    "hasMember",
    "derivedFrom",
    "condition",
    "itemReference",
    "reference",
)
"""Members by which a resource says what another one is about."""
_WITHIN = (
    "contained",
    "component",
    "reaction",
    "ingredient",
    "diagnosis",
    "medication",
    "reason",
    "item",
)
"""Members that hold concepts and references of their own; FHIR R5 has both of a medicine or reason in one."""
_DEPTH = 3
_SPARED = frozenset({"Patient", "Practitioner", "PractitionerRole", "Organization", "Location"})
"""Never hidden and never judged by words: without the Patient there is no brief."""


def withhold(ledger: Ledger, marks: Marks) -> Ledger:
    """Return the ledger without what a site hides. Costs nothing where it hides nothing."""
    if not marks.hides:
        return ledger
    hidden = {ref for ref, action in _actions(ledger, marks).items() if action == "hide"}
    lost = [ledger.evidence[ref].need for ref in hidden]
    return replace(
        ledger,
        evidence={ref: item for ref, item in ledger.evidence.items() if ref not in hidden},
        searches=tuple(_lessened(search, lost.count(search.need)) for search in ledger.searches),
        dropped=(*ledger.dropped, *_told(len(hidden))),
    )


def open_to_models(ledger: Ledger, marks: Marks) -> Callable[[Evidence], bool]:
    """Return whether a resource of this ledger may be given to a model; what is not in the ledger may not.

    Looks at every code and word of the record: milliseconds of CPU, and not for the hook's path.
    """
    open_to_all = frozenset(ledger.evidence) - frozenset(_actions(ledger, marks))
    return lambda item: item.ref in open_to_all


def _told(count: int) -> Iterator[Gap]:
    if count:
        yield Gap(need="record", reason="withheld", count=count)


def _lessened(search: Search, lost: int) -> Search:
    if not lost:
        return search
    state = "withheld" if search.state == "complete" else search.state
    return replace(search, state=state, found=max(0, search.found - lost))


def _actions(ledger: Ledger, marks: Marks) -> Mapping[str, Action]:
    """Return what happens to each resource that is not simply allowed."""
    own = {ref: _action(item, marks) for ref, item in ledger.evidence.items()}
    carried = {
        ref: strictest((action, *_carried(ledger.evidence[ref].resource, ledger, own)))
        for ref, action in own.items()
    }
    if carried.get(ledger.patient) == "local_only":  # the whole record is somebody's to protect
        carried = {ref: strictest((action, "local_only")) for ref, action in carried.items()}
    return {ref: action for ref, action in carried.items() if action != "allow"}


def _carried(resource: JsonObject, ledger: Ledger, own: Mapping[str, Action]) -> Iterator[Action]:
    for named in _named(resource):
        target = ledger.get(code(named, "reference"))
        if target is not None:
            yield own[target.ref]


def _action(item: Evidence, marks: Marks) -> Action:
    resource = item.resource
    if item.ref.partition("/")[0] in _SPARED:
        action = strictest(_by_labels(resource, marks))
        return "local_only" if action == "hide" else action
    return strictest((*_by_labels(resource, marks), *_by_codes(resource, marks)))


def _by_labels(resource: JsonObject, marks: Marks) -> Iterator[Action]:
    if "meta" in resource:
        for label in objs(obj(resource, "meta"), "security"):
            yield marks.of_label(code(label, "code"))


def _by_codes(resource: JsonObject, marks: Marks) -> Iterator[Action]:
    for holder in _holders(resource):
        for member in _CONCEPTS:
            if member in holder:
                for concept in objs(holder, member):
                    yield from _by_concept(concept, marks)
    for named in _named(resource):
        yield marks.of_words(text(named, "display"))


def _holders(resource: JsonObject, depth: int = _DEPTH) -> Iterator[JsonObject]:
    """Yield a resource and the parts of it that say what it is about."""
    yield resource
    for member in _WITHIN if depth else ():
        if member in resource:
            for each in objs(resource, member):
                yield from _holders(each, depth - 1)


def _named(resource: JsonObject) -> Iterator[JsonObject]:
    """Yield the References to what a resource is about."""
    for holder in _holders(resource):
        for member in _CARRIERS:
            if member in holder:
                yield from objs(holder, member)


def _by_concept(concept: JsonObject, marks: Marks) -> Iterator[Action]:
    for system, value in codings(concept):
        yield marks.of_code(system, value)
    for each in (concept, *objs(concept, "coding")):
        for member in ("text", "display"):
            if member in each:
                yield marks.of_words(text(each, member))
