"""An operator stops a site, a service or the model at once, and says in one command why a card did not come."""

import asyncio
import json

import pytest

from cds_service.cli import main
from cds_service.flow.switches import Switches
from tests.ground import CDS, GENERAL, standing
from tests.http.conftest import FewPatients
from tests.http.wire import body, context

pytestmark = pytest.mark.anyio
URL = f"{CDS}/general/cds-services/patient-view-brief"


@pytest.fixture
async def ground(tmp_path, monkeypatch):
    for name, value in {
        "PROFILE": "demo",
        "DATA_DIR": str(tmp_path),
        "SITES": str(tmp_path / "sites"),
        "PUBLIC_URL": CDS,
    }.items():
        monkeypatch.setenv(f"CDS_{name}", value)
    async with standing(tmp_path, patients=FewPatients()) as running:
        yield running


async def told(*command):
    return await asyncio.to_thread(main, list(command))


async def call(ground, content=None):
    client = ground.client()
    response = await client.call(URL, content or body())
    await ground.service.writer.flush()
    return response


async def within_two_seconds(condition):
    async with asyncio.timeout(2.0):
        while not condition():  # noqa: ASYNC110  # another process sets it
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("what", [(), ("patient-view-brief",)])
async def test_what_is_off_answers_empty_within_two_seconds_and_on_again(ground, what):
    assert (await call(ground)).json()["cards"]
    assert await told("site", "off", "general", *what) == 0
    await within_two_seconds(lambda: ground.service.switches.off)
    stopped = await call(ground)
    assert (stopped.status_code, stopped.json()) == (200, {"cards": []})
    assert await told("site", "on", "general", *what) == 0
    await within_two_seconds(lambda: not ground.service.switches.off)
    assert (await call(ground)).json()["cards"]


async def test_another_service_and_another_site_go_on(ground):
    await told("site", "off", "general", "appointment-book-brief")
    await told("site", "off", "riverside")
    await ground.service.switches.read()
    assert (await call(ground)).json()["cards"]


async def test_the_model_alone_can_be_stopped(ground):
    await told("site", "off", "general", "agent")
    await ground.service.switches.read()
    assert ground.service.switches.is_off("general", "agent")
    assert not ground.service.switches.is_off("riverside", "agent")
    assert (await call(ground)).json()["cards"]


async def test_the_whole_site_stops_the_model_too(ground):
    await told("site", "off", "general")
    await ground.service.switches.read()
    assert ground.service.switches.is_off("general", "agent")


async def test_a_switch_is_audited_with_who_turned_it(ground):
    await told("site", "off", "general")
    await told("site", "off", "general")
    await told("site", "on", "general")
    entries = [e for e in await ground.audited() if e["action"] == "switch"]
    assert [e["outcome"] for e in entries] == ["off", "off", "on"]
    assert all(e["actor"].startswith("operator/") for e in entries)


async def test_a_switch_works_while_site_files_are_broken(ground):
    (ground.data_dir / "sites" / "general.toml").write_text("[[[", "utf-8")
    assert await told("site", "off", "general") == 0
    await ground.service.switches.read()
    assert ground.service.switches.is_off("general", "patient-view-brief")


async def test_what_cannot_be_switched_is_a_sentence(ground, capsys):
    assert await told("site", "off", "nowhere") == 1
    assert "general" in capsys.readouterr().err
    assert await told("site", "off", "general", "everything-else") == 1
    assert "agent" in capsys.readouterr().err


async def test_while_the_database_is_away_what_was_off_stays_off(ground, tmp_path):
    await told("site", "off", "general")
    switches = Switches(database=ground.service.database)
    await switches.read()
    async with ground.service.database.transaction() as connection:
        await connection.exec_driver_sql("ALTER TABLE switch RENAME TO elsewhere")
    await switches.read()
    assert switches.is_off("general", "patient-view-brief")
    assert switches.fault


async def test_why_no_card_came_is_one_command(ground, capsys):
    trigger = {"com.epic.cdshooks.request.bpa-trigger-action": "18"}
    client = ground.client("riverside")
    url = f"{CDS}/riverside/cds-services/patient-view-brief"
    await client.call(url, body(hookInstance="h-1", extension=trigger))
    await ground.service.writer.flush()
    assert await told("explain", "h-1") == 0
    shown = capsys.readouterr().out
    assert "none, because the vendor's trigger is none that the site answers" in shown
    assert "trigger 18" in shown


@pytest.mark.parametrize("key", ["hook_instance", "card", "brief"])
async def test_a_call_is_explained_by_any_of_its_ids(ground, key, capsys):
    response = await call(ground, body(hookInstance="h-2"))
    cards = response.json()["cards"]
    [entry] = [e for e in await ground.audited() if e["action"] == "answer"]
    identity = {"hook_instance": "h-2", "card": cards[0]["uuid"], "brief": entry["brief"]}[key]
    assert await told("explain", identity) == 0
    shown = capsys.readouterr().out
    assert "answer: ok" in shown
    assert cards[0]["uuid"] in shown
    assert "prefetch patient, medications, allergies" in shown
    assert "problems: not_requested" in shown
    assert "gather" in shown.split("time:")[1]


async def test_an_explanation_holds_nothing_of_the_chart(ground, capsys):
    await call(ground, body(hookInstance="h-3", context=context(patientId="p-1")))
    await told("explain", "h-3", "--json")
    shown = capsys.readouterr().out
    assert json.loads(shown)[0]["facts"]["hook_instance"] == "h-3"
    assert [word for word in ("p-1", "1955", "Zyxomab", "Quandocillin") if word in shown] == []


async def test_an_id_that_nobody_knows_is_a_sentence(ground, capsys):
    assert await told("explain", "no-such-id") == 1
    assert "no-such-id" in capsys.readouterr().err


async def test_shadow_says_what_would_have_been_shown(tmp_path, monkeypatch, capsys):
    for name, value in {
        "PROFILE": "demo",
        "DATA_DIR": str(tmp_path),
        "SITES": str(tmp_path / "sites"),
    }.items():
        monkeypatch.setenv(f"CDS_{name}", value)
    quiet = {
        "general": GENERAL.replace(
            'vendor = "generic-r4"', 'vendor = "generic-r4"\nmode = "shadow"'
        )
    }
    async with standing(tmp_path, sites=quiet, patients=FewPatients()) as ground:
        response = await call(ground, body(hookInstance="h-4"))
        assert response.json() == {"cards": []}
        assert await told("site", "shadow", "general", "--json") == 0
        report = json.loads(capsys.readouterr().out)
        assert (report["calls"], report["cards"] > 0) == (1, True)
        assert sum(report["topics"].values()) == report["cards"]
        await told("explain", "h-4")
        assert "none was shown (shadow)" in capsys.readouterr().out
        await told("site", "shadow", "general")
        assert "would have been shown" in capsys.readouterr().out


async def test_the_list_of_sites_says_what_is_off_at_this_moment(ground, capsys):
    await told("site", "off", "general", "agent")
    await told("site", "off", "riverside")
    capsys.readouterr()
    assert await told("site", "list") == 0
    general, riverside = capsys.readouterr().out.splitlines()
    assert general.endswith("; switched off: agent")
    assert riverside.endswith("; switched off: everything")
    await told("site", "on", "general", "agent")
    capsys.readouterr()
    assert await told("site", "list", "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["off"] for row in rows] == [[], ["everything"]]
