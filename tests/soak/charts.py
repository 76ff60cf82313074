"""The brief on charts that know the truth: every planted fact is told, no planted lie is, and nothing else is bent.

The charts are the simulator's patients, whole and damaged, and generated ones (`tests/brief/planted.py`). Needs
nothing but Python. With a seed the figures are the same on every machine.
"""

from collections import Counter
from dataclasses import replace
from random import Random

from cds_service.brief import rule_brief
from cds_service.context.bundle import bundle_context
from cds_service.domain.evidence import Search
from cds_service.domain.json import decode, encode
from cds_service.domain.needs import NEEDS
from cds_service.simulator import patients
from tests.brief.oracle import judge
from tests.brief.planted import NOW, TODAY, ZONE, Planted, as_json, chart
from tests.soak.figures import Figure

GENERATED = {True: 25, False: 300}
DAMAGED = {True: 1, False: 10}
_JUNK = (
    None,
    "",
    " ",
    "x",
    -1,
    True,
    [],
    {},
    [None],
    [[]],
    {"coding": "x"},
    {"value": {}},
    "2026-13-77",
)


def run(seed: int, *, short: bool) -> list[Figure]:
    """Judge every chart."""
    counts: Counter[str] = Counter()
    for number in range(GENERATED[short]):
        _generated(chart(seed * 10_000 + number), counts)
    for patient in patients.patient_ids():
        whole = _simulated(patient)
        _judged(encode(whole), None, counts)
        for number in range(DAMAGED[short]):
            damaged = _damaged(whole, Random(f"{seed}|{patient}|{number}"))
            _uncrashed(damaged, patient, counts)
    return figures(counts)


def _generated(made: Planted, counts: Counter[str]) -> None:
    body = as_json(made.bundle)
    brief = _judged(body, made.patient, counts)
    if brief is None:
        return
    for each in (body, NOTHING):
        _cut_short(each, made.patient, Random(body), counts)
    for fact in made.facts:
        lines = [x for x in brief.section(fact.section) if all(w in x.text for w in fact.words)]
        told = [x for x in lines if not fact.must_show or "must_show" in x.statement.flags]
        counts["planted facts seen"] += 1
        counts["planted facts wrong"] += not told
        counts["must show seen"] += fact.must_show
        counts["must show wrong"] += fact.must_show and not told
    whole = " ".join(x.text for x in brief.lines())
    for lie in made.lies:
        counts["planted lies seen"] += 1
        counts["planted lies wrong"] += lie in whole


NOTHING = b'{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient","id":"p1"}}]}'
"""A chart in which most absences can be said."""
STATES = {
    "partial": "only in part",
    "failed": "could not be read",
    "denied": "refused",
    "timeout": "not read in time",
    "no_access": "there is no access",
    "unavailable": "not available",
}
"""How a search may end short, and what has to be said of it."""


def _cut_short(body: bytes, patient: str, chance: Random, counts: Counter[str]) -> None:
    """Let each search of a chart end short by chance: each that did is named, and none of it proves an absence."""
    found = bundle_context(decode(body), patient=patient, now=NOW, zone=ZONE)
    ended = {need: chance.choice(("complete", *STATES)) for need in NEEDS}
    searches = tuple(
        Search(need=need, key=need, state=state, source="prefetch", at=NOW)
        for need, state in ended.items()
    )
    brief = rule_brief(replace(found, ledger=replace(found.ledger, searches=searches)))
    for need, state in ended.items():
        if state != "complete":
            counts["short searches seen"] += 1
            counts["short searches wrong"] += not any(
                text.startswith(f"{NEEDS[need].title}: ") and STATES[state] in text
                for text in brief.gap_texts
            )
    for line in brief.lines():
        if line.statement.kind == "absence":
            counts["proofs seen"] += 1
            counts["proofs wrong"] += any(ended[n] != "complete" for n in line.statement.needs)


def _judged(body: bytes, patient: str | None, counts: Counter[str]):
    try:
        found = bundle_context(decode(body), patient=patient, now=NOW, zone=ZONE)
        brief = rule_brief(found)
    except Exception:  # noqa: BLE001  # a crash is what is counted here
        counts["charts seen"] += 1
        counts["crashes wrong"] += 1
        return None
    counts.update(judge(found, brief))
    return brief


def _simulated(patient: str) -> dict:
    made = patients.resources(patient, anchor=TODAY)
    entries = [{"resource": each} for each in made]
    text = patients.to_json({"resourceType": "Bundle", "type": "collection", "entry": entries})
    return decode(text if isinstance(text, bytes) else text.encode())


def _damaged(value: object, chance: Random, depth: int = 0) -> object:
    """Return a copy in which about one member in sixty is junk, or gone, below the type of each resource."""
    if isinstance(value, dict):
        kept = {"resourceType", "entry", "resource", "id"}
        return {
            name: each if name in {"resourceType", "id"} else _hurt(each, chance, name in kept)
            for name, each in value.items()
            if name in kept or chance.random() > 1 / 150
        }
    if isinstance(value, list):
        return [_damaged(each, chance, depth + 1) for each in value]
    return value


def _hurt(value: object, chance: Random, spared: bool) -> object:
    if not spared and chance.random() < 1 / 80:
        return chance.choice(_JUNK)
    return _damaged(value, chance)


def _uncrashed(chart_: object, patient: str, counts: Counter[str]) -> None:
    """Judge a damaged chart by what holds however damaged: no crash, and lines that can be opened."""
    counts["damaged charts seen"] += 1
    try:
        found = bundle_context(chart_, patient=patient, now=NOW, zone=ZONE)
        brief = rule_brief(found)
    except Exception:  # noqa: BLE001
        counts["crashes wrong"] += 1
        return
    for line in brief.lines():
        for ref in line.statement.refs:
            counts["references seen"] += 1
            counts["references wrong"] += ref not in found.ledger.evidence


ROWS = (
    ("references that do not resolve", "references"),
    ("statements about another patient", "other patients"),
    ('"none" beside an entry that stands', "absences"),
    ("numbers that are not in what a line cites", "numbers"),
    ("must-show entries that are not marked", "must show"),
    ("searches that ended short and are not named", "short searches"),
    ("absences that no complete search proves", "proofs"),
    ("active allergies neither named nor merged", "allergies"),
    ("active problems neither named nor merged", "problems"),
    ("active medications neither named nor merged", "medications"),
    ("planted facts that are not told", "planted facts"),
    ("planted lies that are told", "planted lies"),
)


def figures(counts: Counter[str]) -> list[Figure]:
    """Return what was counted, as figures with the target of none wrong."""
    counts["other patients seen"] = counts["references seen"]
    made = [
        Figure("charts", counts["charts seen"]),
        Figure("damaged charts", counts["damaged charts seen"]),
        Figure("lines", counts["lines seen"]),
        Figure(
            "crashes",
            counts["crashes wrong"],
            0,
            counts["charts seen"] + counts["damaged charts seen"],
        ),
    ]
    made += [
        Figure(title, counts[f"{key} wrong"], 0, counts[f"{key} seen"])
        for title, key in ROWS
        if counts[f"{key} seen"]
    ]
    return made
