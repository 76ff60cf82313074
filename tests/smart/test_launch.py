"""The app is opened from a chart: whatever is not exactly this person, this patient and this browser is refused."""

import asyncio
import json
import re

import httpx
import pytest

from cds_service.domain.errors import NotTrusted
from cds_service.flow.launch_pace import LAUNCHES_PER_SECOND, OF_ALL_PER_SECOND
from cds_service.simulator.faults import Fault
from cds_service.storage.tables import SIGN_IN
from tests.ground import CDS, EHR, GENERAL, RIVERSIDE, standing
from tests.http.conftest import FewPatients
from tests.smart.browser import HAROLD, IRIS, Browser, briefed, params
from tests.storage.databases import unaudited

pytestmark = pytest.mark.anyio
APP = """
scopes = ["user/*.rs", "user/DocumentReference.c", "offline_access"]
frame_ancestors = ["https://ehr.example.org"]
"""


def with_app(text):
    """Give a site's `[smart]` table what the app needs."""
    return text.replace(
        '[smart]\nclient_id = "cds-brief"\n', f'[smart]\nclient_id = "cds-brief"{APP}'
    )


@pytest.fixture
async def ground(tmp_path, signing_keys):
    (tmp_path / "signing-keys.json").write_bytes(signing_keys.read_bytes())
    (tmp_path / "signing-keys.json").chmod(0o600)
    sites = {"general": with_app(GENERAL), "riverside": with_app(RIVERSIDE)}
    async with standing(tmp_path, sites=sites, patients=FewPatients()) as running:
        yield running


@pytest.fixture
def browser(ground):
    return Browser(ground)


