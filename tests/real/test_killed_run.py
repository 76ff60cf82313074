"""A process is killed in the middle of a run of the agent: the run is made once more, and one brief comes of it."""

import asyncio
import json
import threading
from dataclasses import dataclass, field

import pytest

from cds_service.domain.draft import ENDINGS
from cds_service.storage import runs
from cds_service.storage.tables import BRIEF, RUN
from tests.llm.standin import running
from tests.processes import standing, until

WITHIN_S = 90.0
ASKS = {"tool_use": [{"name": "list_entries", "input": {"section": "problems"}}]}
ANSWER = {"json": {"statements": [{"kind": "problem", "refs": ["Cond1"]}]}}
LAST = 2
"""The request that is answered with the brief."""


@pytest.fixture(scope="module")
def standin():
    with running() as server:
        yield server


@dataclass
class Deadly:
    """A model that ends the process which asks it: when its n-th request comes, or a moment after its answer left."""

    at: int
    after_s: float = 0.0
    kill: object = None
    asked: list[int] = field(default_factory=list)
    """How many turns each request carried: 1 begins a run."""
    then: dict = field(default_factory=dict)
    """What is answered after the kill instead of what the script says."""

    def __call__(self, body):
        self.asked.append(len(body["messages"]))
        if len(self.asked) == self.at:
            threading.Timer(self.after_s, self.kill).start()
            if not self.after_s:
                return ANSWER | {"delay": 5}  # nobody hears it
        elif len(self.asked) > self.at and self.then:
            return self.then
        return ASKS if len(body["messages"]) == 1 else ANSWER

    @property
    def begun(self):
        return self.asked.count(1)


def prepared(folder, standin, model):
    """Let a worker prepare one brief; start another one when it is killed. Returns what is stored of it."""
    key = standin.script(model, then="repeat")
    environ = {"ANTHROPIC_API_KEY": key, "CDS_MODEL_BASE_URL": standin.url}
    with standing(folder, tables="[agent]\nenabled = true", environ=environ, delay_s=0) as stand:
        brief = stand.ask_for("p0")
        worker = stand.worker()
        model.kill = worker.kill
        worker.popen.wait(WITHIN_S)
        stand.worker()
        until(lambda: set(stand.states()) <= {"ready", "failed"}, WITHIN_S)
        assert stand.entries("prepare", "ready") == {brief: 1}
        return asyncio.run(_stored(stand, brief))


async def _stored(stand, brief):
    """Return the brief and the record of its run; there is one of each."""
    async with stand.opened() as database, database.reading() as connection:
        [row] = (await connection.execute(BRIEF.select())).mappings()
        [_] = (await connection.execute(RUN.select())).all()
        body = await database.open(row["body"], place=f"brief|body|{brief}|soak")
        where = {"site": "soak", "patient": row["patient"], "brief": brief}
        record = await runs.of_brief(connection, database, **where)
    return json.loads(body), json.loads(record)


@pytest.mark.parametrize("at", range(1, LAST + 1))
def test_killed_while_it_waits_for_the_model_it_asks_once_more_from_the_beginning(
    tmp_path, standin, at
):
    model = Deadly(at)
    brief, record = prepared(tmp_path, standin, model)
    assert model.begun == 2
    assert record["status"] == "ok"
    assert brief["notices"][0] == ENDINGS["ok"]


@pytest.mark.parametrize("after_s", [0.005, 0.05])
def test_killed_after_the_answer_it_asks_again_at_most_once(tmp_path, standin, after_s):
    model = Deadly(LAST, after_s)
    brief, record = prepared(tmp_path, standin, model)
    assert model.begun in {1, 2}
    assert record["status"] == "ok"
    assert brief["notices"][0] == ENDINGS["ok"]


def test_killed_and_then_without_a_model_it_has_the_brief_of_the_rules_and_says_why(
    tmp_path, standin
):
    gone = {"error": 402}
    model = Deadly(LAST, then=gone)
    brief, record = prepared(tmp_path, standin, model)
    assert record["status"] == "rejected"
    assert brief["notices"] == [ENDINGS["rejected"]]
    assert {line["added_by"] for part in brief["sections"] for line in part["statements"]} == {
        "rule"
    }
