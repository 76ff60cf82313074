"""Social history, advance directives and the care team."""

from collections.abc import Iterator

from cds_service.brief.facts.answers import answers_of_danger
from cds_service.brief.facts.code_status import told_by_conditions
from cds_service.brief.facts.observations import series
from cds_service.brief.facts.order_kinds import code_status_orders
from cds_service.brief.facts.visits import is_category
from cds_service.brief.record import Item, Record
from cds_service.brief.sections.attention import pregnancy
from cds_service.brief.sections.common import grouped
from cds_service.domain.brief import Statement
from cds_service.fhir.elements import codes, obj

_DIRECTIVES = ("acd", "dnr", "adr", "59284-0", "42348-3", "75320-2", "emrgonly", "hcd")
_DIRECTIVE_NOTES = frozenset({"42348-3", "81334-5", "86533-7", "92664-2", "64298-3"})


def statements(record: Record) -> Iterator[Statement]:
    """Yield one line for each that does not stand under attention.

    Of questionnaires only that they were answered, as answers may identify.
    """
    told = {ref for each in record.once(pregnancy) for ref in each.refs}
    for each in record.once(series):
        if each.section == "social" and each.items[0].ref not in told:
            yield Statement(kind="observation", refs=(each.items[0].ref,))
    told |= {item.ref for item in record.once(answers_of_danger)}
    answers = [s.items[0].ref for s in record.once(series) if s.section == "survey"]
    yield from grouped(record, "observation", [ref for ref in answers if ref not in told])
    for item in _directives(record):
        yield Statement(kind="directive", refs=(item.ref,))
    teams = tuple(i.ref for i in record.of("CareTeam") if i.status in {"active", ""})
    if teams:
        yield Statement(kind="care_team", refs=teams)


def _directives(record: Record) -> Iterator[Item]:
    """Yield orders and problems that say a code status, Consents and documents that are advance directives."""
    yield from record.once(code_status_orders)
    yield from record.once(told_by_conditions)
    for item in record.of("Consent"):
        scope = set(codes(obj(item.resource, "scope")))
        if item.status in {"active", ""} and ("adr" in scope or is_category(item, *_DIRECTIVES)):
            yield item
    for item in record.of("DocumentReference"):
        kinds = set(codes(obj(item.resource, "type")))
        if item.status == "current" and kinds & _DIRECTIVE_NOTES:
            yield item