def refused(answer, status, reason):
    """Check that a person is told what to do, the service desk why, and nobody anything of a chart."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert reason in answer.text
    assert HAROLD not in answer.text
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("site", ["general", "riverside"])
async def test_a_launch_from_the_card_opens_its_brief_for_the_person_who_signed_in(
    ground, browser, site
):
    context = await briefed(ground, site=site)
    landed = await browser.launch(site=site, app_context=context)
    session = await browser.session(landed)
    assert session.clinician.fhir_user == "Practitioner/sim-clinician"
    assert session.clinician.may_approve
    assert session.patient == HAROLD
    assert landed.headers["location"] == f"/{site}/briefs/{session.brief}"
    assert "user/DocumentReference.c" in session.scopes


async def test_the_brief_is_the_one_that_the_card_showed(ground, browser):
    first = await briefed(ground)
    await briefed(ground)
    session = await browser.session(await browser.launch(app_context=first))
    assert session.brief == json.loads(first)["brief"]


async def test_a_reader_who_is_quicker_than_our_disk_sees_the_brief_of_the_card(ground, browser):
    await briefed(ground)
    async with ground.service.writer._flushing:  # the disk takes its time
        shown = await briefed(ground, stored=False)
        quick = await browser.authorize(browser.link(HAROLD, app_context=shown))
        landing = asyncio.create_task(browser.http.get(quick))
        await asyncio.sleep(0.1)
        assert not landing.done()
    session = await browser.session(await landing)
    assert session.brief == json.loads(shown)["brief"]


@pytest.mark.parametrize(
    "dropped", [None, "", "null", "[]", '{"brief": 7}', "{", '{"brief": "x"}']
)
async def test_without_our_context_the_newest_brief_of_the_patient_is_found(
    ground, browser, dropped
):
    await briefed(ground, IRIS)
    await briefed(ground)
    ground.clock.move(minutes=1)
    newest = json.loads(await briefed(ground))["brief"]
    session = await browser.session(await browser.launch(app_context=dropped))
    assert (session.patient, session.brief) == (HAROLD, newest)


async def test_what_the_rules_made_while_the_chart_opened_says_whose_it_is_and_that_its_sources_were_not_kept(
    ground, browser
):
    landed = await browser.launch(app_context=await briefed(ground))
    shown = (await browser.http.get(landed.headers["location"])).text
    assert "<h1>Gregory Nwosu</h1>" in shown
    assert "Made while the chart opened." in shown
    assert set(re.findall(r'/sources/[^"]*"><summary>(\w+)', shown)) == {"Patient"}


async def test_with_no_brief_at_all_a_person_is_told_so(ground, browser):
    refused(await browser.launch(), 403, "no_brief")


async def test_where_briefs_are_prepared_one_is_asked_for(tmp_path, signing_keys):
    (tmp_path / "signing-keys.json").write_bytes(signing_keys.read_bytes())
    (tmp_path / "signing-keys.json").chmod(0o600)
    ahead = '[backend]\nclient_id = "cds-brief"\n[prepare]\n'
    sites = {"general": with_app(GENERAL) + ahead}
    async with standing(tmp_path, sites=sites, patients=FewPatients()) as ground:
        browser = Browser(ground)
        session = await browser.session(await browser.launch())
        again = await browser.session(await browser.launch())
        assert session.patient == HAROLD
        assert again.brief == session.brief, "it is asked for once"


async def test_who_the_person_is_is_read_where_that_is_granted(ground, browser):
    context = await briefed(ground)
    session = await browser.session(await browser.launch(app_context=context))
    assert "Quinn" in session.clinician.name
    assert session.clinician.roles


@pytest.mark.parametrize(
    ("approvers", "may"),
    [
        (["Practitioner"], True),
        (["PractitionerRole"], False),
        (["Practitioner/sim-clinician"], True),
        (["Practitioner/somebody-else"], False),
        (["doctor"], True),
        ([], False),
    ],
)
async def test_who_may_approve_is_the_sites_to_say(tmp_path, approvers, may):
    named = with_app(GENERAL).replace(APP, f"{APP}approvers = {json.dumps(approvers)}\n")
    async with standing(tmp_path, sites={"general": named}, patients=FewPatients()) as ground:
        context = await briefed(ground)
        browser = Browser(ground)
        session = await browser.session(await browser.launch(app_context=context))
        assert session.clinician.may_approve is may


# What the browser is sent away with.


async def test_the_ehr_is_asked_as_smart_wants_it(ground, browser):
    opened = await browser.http.get(browser.link(HAROLD))
    asked = params(opened.headers["location"])
    assert opened.headers["location"].startswith(f"{EHR}/oauth2/authorize?")
    assert asked["aud"] == f"{EHR}/r4"
    assert asked["code_challenge_method"] == "S256"
    assert {"launch", "openid", "fhirUser"} <= set(asked["scope"].split())
    assert len(asked["state"]) >= 32
    assert len(asked["nonce"]) >= 32
    again = params((await browser.http.get(browser.link(HAROLD))).headers["location"])
    for once in ("state", "nonce", "code_challenge"):
        assert again[once] != asked[once]


async def test_a_flood_of_launches_leaves_few_rows_and_is_counted(ground, browser):
    """Nobody has proven anything when a launch begins, and yet it leaves a row."""
    link = browser.link(HAROLD)
    answers = await asyncio.gather(*(browser.http.get(link) for _ in range(60)))
    refused_ones = [answer for answer in answers if answer.status_code == 503]
    async with ground.service.database.reading() as connection:
        rows = len((await connection.execute(SIGN_IN.select())).all())
    assert rows == 60 - len(refused_ones)
    assert LAUNCHES_PER_SECOND <= rows <= 2 * LAUNCHES_PER_SECOND
    told = [each for each in await ground.audited() if each["action"] == "launch"]
    assert sum(each["facts"].get("count", 1) for each in told) == len(refused_ones)
    assert (await browser.http.get(browser.link(IRIS, site="riverside"))).status_code == 200


async def test_what_is_no_launch_takes_no_place(ground, browser):
    for asked in ({}, {"iss": f"{EHR}/r4"}, {"iss": "https://elsewhere.example", "launch": "x"}):
        empty = [browser.http.get("/general/smart/launch", params=asked) for _ in range(60)]
        assert {answer.status_code for answer in await asyncio.gather(*empty)} == {403}
    assert (await browser.http.get(browser.link(HAROLD))).status_code == 302


async def test_a_flood_from_one_address_keeps_nobody_else_out(ground, browser, monkeypatch):
    """Its launches look real: everybody knows the `iss`, and only the EHR can tell a launch that it made."""
    monkeypatch.setattr("cds_service.flow.launch_pace.LAUNCHES_PER_SECOND", 0.001)
    real = f"/general/smart/launch?iss={EHR}/r4&launch=x"
    assert (await browser.http.get(real)).status_code == 302
    assert (await browser.http.get(real)).status_code == 503
    elsewhere = httpx.ASGITransport(ground.service.asgi, client=("192.0.2.7", 50000))
    async with httpx.AsyncClient(transport=elsewhere) as clinician:
        assert (await clinician.get(browser.link(HAROLD))).status_code == 302


@pytest.mark.parametrize(
    ("one", "other", "is_one_owner"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
    ],
)
async def test_whoever_owns_a_network_has_one_limit(ground, monkeypatch, one, other, is_one_owner):
    monkeypatch.setattr("cds_service.flow.launch_pace.LAUNCHES_PER_SECOND", 0.001)
    pace = ground.service.launch.sign_in.pace_of(ground.service.sites.find("general"))
    assert pace.take(one) is not None
    assert (pace.take(other) is None) == is_one_owner


async def test_all_addresses_together_have_a_limit(ground):
    site = ground.service.sites.find("general")
    pace = ground.service.launch.sign_in.pace_of(site)
    begun = [pace.take(f"192.0.2.{n}") is not None for n in range(250)]
    assert OF_ALL_PER_SECOND <= sum(begun) <= 2 * OF_ALL_PER_SECOND


async def test_an_epic_like_ehr_is_sent_a_form(browser):
    opened = await browser.http.get(browser.link(HAROLD, site="riverside"))
    assert opened.status_code == 200
    assert f'action="{EHR}/epic/oauth2/authorize"' in opened.text
    assert "<script src=" in opened.text
    assert "script-src 'self'" in opened.headers["content-security-policy"]


@pytest.mark.parametrize("auth", ["public", "secret", "private_key_jwt"])
async def test_we_prove_ourselves_as_the_site_wants_it(tmp_path, signing_keys, monkeypatch, auth):
    from dataclasses import replace

    (tmp_path / "signing-keys.json").write_bytes(signing_keys.read_bytes())
    (tmp_path / "signing-keys.json").chmod(0o600)
    monkeypatch.setenv("OUR_SECRET", "s3cret:with/odd+signs")
    more = f'client_auth = "{auth}"\n' + (
        'secret = "env:OUR_SECRET"\n' if auth == "secret" else ""
    )
    named = with_app(GENERAL).replace(APP, APP + more)
    async with standing(tmp_path, sites={"general": named}, patients=FewPatients()) as ground:
        clients = ground.simulator.ehr("general").clients
        if auth == "secret":
            from urllib.parse import quote

            # The simulator compares what is sent; RFC 6749 section 2.3.1 has it form-encoded.
            secret = quote("s3cret:with/odd+signs", safe="")
            clients["cds-brief"] = replace(clients["cds-brief"], secret=secret)
        context = await briefed(ground)
        seen = _spy(ground)
        browser = Browser(ground)
        assert await browser.session(await browser.launch(app_context=context))
        (asking,) = [r for r in seen if r.url.path.endswith("/token")]
        assert ("authorization" in asking.headers) == (auth == "secret")
        assert (b"client_assertion=" in asking.content) == (auth == "private_key_jwt")


def _spy(ground):
    network, seen = ground.service.network.transport, []
    inner = network.apps[EHR]

    class Seeing(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request):
            await request.aread()
            seen.append(request)
            return await inner.handle_async_request(request)

    network.apps[EHR] = Seeing()
    return seen


# What is not believed on the way in.


@pytest.mark.parametrize(
    "iss",
    [
        "",
        "https://elsewhere.example/r4",
        f"{EHR}/r4/../r4",
        f"{EHR}.elsewhere.example/r4",
        f"{EHR}@elsewhere.example/r4",
        f"{EHR}/epic/api/FHIR/R4",
    ],
)
async def test_a_forged_iss_leads_nowhere(ground, browser, iss):
    ground.simulator.faults.seen.clear()
    answer = await browser.http.get("/general/smart/launch", params={"iss": iss, "launch": "x"})
    refused(answer, 403, "other_iss")
    assert not ground.simulator.faults.seen


@pytest.mark.parametrize("launch", ["", "x" * 5000])
async def test_without_a_launch_there_is_none(browser, launch):
    asked = {"iss": f"{EHR}/r4", "launch": launch}
    refused(await browser.http.get("/general/smart/launch", params=asked), 403, "no_launch")


async def test_a_forged_launch_is_the_ehrs_to_refuse(ground, browser):
    await briefed(ground)
    link = browser.link(HAROLD)
    forged = re.sub(r"launch=[^&]+$", "launch=forged", link)
    refused(await browser.http.get(await browser.authorize(forged)), 403, "ehr_invalid_request")


async def test_a_launch_at_a_site_without_the_app_is_refused(tmp_path):
    bare = GENERAL.replace('[smart]\nclient_id = "cds-brief"\n', "")
    async with standing(tmp_path, sites={"general": bare}, patients=FewPatients()) as ground:
        browser = Browser(ground)
        answer = await browser.http.get(f"/general/smart/launch?iss={EHR}/r4&launch=x")
        refused(answer, 403, "no_app_at_this_site")


# What is not believed on the way back.


@pytest.fixture
async def back(ground, browser):
    """The address that leads back to us, with which the browser has not returned yet."""
    context = await briefed(ground)
    return await browser.authorize(browser.link(HAROLD, app_context=context))


async def test_a_forged_state_is_refused(browser, back):
    refused(
        await browser.http.get(re.sub(r"state=[^&]+", "state=forged", back)), 403, "unknown_state"
    )
    refused(await browser.http.get(re.sub(r"&state=[^&]+", "", back)), 403, "unknown_state")


async def test_a_return_is_good_once(browser, back):
    assert (await browser.http.get(back)).status_code == 303
    refused(await browser.http.get(back), 403, "unknown_state")


async def test_a_code_is_good_once(ground, browser, back):
    assert (await browser.http.get(back)).status_code == 303
    again = await browser.authorize(browser.link(HAROLD))
    replayed = re.sub(r"code=[^&]+", f"code={params(back)['code']}", again)
    refused(await browser.http.get(replayed), 503, "invalid_grant")


async def test_the_code_of_another_launch_is_refused(browser, back):
    """PKCE: a code that was injected into another sign-in is of no use."""
    other = await browser.authorize(browser.link(IRIS))
    swapped = re.sub(r"code=[^&]+", f"code={params(other)['code']}", back)
    refused(await browser.http.get(swapped), 503, "invalid_grant")


async def test_a_return_in_another_browser_is_refused_and_spoilt(ground, browser, back):
    refused(await Browser(ground).http.get(back), 403, "other_browser")
    refused(await browser.http.get(back), 403, "unknown_state")


async def test_a_return_to_another_site_is_refused(browser, back):
    elsewhere = back.replace("/general/", "/riverside/")
    refused(await browser.http.get(elsewhere), 403, "unknown_state")


async def test_a_sign_in_that_takes_too_long_is_refused(ground, browser, back):
    ground.clock.move(minutes=10, seconds=1)
    refused(await browser.http.get(back), 403, "state_expired")


@pytest.mark.parametrize("error", ["access_denied", "<script>alert(1)</script>"])
async def test_an_error_of_the_ehr_is_told_without_quoting_it(browser, error):
    answer = await browser.http.get(
        "/general/smart/callback", params={"error": error, "error_description": "<b>Jane</b>"}
    )
    refused(answer, 403, "ehr_")
    assert "<script>alert" not in answer.text
    assert "Jane" not in answer.text


async def test_a_sign_in_that_the_ehr_ended_stands_in_the_audit(ground, browser):
    await browser.http.get("/general/smart/callback", params={"error": "access_denied"})
    (entry,) = [each for each in await ground.audited() if each["action"] == "sign_in"]
    assert (entry["outcome"], entry["facts"]["reason"]) == ("sign_in_failed", "ehr_access_denied")


SPOILT = {
    "another nonce": ({"nonce": "another"}, 401),
    "no nonce": ({"nonce": None}, 401),
    "another issuer": ({"iss": "https://elsewhere.example"}, 401),
    "another app's": ({"aud": "another-app"}, 401),
    "several apps', ours not the authorized one": ({"aud": ["cds-brief", "x"], "azp": "x"}, 401),
    "expired": ({"exp": 1_700_000_000}, 401),
    "from the future": ({"iat": 1_900_000_000, "exp": 1_900_000_300}, 401),
    "no expiry": ({"exp": "soon"}, 401),
    "a user elsewhere": ({"fhirUser": "https://elsewhere.example/r4/Practitioner/1"}, 401),
    "a user that climbs": ({"fhirUser": "Practitioner/../Patient/1"}, 401),
    "a device": ({"fhirUser": f"{EHR}/r4/Device/1"}, 401),
    "nobody": ({"fhirUser": ""}, 401),
    "a patient": ({"fhirUser": f"{EHR}/r4/Patient/{IRIS}"}, 403),
    "a relative": ({"fhirUser": "RelatedPerson/1"}, 403),
}


@pytest.mark.parametrize("what", SPOILT)
async def test_an_id_token_is_not_believed_that_is(ground, browser, back, what):
    claims, status = SPOILT[what]
    ground.simulator.faults.add(Fault("token", "id_token", value=json.dumps(claims)))
    answer = await browser.http.get(back)
    assert answer.status_code == status
    assert "set-cookie" not in answer.headers
    (entry,) = [e for e in await ground.audited() if e["action"] == "sign_in"]
    assert entry["outcome"] in {"not_trusted", "not_allowed"}


async def test_an_id_token_of_a_key_that_was_never_published_is_not_believed(
    ground, browser, back
):
    ground.simulator.faults.add(Fault("token", "rogue_id_token"))
    assert (await browser.http.get(back)).status_code == 401


@pytest.mark.parametrize("token", ["", "x.y.z", "eyJhbGciOiJub25lIn0.e30.", None, 7])
async def test_what_is_no_id_token_is_not_believed(ground, browser, back, token):
    ground.simulator.faults.add(Fault("token", "answer", value=json.dumps({"id_token": token})))
    assert (await browser.http.get(back)).status_code == 401


@pytest.mark.parametrize(
    ("members", "status", "reason"),
    [
        ({"patient": IRIS}, 403, "brief_of_other_patient"),
        ({"patient": None}, 403, "no_patient"),
        ({"patient": "a b"}, 403, "patient_malformed"),
        ({"patient": "<script>"}, 403, "patient_malformed"),
        ({"access_token": None}, 503, "token_answer_unreadable"),
        ({"access_token": "two\r\nlines"}, 503, "token_answer_unreadable"),
        ({"token_type": "mac"}, 503, "token_type"),
        ({"expires_in": -1}, 503, "token_expired"),
    ],
)
async def test_a_token_for_something_else_opens_nothing(
    ground, browser, back, members, status, reason
):
    ground.simulator.faults.add(Fault("token", "answer", value=json.dumps(members)))
    refused(await browser.http.get(back), status, reason)


async def test_the_brief_of_one_patient_does_not_open_in_anothers_launch(ground, browser):
    of_harold = await briefed(ground)
    await briefed(ground, IRIS)
    refused(await browser.launch(IRIS, app_context=of_harold), 403, "brief_of_other_patient")


async def test_a_brief_of_another_site_is_none(ground, browser):
    context = await briefed(ground, site="riverside")
    refused(await browser.launch(app_context=context), 403, "no_brief")


async def test_an_ehr_that_does_not_answer_is_a_page_that_says_so(ground, browser, back):
    ground.simulator.faults.add(Fault("token", "status", status=500))
    refused(await browser.http.get(back), 503, "token_endpoint_500")


# The session.


async def test_two_launches_at_once_in_one_browser_never_mix(ground, browser):
    """Interleaved step by step: each page is shown with its own patient's session, and with no other."""
    contexts = {who: await briefed(ground, who) for who in (HAROLD, IRIS)}
    backs = {
        who: await browser.authorize(browser.link(who, app_context=context))
        for who, context in contexts.items()
    }
    landed = {who: await browser.http.get(backs[who]) for who in (IRIS, HAROLD)}
    sessions = {who: await browser.session(answer) for who, answer in landed.items()}
    for who, session in sessions.items():
        assert session.patient == who
        assert session.brief == json.loads(contexts[who])["brief"]
    one, other = sessions.values()
    assert one.id != other.id
    assert one.csrf != other.csrf
    cookies = browser.http.cookies
    mine = cookies.get(f"brief-{one.brief}")
    cookies.clear()
    cookies.set(f"brief-{other.brief}", mine, domain="cds.test")
    with pytest.raises(NotTrusted, match="no_session"):
        await browser.session_at(f"/general/briefs/{other.brief}")


