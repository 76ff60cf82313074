"""What one run of the agent may see of a record: lines under aliases, by section, within a size.

Aliases (`Obs7`) live for one run. They are shorter than ids, hide them, and show an invented reference at once.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from typing_extensions import override

from cds_service.agent.identifiers import Identifiers
from cds_service.agent.minimise import FIELDS, Minimise
from cds_service.agent.sections import (
    FLOOR,
    SECTIONS,
    SHORT,
    SectionName,
    day_of,
    section_of,
    stands,
)
from cds_service.domain.evidence import Context, Evidence
from cds_service.domain.json import JsonObject
from cds_service.fhir.compartment import patient_of
from cds_service.fhir.elements import code, codings, has_code, name, obj, objs
from cds_service.sensitive.labels import RESTRICTED

MaySend = Callable[[Evidence], bool]


def is_open(evidence: Evidence) -> bool:
    """Return whether an entry may be sent where no site's policy was asked: nothing labelled as restricted."""
    return not _is_restricted(evidence.resource)


def _is_restricted(resource: JsonObject) -> bool:
    labels = objs(obj(resource, "meta"), "security")
    return any(code(label, "code") in RESTRICTED for label in labels)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One resource that may be shown."""

    alias: str
    ref: str
    section: SectionName
    day: str
    """Its date, by which it is found; "" without one."""
    standing: bool
    topic: str
    """What results of one kind share."""
    loinc: str
    line: str = field(repr=False)

    @override
    def __str__(self) -> str:
        """Return the line as the model reads it."""
        return f"{self.alias}: {self.line}"


@dataclass(frozen=True, slots=True)
class View:
    """Every entry of a run by its alias, and what was left out of it."""

    entries: Mapping[str, Entry] = field(repr=False)
    resources: Mapping[str, JsonObject] = field(repr=False)
    """By alias; for the text of notes."""
    withheld: int
    """Entries that policy keeps here."""
    unread: int
    """Entries that are modified in a way that we do not know."""
    minimise: Minimise = field(repr=False)
    shown: set[str] = field(default_factory=set, repr=False)
    """Aliases that the model has seen."""

    def show(self, chosen: Iterable[Entry], limit: int) -> tuple[str, int]:
        """Return lines within a size, and how many did not fit. What is in them counts as shown."""
        lines, size, left = [], 0, 0
        for each in chosen:
            line = str(each)
            if left or size + len(line) + 1 > limit:
                left += 1
                continue
            lines.append(line)
            size += len(line) + 1
            self.shown.add(each.alias)
        return "\n".join(lines), left

    def of(self, section: SectionName) -> list[Entry]:
        """Return a section as it is shown: what stands first, newest first; of results the newest of each first."""
        found = [each for each in self.entries.values() if each.section == section]
        found.sort(key=lambda each: each.alias)
        found.sort(key=lambda each: each.day, reverse=True)
        if section not in {"results", "vitals"}:
            return sorted(found, key=lambda each: not each.standing)
        seen: Counter[str] = Counter()
        rank = {}
        for each in found:
            rank[each.alias] = seen[each.topic]
            seen[each.topic] += 1
        return sorted(found, key=lambda each: rank[each.alias])

    @property
    def restricted(self) -> int:
        """Return how many entries were shown that carry a label of restriction: a site's policy may allow that."""
        return sum(_is_restricted(self.resources[alias]) for alias in self.shown)

    def refs(self, aliases: Sequence[str]) -> tuple[str, ...]:
        """Return what aliases stand for; what was not shown in this run stands for nothing."""
        return tuple(
            self.entries[each].ref if each in self.shown else ""
            for each in map(str.strip, aliases)
        )


def view(context: Context, *, may_send: MaySend = is_open) -> View:
    """Return what a run may see of a Context."""
    ours = frozenset(
        {f"Patient/{context.patient}", f"{context.ledger.base_url}/Patient/{context.patient}"}
    )
    kept: list[Evidence] = []
    withheld = unread = 0
    for each in context.ledger.evidence.values():
        if not _is_shown(each, ours):
            continue
        if not may_send(each):
            withheld += 1
        elif "modifierExtension" in each.resource:
            unread += 1
        else:
            kept.append(each)
    aliases = _aliases(kept)
    minimise = Minimise(
        ledger=context.ledger,
        identifiers=Identifiers(context.ledger),
        today=context.now.astimezone(context.zone).date(),
        alias=lambda ref: aliases.get(ref, ""),
    )
    entries = [_entry(each, aliases[each.ref], minimise) for each in kept]
    return View(
        entries={each.alias: each for each in entries},
        resources={aliases[each.ref]: each.resource for each in kept},
        withheld=withheld,
        unread=unread,
        minimise=minimise,
    )


def _is_shown(each: Evidence, ours: frozenset[str]) -> bool:
    kind = each.ref.partition("/")[0]
    theirs = patient_of(each.resource)
    verification = obj(each.resource, "verificationStatus")
    wrong = each.resource.get("status") == "entered-in-error" or has_code(
        verification, "entered-in-error"
    )
    return kind in FIELDS and not wrong and (theirs is None or bool(theirs & ours))


def _aliases(kept: Iterable[Evidence]) -> dict[str, str]:
    """Number the entries of each type in an order that tells nothing: that of their references."""
    counts: Counter[str] = Counter()
    found = {}
    for ref in sorted(each.ref for each in kept):
        short = SHORT[ref.partition("/")[0]]
        counts[short] += 1
        found[ref] = f"{short}{counts[short]}"
    return found


def _entry(each: Evidence, alias: str, minimise: Minimise) -> Entry:
    resource = each.resource
    concept = obj(resource, "code")
    loinc = next((c for s, c in codings(concept) if s == "http://loinc.org"), "")
    return Entry(
        alias=alias,
        ref=each.ref,
        section=section_of(each.ref, resource),
        day=day_of(resource),
        standing=stands(resource),
        topic=loinc or name(concept).casefold(),
        loinc=loinc,
        line=minimise.line(resource),
    )


def between(entry: Entry, since: date | None, before: date | None) -> bool:
    """Return whether an entry is dated from `since` on and not after `before`; undated ones always are."""
    if not entry.day:
        return True
    return (since is None or entry.day >= since.isoformat()[: len(entry.day)]) and (
        before is None or entry.day <= before.isoformat()
    )


def first_sections(seen: View, limit: int) -> Iterator[str]:
    """Yield each section of the first message: its floor at least, and of what is left as it comes."""
    spare = limit - sum(FLOOR[section] for section in SECTIONS)
    for section in SECTIONS:
        floor = FLOOR[section]
        lines, left = seen.show(seen.of(section), floor + max(spare, 0))
        spare -= max(len(lines) - floor, 0) - max(floor - len(lines), 0)
        more = f"\n({left} more; list_entries can show them)" if left else ""
        if lines or left:
            yield f"## {section}\n{lines}{more}"
