"""From an agent's draft to a brief: every statement checked, every value written by code, nothing of weight left out.

A model can move lines and add lines; it can remove none. What rules show and a draft does not cite stands after what it
does, so that a brief with a model leaves out no more than one without. What a model adds is order, a lead, a line that
rules would not show, a quotation, and a reason that is shown as unverified.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import msgspec

from cds_service.brief import why
from cds_service.brief.accept import Known, accept, is_newest, known
from cds_service.brief.made import arranged
from cds_service.brief.must_show import missing
from cds_service.brief.record import Item, Record, index
from cds_service.brief.rules import SECTIONS, line, title
from cds_service.domain.brief import Brief, Flag, Line, Section, SectionId, Statement
from cds_service.domain.draft import DROPS, Code, Draft, Ending, Finding, Proposed
from cds_service.domain.evidence import Context

MAX_DROPPED = 0.2
"""The share of dropped statements above which a draft is not trusted. A starting value."""
MAX_LEADS = 6
_FIRST: frozenset[Flag] = frozenset({"critical", "conflict", "allergen", "severe", "acute"})
"""What a model's lead never stands before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What came of a draft."""

    status: Ending
    brief: Brief | None = field(default=None, repr=False)
    """None where the draft is not trusted: then the rules' brief is shown."""
    findings: tuple[Finding, ...] = ()
    dropped: int = 0


def verify(draft: Draft, context: Context, rules: Brief) -> Checked:
    """Check a draft against the record and make a brief of what holds."""
    record = index(context)
    by = known(record, rules, draft.shown, draft.read)
    findings: list[Finding] = []
    kept = list(_kept(draft, by, findings))
    dropped = sum(each.code in DROPS for each in findings)
    status = _status(draft, findings, dropped)
    if status != "ok":
        return Checked(status=status, findings=tuple(findings), dropped=dropped)
    brief = _assembled(kept, record, rules)
    return Checked(status="ok", brief=brief, findings=tuple(findings), dropped=dropped)


def _status(draft: Draft, findings: list[Finding], dropped: int) -> Ending:
    if any(each.code == "wrong_patient" for each in findings):
        return "wrong_patient"
    if not draft.statements or dropped == len(draft.statements):
        return "empty" if not draft.statements else "too_many_drops"
    return "too_many_drops" if dropped / len(draft.statements) > MAX_DROPPED else "ok"


@dataclass(frozen=True, slots=True)
class _Kept:
    section: SectionId
    statement: Statement
    lead: bool


def _kept(draft: Draft, by: Known, findings: list[Finding]) -> Iterator[_Kept]:
    """Yield what holds, in the draft's order, and note what was found."""
    told: set[Statement] = set()
    leads = 0
    for place, said in enumerate(draft.statements):
        made = accept(said, by)
        codes: list[Code] = []
        if isinstance(made, str):
            codes.append(made)
        else:
            section, statement = made
            if statement in told:
                codes.append("duplicate")
            else:
                told.add(statement)
                codes += [] if is_newest(said, statement) else ["not_newest"]
                reason = (
                    why.check(said.why, by.record, _cited(by, statement)) if said.why else None
                )
                codes += [reason] if reason else []
                leads += said.lead
                yield _Kept(
                    section,
                    _chosen(statement, said, by, keep_why=reason is None),
                    said.lead and leads <= MAX_LEADS,
                )
        findings += [Finding(place=place, kind=said.kind, code=code) for code in codes]


def _cited(by: Known, statement: Statement) -> list[Item]:
    return [by.record.items[ref] for ref in statement.refs]


def _chosen(statement: Statement, said: Proposed, by: Known, *, keep_why: bool) -> Statement:
    """Return a statement as chosen by a model: with its reason, and the problem that it belongs to."""
    group = said.group if said.group in by.shown and said.group in by.record.items else ""
    return msgspec.structs.replace(
        statement,
        added_by="model",
        why=said.why.strip() if said.why and keep_why else None,
        group=group if group.startswith("Condition/") else None,
    )


def _assembled(kept: list[_Kept], record: Record, rules: Brief) -> Brief:
    """Return the brief of what holds and, after it in each section, of what rules show besides."""
    sections = []
    for name, usual, _ in SECTIONS:
        own = rules.section(name)
        if name == "attention":
            lines = _attention([each for each in kept if each.lead], own, record)
        else:
            mine = [line(record, each.statement) for each in kept if each.section == name]
            lines = [*mine, *uncovered(own, mine)]
        if lines:
            named = title(record, name, usual)
            sections.append(Section(id=name, title=named, lines=tuple(lines)))
    return _completed(arranged(rules, sections), record)


def _attention(leads: list[_Kept], own: tuple[Line, ...], record: Record) -> list[Line]:
    """Return what must be read first, then a model's leads, then the rest of what rules put there."""
    mine = [line(record, each.statement) for each in leads]
    first = [each for each in own if not _FIRST.isdisjoint(each.statement.flags)]
    rest = [each for each in own if _FIRST.isdisjoint(each.statement.flags)]
    new = uncovered(mine, first)
    return [*first, *new, *uncovered(rest, new)]


def uncovered(lines: Iterable[Line], by: list[Line]) -> list[Line]:
    """Return the lines that none of the others tells: the same kind, of at least the same entries."""
    told: dict[object, list[frozenset[str]]] = {}
    for each in by:
        told.setdefault(each.statement.kind, []).append(_subject(each.statement))
    return [
        each
        for each in lines
        if not any(_subject(each.statement) <= one for one in told.get(each.statement.kind, ()))
    ]


def _subject(said: Statement) -> frozenset[str]:
    return frozenset((*said.refs, *said.needs, *filter(None, (said.quote,))))


def _completed(brief: Brief, record: Record) -> Brief:
    """Add to attention what no brief may leave out and is not told in any section."""
    lacking = missing(record, (each.statement for each in brief.lines()))
    if not lacking:
        return brief
    more = tuple(line(record, each) for each in lacking)
    sections = [
        replace(part, lines=(*part.lines, *more)) if part.id == "attention" else part
        for part in brief.sections
    ]
    if not any(part.id == "attention" for part in sections):
        title = next(title for name, title, _ in SECTIONS if name == "attention")
        sections.insert(1, Section(id="attention", title=title, lines=more))
    return arranged(brief, sections)