async def test_many_launches_at_once_each_get_their_own(ground):
    context = await briefed(ground)
    browsers = [Browser(ground) for _ in range(8)]
    landed = await asyncio.gather(*(each.launch(app_context=context) for each in browsers))
    sessions = [await b.session(a) for b, a in zip(browsers, landed, strict=True)]
    assert len({session.id for session in sessions}) == 8


async def test_a_session_ends_when_it_is_left_alone(ground, browser):
    context = await briefed(ground)
    landed = await browser.launch(app_context=context)
    for _ in range(4):
        ground.clock.move(minutes=14)
        await browser.session(landed)
    ground.clock.move(minutes=15)
    with pytest.raises(NotTrusted, match="session_over"):
        await browser.session(landed)


async def test_a_page_that_looks_for_progress_by_itself_keeps_nobody_signed_in(ground, browser):
    landed = await browser.launch(app_context=await briefed(ground))
    state = f"{landed.headers['location']}/state"
    for minutes in (8, 6):
        ground.clock.move(minutes=minutes)
        assert (await browser.http.get(state)).status_code == 200
    ground.clock.move(minutes=2)
    assert (await browser.http.get(state)).status_code == 401
    with pytest.raises(NotTrusted, match="session_over"):
        await browser.session(landed)


async def test_a_site_that_is_switched_off_shows_no_page_and_signs_nobody_in(ground, browser):
    landed = await browser.launch(app_context=await briefed(ground))
    path = landed.headers["location"]
    assert (await browser.http.get(path)).status_code == 200
    ground.service.switches.off = frozenset({("general", "")})
    shut = await browser.http.get(path)
    assert shut.status_code == 403
    assert "switched off" in shut.text
    refused(await browser.http.get(browser.link(HAROLD)), 403, "switched_off")
    entries = [e for e in await ground.audited() if e["facts"].get("reason") == "switched_off"]
    assert {each["action"] for each in entries} == {"review", "sign_in"}
    ground.service.switches.off = frozenset()
    assert (await browser.http.get(path)).status_code == 200


