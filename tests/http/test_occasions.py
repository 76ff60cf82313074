"""When a call gets no card on purpose: a correct empty answer, at once, with the reason in the audit."""

import pytest

from tests.ground import CDS, GENERAL, RIVERSIDE, standing
from tests.http.conftest import FewPatients
from tests.http.wire import RIVERSIDE as CLINIC
from tests.http.wire import SERVICE, body, cards, context, post, problem, reads

pytestmark = pytest.mark.anyio

TRIGGER = "com.epic.cdshooks.request.bpa-trigger-action"


async def last(ground):
    entry = (await ground.audited())[-1]
    return entry["outcome"], entry["facts"].get("reason")


async def with_access(ground, site, **changes):
    """Return a call that offers a token and no prefetch, so that an answer would have to read."""
    client = ground.client(site)
    request = client.patient_view_request("iris-calloway", service=await ground.entry(site=site))
    request.pop("prefetch")
    return request | changes


@pytest.mark.parametrize("trigger", ["23", "5", 18, "", "604", True])
async def test_an_epic_trigger_that_the_site_does_not_answer_reads_nothing(ground, trigger):
    request = await with_access(ground, "riverside", extension={TRIGGER: trigger})
    answer = await post(ground, request, path=CLINIC)
    assert (answer.status_code, answer.content) == (200, b'{"cards":[]}')
    assert reads(ground) == []
    assert await last(ground) == ("nothing_to_say", "trigger_not_answered")


@pytest.mark.parametrize("extension", [{TRIGGER: "60"}, {TRIGGER: 60}, {}, {TRIGGER: None}])
async def test_an_opened_chart_is_answered_at_epic_with_or_without_its_trigger(ground, extension):
    request = await with_access(ground, "riverside", extension=extension)
    assert cards(await post(ground, request, path=CLINIC))
    assert reads(ground)


async def test_a_site_chooses_its_triggers(tmp_path):
    wanted = RIVERSIDE.replace("hook_budget_ms", 'triggers = ["18"]\nhook_budget_ms')
    async with standing(tmp_path, patients=FewPatients(), sites={"riverside": wanted}) as ground:
        for trigger, answered in (("18", True), ("60", False)):
            request = body(extension={TRIGGER: trigger})
            assert bool(cards(await post(ground, request, path=CLINIC))) is answered


async def test_the_trigger_of_another_vendor_means_nothing_here(ground):
    assert cards(await post(ground, body(extension={TRIGGER: "23"})))


@pytest.mark.spec("K-1", "A-2")
@pytest.mark.parametrize("user", ["Patient/p-1", "RelatedPerson/r-1"])
async def test_a_patient_or_relative_gets_no_clinical_card(ground, user):
    answer = await post(ground, body(context=context(userId=user)))
    assert (answer.status_code, answer.content) == (200, b'{"cards":[]}')
    assert await last(ground) == ("nothing_to_say", "user_is_no_clinician")


@pytest.mark.spec("K-1")
@pytest.mark.parametrize("user", ["Practitioner/x", "PractitionerRole/x"])
async def test_a_clinician_gets_cards(ground, user):
    assert cards(await post(ground, body(context=context(userId=user))))


class TestASiteThatIsOff:
    @pytest.fixture
    async def off(self, tmp_path):
        site = GENERAL.replace("hook_budget_ms", 'mode = "off"\nhook_budget_ms')
        async with standing(tmp_path, patients=FewPatients(), sites={"general": site}) as ground:
            yield ground

    @pytest.mark.spec("A-2")
    async def test_it_answers_with_no_card_and_reads_nothing(self, off):
        answer = await post(off, await with_access(off, "general"))
        assert (answer.status_code, answer.content) == (200, b'{"cards":[]}')
        assert reads(off) == []
        assert await last(off) == ("nothing_to_say", "site_off")

    async def test_it_still_lets_nobody_in_without_a_token(self, off):
        problem(await off.http.post(SERVICE, json=body()), 401, "not_trusted")

    async def test_it_still_tells_a_broken_call_apart(self, off):
        problem(await post(off, b"{"), 400, "not_json")


class TestASiteInShadowMode:
    @pytest.fixture
    async def shadow(self, tmp_path):
        site = GENERAL.replace("hook_budget_ms", 'mode = "shadow"\nhook_budget_ms')
        async with standing(tmp_path, patients=FewPatients(), sites={"general": site}) as ground:
            yield ground

    @pytest.mark.spec("A-2")
    async def test_everything_runs_and_nothing_is_shown(self, shadow):
        answer = await post(shadow, await with_access(shadow, "general"))
        assert (answer.status_code, answer.content) == (200, b'{"cards":[]}')
        assert reads(shadow)

    async def test_the_audit_knows_what_would_have_been_shown(self, shadow):
        await post(shadow, body())
        (entry,) = await shadow.audited()
        assert entry["outcome"] == "ok"
        assert entry["facts"]["cards"] == 1
        stored = await shadow.service.database.brief("general", entry["brief"])
        assert stored

    async def test_a_failure_stays_a_failure(self, shadow):
        problem(await post(shadow, body(prefetch={})), 412, "missing_context")


async def test_the_same_call_gives_the_same_words_again(ground):
    """Each answer is complete by itself: a client drops the older cards."""

    async def words():
        return [
            (card["summary"], card["detail"], card["indicator"])
            for card in cards(await post(ground, body()))
        ]

    assert await words() == await words()


async def test_the_address_of_a_brief_is_stored_for_its_link(ground):
    (brief,) = cards(await post(ground, body()))
    await ground.service.writer.flush()
    identity = brief["links"][0]["appContext"].split('"')[3]
    assert await ground.service.database.brief("general", identity)
    assert await ground.service.database.brief("riverside", identity) is None
    assert brief["links"][0]["url"].startswith(CDS)
