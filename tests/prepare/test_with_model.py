"""A brief that a model had a part in: its versions and figures everywhere, its words nowhere but under seal."""

import asyncio
import json

import pytest
from pydantic import SecretStr
from sqlalchemy.exc import OperationalError

from cds_service.cli import main
from cds_service.storage import briefs, runs
from cds_service.storage.switches import AGENT
from cds_service.storage.tables import RUN
from tests.ground import CDS, GENERAL
from tests.llm.standin import running
from tests.prepare.conftest import AHEAD, until, working
from tests.prepare.test_site_changed import change_file
from tests.prepare.test_switched_off_meanwhile import switch

pytestmark = pytest.mark.anyio

CHART = "beatrice-okonkwo"
SITES = {"general": f"{GENERAL}{AHEAD}\n[agent]\nenabled = true\n"}
CHOSEN = {
    "statements": [
        {"kind": "problem", "refs": ["Cond1"], "emphasis": "lead", "why": "new"},
        {"kind": "problem", "refs": ["Cond1"]},
    ]
}
ASKED = {"tool_use": [{"name": "list_entries", "input": {"section": "problems"}}]}
VERSIONS = ("rules", "model", "prompt", "tools")


@pytest.fixture(scope="module")
def standin():
    with running() as server:
        yield server


@pytest.fixture
async def works(tmp_path, standin):
    key = standin.script(ASKED, {"json": CHOSEN}, then="repeat")
    model = {"ANTHROPIC_API_KEY": SecretStr(key), "model_base_url": standin.url}
    async with working(tmp_path, sites=SITES, **model) as stage:
        stage.key = key
        yield stage


async def record_of(works, row):
    database = works.ground.service.database
    async with database.reading() as connection:
        where = {"site": row.site, "patient": row.patient, "brief": row.id}
        stored = await runs.of_brief(connection, database, **where)
    return json.loads(stored)


async def runs_told(works, row):
    """Return what the audit says of runs for a brief."""
    return [
        e for e in await works.ground.audited() if e["action"] == "run" and e["brief"] == row.id
    ]


async def ready_entry(works):
    return next(e for e in await works.ground.audited() if e["outcome"] == "ready")


async def test_the_run_is_kept_with_the_brief_that_came_of_it(works, standin):
    row = await works.prepared()
    record = await record_of(works, row)
    assert record["status"] == "ok"
    assert [step["step"] for step in record["steps"]] == ["model", "tool", "model"]
    assert record["messages"][0]["content"] == standin.sent(works.key)[0]["messages"][0]["content"]
    assert json.loads(record["answer"]) == CHOSEN


async def test_nothing_of_it_can_be_read_on_the_disk(works):
    row = await works.prepared()
    record = await record_of(works, row)
    told = record["messages"][0]["content"].splitlines()
    secrets = [line.encode() for line in told if line.startswith(("Cond", "Med", "Alg"))]
    assert len(secrets) > 10
    for file in works.ground.data_dir.rglob("*"):
        content = file.read_bytes() if file.is_file() else b""
        assert not any(secret in content for secret in [*secrets, b"Cond1"]), file.name


async def test_the_audit_has_its_figures_and_versions_and_no_word_of_it(works):
    row = await works.prepared()
    [run] = await runs_told(works, row)
    facts = run["facts"]
    assert run["outcome"] == facts["agent"] == (await ready_entry(works))["facts"]["agent"] == "ok"
    assert facts["tools_used"] == ["list_entries: 1"]
    assert facts["checks"] == ["duplicate: 1"]
    assert set(VERSIONS) <= facts.keys()
    assert "Cond1" not in json.dumps(facts)


async def test_every_version_stands_on_the_card_that_is_served_of_it_and_in_its_entry(works):
    await works.prepared()
    [answer] = await works.ground.client().open_chart(CHART)
    facts = (await works.ground.audited())[-1]["facts"]
    told = ", ".join(f"{name} {facts[name]}" for name in VERSIONS)
    assert all(card["detail"].split("\n\n")[-1] == f"Made by {told}." for card in answer.cards())


async def test_a_brief_of_a_record_that_a_model_never_saw_names_the_rules_alone(works):
    [answer] = await works.ground.client().open_chart(CHART)
    facts = (await works.ground.audited())[-1]["facts"]
    assert [facts.get(name) for name in VERSIONS[1:]] == [None] * 3
    assert f"Made by rules {facts['rules']}." in answer.cards()[-1]["detail"]


