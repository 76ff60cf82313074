"""A site that enables the agent while the service runs is helped from then on, behind the same gate as at the start."""

import pytest
from pydantic import SecretStr

from tests.ground import GENERAL
from tests.llm.standin import running
from tests.prepare.conftest import AHEAD, working

pytestmark = pytest.mark.anyio
SITES = {"general": f"{GENERAL}{AHEAD}"}
AGENT = "\n[agent]\nenabled = true\n"
CHOSEN = {"statements": [{"kind": "problem", "refs": ["Cond1"]}]}


@pytest.fixture(scope="module")
def standin():
    with running() as server:
        yield server


@pytest.fixture
def model(standin):
    key = standin.script({"json": CHOSEN}, then="repeat")
    return {"ANTHROPIC_API_KEY": SecretStr(key), "model_base_url": standin.url}


async def enable(works):
    """Change the site file as an admin does, and let the service look at it."""
    ground = works.ground
    (ground.data_dir / "sites" / "general.toml").write_text(SITES["general"] + AGENT, "utf-8")
    for site in ground.service.reload.look():
        await ground.service.reload.warm(site)


async def told(works):
    """Return what the audit says of the model and of prepared briefs, in its order."""
    entries = sorted(await works.ground.audited(), key=lambda entry: entry["seq"])
    return [
        entry["facts"].get("agent", entry["outcome"])
        for entry in entries
        if entry["action"] == "model" or entry["outcome"] == "ready"
    ]


async def notes(works):
    return [note for note in works.ground.service.notes() if "agent" in note or "model" in note]


async def test_it_helps_from_then_on_and_the_audit_is_told_before_its_first_brief(tmp_path, model):
    async with working(tmp_path, sites=SITES, **model) as works:
        await enable(works)
        await works.prepared("harold-lindqvist")
        await works.prepared("beatrice-okonkwo")
        assert await told(works) == ["stand_in", "ok", "ok"]
        assert await notes(works) == []


async def test_without_a_key_readiness_says_so_and_rules_write_on(tmp_path):
    async with working(
        tmp_path, sites=SITES, role="api", ANTHROPIC_API_KEY=SecretStr("")
    ) as works:
        await enable(works)
        await works.prepared()
        assert await told(works) == ["ready"]
        [note] = await notes(works)
        assert "no model is configured" in note


async def test_a_model_that_nobody_attests_is_refused_with_the_file_that_enables_it(tmp_path):
    model = {"ANTHROPIC_API_KEY": SecretStr("k"), "model_base_url": "https://gateway.example.org"}
    async with working(tmp_path, sites=SITES, **model) as works:
        await enable(works)
        await works.prepared()
        assert not works.site().file.agent.enabled
        assert await told(works) == ["ready"]
        [note] = await notes(works)
        assert "attests" in note
        assert "serves on" in note
