"""The token that a hook call lends us lives in that call alone: not stored, not shown, not used after the answer."""

import asyncio
import gc
import logging

import pytest

from cds_service.domain.call import FhirAuthorization, HookRequest
from cds_service.simulator.faults import Fault
from cds_service.simulator.prefetch import Offer
from tests.flow.canary import body
from tests.ground import EHR, GENERAL, standing

pytestmark = pytest.mark.anyio
HAROLD = "harold-lindqvist"
CANARY = "canary-token-5f1e0b"
NOTHING = Offer(prefetch="none")


def lent(**changes):
    """Return a call that lends us a token of a known word."""
    token = {
        "access_token": CANARY,
        "token_type": "Bearer",
        "expires_in": 300,
        "scope": "patient/*.rs",
        "subject": "cds-brief",
        "patient": "p-canary-7",
    }
    return body(fhirServer=f"{EHR}/r4", fhirAuthorization=token | changes)


@pytest.mark.parametrize("spoiled", [{}, {"expires_in": "soon"}, {"subject": "x"}, {"scope": 7}])
async def test_it_is_in_no_file_that_we_write_and_in_no_log(ground, caplog, spoiled):
    caplog.set_level(logging.DEBUG)
    await ground.call(lent(**spoiled))
    await ground.service.writer.flush()
    written = b"".join(f.read_bytes() for f in ground.data_dir.rglob("*") if f.is_file())
    logged = "".join(f"{one.getMessage()}{one.exc_text}" for one in caplog.records)
    assert written
    assert logged
    assert CANARY.encode() not in written
    assert CANARY not in logged


async def test_it_is_in_no_exception_of_a_crash_over_it(ground, caplog, monkeypatch):
    def crash(*_args, **_kwargs):
        raise ValueError(CANARY)

    monkeypatch.setattr("cds_service.flow.answer.access", crash)
    answer = await ground.call(lent())
    assert answer.status_code == 500
    assert CANARY not in answer.text + caplog.text


async def test_it_is_shown_by_no_repr():
    token = FhirAuthorization(
        access_token=CANARY, expires_in=1, scope="", subject="s", patient=None
    )
    assert CANARY not in repr(token)
    assert not HookRequest.__dataclass_fields__["authorization"].repr


async def test_nothing_holds_it_once_the_call_is_answered(ground):
    assert (await ground.call(lent())).status_code == 200
    gc.collect()
    held = [one for one in gc.get_objects() if isinstance(one, FhirAuthorization)]
    assert [one for one in held if one.access_token == CANARY] == []


async def test_nothing_is_read_with_it_after_the_answer(tmp_path):
    """Reads that are under way when the budget ends are given up with it; none starts later."""
    hasty = GENERAL.replace("hook_budget_ms = 5000", "hook_budget_ms = 200")
    async with standing(tmp_path, sites={"general": hasty}) as ground:
        ground.simulator.faults.add(
            Fault("fhir", "slow", match="Observation", delay_ms=600),
            Fault("fhir", "slow", match="Condition", delay_ms=600),
        )
        (answer,) = await ground.client().open_chart(HAROLD, offer=NOTHING)
        assert answer.status == 200
        seen = len(ground.simulator.faults.seen)
        await asyncio.sleep(0.8)
        assert len(ground.simulator.faults.seen) == seen


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ({"expires_in": 0}, "expired"),
        ({"patient": "somebody-else"}, "other_patient"),
        ({"subject": "another-app"}, "other_subject"),
    ],
)
async def test_a_token_that_is_not_for_this_call_is_no_access_and_never_sent(
    ground, token, reason
):
    ground.simulator.faults.seen.clear()
    assert (await ground.call(lent(**token))).status_code == 200
    assert [seen.path for seen in ground.simulator.faults.seen if "/r4/" in seen.path] == []
    assert (await ground.audited())[-1]["facts"]["access"] == reason
