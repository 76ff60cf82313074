"""Launches and sessions on PostgreSQL: what `tests/smart` proves on SQLite, and that other processes know them too."""
# ruff: noqa: F401, F811  # tests and fixtures of that folder run here as well, on the ground below

from dataclasses import replace

import pytest

from cds_service.domain.errors import NotTrusted
from cds_service.storage import start
from tests.ground import GENERAL, RIVERSIDE, standing
from tests.http.conftest import FewPatients
from tests.smart.browser import Browser, briefed
from tests.smart.conftest import signing_keys
from tests.smart.test_launch import (
    back,
    browser,
    test_a_code_is_good_once,
    test_a_launch_from_the_card_opens_its_brief_for_the_person_who_signed_in,
    test_a_return_in_another_browser_is_refused_and_spoilt,
    test_a_return_is_good_once,
    test_a_return_to_another_site_is_refused,
    test_a_session_ends_however_busy,
    test_a_session_ends_when_it_is_left_alone,
    test_many_launches_at_once_each_get_their_own,
    test_many_who_need_it_renew_it_once,
    test_old_sessions_and_sign_ins_are_forgotten,
    test_who_signs_out_is_out,
    with_app,
)
from tests.storage.key_cases import reopening

pytestmark = pytest.mark.anyio


@pytest.fixture
async def ground(tmp_path, signing_keys, postgres_url):
    (tmp_path / "signing-keys.json").write_bytes(signing_keys.read_bytes())
    (tmp_path / "signing-keys.json").chmod(0o600)
    sites = {"general": with_app(GENERAL), "riverside": with_app(RIVERSIDE)}
    async with standing(
        tmp_path, sites=sites, patients=FewPatients(), database_url=postgres_url
    ) as running:
        yield running


@pytest.fixture
async def elsewhere(ground, postgres_url, tmp_path):
    """The sessions as another process on the same database has them."""
    async with reopening(postgres_url, tmp_path) as again:
        other = again(ground.service.database.seals.ring)
        await start(other, now=ground.clock())
        yield replace(ground.service.launch.sessions, database=other)


async def test_a_session_is_known_in_every_process_and_ends_in_all(ground, elsewhere):
    person, service = Browser(ground), ground.service
    landed = await person.launch(app_context=await briefed(ground))
    here = await person.session(landed)
    service.launch = replace(service.launch, sessions=elsewhere)
    there = await person.session(landed)
    assert (there.id, there.patient, there.clinician) == (here.id, here.patient, here.clinician)
    tokens = elsewhere.tokens_of(service.sites.find("general"), here.id)
    assert await tokens.token() is not None
    await elsewhere.end(there)
    with pytest.raises(NotTrusted, match="session_over"):
        await person.session(landed)


async def test_a_sign_in_that_began_in_one_process_ends_in_another_and_once(ground, elsewhere):
    person, service = Browser(ground), ground.service
    back_to_us = await person.authorize(
        person.link("gregory-nwosu", app_context=await briefed(ground))
    )
    first = service.launch
    there = replace(first.sign_in, database=elsewhere.database)
    object.__setattr__(first, "sign_in", there)
    assert (await person.http.get(back_to_us)).status_code == 303
    assert (await person.http.get(back_to_us)).status_code == 403
