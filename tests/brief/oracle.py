"""What has to hold of any brief of any chart, said anew and simply, without the rules' own code.

It reads the resources as the Bundle's Context holds them and the brief as a program would read it. `judge` counts
what it looked at as well as what was wrong: a share of nothing proves nothing.
"""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from typing import Any

from cds_service.domain.brief import Brief, Line
from cds_service.domain.evidence import Context
from cds_service.domain.json import encode
from cds_service.rulebook import DEFAULT

Resource = dict[str, Any]

_STANDING = {
    "allergies": ("AllergyIntolerance",),
    "problems": ("Condition",),
    "medications": ("MedicationRequest", "MedicationStatement"),
}
_ENDED = frozenset({"resolved", "inactive", "remission", "refuted", "entered-in-error"})
_TAKEN = ("active", "on-hold", "intended", "unknown")
_HIGH_ALERT = re.compile(
    r"\b(warfarin|apixaban|rivaroxaban|dabigatran|enoxaparin|heparin|clopidogrel|ticagrelor|prasugrel|insulin"
    r"|glipizide|glyburide|glimepiride|oxycodone|hydrocodone|morphine|fentanyl|methadone|tramadol|codeine"
    r"|buprenorphine|methotrexate|tacrolimus|cyclosporine|azathioprine|lithium|digoxin|amiodarone|phenytoin"
    r"|carbamazepine|lamotrigine|tamoxifen)\b",
    re.IGNORECASE,
)
_PREGNANT = re.compile(r"77386006|72892002|47200007|127364007|O09.*|Z33\.1.*|Z34.*|Z3A.*")
_COUNTED = re.compile(
    r"\d+ (?:entries|doses|older notes|more|times)|over \d+ days old|change [+-][\d.]+"
    r"|listed \d+ times|by (?:the end|date)"
)
_OURS = re.compile(
    "|".join(
        re.escape(name)
        for name in sorted({g.name for g in DEFAULT.groups.values()}, key=len, reverse=True)
    )
)
_TAG = re.compile(r" \([a-z/ ]+\)$")
"""What SNOMED CT puts behind a name."""
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_DATE = re.compile(r"\d{4}(?:-\d\d)?(?:-\d\d)?")


def judge(found: Context, brief: Brief) -> Counter[str]:
    """Count what was looked at (`... seen`) and what was wrong (`... wrong`) in one brief."""
    counts: Counter[str] = Counter({"charts seen": 1})
    held = {ref: each.resource for ref, each in found.ledger.evidence.items()}
    for line in brief.lines():
        counts["lines seen"] += 1
        _check_refs(line, held, found.patient, counts)
        _check_numbers(line, held, found, counts)
        _check_absence(line, held, counts)
    _check_standing(brief, held, counts)
    _check_must_show(brief, held, found.now, counts)
    counts.update({f"gaps named {gap.reason}": 1 for gap in brief.gaps})
    return counts


def _check_refs(line: Line, held: dict[str, Resource], patient: str, counts: Counter[str]) -> None:
    said = line.statement
    if said.kind not in {"absence", "not_found"} and not said.refs:
        counts["references wrong"] += 1
    for ref in said.refs:
        counts["references seen"] += 1
        if ref not in held:
            counts["references wrong"] += 1
        elif not _is_ours(held[ref], patient):
            counts["other patients wrong"] += 1


def _is_ours(resource: Resource, patient: str) -> bool:
    if resource["resourceType"] in {"Patient", "Appointment", "Task"}:
        return f"Patient/{patient}" in encode(resource).decode() or resource.get("id") == patient
    named = [resource.get("subject"), resource.get("patient")]
    refs = [str(each.get("reference")) for each in named if isinstance(each, dict)]
    return all(ref.split("/_history")[0].endswith(f"Patient/{patient}") for ref in refs)


def _check_numbers(
    line: Line, held: dict[str, Resource], found: Context, counts: Counter[str]
) -> None:
    if line.statement.kind in {"patient", "absence", "not_found"}:
        return
    cited = [held[ref] for ref in line.statement.refs if ref in held]
    linked = [
        each.resource
        for link in re.findall(r'"reference":"([^"]+)"', encode(cited).decode())
        if (each := found.ledger.get(link))
    ]
    words = encode([cited, linked]).decode()
    words += "".join(by_the_clock(words, found.zone))
    said = _OURS.sub("", _COUNTED.sub("", line.text))
    for number in re.findall(r"\d+(?:\.\d+)?", said):
        counts["numbers seen"] += 1
        if number not in words:
            counts["numbers wrong"] += 1


def by_the_clock(words: str, zone: tzinfo) -> Iterator[str]:
    """Yield each stored time with an offset as a clock on the wall of the clinic shows it."""
    for stored in _TIME.findall(words):
        try:
            yield f" {datetime.fromisoformat(stored).astimezone(zone)}"
        except (ValueError, OverflowError):
            continue


def _check_absence(line: Line, held: dict[str, Resource], counts: Counter[str]) -> None:
    """An absence may not stand where an entry of its kind does."""
    if line.statement.kind != "absence":
        return
    counts["absences seen"] += 1
    for need in line.statement.needs:
        kinds = _STANDING.get(need, ()) or (
            ("MedicationStatement",) if need == "medication_statements" else ()
        )
        if any(r["resourceType"] in kinds and _stands(r) for r in held.values()):
            counts["absences wrong"] += 1
    if "none" not in line.text:
        counts["absences wrong"] += 1


