"""Filing a note on a FHIR server that others wrote, whose conditional create races: nothing rests on it."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pytest

from tests.review.stage import staged

pytestmark = pytest.mark.anyio
AT_ONCE = 20


@pytest.fixture
def anyio_backend():
    return "asyncio"


@dataclass
class Losing(httpx.AsyncHTTPTransport):
    """The wire to the server; it loses the answers to so many of the next notes."""

    lose: int = 0
    posts: list[httpx.Request] = field(default_factory=list)

    def __post_init__(self):
        super().__init__()

    async def handle_async_request(self, request):
        answer = await super().handle_async_request(request)
        if request.method == "POST":
            self.posts.append(request)
            if self.lose:
                self.lose -= 1
                await answer.aread()
                raise httpx.ReadError("the answer is lost", request=request)
        return answer


@asynccontextmanager
async def filing_at(server, folder):
    async with Losing() as wire, staged(folder, base=server.base_url, server=wire) as stage:
        yield stage, wire


def copies(server, brief):
    """Return how many notes of a brief the server holds."""
    query = f"DocumentReference?identifier=urn:ietf:rfc:3986|urn:uuid:{brief}"
    return server.get(query).json()["total"]


async def test_twenty_notes_whose_answers_are_lost_are_filed_once_each(sekmet, tmp_path):
    async with filing_at(sekmet, tmp_path) as (stage, wire):
        assert await stage.file(await stage.approved()) == "verified"
        briefs = [await stage.approved() for _ in range(AT_ONCE)]
        wire.lose = AT_ONCE
        assert set(await asyncio.gather(*map(stage.file, briefs))) == {"verified"}
        assert [copies(sekmet, brief) for brief in briefs] == [1] * AT_ONCE


async def test_one_note_that_twenty_file_at_once_is_sent_once(sekmet, tmp_path):
    async with filing_at(sekmet, tmp_path) as (stage, wire):
        brief = await stage.approved()
        await stage.write_back.claim(brief)
        ends = await asyncio.gather(*(stage.write_back.file(brief) for _ in range(AT_ONCE)))
        assert set(ends) == {"filed"}
        assert copies(sekmet, brief) == 1
        [sent] = wire.posts
        assert "If-None-Exist" in sent.headers


async def test_a_note_that_was_read_back_is_what_was_approved(sekmet, tmp_path):
    async with filing_at(sekmet, tmp_path) as (stage, _):
        brief = await stage.approved()
        assert await stage.file(brief) == "verified"
        row = await stage.row(brief)
        stored = sekmet.get(row["location"]).json()
        assert {each["element"] for each in row["differences"]} <= {"date"}
        assert stored["docStatus"] == "preliminary"
