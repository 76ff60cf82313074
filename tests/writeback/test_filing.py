"""Filing on SQLite, and what is a matter of the vendor or of the person rather than of the database."""

from dataclasses import replace

import httpx
import pytest

from cds_service.domain.note import note_identifier
from cds_service.writeback import file
from tests.review.stage import staged
from tests.writeback.filing_cases import (
    ONCE,
    UNCONDITIONAL,
    FilingCases,
    fault,
    filed,
    healed,
    proven,
)

pytestmark = pytest.mark.anyio

CONDITIONAL = "\nconditional_create = true\n"


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
async def searching(tmp_path_factory):
    async with proven(tmp_path_factory.mktemp("searching"), UNCONDITIONAL) as running:
        yield running


@pytest.fixture(scope="module")
async def conditional(tmp_path_factory):
    async with proven(tmp_path_factory.mktemp("conditional"), CONDITIONAL) as running:
        yield running


@pytest.fixture
def stage(searching):
    return healed(searching)


class TestFilingOnSqlite(FilingCases):
    pass


@pytest.mark.parametrize("kind", ["stores and drops the answer", "answers 409 under contention"])
async def test_a_server_that_honours_if_none_exist_is_no_exception(conditional, kind):
    assert (await filed(conditional, replace(ONCE[kind])))[:2] == ("verified", 1)


class Nobody(httpx.AsyncBaseTransport):
    async def handle_async_request(self, request):
        raise httpx.ConnectError("nobody is there", request=request)


async def test_a_server_that_is_away_is_given_up_without_a_doubt_and_asked_again_by_a_person(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(file, "_BACK_OFF_S", (0.0, 0.0))
    async with staged(tmp_path, vendor="epic", personality="epic") as stage:
        brief = await stage.approved()
        here, stage.wire.app = stage.wire.app, Nobody()
        assert await stage.file(brief) == "failed"
        assert (await stage.row(brief))["reason"] == "not_reached"
        stage.wire.app = here
        opened = await stage.sign.open(stage.session(brief), stage.site, brief)
        await stage.sign.decide(opened, "file_again")
        assert await stage.file(brief) == "verified"


async def test_another_persons_sign_in_does_not_file_it(stage):
    brief = await stage.approved()
    stage.lent.over = True
    await stage.file(brief)
    await stage.sign.open(stage.session(brief, user="somebody-else"), stage.site, brief)
    assert await stage.state(brief) == "failed"


async def test_who_lets_anothers_note_be_filed_again_does_not_send_it_as_oneself(stage):
    brief = await stage.approved()
    stage.lent.over = True
    await stage.file(brief)
    approver = (await stage.approval(brief)).session
    other = stage.session(brief, user="somebody-else")
    opened = await stage.sign.open(other, stage.site, brief)
    await stage.sign.decide(opened, "file_again")
    assert (await stage.approval(brief)).session == approver
    mine = stage.session(brief)
    stage.lent.over = True
    await stage.file(brief)
    await stage.sign.open(mine, stage.site, brief)
    assert (await stage.approval(brief)).session == mine.id


async def test_a_note_is_found_where_the_vendor_keeps_no_conditional_create(tmp_path):
    async with staged(tmp_path, vendor="epic", personality="epic") as stage:
        assert await stage.file(await stage.approved()) == "verified"
        for kind in ("lost", "after", "bare"):
            brief = await stage.approved()
            stage.simulator.faults.add(fault(kind))
            assert await stage.file(brief) == "verified"
            assert len(stage.notes(brief)) == 1


MILLENNIUM = {"vendor": "oracle-millennium", "personality": "oracle"}


async def test_a_vendor_that_turns_notes_into_rich_text_keeps_every_word(tmp_path):
    async with staged(tmp_path, **MILLENNIUM) as stage:
        brief = await stage.approved()
        assert await stage.file(brief) == "verified"
        [stored] = stage.notes(brief)
        assert stored["content"][0]["attachment"]["contentType"] == "text/rtf"
        differences = (await stage.row(brief))["differences"]
        assert {"content", "identifier"} <= {each["element"] for each in differences}
        assert all(each["expected"] for each in differences)


async def test_a_note_without_an_identifier_is_found_by_its_last_line(tmp_path):
    async with staged(tmp_path, **MILLENNIUM) as stage:
        assert await stage.file(await stage.approved()) == "verified"
        for kind in ("lost", "after", "bare"):
            brief = await stage.approved()
            stage.simulator.faults.add(fault(kind))
            assert await stage.file(brief) == "verified"
            assert len(stage.notes(brief)) == 1


async def test_a_vendor_that_converts_notes_and_alters_their_words_is_found_out(tmp_path):
    async with staged(tmp_path, **MILLENNIUM) as stage:
        stage.simulator.faults.add(fault("alter", method=""))
        brief = await stage.approved()
        assert await stage.file(brief) == "unknown"
        assert (await stage.row(brief))["reason"] == "altered"


async def test_a_search_that_never_found_a_note_of_ours_proves_no_absence(tmp_path):
    blind = '\nfind = { patient = "{patient}", category = "of-another-kind" }\n'
    async with staged(tmp_path, vendor="epic", personality="epic", more=blind) as stage:
        assert await stage.file(await stage.approved()) == "verified"
        brief = await stage.approved()
        stage.simulator.faults.add(fault("lost"))
        assert await stage.file(brief) == "unknown"
        assert (await stage.row(brief))["reason"] == "no_answer"
        assert len(stage.notes(brief)) == 1


async def test_a_draft_that_the_card_filed_is_found_and_never_filed_twice(stage):
    brief = await stage.approved()
    draft = {
        "resourceType": "DocumentReference",
        "id": "from-card",
        "status": "current",
        "docStatus": "preliminary",
        "identifier": [{"system": "urn:ietf:rfc:3986", "value": note_identifier(brief)}],
        "subject": {"reference": "Patient/beatrice-okonkwo"},
        "content": [{"attachment": {"contentType": "text/plain", "data": "aGVsbG8="}}],
    }
    stage.simulator.ehr("general").store.put(draft)
    assert await stage.file(brief) == "unknown"
    assert (await stage.row(brief))["reason"] == "altered"
    assert len(stage.notes(brief)) == 1