def _stands(resource: Resource) -> bool:
    """Return whether an allergy, a problem or a medicine is active, as simply as it can be said."""
    if resource["resourceType"] in {"MedicationRequest", "MedicationStatement"}:
        usual = resource.get("status", "active") in _TAKEN and resource.get("intent") != "option"
        return usual and resource.get("doNotPerform") is not True
    codes = set(_codes(resource.get("clinicalStatus"))) | set(
        _codes(resource.get("verificationStatus"))
    )
    return not codes & _ENDED or (
        "active" in codes and not codes & {"refuted", "entered-in-error"}
    )


def _codes(concept: object) -> Iterator[str]:
    if isinstance(concept, dict):
        coding = concept.get("coding")
        for each in coding if isinstance(coding, list) else [coding]:
            if isinstance(each, dict) and isinstance(each.get("code"), str):
                yield each["code"]


def _words(concept: object) -> list[str]:
    """Return the names of a concept."""
    if not isinstance(concept, dict):
        return []
    coding = concept.get("coding")
    coded = [
        each.get("display")
        for each in (coding if isinstance(coding, list) else [coding])
        if isinstance(each, dict)
    ]
    return [
        each for each in (concept.get("text"), *coded) if isinstance(each, str) and each.strip()
    ]


def _check_standing(brief: Brief, held: dict[str, Resource], counts: Counter[str]) -> None:
    """Every active allergy, problem and medicine is cited in its section, and named or visibly merged."""
    for section, kinds in _STANDING.items():
        lines = [x for x in brief.section(section) if x.statement.kind != "conflict"]
        for ref, resource in held.items():
            if resource["resourceType"] in kinds and _stands(resource):
                counts[f"{section} seen"] += 1
                if not any(_tells(x, ref, resource) for x in lines):
                    counts[f"{section} wrong"] += 1


def _tells(line: Line, ref: str, resource: Resource) -> bool:
    if ref not in line.statement.refs:
        return False
    if "merged" in line.statement.flags:
        return len(line.statement.refs) > 1
    concept = resource.get("code") or resource.get("medicationCodeableConcept")
    names = [_TAG.sub("", " ".join(each.split()))[:60] for each in _words(concept)]
    return not names or any(name in line.text for name in names) or not names[0].isprintable()


def _check_must_show(
    brief: Brief, held: dict[str, Resource], now: datetime, counts: Counter[str]
) -> None:
    marked = {
        ref
        for line in brief.lines()
        if "must_show" in line.statement.flags
        for ref in line.statement.refs
    }
    for ref in _must_show(held, now):
        counts["must show seen"] += 1
        if ref not in marked:
            counts["must show wrong"] += 1


def _must_show(held: dict[str, Resource], now: datetime) -> Iterator[str]:
    """Yield what no brief may leave out and a resource tells by itself, whatever else is in the chart."""
    for ref, resource in held.items():
        kind = resource["resourceType"]
        if kind == "AllergyIntolerance" and _stands(resource) and _is_severe(resource):
            yield ref
        elif kind == "Condition" and _stands(resource):
            pregnant = any(_PREGNANT.fullmatch(each) for each in _codes(resource.get("code")))
            if pregnant and _may_be_of_today(resource, now):
                yield ref
        elif kind in _STANDING["medications"] and _stands(resource):
            if _HIGH_ALERT.search(" ".join(_words(resource.get("medicationCodeableConcept")))):
                yield ref
        elif kind == "Flag" and resource.get("status") == "active" and "period" not in resource:
            yield ref
    yield from _critical(held)


def _may_be_of_today(resource: Resource, now: datetime) -> bool:
    """Return whether a pregnancy began or was recorded within nine months, or does not say when."""
    period = resource.get("onsetPeriod")
    began = period.get("start") if isinstance(period, dict) else None
    told = (resource.get("onsetDateTime"), resource.get("recordedDate"), began)
    dates = [each[:10] for each in told if isinstance(each, str) and _DATE.match(each)]
    return not dates or max(dates) >= f"{now - timedelta(days=274):%Y-%m-%d}"


def _is_severe(resource: Resource) -> bool:
    reactions = resource.get("reaction")
    said = (
        [each for each in reactions if isinstance(each, dict)]
        if isinstance(reactions, list)
        else []
    )
    return resource.get("criticality") == "high" or any(
        each.get("severity") == "severe" for each in said
    )


def _critical(held: dict[str, Resource]) -> Iterator[str]:
    """Yield the newest final result of a code where it says HH, LL or AA and is of the last year."""
    newest: dict[str, tuple[str, str, Resource]] = {}
    for ref, resource in held.items():
        code = resource.get("code")
        when = resource.get("effectiveDateTime")
        final = resource.get("status") in ("final", "amended", "corrected")
        if resource["resourceType"] != "Observation" or not final or not isinstance(when, str):
            continue
        if "focus" in resource or not _DATE.match(when):
            continue
        key = encode(code).decode()
        if key not in newest or newest[key][0][:10] < when[:10]:
            newest[key] = (when, ref, resource)
    for when, ref, resource in newest.values():
        flagged = {
            each
            for concept in resource.get("interpretation", ())
            if isinstance(concept, dict)
            for each in _codes(concept)
        }
        if flagged & {"HH", "LL", "AA"} and "2026-01-01" <= when[:10] <= "2026-11-23":
            yield ref
