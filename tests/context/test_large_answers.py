"""Large answers are decoded beside the event loop, and to the same values."""

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.domain.errors import NotJson
from cds_service.domain.json import decode
from cds_service.fhir import large

pytestmark = pytest.mark.anyio
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(10**9), 10**9), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=10,
)


@given(st.one_of(VALUES, st.fixed_dictionaries({"entry": VALUES, "total": VALUES})))
def test_in_parts_is_the_same_as_at_once(value):
    body = json.dumps(value).encode()
    assert large._in_parts(body) == decode(body)


@pytest.mark.parametrize("body", [b'{"entry":[{"a":1},', b'{"entry":[1,2', b"\xff\xfe", b""])
def test_a_broken_body_is_refused_as_ever(body):
    with pytest.raises(NotJson):
        large._in_parts(body)


async def test_the_event_loop_gets_its_turn_while_a_page_of_12_mb_is_decoded():
    entry = {"resource": {"resourceType": "Observation", "id": "x", "note": "y" * 400}}
    one = json.dumps(entry)
    many = ",".join([one] * (12_000_000 // len(one)))
    body = f'{{"resourceType":"Bundle","entry":[{many}]}}'.encode()
    turns, done = 0, False

    async def count():
        nonlocal turns
        while not done:
            await asyncio.sleep(0.001)
            turns += 1

    counting = asyncio.create_task(count())
    await asyncio.sleep(0)
    found = await large.decoded(body)
    done = True
    await counting
    assert len(found["entry"]) == 12_000_000 // len(one)
    assert turns > 10, "in one piece it would be one turn or two"