async def test_while_the_audit_cannot_be_written_a_person_gets_a_sentence_and_no_chart(
    ground, browser
):
    context = await briefed(ground)
    landed = await browser.launch(app_context=context)
    path = landed.headers["location"]
    async with unaudited(ground.service.database):
        answer = await browser.http.get(path)
        refused(await browser.launch(app_context=context), 503, "storage_away")
    assert answer.status_code == 503
    assert "Not possible just now" in answer.text
    assert "Nwosu" not in answer.text
    assert "Nwosu" in (await browser.http.get(path)).text


async def test_a_session_ends_however_busy(ground, browser):
    context = await briefed(ground)
    landed = await browser.launch(app_context=context)
    for _ in range(8 * 6 - 1):
        ground.clock.move(minutes=10)
        await browser.session(landed)
    ground.clock.move(minutes=10)
    with pytest.raises(NotTrusted, match="session_over"):
        await browser.session(landed)


async def test_who_signs_out_is_out(ground, browser):
    landed = await browser.launch(app_context=await briefed(ground))
    await ground.service.launch.sessions.end(await browser.session(landed))
    with pytest.raises(NotTrusted, match="session_over"):
        await browser.session(landed)


async def test_without_the_cookie_there_is_no_session(ground, browser):
    landed = await browser.launch(app_context=await briefed(ground))
    with pytest.raises(NotTrusted, match="no_session"):
        await Browser(ground).session(landed)


