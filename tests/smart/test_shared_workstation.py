"""One browser, several people, one after the other: whoever signs in now is alone with it. And whose visit it is."""

import json
import re
from urllib.parse import urlencode

import pytest
from sqlalchemy import update

from cds_service.domain.errors import NotTrusted
from cds_service.simulator.launches import Launch
from cds_service.storage.tables import BRIEF
from tests.ground import CDS, GENERAL, standing
from tests.http.conftest import FewPatients
from tests.smart.browser import HAROLD, IRIS, Browser, briefed
from tests.smart.test_launch import with_app

pytestmark = pytest.mark.anyio
COLLEAGUE = "Practitioner/sim-colleague"


@pytest.fixture
async def ground(tmp_path):
    sites = {"general": with_app(GENERAL)}
    async with standing(tmp_path, sites=sites, patients=FewPatients()) as running:
        yield running


@pytest.fixture
def browser(ground):
    return Browser(ground)


async def launched(ground, browser, patient=HAROLD, *, app_context=None, **context):
    """Let somebody open the app from a chart; this will be our answer to the browser's return."""
    ehr = ground.simulator.ehr("general")
    launch = ehr.launches.create(Launch(patient=patient, app_context=app_context, **context))
    asked = urlencode({"iss": ehr.records.base, "launch": launch})
    return await browser.http.get(await browser.authorize(f"{CDS}/general/smart/launch?{asked}"))


async def shown(browser, landed):
    return await browser.http.get(landed.headers["location"])


async def test_a_new_persons_sign_in_ends_the_earlier_persons_sessions_in_this_browser(
    ground, browser
):
    contexts = [await briefed(ground, who) for who in (HAROLD, IRIS)]
    mine = [
        await launched(ground, browser, who, app_context=context)
        for who, context in zip((HAROLD, IRIS), contexts, strict=True)
    ]
    assert [(await shown(browser, each)).status_code for each in mine] == [200, 200]
    held = dict(browser.http.cookies)
    ground.clock.move(minutes=1)
    await briefed(ground, HAROLD)
    theirs = await launched(ground, browser, HAROLD, user=COLLEAGUE)
    assert (await shown(browser, theirs)).status_code == 200
    assert (await shown(browser, mine[1])).status_code == 401
    for name, value in held.items():
        browser.http.cookies.set(name, value, domain="cds.test")
    for each in mine:
        with pytest.raises(NotTrusted, match="session_over"):
            await browser.session(each)
    entries = [(e["action"], e["outcome"]) for e in await ground.audited()]
    assert entries.count(("sign_out", "ended_by_other")) == 2


async def test_in_another_browser_nobodys_session_ends(ground, browser):
    landed = await launched(ground, browser, app_context=await briefed(ground))
    await launched(ground, Browser(ground), user=COLLEAGUE)
    assert (await shown(browser, landed)).status_code == 200


async def test_who_signs_out_on_the_page_is_out_and_told_the_way_back(ground, browser):
    landed = await launched(ground, browser, app_context=await briefed(ground))
    page = await shown(browser, landed)
    form = re.search(r'action="([^"]+/sign-out)".*?name="csrf" value="([^"]+)"', page.text)
    assert (await browser.http.post(form[1], data={"csrf": "forged"})).status_code == 403
    left = await browser.http.post(form[1], data={"csrf": form[2]})
    assert left.status_code == 200
    assert "You are signed out" in left.text
    assert "Max-Age=0" in left.headers["set-cookie"]
    assert (await shown(browser, landed)).status_code == 401


VISITS = {
    "its own": ("Appointment/a-1", False),
    "another": ("Appointment/a-2", True),
    "another encounter": ("Encounter/e-2", True),
    "not known": (None, False),
}


@pytest.mark.parametrize("kind", VISITS)
@pytest.mark.parametrize("is_named", [True, False], ids=["from a card", "without a card"])
async def test_a_brief_of_another_visit_is_told_where_the_ehr_names_the_appointment(
    ground, browser, kind, is_named
):
    visit, is_other = VISITS[kind]
    context = await of_visit(ground, visit)
    encounter = an_encounter(ground, appointment="Appointment/a-1")
    landed = await launched(
        ground, browser, app_context=context if is_named else None, encounter=encounter
    )
    session = await browser.session(landed)
    assert session.of_other_visit is is_other
    said = "made for another visit of this patient" in (await shown(browser, landed)).text
    assert said is is_other


async def test_where_the_ehr_names_no_appointment_nothing_is_claimed(ground, browser):
    context = await of_visit(ground, "Appointment/a-2")
    landed = await launched(
        ground, browser, app_context=context, encounter=an_encounter(ground, appointment=None)
    )
    assert (await browser.session(landed)).of_other_visit is False


async def of_visit(ground, visit):
    """Make a brief of a visit; this will be its card's appContext."""
    context = await briefed(ground)
    database = ground.service.database
    blind = database.blind(visit, site="general") if visit else None
    async with database.transaction() as connection:
        chosen = BRIEF.c.id == json.loads(context)["brief"]
        await connection.execute(update(BRIEF).where(chosen).values(visit=blind))
    return context


def an_encounter(ground, *, appointment):
    """Put an encounter into the chart; this will be its id."""
    encounter = {
        "resourceType": "Encounter",
        "id": "e-1",
        "status": "in-progress",
        "class": {"code": "AMB"},
        "subject": {"reference": f"Patient/{HAROLD}"},
    }
    named = {"appointment": [{"reference": appointment}]} if appointment else {}
    ground.simulator.ehr("general").store.put(encounter | named)
    return "e-1"