@pytest.mark.parametrize("by", ["brief", "call"])
async def test_one_command_tells_how_a_model_came_to_a_brief(works, monkeypatch, capsys, by):
    for name, value in {
        "PROFILE": "demo",
        "DATA_DIR": str(works.ground.data_dir),
        "SITES": str(works.ground.data_dir / "sites"),
        "PUBLIC_URL": CDS,
    }.items():
        monkeypatch.setenv(f"CDS_{name}", value)
    row = await works.prepared()
    await works.ground.client().open_chart(CHART)
    entry = (await works.ground.audited())[-1]
    identity = {"brief": row.id, "call": entry["facts"]["hook_instance"]}[by]
    assert await asyncio.to_thread(main, ["explain", identity]) == 0
    shown = capsys.readouterr().out
    assert "model:    ok; rules " in shown
    assert "2 turns" in shown
    assert "tools: list_entries: 1" in shown
    assert "checks:   duplicate: 1; 0 choices left out" in shown
    assert "Cond1" not in shown


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("sk-revoked", "rejected (401 authentication_error)"),
        ({"error": 429, "error_code": "contract_spend_limit_reached"}, "spend_limit (429"),
    ],
    ids=["a revoked key", "a spending limit"],
)
async def test_what_an_operator_can_mend_is_told_by_readiness_until_a_run_succeeds(
    tmp_path, standin, key, told
):
    failing = key if isinstance(key, str) else standin.script(key, {"json": CHOSEN})
    model = {"ANTHROPIC_API_KEY": SecretStr(failing), "model_base_url": standin.url}
    async with working(tmp_path, sites=SITES, **model) as works:
        assert (await works.prepared()).state == "ready"
        assert [n for n in works.ground.service.notes() if told in n]
        if failing != key:
            await works.prepared("harold-lindqvist")
            assert not [n for n in works.ground.service.notes() if told in n]


async def test_a_brief_by_rules_alone_keeps_no_run(tmp_path):
    async with working(tmp_path) as works:
        await works.prepared()
        async with works.ground.service.database.reading() as connection:
            assert (await connection.execute(RUN.select())).all() == []
        assert "rules" in (await ready_entry(works))["facts"]


@pytest.mark.parametrize("how", ["by a switch", "by its file"])
async def test_what_a_model_chose_is_not_shown_once_its_site_has_the_model_off(works, how):
    await works.prepared()
    if how == "by a switch":
        await switch(works.ground, what=AGENT, on=False)
    else:
        await change_file(works, lambda text: text.replace("enabled = true", "enabled = false"))
    [answer] = await works.ground.client().open_chart(CHART)
    assert ", model " not in json.dumps(answer.cards())
    works.ground.clock.move(seconds=1)
    [asked] = await works.rows("requested")
    await works.run(asked.id)
    [answer] = await works.ground.client().open_chart(CHART)
    told = json.dumps(answer.cards())
    assert "Prepared" in told, "the rules' briefs go on"
    assert ", model " not in told


async def test_what_a_model_was_asked_is_kept_when_its_brief_is_called_off_meanwhile(
    tmp_path, standin
):
    key = standin.script({"json": CHOSEN, "delay": 2})
    model = {"ANTHROPIC_API_KEY": SecretStr(key), "model_base_url": standin.url}
    async with working(tmp_path, sites=SITES, **model) as works:
        brief = await works.ask()
        assert await works.prepare.begin(brief)
        await works.prepare.gather(brief)
        writing = asyncio.create_task(works.prepare.write(brief, False))

        async def is_asked():
            return bool(standin.sent(key))

        await until(is_asked)
        change = works.background.work.change
        assert await change(await works.row(brief), "cancelled", reason="visit_cancelled")
        await writing
        row = await works.row(brief)
        assert row.state == "cancelled"
        assert (await record_of(works, row))["status"] == "ok"
        [run] = await runs_told(works, row)
        assert run["facts"]["tokens_in"]


async def test_a_database_that_is_away_when_a_run_ends_has_no_model_asked_again(
    works, standin, monkeypatch
):
    brief = await works.ask()
    assert await works.prepare.begin(brief)
    await works.prepare.gather(brief)
    sent_before = len(standin.sent(works.key))
    real, left = briefs.move, [3]

    async def away(*args, **named):
        if left[0]:
            left[0] -= 1
            raise OperationalError("x", {}, Exception())
        return await real(*args, **named)

    monkeypatch.setattr(briefs, "move", away)
    for _ in range(3):
        with pytest.raises(OperationalError):
            await works.prepare.write(brief, False)
    await works.prepare.write(brief, False)
    row = await works.row(brief)
    assert row.state == "ready"
    assert (await record_of(works, row))["status"] == "ok"
    assert len(await runs_told(works, row)) == 1
    assert len(standin.sent(works.key)) - sent_before == len(
        (await record_of(works, row))["requests"]
    )


async def test_a_record_that_was_gathered_anew_has_the_model_asked_anew(works, monkeypatch):
    brief = await works.ask()
    assert await works.prepare.begin(brief)
    await works.prepare.gather(brief)

    async def away(*_args, **_named):
        raise OperationalError("x", {}, Exception())

    with monkeypatch.context() as outage:
        outage.setattr(briefs, "move", away)
        with pytest.raises(OperationalError):
            await works.prepare.write(brief, False)
    await works.background.work.change.again(await works.row(brief), due=works.ground.clock())
    row = await works.run(brief)
    assert row.state == "ready"
    first, second = await runs_told(works, row)
    assert (await record_of(works, row))["facts"]["run"] == second["facts"]["run"]
    assert first["facts"]["run"] != second["facts"]["run"]