async def test_old_sessions_and_sign_ins_are_forgotten(ground, browser):
    context = await briefed(ground)
    await browser.launch(app_context=context)
    await browser.http.get(browser.link(HAROLD))
    ground.clock.move(days=8)
    await browser.http.get(browser.link(HAROLD))
    await ground.service.upkeep.once()
    database = ground.service.database
    async with database.reading() as connection:
        counts = [
            (await connection.exec_driver_sql(f"select count(*) from {table}")).scalar_one()
            for table in ("session", "sign_in")
        ]
    assert counts == [0, 1]


# The person's token.


async def tokens(ground, browser, **asked):
    session = await browser.session(
        await browser.launch(app_context=await briefed(ground), **asked)
    )
    site = ground.service.sites.find(session.site)
    return ground.service.launch.sessions.tokens_of(site, session.id)


async def test_the_persons_token_is_at_hand_and_renewed_where_that_was_granted(ground, browser):
    held = await tokens(ground, browser)
    first = await held.token()
    assert await held.token() == first
    ground.clock.move(seconds=0.81 * 3600)
    second = await held.token()
    assert second != first
    assert await held.renew(first) == second, "somebody was faster"
    third = await held.renew(second)
    assert third not in {first, second}


async def test_without_a_refresh_token_the_person_has_to_come_again(tmp_path):
    named = with_app(GENERAL).replace(', "offline_access"', "")
    async with standing(tmp_path, sites={"general": named}, patients=FewPatients()) as ground:
        held = await tokens(ground, Browser(ground))
        assert await held.renew(await held.token()) is None
        ground.clock.move(minutes=59)
        assert await held.token(), "it is good to its end"
        ground.clock.move(minutes=1)
        assert await held.token() is None


