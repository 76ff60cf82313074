"""The engine on embedded SQLite, launched for real in this process."""

import asyncio
import sqlite3
import threading
from contextlib import closing

import pytest
import sqlalchemy.exc

from cds_service.context.whole import LONGEST_S
from cds_service.domain.errors import MissingContext
from cds_service.domain.steps import Permanent, Stopped, Temporary
from cds_service.engine import runtime
from cds_service.engine.engine import LONGEST_STEP_S
from tests.engine.running import an_engine, launched, until

SECRET = "zebedee"


@pytest.mark.anyio
async def test_a_workflow_runs_once_for_a_row_and_revision_however_often_it_is_started(tmp_path):
    ran = []

    async def note(row, number):
        ran.append((row, number))
        return number + 1

    async def prepare(step, row):
        number = await step("one", note, row, 1)
        await step("two", note, row, number)

    async with launched(an_engine(tmp_path), prepare=prepare) as engine:
        for _ in range(3):
            await engine.start("prepare", "a")
        await until(lambda: len(ran) == 2)
        await engine.start("prepare", "a")
        await engine.start("prepare", "a", revision=2)
        await until(lambda: len(ran) == 4)
        await until(lambda: not engine.load())
    assert ran == [("a", 1), ("a", 2)] * 2


@pytest.mark.anyio
async def test_a_problem_that_may_pass_is_tried_again_and_one_that_stays_is_not(tmp_path):
    tried, told = [], []

    async def fails(kind):
        tried.append(kind)
        raise {
            "temporary": Temporary("ehr_down"),
            "permanent": Permanent("denied"),
            "ours": MissingContext(SECRET),
            "crash": KeyError(SECRET),
        }[kind]

    async def prepare(step, kind):
        try:
            await step("only", fails, kind)
        except Stopped as stop:
            told.append((type(stop), stop.reason))

    async with launched(an_engine(tmp_path), prepare=prepare) as engine:
        for kind in ("temporary", "permanent", "ours", "crash"):
            await engine.start("prepare", kind)
        await until(lambda: len(told) == 4)
    assert sorted(tried) == ["crash", "ours", "permanent", "temporary", "temporary"]
    assert set(told) == {
        (Temporary, "ehr_down"),
        (Permanent, "denied"),
        (Permanent, "missing_context"),
        (Permanent, "crashed_KeyError"),
    }


@pytest.mark.anyio
@pytest.mark.parametrize("way", ["ends when it is cancelled", "goes on"])
async def test_a_step_that_never_returns_is_cancelled_told_and_tried_again_only_by_its_workflow(
    tmp_path, monkeypatch, caplog, way
):
    monkeypatch.setattr(runtime, "_TO_END_S", 0.1)
    began, cancelled, told, over = [], [], [], asyncio.Event()

    async def hangs(row):
        began.append(row)
        try:
            await over.wait()
        except asyncio.CancelledError:
            cancelled.append(row)
            if way == "goes on":
                await over.wait()
            raise

    async def prepare(step, row):
        try:
            await step("hangs", hangs, row)
        except Temporary as problem:
            told.append(problem.reason)

    engine = an_engine(tmp_path)
    engine.longest_s = 0.1
    async with launched(engine, prepare=prepare):
        await engine.start("prepare", "a")
        await until(lambda: told)
        await until(lambda: not engine.load())
        over.set()
    assert (began, cancelled, told) == (["a"], ["a"], ["step_hung"])
    assert "did not end in 0.1 s" in caplog.text


def test_no_step_is_cut_off_that_gathers_for_as_long_as_it_may():
    assert LONGEST_S < LONGEST_STEP_S


