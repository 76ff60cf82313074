"""The bounded loop: every ending has a name, and none of them takes longer than allowed."""

import asyncio
import json
import time
from dataclasses import replace

import pytest

from cds_service.agent.limits import Limits
from cds_service.brief import rule_brief
from cds_service.domain.prices import Prices
from cds_service.llm import Usage
from cds_service.llm.calls import Patience
from tests.agent.scripted import QUICK, Scripted, agent_of, calls, failed, run, says, text
from tests.brief.charts import allergy, condition, context, lab, order

pytestmark = pytest.mark.anyio

CHART = context(condition("Gout"), allergy("Latex"), order("allopurinol 100 mg"), lab("8.1"))
LABS = ("find_results", {"loinc": ["4548-4"]})


async def test_an_answer_becomes_a_draft_of_references():
    outcome, _ = await run(CHART, says(("problem", "Cond1"), ("result", "Obs1")))
    assert outcome.status == "ok"
    assert [each.refs for each in outcome.draft.statements] == [
        ("Condition/c1",),
        ("Observation/o1",),
    ]


async def test_tools_are_answered_and_the_answer_comes_after():
    outcome, model = await run(CHART, calls(LABS), says(("result", "Obs1")))
    assert outcome.status == "ok"
    assert "Obs1: " in model.results(1)[0]["content"]
    assert outcome.record.tool_calls == 1


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (("delete_patient", {}), "there is no such tool"),
        (("find_results", {"loinc": ["4548-4"], "patient": "p2"}), "patient: extra_forbidden"),
        (("find_results", {"loinc": ["https://evil.example.org"]}), "string_pattern_mismatch"),
        (("find_results", {"loinc": []}), "loinc: too_short"),
        (("list_entries", {"section": "billing"}), "section: literal_error"),
        (("list_entries", {"section": "problems", "since": "?_include=*"}), "since: date"),
        (("list_entries", None), "model_type"),
        (("read_notes", {}), "there is no such tool"),
    ],
)
async def test_a_call_that_goes_too_far_is_refused_by_its_form(call, told):
    outcome, model = await run(CHART, calls(call), says(("problem", "Cond1")))
    [result] = model.results(1)
    assert result["is_error"] is True
    assert told in result["content"]
    assert "evil" not in result["content"]
    assert outcome.status == "ok"


async def test_every_call_of_a_turn_is_answered_also_past_the_limit():
    outcome, model = await run(
        CHART, calls(*[LABS] * 30), says(("problem", "Cond1")), limits=replace(QUICK, tool_calls=3)
    )
    results = model.results(1)
    assert len(results) == 30
    assert sum(each.get("is_error", False) for each in results) == 27
    assert outcome.status == "ok"


async def test_after_the_last_round_the_answer_is_asked_for():
    steps = [calls(LABS)] * 2 + [says(("problem", "Cond1"))]
    _, model = await run(CHART, *steps, limits=replace(QUICK, rounds=2))
    assert [ask.final for ask in model.asked] == [False, False, True]
    assert len({ask.tools for ask in model.asked}) == 1  # the cached prefix holds


async def test_a_model_that_only_calls_tools_ends_without_an_answer():
    outcome, model = await run(CHART, calls(LABS), repeat=True)
    assert outcome.status == "rounds_exhausted"
    assert len(model.asked) == QUICK.rounds + 1


async def test_the_size_of_all_tool_answers_is_bounded():
    big = context(*[lab("8.1", f"2026-10-{n % 28 + 1:02}", f"o{n}") for n in range(400)])
    outcome, model = await run(
        big,
        calls(*[LABS] * 10),
        says(("result", "Obs1")),
        limits=replace(QUICK, all_tool_chars=5_000),
    )
    assert sum(len(each["content"]) for each in model.results(1)) < 6_500
    assert model.asked[1].final
    assert outcome.status == "ok"


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (text("", stop="refusal"), "refused"),
        (text("{", stop="model_context_window_exceeded"), "context_exceeded"),
        (text('{"statements": [', stop="max_tokens"), "max_tokens"),
        (text("thinking", stop="pause_turn"), "rounds_exhausted"),
        (text(""), "invalid_output"),
        (text("I would rather talk."), "invalid_output"),
        (text('{"statements": []}'), "empty"),
        (says({"kind": "result", "refs": ["Obs1"], "value": "8.1"}), "invalid_output"),
        (says({"kind": "diagnosis", "refs": ["Obs1"]}), "invalid_output"),
        (says(*[("result", "Obs1")] * 151), "invalid_output"),
        (text("", stop="tool_use"), "rounds_exhausted"),
        (failed("400 invalid_request_error", "rejected", retryable=False), "rejected"),
        (failed("401 authentication_error", "rejected", retryable=False), "rejected"),
        (failed("429 rate_limit_error", "spend_limit", retryable=False), "spend_limit"),
        (failed(), "unavailable"),
        (failed("timeout", "timeout"), "deadline"),
    ],
)
async def test_every_ending_without_an_answer_has_its_name(reply, status):
    outcome, _ = await run(CHART, reply, repeat=True)
    assert (outcome.status, outcome.draft) == (status, None)


async def test_what_passes_is_asked_again_within_the_deadline():
    outcome, _ = await run(CHART, failed(), failed(), says(("problem", "Cond1")))
    assert (outcome.status, outcome.record.retries) == ("ok", 2)


