"""The measures of the scorecard. Each compares a brief with raw resources, without the product's own judgement."""

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from tests.evals.corpus import ZONE, day_time

NUMBER = re.compile(r"\d+(?:\.\d+)?")
_ISO = re.compile(r"\d{4}-\d\d-\d\d")
_CHANGE = re.compile(r"change [+-](\d+(?:\.\d+)?)")
_KEPT_WORDS = re.compile(r"over (?:a|\d+)|\d+ (?:entries|doses|older)|listed \w+ times")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)")


@dataclass
class Tally:
    """Parts of wholes, by measure."""

    part: Counter = field(default_factory=Counter)
    whole: Counter = field(default_factory=Counter)
    missed: list = field(default_factory=list)

    def add(self, measure, part, whole, example=None):
        self.part[measure] += part
        self.whole[measure] += whole
        if example and part < whole:
            self.missed.append((measure, example))

    def share(self, measure):
        whole = self.whole[measure]
        return self.part[measure] / whole if whole else None


def judge(tally, chart, judged):
    """Add one brief to the tally."""
    lines = list(judged.brief.lines())
    for line in lines:
        _citations(tally, chart, line)
        _numbers(tally, chart, line)
        _absence(tally, chart, line)
        _newest(tally, chart, line)
    _recall(tally, chart, lines)
    _hand_read(tally, chart, judged.brief)
    for name in identifiers(chart) if judged.sent else ():
        kept = name.casefold() not in judged.sent.casefold()
        tally.add("identifiers that stay here", kept, 1, name)
    tally.add("lines", len(lines), 1)
    tally.add("lines under attention", len(judged.brief.section("attention")), 1)
    tally.add("tokens", judged.tokens, 1)
    tally.add("CPU ms", round(judged.cpu_s * 1000), 1)
    tally.add("wall ms", round(judged.wall_s * 1000), 1)
    if judged.cost is not None:
        tally.add("cost", judged.cost, 1)
    tally.add("dropped statements", judged.dropped, 1)


def _citations(tally, chart, line):
    refs = line.statement.refs
    for ref in refs:
        tally.add("citation validity", ref in chart.raw and _theirs(chart, ref), 1, line.text)
    needs = line.statement.needs
    states = {state for need in needs for state in chart.context.ledger.states(need)}
    proven = line.statement.kind in {"absence", "not_found"} and states == {"complete"}
    tally.add("citation coverage", bool(refs) or proven, 1, line.text)


def _theirs(chart, ref):
    resource = chart.raw[ref]
    subject = resource.get("subject") or resource.get("patient")
    return subject is None or subject["reference"] == f"Patient/{chart.patient}"


def _numbers(tally, chart, line):
    """Compare every number of a line with those in the entries that it cites, and in what those refer to."""
    if not line.statement.refs:
        return
    known = set()
    for ref in line.statement.refs:
        known |= _known(chart, ref)
    values = sorted(known)
    changes = {Decimal(each) for each in _CHANGE.findall(line.text)}
    for said in NUMBER.findall(_KEPT_WORDS.sub(" ", line.text)):
        number = Decimal(said)
        derived = number in {len(line.statement.refs), *_ages(chart, line)}
        changed = number in changes and any(abs(a - b) == number for a in values for b in values)
        tally.add("numeric fidelity", number in known or derived or changed, 1, line.text)


def _known(chart, ref, depth=1):
    """Return the numbers of an entry, those of its times by the site's clock as well."""
    resource = chart.raw.get(ref, {})
    text = json.dumps(resource, default=str)
    told = [
        datetime.fromisoformat(each).astimezone(ZONE).isoformat() for each in _TIME.findall(text)
    ]
    found = {Decimal(each) for each in NUMBER.findall(" ".join((text, *told)))}
    for reference in re.findall(r'"reference": "([A-Za-z]+/[^"]+)"', text) if depth else ():
        if not reference.startswith(("Patient/", "Encounter/")):
            found |= _known(chart, reference, depth - 1)
    return found