@pytest.mark.anyio
async def test_work_begins_at_once_where_nobody_else_could_take_it_and_while_there_is_a_place(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(runtime, "POLL_ALONE_S", 1000.0)  # the queue is not looked at
    began, goes_on = [], asyncio.Event()

    async def waits(row):
        began.append(row)
        await goes_on.wait()

    async def prepare(step, row):
        await step("waits", waits, row)

    engine = an_engine(tmp_path)
    engine.register("prepare", prepare, at_once=2)
    async with launched(engine):
        for number, row in enumerate(("a", "b"), 1):
            await engine.start("prepare", row)
            await until(lambda so_far=number: len(began) == so_far)
        await engine.start("prepare", "c")
        goes_on.set()
        await until(lambda: not engine.load())
    assert began == ["a", "b"], "the third waits in the queue"


@pytest.mark.anyio
@pytest.mark.slow
async def test_what_a_stopped_process_left_goes_on_after_its_last_finished_step(tmp_path):
    began, finished = [], []
    hold = asyncio.Event()

    async def first(row):
        began.append(f"{row} first")
        return SECRET

    async def second(row, secret):
        began.append(f"{row} second")
        await hold.wait()
        finished.append(secret)

    async def prepare(step, row):
        await step("second", second, row, await step("first", first, row))

    async with launched(an_engine(tmp_path), prepare=prepare) as engine:
        await engine.start("prepare", "a")
        await until(lambda: len(began) == 2)
        assert engine.load() == {"prepare": 1}
    assert finished == []
    hold.set()
    async with launched(an_engine(tmp_path), prepare=prepare):
        await until(lambda: finished)
    assert began == ["a first", "a second", "a second"]
    assert finished == [SECRET]
    kept = b"".join(file.read_bytes() for file in tmp_path.glob("engine.db*") if file.is_file())
    assert b"prepare" in kept
    assert SECRET.encode() not in kept


@pytest.mark.anyio
async def test_an_orderly_stop_waits_for_what_is_under_way(tmp_path):
    done, goes_on = [], asyncio.Event()

    async def slow(row):
        await goes_on.wait()
        done.append(row)

    async def prepare(step, row):
        await step("slow", slow, row)

    engine = an_engine(tmp_path)
    async with launched(engine, prepare=prepare):
        await engine.start("prepare", "a")
        await until(engine.load)
        drain = asyncio.create_task(engine.drain(10))
        await until(lambda: not engine.is_running)
        goes_on.set()
        await drain
    assert done == ["a"]


@pytest.mark.anyio
async def test_a_workflow_that_broke_is_listed_with_a_reason(tmp_path):
    ended = []

    async def prepare(_step, row):
        raise RuntimeError(row)

    async def writeback(_step, row):
        ended.append(row)

    async with launched(an_engine(tmp_path), prepare=prepare, writeback=writeback) as engine:
        await engine.start("prepare", "a")
        await engine.start("writeback", "b")
        await until(lambda: not engine.load() and ended == ["b"])
        async with asyncio.timeout(20):
            rows = [("prepare", "a", 1), ("writeback", "b", 1)]
            while not (found := await engine.ended(rows)):  # noqa: ASYNC110  # likewise
                await asyncio.sleep(0.02)
    [broken] = found
    assert (broken.name, broken.row_id, broken.reason) == ("prepare", "a", "error")


@pytest.mark.anyio
@pytest.mark.slow
async def test_a_workflow_whose_outcome_could_not_be_recorded_is_begun_anew_in_its_own_process(
    tmp_path, monkeypatch
):
    """What a full disk leaves: the engine's log says that it runs, and nobody runs it."""
    monkeypatch.setattr(runtime, "STRANDED_S", 0.5)
    began, ended = [], []

    async def body(row):
        began.append(row)
        return 1

    async def prepare(step, row):
        await step("one", body, row)
        ended.append(row)

    async with launched(an_engine(tmp_path), prepare=prepare) as engine:
        with closing(sqlite3.connect(tmp_path / "engine.db", isolation_level=None)) as disk:
            disk.execute(FULL)
            await engine.start("prepare", "a")
            await until(lambda: len(ended) > 1)  # for as long as the disk is full
            disk.execute("DROP TRIGGER full")
            # An error, where the disk came back between the library's tries to note the success and, that having
            # failed, the failure: what the work did stands in its row's own state, not here.
            await until(lambda: status(disk) in {"SUCCESS", "ERROR"})
    assert began == ["a"], "a step that was recorded is not repeated"


def status(disk):
    return disk.execute("SELECT status FROM workflow_status").fetchone()[0]


FULL = """CREATE TRIGGER full BEFORE UPDATE OF status ON workflow_status
WHEN NEW.status IN ('SUCCESS', 'ERROR') BEGIN SELECT RAISE(FAIL, 'disk I/O error'); END"""


@pytest.mark.anyio
async def test_a_launch_that_is_cancelled_is_ended_by_the_drain(tmp_path):
    engine = an_engine(tmp_path)
    launch = asyncio.create_task(engine.launch())
    await asyncio.sleep(0)  # its thread has begun
    launch.cancel()
    with pytest.raises(asyncio.CancelledError):
        await launch
    await engine.drain(0)
    await asyncio.get_running_loop().shutdown_default_executor()
    assert not [each.name for each in threading.enumerate() if each.name.startswith("engine")]


@pytest.mark.anyio
async def test_a_launch_that_fails_leaves_nothing_to_the_next_one(tmp_path):
    with closing(sqlite3.connect(tmp_path / "engine.db")) as stranger:
        stranger.execute("CREATE TABLE workflow_status (of TEXT)")
    with pytest.raises(sqlalchemy.exc.DatabaseError):
        await an_engine(tmp_path).launch()
    await it_works(tmp_path / "another")


async def it_works(folder):
    ran = []

    async def note(row):
        ran.append(row)

    async def prepare(step, row):
        await step("one", note, row)

    folder.mkdir()
    async with launched(an_engine(folder), prepare=prepare) as engine:
        await engine.start("prepare", "a")
        await until(lambda: ran == ["a"])
