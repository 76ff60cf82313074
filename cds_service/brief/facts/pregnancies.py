"""Pregnancies: what says that somebody is pregnant, and a delivery or another end that came after it."""

from collections.abc import Iterator
from typing import NamedTuple

from cds_service.brief.facts import observations, problems
from cds_service.brief.facts.conditions import entry, is_coded
from cds_service.brief.record import Item, Record
from cds_service.domain.tables import words
from cds_service.fhir.dates import Moment
from cds_service.fhir.elements import codes, has_code, name, obj, objs, text


class Sign(NamedTuple):
    """What says that somebody is pregnant: a problem, or an observation."""

    told: problems.Problem | Item
    refs: tuple[str, ...]
    newest: Moment | None
    """Its newest date, None where it has none."""


class End(NamedTuple):
    """An entry that tells of a delivery or another end of a pregnancy."""

    item: Item
    word: str
    when: Moment


def signs(record: Record) -> tuple[Sign, ...]:
    """Return what may tell of a pregnancy of today: no older than one lasts, or undated."""
    return (*_problems(record), *_observations(record))


def _problems(record: Record) -> Iterator[Sign]:
    for problem in record.once(problems.problems):
        if problem.place != "remission" and problem.entries[0].is_pregnancy:
            newest = max(problems.dates(record, problem), default=None)
            if newest is None or record.days_ago(newest) <= record.tables.days["pregnancy"]:
                yield Sign(problem, tuple(item.ref for item in problem.items), newest)


def _observations(record: Record) -> Iterator[Sign]:
    """Yield recent statuses, due dates and positive tests, those of before a newer test left out."""
    terms, oldest = record.tables.terms["pregnancy"], record.tables.days["pregnancy"]
    status_codes, due_date_codes = set(terms["status_codes"]), set(terms["due_date_codes"])
    test_codes = set(terms["test_codes"])
    wanted = status_codes | due_date_codes | test_codes
    tests = []
    for each in record.once(observations.series):
        newest = each.items[0]
        if newest.when is None or record.days_ago(newest.when) > oldest:
            continue
        known = wanted.intersection(codes(obj(newest.resource, "code")))
        if not known:
            continue
        if known & test_codes:
            tests.append((newest, newest.when))
            continue
        answer = obj(newest.resource, "valueCodeableConcept")
        if known & due_date_codes or has_code(answer, *terms["pregnant_values"]):
            yield Sign(newest, (newest.ref,), newest.when)
    last = max((when for _, when in tests), default=None)
    for test, when in tests:
        if last and when.date >= last.date and _is_positive(record, test):
            yield Sign(test, (test.ref,), when)


def _is_positive(record: Record, test: Item) -> bool:
    """Return whether a test says plainly that it is positive: by its value, or by its mark where it has none."""
    terms, said = record.tables.terms["pregnancy"], test.resource
    answer = obj(said, "valueCodeableConcept")
    told = text(said, "valueString") or name(answer)
    if told or answer:
        by_words = words(told) in {words(each) for each in terms["positive_words"]}
        return by_words or has_code(answer, *terms["positive_codes"])
    marks = objs(said, "interpretation")
    return any(has_code(each, *terms["positive_codes"]) for each in marks)


def end(record: Record) -> End | None:
    """Return what tells best that a pregnancy is over: the newest delivery, else another end, else care after one."""
    if not record.once(signs):
        return None
    found = list(_ends(record))
    return (
        min(found, key=lambda pair: (pair[0], -pair[1].when.at, pair[1].item.ref))[1]
        if found
        else None
    )


def _ends(record: Record) -> Iterator[tuple[int, End]]:
    """Yield the ends that are dated and not refuted or doubted, with the place of their kind in the table."""
    kinds = [
        (each["says"], frozenset(each["codes"]), tuple(each["prefixes"]))
        for each in record.tables.terms["pregnancy_end"]
    ]
    for item in record.of("Procedure", "Condition"):
        done = item.status == "completed" if item.type == "Procedure" else _is_sure(record, item)
        when = item.when
        if not done or when is None or record.is_future(when):
            continue
        coded = codes(obj(item.resource, "code"))
        for place, (word, known, prefixes) in enumerate(kinds):
            if is_coded(coded, known, prefixes):
                yield place, End(item, word, when)


def _is_sure(record: Record, item: Item) -> bool:
    """Return whether a Condition is neither refuted nor doubted, whether or not it stands."""
    known = entry(record, item)
    return not (known.is_refuted or known.is_unsure)


def is_over(record: Record, sign: Sign) -> bool:
    """Return whether a sign of a pregnancy is no newer than the day on which one ended."""
    over = record.once(end)
    return over is not None and sign.newest is not None and sign.newest.date <= over.when.date