async def test_many_who_need_it_renew_it_once(ground, browser):
    held = await tokens(ground, browser)
    stale = await held.token()
    ground.simulator.faults.seen.clear()
    fresh = await asyncio.gather(*(held.renew(stale) for _ in range(20)))
    assert len(set(fresh)) == 1
    assert sum(seen.path == "/oauth2/token" for seen in ground.simulator.faults.seen) == 1


async def test_an_unknown_session_has_no_token(ground):
    site = ground.service.sites.find("general")
    assert await ground.service.launch.sessions.tokens_of(site, "0" * 64).token() is None


# What is kept, and what is told.


async def test_what_is_stored_shows_no_token_no_cookie_and_no_patient(ground, browser, caplog):
    caplog.set_level("DEBUG")
    session = await browser.session(await browser.launch(app_context=await briefed(ground)))
    site = ground.service.sites.find("general")
    token = await ground.service.launch.sessions.tokens_of(site, session.id).token()
    secret = browser.http.cookies.get(f"brief-{session.brief}")
    await ground.service.writer.flush()
    written = b"".join(
        f.read_bytes() for f in ground.data_dir.rglob("*") if f.is_file() and f.suffix != ".toml"
    )
    logged = "".join(record.getMessage() for record in caplog.records)
    for word in (token, secret, HAROLD, "Nwosu", session.csrf):
        assert word.encode() not in written
        assert word not in logged
        assert word not in repr(session)


