"""A brief with a model, or the rules' brief in time with the reason on it, over the SDK and a stand-in's wire."""

import time
from datetime import date

import pytest
from pydantic import SecretStr

from cds_service.agent.limits import Limits
from cds_service.agent.prompts import system_prompt
from cds_service.agent.run import Agent
from cds_service.brief import rule_brief, to_json
from cds_service.brief.recheck import recheck
from cds_service.brief.why import WORDS
from cds_service.domain.draft import ENDINGS
from cds_service.domain.json import decode, encode
from cds_service.flow.write_brief import WithAgent, by_rules
from cds_service.llm.calls import Patience
from cds_service.llm.clients import claude
from cds_service.settings import Settings
from cds_service.simulator.scripted_model import answer
from tests.brief.charts import allergy, condition, flagged, lab, order, searched, seen
from tests.evals.corpus import charts
from tests.ground import GENERAL
from tests.llm.standin import running

pytestmark = pytest.mark.anyio

LIMITS = Limits(seconds=3.0, finalise_s=0.3, patience=Patience(min_call_s=0.1, base_s=0.02))
CHART = searched(
    condition("Gout"),
    allergy("Penicillin", criticality="high"),
    order("warfarin 5 mg"),
    lab("8.1", **flagged("H")),
    lab("6.3", "2026-11-20", "o2", loinc="2823-3", unit="mmol/L", **flagged("HH")),
    seen(),
)
ALIAS = {
    "statements": [{"kind": "problem", "refs": ["Cond1"]}, {"kind": "result", "refs": ["Obs1"]}]
}
CALL = {"tool_use": [{"name": "find_results", "input": {"loinc": ["4548-4"]}}]}


@pytest.fixture(scope="module")
def standin():
    with running() as server:
        yield server


@pytest.fixture
def site(tmp_path):
    from cds_service.sites import load_sites

    def of(agent="enabled = true"):
        (tmp_path / "general.toml").write_text(f"{GENERAL}\n[agent]\n{agent}\n", encoding="utf-8")
        services = frozenset({"patient-view-brief", "appointment-book-brief"})
        return load_sites(tmp_path, services=services, demo=True).find("general")

    return of


async def write(
    standin, site, *steps, context=CHART, then="error", limits=LIMITS, key=None, **more
):
    key = key or standin.script(*steps, then=then)
    settings = Settings(
        profile="demo", ANTHROPIC_API_KEY=SecretStr(key), model_base_url=standin.url, **more
    )
    model = claude(settings, today=date(2026, 11, 23))
    agent = Agent(model=model, prompt=system_prompt(WORDS), clock=time.monotonic, limits=limits)
    began = time.monotonic()
    try:
        written = await WithAgent(agent=agent)(context, site)
    finally:
        await model.close()
    assert time.monotonic() - began < limits.seconds + 1.5
    return written


async def test_a_model_has_its_part_and_every_version_stands_on_the_brief(standin, site):
    written = await write(standin, site(), CALL, {"json": ALIAS})
    assert written.status == "ok"
    assert written.brief.notices[0] == ENDINGS["ok"]
    assert {"rules", "evidence", "model", "prompt", "tools"} == set(written.versions)
    assert written.versions["model"] == "claude-sonnet-5-5"
    assert dict(written.brief.versions) == dict(written.versions)
    assert any(x.statement.added_by == "model" for x in written.brief.lines())
    assert written.facts["agent"] == "ok"