def _ages(chart, line):
    """Ages stand only on the patient's line."""
    if line.statement.kind != "patient":
        return set()
    born = chart.raw[f"Patient/{chart.patient}"].get("birthDate", "0000")
    return {Decimal(2026 - int(born[:4]) - n) for n in (0, 1)} | {Decimal(n) for n in range(25)}


_TYPES = {
    "problems": "Condition",
    "allergies": "AllergyIntolerance",
    "medications": "MedicationRequest",
    "medication_statements": "MedicationStatement",
    "immunizations": "Immunization",
    "procedures": "Procedure",
    "vitals": "Observation",
}


def _absence(tally, chart, line):
    if line.statement.kind != "absence":
        return
    for need in line.statement.needs:
        kind = _TYPES.get(need)
        held = [
            each
            for ref, each in chart.raw.items()
            if kind and ref.startswith(f"{kind}/") and _counts(need, each)
        ]
        state = chart.context.ledger.states(need)
        tally.add("supported absence", not held and state == {"complete"}, 1, line.text)


def _counts(need, resource):
    if resource.get("status") == "entered-in-error":
        return False
    if need == "vitals":
        return "vital-signs" in str(resource.get("category"))
    stands = str(resource.get("clinicalStatus", "")) + str(resource.get("status", ""))
    ended = any(word in stands for word in ("resolved", "inactive", "stopped", "completed"))
    wrong = any(w in str(resource.get("verificationStatus", "")) for w in ("refuted", "error"))
    return not wrong and (need in {"immunizations", "procedures"} or not ended)


def _newest(tally, chart, line):
    """A result is told by the newest final value of its code."""
    if line.statement.kind not in {"result", "vital"} or "grouped" in line.statement.flags:
        return
    first = chart.raw.get(next(iter(line.statement.refs), ""), {})
    if first.get("status") not in {"final", "amended", "corrected"} or not _ISO.match(
        day_time(first)
    ):
        return
    codes = {c["code"] for c in first.get("code", {}).get("coding", [])}
    later = [
        ref
        for ref, each in chart.raw.items()
        if ref.startswith("Observation/")
        and each.get("status") in {"final", "amended", "corrected"}
        and codes & {c["code"] for c in each.get("code", {}).get("coding", [])}
        and day_time(first)[:10] < day_time(each)[:10] <= "2026-11-23"
    ]
    tally.add("newest value told", not later, 1, line.text)


def _recall(tally, chart, lines):
    cited = {ref for line in lines for ref in line.statement.refs}
    for fact in chart.must_show:
        tally.add("must-show recall", bool(fact.refs & cited), 1, f"{chart.patient}: {fact}")


def _hand_read(tally, chart, brief):
    """What a clinician wrote down beforehand: in any section, since a model may lead with it."""
    lines = list(brief.lines())
    for fact in chart.expected:
        held = any(_states(line, fact) for line in lines)
        tally.add("facts read by hand", held, 1, f"{chart.patient}: {fact['why']}")
    for fact in chart.never:
        said = [
            x for x in brief.section(fact["section"]) if _states(x, fact) and not _excused(x, fact)
        ]
        tally.add("untruths not told", not said, 1, f"{chart.patient}: {fact['why']}")


def _states(line, fact):
    if not set(fact.get("refs", ())) <= set(line.statement.refs):
        return False
    return all(
        any(each.strip().casefold() in line.text.casefold() for each in wanted.split(" | "))
        for wanted in fact.get("says", ())
    )


def _excused(line, fact):
    return any(each.casefold() in line.text.casefold() for each in fact.get("unless", ()))


def identifiers(chart):
    """Return what identifies the patient: names, numbers, address and day of birth as the Patient has them."""
    person = chart.raw[f"Patient/{chart.patient}"]
    found = [
        each.get("value") for key in ("identifier", "telecom") for each in person.get(key, [])
    ]
    for name in person.get("name", []):
        found += [name.get("family"), *name.get("given", [])]
    for address in person.get("address", []):
        found += [*address.get("line", []), address.get("postalCode")]
    return [each for each in [*found, person.get("birthDate")] if each and len(each) > 3]