async def test_an_answer_that_was_cut_is_asked_for_once_more_with_more_room():
    outcome, model = await run(
        CHART, text('{"statements": [', stop="max_tokens"), says(("problem", "Cond1"))
    )
    assert outcome.status == "ok"
    assert [ask.max_tokens for ask in model.asked] == [6_000, 12_000]
    assert len(model.asked[1].messages) == 1  # the cut turn is dropped


async def test_a_cut_call_is_never_run():
    cut = replace(calls(LABS), stop="max_tokens")
    outcome, _ = await run(CHART, cut, repeat=True)
    assert (outcome.status, outcome.record.tool_calls) == ("max_tokens", 0)


async def test_one_repair_is_asked_for_and_it_tells_places_only():
    wrong = text('{"statements": [{"kind": "CANARY", "refs": ["Obs1"]}]}')
    outcome, model = await run(CHART, wrong, says(("result", "Obs1")))
    assert outcome.status == "ok"
    assert "statements.0.kind: literal_error" in model.asked[1].messages[-1]["content"]
    assert "CANARY" not in model.asked[1].messages[-1]["content"]
    assert model.asked[1].final


async def test_a_turn_that_paused_goes_on():
    outcome, model = await run(CHART, text("wait", stop="pause_turn"), says(("problem", "Cond1")))
    assert outcome.status == "ok"
    assert model.asked[1].messages[-1]["role"] == "assistant"


async def test_the_deadline_ends_a_model_that_hangs():
    began = time.monotonic()
    outcome, _ = await run(
        CHART, says(("problem", "Cond1")), delay=30, limits=replace(QUICK, seconds=0.4)
    )
    assert outcome.status == "deadline"
    assert time.monotonic() - began < 2


async def test_the_deadline_holds_over_all_turns_together():
    limits = replace(QUICK, seconds=1.0, rounds=99, tool_calls=999)
    outcome, _ = await run(CHART, calls(LABS), repeat=True, delay=0.3, limits=limits)
    assert outcome.status in {"deadline", "rounds_exhausted"}
    assert outcome.record.seconds < 1.5


async def test_near_the_deadline_the_answer_is_asked_for_now():
    limits = replace(QUICK, seconds=2.0, finalise_s=1.9)
    _, model = await run(CHART, calls(LABS), says(("problem", "Cond1")), delay=0.15, limits=limits)
    assert [ask.final for ask in model.asked] == [False, True]


async def test_a_run_that_costs_too_much_ends():
    limits = replace(QUICK, tokens=1_000)
    outcome, model = await run(
        CHART, calls(LABS, input=900, output=200), repeat=True, limits=limits
    )
    assert outcome.status == "budget"
    assert len(model.asked) == 1


async def test_runs_at_the_same_time_share_nothing():
    model = Scripted([says(("problem", "Cond1"))], repeat=True, delay=0.02)
    agent = agent_of(model)
    charts = [context(condition(f"Problem {n}", f"c{n}")) for n in range(8)]
    outcomes = await asyncio.gather(*(agent(each, rule_brief(each)) for each in charts))
    refs = [each.draft.statements[0].refs for each in outcomes]
    assert refs == [(f"Condition/c{n}",) for n in range(8)]
    assert len({each.record.run for each in outcomes}) == 8


async def test_an_alias_that_was_not_shown_stands_for_nothing():
    outcome, _ = await run(CHART, says(("result", "Obs99"), ("problem", "Condition/c1")))
    assert [each.refs for each in outcome.draft.statements] == [("",), ("",)]


async def test_the_record_of_a_run_holds_all_of_it_and_its_steps_and_figures_no_content():
    outcome, model = await run(
        CHART, calls(LABS, input=10, output=5), says(("result", "Obs1"), input=20, output=7)
    )
    seen = json.loads(outcome.record.to_bytes(status=outcome.status))
    assert seen["messages"][0]["content"] == model.first
    assert "Gout" not in str((seen["steps"], seen["facts"]))
    assert [each["step"] for each in seen["steps"]] == ["model", "tool", "model"]
    assert seen["facts"]["tokens_out"] == 12
    assert seen["versions"]["model"] == "scripted"
    assert seen["status"] == "ok"


PRICES = Prices(input=3, output=15, cache_read=0.5, cache_write=4)


def test_what_a_run_cost_is_each_kind_of_token_at_its_own_price():
    usage = Usage(input=1_000_000, output=100_000, cache_read=2_000_000, cache_write=10_000)
    assert usage.cost(PRICES) == pytest.approx(3 + 1.5 + 1 + 0.04)


async def test_a_run_that_has_cost_enough_asks_nothing_more():
    dear = replace(QUICK, prices=PRICES, cost=0.01)
    turn = calls(LABS, input=2_000, output=400)  # 0.012
    outcome, model = await run(CHART, turn, says(("result", "Obs1")), limits=dear)
    assert (outcome.status, len(model.asked)) == ("budget", 1)
    assert outcome.record.facts()["cost"] == 0.012
    outcome, model = await run(
        CHART, turn, says(("result", "Obs1")), limits=replace(dear, cost=0.02)
    )
    assert (outcome.status, len(model.asked)) == ("ok", 2)


async def test_without_prices_nothing_is_said_of_cost():
    outcome, _ = await run(CHART, says(("result", "Obs1"), input=2_000))
    assert "cost" not in outcome.record.facts()


def test_the_floors_of_all_sections_fit_into_the_first_message():
    from cds_service.agent.sections import FLOOR, SECTIONS

    assert sum(FLOOR[each] for each in SECTIONS) <= Limits().first_chars
    assert Patience().attempts >= 2
