"""Whatever stands in a token: 200 or 401, never a crash."""

import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.verify.forge import Forge

pytestmark = pytest.mark.anyio

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)
members = st.sampled_from(["typ", "alg", "kid", "jku", "jwk", "x5c", "x5u", "crit", "b64", "zip"])
claims = st.sampled_from(["iss", "aud", "exp", "iat", "nbf", "jti", "sub", "tenant", "x"])
slow = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)


@slow
@given(header=st.dictionaries(members, values, max_size=3))
async def test_any_value_in_the_header(shared, header):
    forge = Forge(shared)
    token = forge.token()
    assert (await forge.send(token.with_header(**header))).status_code in {200, 401}


@slow
@given(said=st.dictionaries(claims, values, max_size=3))
async def test_any_value_in_the_claims(shared, said):
    forge = Forge(shared)
    assert (await forge.send(forge.token().with_claims(**said))).status_code in {200, 401}


@slow
@given(text=st.text(max_size=60) | values.map(json.dumps))
async def test_anything_in_the_place_of_the_claims(shared, text):
    forge = Forge(shared)
    token = replace(forge.token(), claims_text=text or "x")
    assert (await forge.send(token)).status_code == 401


@slow
@given(token=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=80))
async def test_any_characters_in_the_place_of_the_token(shared, token):
    assert (await Forge(shared).send(token)).status_code == 401


@slow
@given(at=st.floats(0, 1, exclude_max=True), by=st.sampled_from("AZaz09-_.=~ +/"))
async def test_a_token_with_one_character_changed(shared, at, by):
    forge = Forge(shared)
    good = str(forge.token())
    place = int(at * len(good))
    changed = good[:place] + by + good[place + 1 :]
    assert (await forge.send(changed)).status_code == (200 if changed == good else 401)