async def test_a_sign_in_stands_in_the_audit(ground, browser):
    context = await briefed(ground)
    await browser.launch(app_context=context)
    (entry,) = [e for e in await ground.audited() if e["action"] == "sign_in"]
    assert entry["outcome"] == "ok"


async def test_no_address_of_ours_names_a_patient(ground, browser):
    context = await briefed(ground)
    link = browser.link(HAROLD, app_context=context)
    back = await browser.authorize(link)
    landed = await browser.http.get(back)
    for address in (link, back, landed.headers["location"]):
        assert HAROLD not in address.replace(EHR, "")


async def test_our_pages_show_only_in_this_sites_frames_and_tell_nobody_where_they_are(
    ground, browser
):
    for answer in (
        await browser.http.get("/general/smart/callback"),
        await browser.http.get(browser.link(HAROLD, site="riverside")),
        await browser.launch(app_context=await briefed(ground)),
    ):
        policy = answer.headers["content-security-policy"]
        assert "frame-ancestors https://ehr.example.org" in policy
        assert "default-src 'none'" in policy
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"


async def test_over_https_our_cookies_work_in_frames_and_belong_to_our_host_alone(tmp_path):
    async with standing(
        tmp_path, sites={"general": with_app(GENERAL)}, patients=FewPatients(), public_url=SECURE
    ) as ground:
        answer = await ground.http.get(f"/general/smart/launch?iss={EHR}/r4&launch=x")
        (cookie,) = answer.headers.get_list("set-cookie")
        name, *attributes = cookie.split("; ")
        assert name.startswith("__Host-sign-in-")
        assert {"Path=/", "HttpOnly", "SameSite=None", "Secure", "Partitioned"} <= set(attributes)
        assert "Domain" not in cookie


SECURE = CDS.replace("http://", "https://")
