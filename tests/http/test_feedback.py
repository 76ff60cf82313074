"""Feedback is taken as it comes: in batches, twice, late, for cards nobody knows. Comments are sealed."""

import pytest

from cds_service.http import service
from cds_service.storage.tables import FEEDBACK as TABLE
from tests.ground import CDS
from tests.http.wire import FEEDBACK, SERVICE, body, cards, post, problem

pytestmark = pytest.mark.anyio

AT = "2026-11-23T15:00:00.125Z"
REASON = {"code": "cds-not-applicable", "system": "urn:reasons"}
CLINIC = "/riverside/cds-services/patient-view-brief/feedback"


async def stored(ground):
    async with ground.service.database.engine.connect() as connection:
        rows = (await connection.execute(TABLE.select())).mappings()
        return [dict(row) for row in rows]


def comment(ground, row):
    place = f"feedback|comment|{row['key']}|{row['site']}"
    return ground.service.database.seals.open(row["comment"], place=place).decode()


def dismissed(card="c-1", **members):
    return {"card": card, "outcome": "overridden", "outcomeTimestamp": AT} | members


async def send(ground, *items, path=FEEDBACK):
    answer = await post(ground, {"feedback": list(items)}, path=path)
    assert (answer.status_code, answer.content) == (200, b"{}")


@pytest.fixture
async def card(ground):
    """A card that the site was shown."""
    (shown,) = cards(await post(ground, body()))
    await ground.service.writer.flush()
    return shown


@pytest.mark.spec("B-1", "B-3", "B-4", "B-5", "H-200")
async def test_an_accepted_suggestion_is_kept_against_its_card(ground, card):
    suggestion = card["suggestions"][0]["uuid"]
    answer = await ground.client().feedback(
        f"{CDS}{SERVICE}", ground.client().accepted(card["uuid"], suggestion)
    )
    assert answer.status_code == 200
    (row,) = await stored(ground)
    assert (row["card"], row["known_card"], row["outcome"]) == (card["uuid"], 1, "accepted")
    assert row["accepted"] == [suggestion]
    assert (row["site"], row["service"]) == ("general", "patient-view-brief")


@pytest.mark.spec("B-4", "B-6", "B-7", "B-8")
async def test_a_dismissal_is_kept_with_its_reason_and_comment(ground, card):
    override = {"reason": REASON, "userComment": "seen elsewhere"}
    await send(ground, dismissed(card["uuid"], overrideReason=override))
    (row,) = await stored(ground)
    assert row["reason"] == "urn:reasons|cds-not-applicable"
    assert comment(ground, row) == "seen elsewhere"


@pytest.mark.spec("B-7")
@pytest.mark.parametrize(
    ("override", "reason"),
    [
        ({"reason": REASON | {"display": "No"}}, "urn:reasons|cds-not-applicable"),
        ({"reason": {"code": "their-own"}}, "|their-own"),
        ({"reason": "text"}, ""),
        ({"reason": {"code": 7}}, ""),
        ({}, ""),
        (None, ""),
        ("text", ""),
    ],
)
async def test_a_reason_may_be_the_clients_own_or_missing(ground, override, reason):
    await send(ground, dismissed(overrideReason=override))
    (row,) = await stored(ground)
    assert row["reason"] == reason


EPIC = "com.epic.cdshooks.feedback.overrideReason."


@pytest.mark.parametrize(
    "override",
    [
        {"reason": REASON, "userComment": "said"},
        [{"reason": REASON, "userComment": "said"}],
        [{**REASON, "userComment": "said"}],
        {
            "extension": {f"{EPIC}code": REASON["code"], f"{EPIC}system": REASON["system"]},
            "userComment": "said",
        },
    ],
)
async def test_epics_forms_of_an_override_reason_are_read(ground, override):
    await send(ground, dismissed(overrideReasons=override), path=CLINIC)
    (row,) = await stored(ground)
    assert row["reason"] == "urn:reasons|cds-not-applicable"
    assert comment(ground, row) == "said"


@pytest.mark.spec("B-8")
async def test_a_comment_cannot_be_read_in_the_data_folder(ground):
    said = "Mrs Canary prefers the older medicine"
    await send(ground, dismissed(overrideReason={"reason": REASON, "userComment": said}))
    await ground.service.writer.flush()
    files = [file for file in ground.data_dir.rglob("*") if file.is_file()]
    held = b"".join(file.read_bytes() for file in files)
    assert b"cds-not-applicable" in held
    assert b"Canary" not in held
    assert "Canary" not in str(await ground.audited())


@pytest.mark.spec("B-10")
async def test_a_report_counts_once_however_often_it_comes(ground):
    one, other = dismissed("c-1"), dismissed("c-2")
    await send(ground, one, one, other)
    await send(ground, other, one)
    assert len(await stored(ground)) == 2


@pytest.mark.spec("B-10")
async def test_what_differs_in_time_or_outcome_is_another_report(ground):
    accepted = {"card": "c-1", "outcome": "accepted", "outcomeTimestamp": AT}
    first = accepted | {"acceptedSuggestions": [{"id": "s-1"}]}
    second = accepted | {"acceptedSuggestions": [{"id": "s-2"}]}
    later = dismissed("c-1", outcomeTimestamp="2026-11-23T15:00:09Z")
    await send(ground, dismissed("c-1"), first, second, later)
    assert len(await stored(ground)) == 4


@pytest.mark.spec("B-9", "B-10")
async def test_the_same_instant_written_in_another_way_is_the_same_report(ground):
    await send(ground, dismissed(outcomeTimestamp="2026-11-23T15:00:00Z"))
    await send(ground, dismissed(outcomeTimestamp="2026-11-23T09:00:00.000-06:00"))
    assert len(await stored(ground)) == 1