FAULTS = {
    "a refusal": ([{"refusal": {"category": "bio"}}], "refused"),
    "an answer that is cut": ([{"max_tokens": '{"statements": ['}] * 2, "max_tokens"),
    "a record that is too large": ([{"context_exceeded": "{"}], "context_exceeded"),
    "an absurd wait": ([{"error": 429, "headers": {"retry-after": "4294967"}}], "unavailable"),
    "an outage": ([{"error": 503}] * 3, "unavailable"),
    "an overload": ([{"error": 529}] * 3, "unavailable"),
    "a dropped connection": ([{"drop": "body"}] * 3, "unavailable"),
    "a page of a gateway": ([{"raw": {"login": "here"}}], "unavailable"),
    "a page of HTML": ([{"body": "<html>Log in", "media_type": "text/html"}], "unavailable"),
    "half of an answer": ([{"body": '{"type": "message", "con'}], "unavailable"),
    "a server that hangs": ([{"json": ALIAS, "delay": 20}], "deadline"),
    "a stream that drips": ([{"json": ALIAS, "drip": 0.2}], "deadline"),
    "a bad request": ([{"error": 400}], "rejected"),
    "no credit": ([{"error": 402}], "rejected"),
    "a spend limit": (
        [{"error": 429, "error_code": "enforced_spend_limit_reached"}],
        "spend_limit",
    ),
    "prose": ([{"text": "The patient is well."}] * 2, "invalid_output"),
    "values": (
        [{"json": {"statements": [{"kind": "result", "refs": ["Obs1"], "value": 7}]}}] * 2,
        "invalid_output",
    ),
    "nothing": ([{"json": {"statements": []}}], "empty"),
    "inventions": (
        [
            {
                "json": {
                    "statements": [
                        {"kind": "problem", "refs": [f"Cond{n}"]} for n in range(50, 60)
                    ]
                }
            }
        ],
        "too_many_drops",
    ),
    "everything": (
        [{"json": {"statements": [{"kind": "problem", "refs": ["Cond1"]}] * 400}}] * 2,
        "invalid_output",
    ),
    "only questions": ([CALL] * 20, "rounds_exhausted"),
    "unplugged in the middle": (
        [CALL, {"error": 503}, {"error": 503}, {"error": 503}],
        "unavailable",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.slow
async def test_whatever_goes_wrong_the_rules_brief_is_there_in_time_and_says_why(
    standin, site, fault
):
    steps, status = FAULTS[fault]
    written = await write(standin, site(), *steps)
    rules = rule_brief(CHART)
    assert written.status == status
    assert written.brief.sections == rules.sections
    assert written.brief.notices == (ENDINGS[status],)
    assert "model" not in written.brief.versions
    assert decode(written.record)["status"] == status


async def test_a_revoked_key_and_a_wrong_model_are_told_apart_from_an_outage(standin, site):
    assert (await write(standin, site(), key="sk-revoked")).status == "rejected"
    assert (
        await write(standin, site(), {"json": ALIAS}, model_id="claude-nonesuch")
    ).status == "rejected"


async def test_a_site_that_did_not_ask_for_it_has_no_model(standin, site):
    key = standin.script({"json": ALIAS})
    written = await write(standin, site("enabled = false"), key=key)
    assert (written.status, written.record) == ("rules", None)
    assert standin.sent(key) == []
    assert to_json(written.brief) == to_json((await by_rules(CHART, site())).brief)


async def test_no_text_of_a_note_leaves_unless_the_site_says_so(standin, site):
    for allowed, offered in (("false", False), ("true", True)):
        key = standin.script({"json": ALIAS})
        await write(standin, site(f"enabled = true\nnote_text = {allowed}"), key=key)
        names = [each["name"] for each in standin.sent(key)[0]["tools"]]
        assert ("read_notes" in names) == offered


@pytest.mark.parametrize("chart", charts()[:4], ids=lambda each: each.patient)
async def test_every_line_of_a_brief_with_a_model_opens_its_source(standin, site, chart):
    """The scripted stand-in of the demo answers: its brief is complete, and can be written again from the record."""
    key = standin.script(*[_step] * 3)
    written = await write(standin, site(), key=key, context=chart.context)
    assert written.status == "ok"
    for line in written.brief.lines():
        assert line.statement.refs or line.statement.needs
        assert all(ref in chart.context.ledger.evidence for ref in line.statement.refs)
    assert recheck(decode(encode(to_json(written.brief))), chart.context) == ()


def _step(body):
    made = answer(body)
    block = made["content"][0]
    if made["stop_reason"] == "tool_use":
        return {"tool_use": made["content"]}
    return {"text": block["text"]}
