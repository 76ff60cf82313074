"""From a gathered record to a brief with everything that it was made by: the seam where a model may help."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

from cds_service.agent.record import RunRecord, counted
from cds_service.agent.run import Agent, Outcome
from cds_service.brief import rule_brief
from cds_service.brief.made import attributed
from cds_service.brief.recheck import fingerprint
from cds_service.brief.verify import Checked, verify
from cds_service.context.policy import open_to_models
from cds_service.domain.brief import Brief
from cds_service.domain.draft import ENDINGS, Ending
from cds_service.domain.evidence import Context
from cds_service.sites import Site

Status = Literal["rules"] | Ending
"""Who chose the statements: the rules alone, a model too (`ok`), or why a model did not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A brief, and what has to be kept to explain it later."""

    brief: Brief
    versions: Mapping[str, str]
    """Of the rules, of the record (`evidence`, a hash), and of whatever else had a part in it."""
    status: Status
    record: bytes | None = field(default=None, repr=False)
    """What was asked and answered on the way, where somebody was asked."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Numbers for the audit."""


class WriteBrief(Protocol):
    """Writes a brief of a gathered record."""

    async def __call__(self, context: Context, site: Site, /) -> Written:
        """Return the brief, verified, with everything in it that must be shown."""
        ...


async def by_rules(context: Context, _site: Site) -> Written:
    """Write the brief by rules alone, beside the loop that answers calls: a large chart takes tens of milliseconds."""
    brief, evidence = await asyncio.to_thread(_by_rules, context)
    versions = {"rules": brief.rules_version, "evidence": evidence}
    return Written(
        brief=attributed(brief, versions),
        versions=versions,
        status="rules",
        facts={"rules": brief.rules_version},
    )


def _by_rules(context: Context) -> tuple[Brief, str]:
    return rule_brief(context), fingerprint(context.ledger)


async def after_a_break(context: Context, site: Site) -> Written:
    """Write by rules alone what broke before: a defect in a model's part costs a brief its choice, not the brief."""
    written = await by_rules(context, site)
    if not site.file.agent.enabled:
        return written
    brief = attributed(written.brief, written.versions, [ENDINGS["broken"]])
    return replace(written, brief=brief, status="broken")


@dataclass(frozen=True, slots=True, kw_only=True)
class WithAgent:
    """Writes the brief with a model where a site wants one, and by rules whenever that comes to nothing."""

    agent: Agent
    is_off: Callable[[str], bool] = lambda _site: False
    """Whether an operator stopped the agent of a site."""

    async def __call__(self, context: Context, site: Site) -> Written:
        """Return the brief of what the model chose, or of the rules and the reason why."""
        if not site.file.agent.enabled or self.is_off(site.name):
            return await by_rules(context, site)
        rules = await asyncio.to_thread(rule_brief, context)
        may_send = await asyncio.to_thread(open_to_models, context.ledger, site.marks)
        outcome = await self.agent(
            context, rules, note_text=site.file.agent.note_text, may_send=may_send
        )
        checked = Checked(status=outcome.status)
        if outcome.draft is not None:
            checked = await asyncio.to_thread(verify, outcome.draft, context, rules)
        evidence = await asyncio.to_thread(fingerprint, context.ledger)
        return _written(rules, outcome, checked, evidence)


def _written(rules: Brief, outcome: Outcome, checked: Checked, evidence: str) -> Written:
    """Return the brief that stands, saying how it came about; a model's versions stand on what it had a part in."""
    versions = {"rules": rules.rules_version, "evidence": evidence}
    if checked.brief is not None:
        versions |= outcome.record.versions
    notices = _notices(outcome.record, checked)
    brief = attributed(checked.brief or rules, versions, notices)
    ending = {
        "status": checked.status,
        "detail": outcome.detail,
        "dropped": checked.dropped,
        "findings": [
            {"place": each.place, "kind": each.kind, "code": each.code}
            for each in checked.findings
        ],
    }
    return Written(
        brief=brief,
        versions=versions,
        status=checked.status,
        record=outcome.record.to_bytes(**ending),
        facts={
            **outcome.record.facts(),
            **outcome.record.versions,
            "agent": checked.status,
            "detail": outcome.detail,
            "dropped": checked.dropped,
            "checks": counted(each.code for each in checked.findings),
        },
    )


def _notices(record: RunRecord, checked: Checked) -> Iterator[str]:
    """Yield what a reader must know: who chose, what failed its checks, what a model never saw."""
    yield ENDINGS[checked.status]
    if checked.brief is None:
        return
    if checked.dropped:
        yield f"{_count(checked.dropped, 'choice')} of the model failed a check and {_is(checked.dropped)} left out."
    if record.notes_kept_back:
        n = record.notes_kept_back
        yield f"{_count(n, 'note')} {_is(n)} kept from the model: read like instructions to a machine."


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _is(number: int) -> str:
    return "was" if number == 1 else "were"