@pytest.mark.spec("B-10")
async def test_feedback_may_come_hours_later(ground, card):
    ground.clock.move(hours=30)
    await send(ground, dismissed(card["uuid"]))
    (row,) = await stored(ground)
    assert row["known_card"] == 1


@pytest.mark.spec("B-10", "B-13")
async def test_one_batch_may_speak_of_many_cards(ground, card):
    await send(ground, *(dismissed(f"c-{n}") for n in range(200)), dismissed(card["uuid"]))
    rows = await stored(ground)
    assert len(rows) == 201
    assert sum(row["known_card"] for row in rows) == 1


@pytest.mark.spec("B-13")
async def test_an_unknown_card_is_200(ground):
    await send(ground, dismissed("11111111-2222-3333-4444-555555555555"))
    await send(ground)


BROKEN = (
    None,
    7,
    "canary",
    [],
    {},
    dismissed(card=None),
    dismissed(card=""),
    dismissed(card="canary\n<script>"),
    dismissed(card="x" * 4000),
    dismissed(outcome="ignored"),
    dismissed(outcome=None),
    dismissed(outcomeTimestamp=None),
    dismissed(outcomeTimestamp="yesterday"),
    dismissed(outcomeTimestamp=1_700_000_000),
    dismissed(outcomeTimestamp="0001-01-01T00:00:00+23:59"),
    dismissed(outcomeTimestamp="9999-12-31T23:59:59-23:59"),
)


@pytest.mark.spec("B-13", "B-9")
@pytest.mark.parametrize("broken", BROKEN)
async def test_a_broken_item_does_not_cost_the_good_ones(ground, broken):
    await send(ground, dismissed("c-1"), broken, dismissed("c-2"))
    assert [row["card"] for row in await stored(ground)] == ["c-1", "c-2"]
    (entry,) = await ground.audited()
    assert (entry["facts"]["items"], entry["facts"]["refused"]) == (2, 1)


@pytest.mark.spec("B-5")
@pytest.mark.parametrize("accepted", [None, [], "s-1", [7], [{"id": 7}], [{"uuid": "s-1"}]])
async def test_an_acceptance_that_does_not_say_of_what_is_kept(ground, accepted):
    item = {"card": "c-1", "outcome": "accepted", "outcomeTimestamp": AT}
    await send(ground, item | {"acceptedSuggestions": accepted})
    (row,) = await stored(ground)
    assert row["accepted"] == []


@pytest.mark.spec("B-2", "B-13")
@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"", "not_json"),
        (b"{", "not_json"),
        (None, "bad_call"),
        ([dismissed()], "bad_call"),
        ({}, "bad_call"),
        ({"feedback": None}, "bad_call"),
        ({"feedback": dismissed()}, "bad_call"),
        ({"feedback": "canary"}, "bad_call"),
    ],
)
async def test_a_broken_envelope_is_400(ground, sent, code):
    words = problem(await post(ground, sent, path=FEEDBACK), 400, code)
    assert "canary" not in words
    assert await stored(ground) == []


@pytest.mark.spec("T-8", "X-4")
async def test_members_that_we_do_not_know_are_ignored(ground):
    odd = {"extension": {"com.example": 1}, "fromTheFuture": [None]}
    answer = await post(ground, {"feedback": [dismissed(**odd)], **odd}, path=FEEDBACK)
    assert answer.status_code == 200
    assert len(await stored(ground)) == 1


@pytest.mark.spec("B-12", "S-9")
@pytest.mark.parametrize("aud", [FEEDBACK, SERVICE, f"{FEEDBACK}/"])
async def test_the_token_is_for_the_feedback_or_the_service(ground, aud):
    token = ground.client().bearer(f"{CDS}{aud}")
    answer = await post(ground, {"feedback": [dismissed()]}, path=FEEDBACK, token=token)
    assert answer.status_code == 200


@pytest.mark.spec("B-12", "H-401")
@pytest.mark.parametrize(
    "aud", ["/general/cds-services", "/general/cds-services/appointment-book-brief", CLINIC]
)
async def test_a_token_for_elsewhere_is_401(ground, aud):
    token = ground.client().bearer(f"{CDS}{aud}")
    answer = await post(ground, {"feedback": [dismissed()]}, path=FEEDBACK, token=token)
    problem(answer, 401, "not_trusted")
    assert await stored(ground) == []


@pytest.mark.spec("B-12")
async def test_a_token_for_feedback_does_not_open_the_service(ground):
    token = ground.client().bearer(f"{CDS}{FEEDBACK}")
    problem(await post(ground, body(), token=token), 401, "not_trusted")


@pytest.mark.spec("B-14")
async def test_another_site_cannot_report_on_this_sites_cards(ground, card):
    await send(ground, dismissed(card["uuid"]), path=CLINIC)
    await send(ground, dismissed(card["uuid"]))
    rows = {row["site"]: row for row in await stored(ground)}
    assert rows["riverside"]["known_card"] == 0
    assert rows["general"]["known_card"] == 1
    assert rows["riverside"]["issuer"] != rows["general"]["issuer"]


async def test_feedback_that_cannot_be_stored_in_time_may_come_again(ground, monkeypatch):
    monkeypatch.setattr(service, "_FEEDBACK_BUDGET_S", 0.1)
    async with ground.service.database.transaction():  # the database takes nobody else's
        answer = await post(ground, {"feedback": [dismissed()]}, path=FEEDBACK)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert await stored(ground) == []
    await send(ground, dismissed())
    assert len(await stored(ground)) == 1
