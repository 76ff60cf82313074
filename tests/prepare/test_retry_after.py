"""An EHR that says when it may be asked again is asked nothing ahead before then, by any brief or poll of its site."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from cds_service.context.enough import PATIENCE_S
from cds_service.fhir.client import LONGEST_RETRY_AFTER_S, FhirServer, Pace, retry_after
from cds_service.simulator.faults import Fault
from tests.prepare.conftest import until, working
from tests.prepare.test_schedule import POLL, poll

pytestmark = pytest.mark.anyio
CHART, OTHER = "beatrice-okonkwo", "harold-lindqvist"
HOUR = timedelta(hours=1)


def reads(works, what="/r4/"):
    return [each.path for each in works.ground.simulator.faults.seen if what in each.path]


async def told(works, match="", status=429, wait="3600"):
    """Let the EHR say that it may be asked again in so long."""
    await works.ground.service.backend.token(works.site())
    works.ground.simulator.faults.add(
        Fault("fhir", "status", match, status=status, retry_after=wait)
    )
    works.ground.simulator.faults.seen.clear()


async def is_back(works):
    """Let the hour be over, on the clock of reads too."""
    works.ground.simulator.faults.clear()
    works.ground.clock.moment += HOUR
    works.prepare.gather_whole.server_of(works.site()).pace._held_until = 0.0


@pytest.mark.slow
async def test_no_url_is_read_twice_within_the_hour_by_an_engine_that_tries_again(tmp_path):
    async with working(tmp_path, role="all") as works:
        await told(works, "Observation")
        ids = [await works.ask(CHART), await works.ask(OTHER)]

        async def both_wait():
            return all([(await works.row(each)).revision > 1 for each in ids])

        await until(both_wait, 60)
        asked = reads(works, "Observation")
        assert asked
        assert len(asked) == len(set(asked))
        for each in ids:
            row = await works.row(each)
            assert (row.state, row.reason) == ("requested", "retry_after")
            assert row.due - works.ground.clock() >= timedelta(minutes=59)


async def test_a_patient_that_cannot_be_read_now_is_read_once_and_again_when_the_hour_is_over(
    works,
):
    await told(works, status=503)
    row = await works.prepared()
    assert (row.state, row.reason) == ("requested", "retry_after")
    assert row.due - works.ground.clock() >= timedelta(minutes=59)
    assert len(reads(works)) == 1
    await works.prepared(OTHER)
    assert len(reads(works)) == 1, "others of the site wait as well"
    pause = await works.background.pauses.of(works.site())
    assert (pause.reason, pause.until) == ("retry_after", works.ground.clock() + HOUR)
    assert await works.background.pauses.of(works.site("riverside")) is None
    await is_back(works)
    assert (await works.run(row.id)).state == "ready"


async def test_a_poll_that_is_told_to_wait_pauses_its_site(tmp_path):
    async with working(tmp_path, sites=POLL) as works:
        await told(works, "Appointment", status=503)
        for _ in range(3):
            await poll(works)
            works.ground.clock.move(minutes=15)
        assert len(reads(works, "Appointment")) == len(set(reads(works, "Appointment")))
        assert (await works.background.pauses.of(works.site())).reason == "retry_after"


async def test_a_short_wait_is_waited_out_within_the_step(works):
    await works.ground.service.backend.token(works.site())
    works.ground.simulator.faults.add(
        Fault("fhir", "status", "Observation", status=429, retry_after="1", times=1)
    )
    row = await works.prepared()
    assert (row.state, row.reason) == ("ready", None)
    assert await works.background.pauses.of(works.site()) is None
    assert await works.rows("requested") == []


async def test_a_longer_pause_stands(works):
    limit = works.background.pauses
    await told(works, status=503, wait="7200")
    await works.prepared()
    first = await limit.of(works.site())
    works.ground.simulator.faults.clear()
    await is_back(works)
    await told(works, status=503, wait="61")
    await works.prepared()
    assert await limit.of(works.site()) == first


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        ("0", 0.0),
        ("99999999999999999999", LONGEST_RETRY_AFTER_S),
        ("864000", LONGEST_RETRY_AFTER_S),
        ("Mon, 23 Nov 2026 16:00:00 GMT", 3600.0),
        ("Mon, 23 Nov 2026 14:00:00 GMT", 0.0),
        ("Mon, 23 Nov 2099 14:00:00 GMT", LONGEST_RETRY_AFTER_S),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("", None),
    ],
)
def test_what_a_server_says_is_read_with_care(value, seconds):
    date = {"date": "Mon, 23 Nov 2026 15:00:00 GMT"}
    assert retry_after(httpx.Response(503, headers={"retry-after": value} | date)) == seconds


def test_a_date_says_nothing_where_the_server_does_not_say_its_own():
    headers = {"retry-after": "Mon, 23 Nov 2026 16:00:00 GMT"}
    assert retry_after(httpx.Response(503, headers=headers)) is None


async def answered(patience_s, times):
    """Read so many times one after the other of a server that says `in two hours`; return reads sent and answers."""
    sent, loop = [], asyncio.get_running_loop()

    def busy(request):
        sent.append(request.url)
        return httpx.Response(429, headers={"retry-after": "7200"}, json={})

    async with httpx.AsyncClient(transport=httpx.MockTransport(busy)) as http:
        server = FhirServer(
            base_url="http://ehr.test",
            accept="application/fhir+json",
            http=http,
            pace=Pace(rate=100.0, clock=loop.time),
            slots=asyncio.Semaphore(1),
            clock=loop.time,
            patience_s=patience_s,
        )
        get = server.get("http://ehr.test/Patient/1", token="t", deadline=loop.time() + 5)
        answers = [await get]
        for _ in range(times - 1):
            get = server.get("http://ehr.test/Patient/1", token="t", deadline=loop.time() + 5)
            answers.append(await get)
    return len(sent), answers


async def test_what_one_read_was_told_holds_for_all_of_work_ahead():
    sent, [first, second, _third] = await answered(PATIENCE_S, 3)
    assert sent == 1
    assert (first.status, first.wait) == (429, 7200.0)
    assert (second.fault, second.wait) == ("held", pytest.approx(7200.0, abs=5))


async def test_a_call_reads_for_its_own_user_and_asks_for_itself():
    assert (await answered(None, 3))[0] == 3
