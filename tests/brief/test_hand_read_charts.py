"""What a clinician wrote down from the charts by hand, before any brief was seen, against the brief.

`charts/<patient>.toml` holds the facts that one line each must state, and those that none may.
"""

import tomllib
from datetime import date, datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from cds_service.brief import rule_brief
from cds_service.context.bundle import bundle_context
from cds_service.domain.json import decode
from cds_service.simulator import patients

NOW = datetime.fromisoformat("2026-11-23T15:00:00Z")
ZONE = ZoneInfo("America/Chicago")
CHARTS = {
    chart["patient"]: chart
    for chart in (
        tomllib.loads(page.read_text("utf-8"))
        for page in sorted((Path(__file__).parent / "charts").glob("*.toml"))
    )
}


def _cases(part):
    return [
        pytest.param(patient, fact, id=f"{patient}-{fact['section']}-{_short(fact)}")
        for patient, chart in CHARTS.items()
        for fact in chart[part]
    ]


def _short(fact):
    cited = [ref.split("/", 1)[0] for ref in fact.get("refs", ())[:1]]
    return " ".join([*cited, *fact.get("says", ()), *fact.get("flags", ())]).replace("/", "-")


@cache
def _resources(patient):
    return decode(patients.to_json(patients.resources(patient, anchor=date(2026, 11, 23))))


@cache
def _brief(patient):
    entries = [{"resource": each} for each in _resources(patient)]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    return rule_brief(bundle_context(bundle, patient=patient, now=NOW, zone=ZONE))


def _cites(line, fact):
    return set(fact.get("refs", ())) <= set(line.statement.refs)


def _says(text, wanted):
    return any(each.strip().casefold() in text.casefold() for each in wanted.split(" | "))


def _missing(line, fact):
    unsaid = [each for each in fact["says"] if not _says(line.text, each)]
    return unsaid + [
        f"flag {each}" for each in fact.get("flags", ()) if each not in line.statement.flags
    ]


def _forbidden(line, fact):
    said = all(_says(line.text, each) for each in fact.get("says", ()))
    excused = any(_says(line.text, each) for each in fact.get("unless", ()))
    return _cites(line, fact) and said and not excused


@pytest.mark.parametrize(("patient", "fact"), _cases("expected"))
def test_the_brief_states_what_the_chart_says(patient, fact):
    section = _brief(patient).section(fact["section"])
    cited = [line for line in section if _cites(line, fact)]
    assert cited, f"no line of {fact['section']} cites {fact['refs']}: {fact['why']}"
    missed = {line.text: _missing(line, fact) for line in cited}
    assert not all(missed.values()), f"unsaid {missed}: {fact['why']}"


@pytest.mark.parametrize(("patient", "fact"), _cases("never"))
def test_the_brief_never_states_what_the_chart_does_not_say(patient, fact):
    section = _brief(patient).section(fact["section"])
    stated = [line.text for line in section if _forbidden(line, fact)]
    assert stated == [], fact["why"]


@pytest.mark.parametrize("patient", CHARTS)
def test_every_fact_and_every_line_is_of_that_patients_own_chart(patient):
    chart = {f"{each['resourceType']}/{each['id']}" for each in _resources(patient)}
    facts = CHARTS[patient]["expected"] + CHARTS[patient]["never"]
    assert {ref for fact in facts for ref in fact.get("refs", ())} <= chart
    lines = [line for part in _brief(patient).sections for line in part.lines]
    assert {ref for line in lines for ref in line.statement.refs} <= chart
