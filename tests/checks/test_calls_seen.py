"""What an EHR sends tells where its registration differs: each difference is made on the wire, and named."""

import dataclasses

import pytest
from sqlalchemy.exc import DBAPIError

from cds_service.flow.seen import calls_of
from discovery.checks.verdict import EHR_ADMIN
from tests.checks.stage import PATIENT, shows, stage, verdict
from tests.ground import CDS
from tests.http.wire import body, context
from tests.storage.databases import unaudited

pytestmark = pytest.mark.anyio
URL = f"{CDS}/general/cds-services/patient-view-brief"
RIVER = f"{CDS}/riverside/cds-services/patient-view-brief"


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture
async def here(tmp_path):
    async with stage(tmp_path, everything=False) as running:
        yield running


async def judged(here, name, site="general"):
    await here.ground.service.writer.flush()
    return await here.check(name, here.site(site), patient="")


async def call(here, content=None, *, url=URL, **bearer):
    client = here.ground.client(url.split("/")[3])
    return await client.call(url, content or body(), token=client.bearer(url, **bearer))


@shows("calls-seen", "warn", "has not called yet")
async def test_before_the_first_call_the_admin_is_told_where_to_call(here):
    found = await judged(here, "calls-seen")
    assert (found.result, URL in found.do) == ("warn", True)
    for name in ("calls-context", "calls-audience", "prefetch-never-sent", "calls-times"):
        assert (await judged(here, name)).result == "n/a"


def every(names):
    """Mark a test as one that shows all of these checks to pass."""

    def marked(test):
        for name in names:
            test = shows(name, "pass")(test)
        return test

    return marked


GOOD = [
    "calls-seen", "calls-context", "calls-audience", "calls-issuer", "calls-key-address", "calls-algorithm",
    "calls-client", "calls-signature", "calls-times", "prefetch-never-sent", "prefetch-unknown", "calls-access",
    "calls-token-life", "calls-in-time", "calls-stopped", "keys-rotation",
]  # fmt: skip


@every(GOOD)
async def test_a_call_as_it_should_be_passes_every_check(here):
    [answer] = await here.ground.client().open_chart("gregory-nwosu")
    assert answer.status == 200
    await here.ground.service.writer.flush()
    subject = await here.subject(patient="")
    assert {name: verdict(name, subject).result for name in GOOD} == dict.fromkeys(GOOD, "pass")


WRONG = {
    "calls-audience": (
        {"claims": {"aud": URL.replace("general", "generel")}},
        [
            "differs at character 22",
            f"they send  {URL.replace('general', 'generel')}",
            f"it must be {URL}",
        ],
    ),
    "calls-issuer": (
        {"claims": {"iss": "http://ehr.tests"}},
        ["they send  http://ehr.tests", "it must be http://ehr.test\n"],
    ),
    "calls-key-address": (
        {"header": {"jku": "http://ehr.test/cds/jwks"}},
        ["they send  http://ehr.test/cds/jwks\n", "it must be http://ehr.test/cds/jwks.json\n"],
    ),
    "calls-algorithm": ({"algorithm": "RS384"}, ["they send  RS384", "it must be ES384"]),
    "calls-client": (
        {"claims": {"sub": "cds-brief-2"}},
        ["they send  cds-brief-2", "it must be cds-brief\n"],
    ),
    "calls-signature": ({"rogue": True}, ["that the key with their `kid` did not make"]),
    "calls-times": ({"claims": {"exp": 1700000000, "iat": 1699999900}}, ["expired: 1"]),
    "keys-rotation": (
        {"header": {"kid": "generic-ec-2"}},
        ["`generic-ec-2`", "it has generic-ec-1"],
    ),
}


@pytest.mark.parametrize(
    ("name", "how", "words"),
    [
        pytest.param(name, how, words, marks=shows(name, "fail", words[0]))
        for name, (how, words) in WRONG.items()
    ],
)
@shows("calls-seen", "fail", "none was accepted")
async def test_a_token_that_differs_is_shown_beside_the_right_one(here, name, how, words):
    answer = await call(here, **how)
    assert answer.status_code == 401
    found = await judged(here, name)
    assert found.result == "fail", found
    assert [word for word in words if word not in found.says + "\n"] == []
    assert found.do
    assert found.who
    assert (await judged(here, "calls-seen")).result == "fail"


async def test_the_first_character_that_differs_is_marked(here):
    await call(here, claims={"aud": URL.replace("general", "generel")})
    lines = (await judged(here, "calls-audience")).says.split("\n")
    assert lines[1][lines[3].index("^")] == "e"
    assert lines[2][lines[3].index("^")] == "a"


@shows("calls-times", "fail", "lives longer")
async def test_a_token_that_lives_too_long_or_is_used_twice(here):
    await call(here, claims={"exp": 1795455600})
    assert "lives longer" in (await judged(here, "calls-times")).says
    client = here.ground.client()
    token = client.bearer(URL)
    await client.call(URL, body(), token=token)
    await client.call(URL, body(), token=token)
    assert (
        "a second time" not in (await judged(here, "calls-times")).says
    )  # the worse is told first


@shows("calls-context", "fail", "came without context")
@shows("calls-stopped", "fail", "neither prefetched nor readable")
async def test_a_call_without_context_is_an_endpoint_that_differs(here):
    answer = await call(here, {**body(), "context": None})
    assert answer.status_code == 400
    found = await judged(here, "calls-context")
    assert (found.result, found.who) == ("fail", EHR_ADMIN)
    assert f"register exactly {URL}" in found.do
    bare = await call(here, body(prefetch=None))
    assert bare.status_code == 412
    assert "2 call(s) came without context" in (await judged(here, "calls-context")).says
    assert "neither prefetched nor readable" in (await judged(here, "calls-stopped")).says


@shows("prefetch-never-sent", "fail", "`alergies` is sent instead of `allergies`")
@shows("prefetch-unknown", "warn", "`alergies` looks like `allergies`")
async def test_a_misspelt_prefetch_key_is_named_with_the_right_one(here):
    sent = body()
    sent["prefetch"]["alergies"] = sent["prefetch"].pop("allergies")
    await call(here, sent)
    missing = await judged(here, "prefetch-never-sent")
    assert (missing.result, "allergies," in missing.says) == ("fail", True)
    unknown = await judged(here, "prefetch-unknown")
    assert "`allergies`" in unknown.says
    assert "alergies" in unknown.says


@shows("calls-access", "fail", "another FHIR server")
@shows("calls-token-life", "fail", "lives 1 s")
async def test_a_token_that_cannot_be_used_says_why(here):
    access = {
        "access_token": "t",
        "token_type": "Bearer",
        "expires_in": 1,
        "scope": "",
        "subject": "cds-brief",
    }
    await call(here, body(fhirServer="http://ehr.test/r5", fhirAuthorization=access))
    found = await judged(here, "calls-access")
    assert (found.result, "another FHIR server" in found.says) == ("fail", True)
    short = await judged(here, "calls-token-life")
    assert (short.result, "lives 1 s" in short.says) == ("fail", True)


@shows("calls-access", "warn", "no call lends a token")
async def test_calls_that_never_lend_a_token_are_said(here):
    await call(here)
    assert "no call lends a token" in (await judged(here, "calls-access")).says
    assert (await judged(here, "calls-token-life")).result == "n/a"


@shows("triggers", "pass")
@shows("triggers", "fail", "every call came with a trigger that is not answered")
@shows("triggers", "warn", "get an empty answer")
async def test_a_trigger_that_nobody_answers_is_named(here):
    assert (await judged(here, "triggers", "riverside")).result == "pass"
    trigger = {"com.epic.cdshooks.request.bpa-trigger-action": "18"}
    answer = await call(here, body(extension=trigger), url=RIVER)
    assert answer.json() == {"cards": []}
    found = await judged(here, "triggers", "riverside")
    assert (found.result, "`18`" in found.says, "60" in found.says) == ("fail", True, True)
    good = {"com.epic.cdshooks.request.bpa-trigger-action": "60"}
    await call(here, body(extension=good), url=RIVER)
    assert (await judged(here, "triggers", "riverside")).result == "warn"


@shows("links-opened", "warn", "the app was never opened")
@shows("links-opened", "pass")
@shows("feedback", "warn", "no feedback came")
@shows("feedback", "pass")
@shows("sign-in-scopes", "pass")
async def test_cards_whose_link_nobody_follows_and_that_bring_no_feedback(here):
    for _ in range(20):
        assert (await call(here)).status_code == 200
    assert "the app was never opened" in (await judged(here, "links-opened")).says
    assert "no feedback came" in (await judged(here, "feedback")).says
    client = here.ground.client()
    card = (await call(here)).json()["cards"][0]["uuid"]
    assert (await client.feedback(URL, client.overridden(card))).status_code == 200
    assert (await judged(here, "feedback")).result == "pass"
    launched = [{"action": "sign_in", "outcome": "ok", "facts": {"missing_scopes": []}}]
    subject = await here.subject(patient="")
    calls = dataclasses.replace(calls_of(launched), links=20)
    opened = dataclasses.replace(subject, seen=dataclasses.replace(subject.seen, calls=calls))
    assert verdict("links-opened", opened).result == "pass"
    assert verdict("sign-in-scopes", opened).result == "pass"


@shows("sign-in-scopes", "fail", "not granted to clinicians")
async def test_scopes_that_a_sign_in_did_not_get_are_named(here):
    scope = "user/DocumentReference.c"
    row = {"action": "sign_in", "outcome": "ok", "facts": {"missing_scopes": [scope]}}
    subject = await here.subject(patient="")
    assert verdict("sign-in-scopes", subject).result == "n/a"
    seen = dataclasses.replace(subject.seen, calls=calls_of([row]))
    found = verdict("sign-in-scopes", dataclasses.replace(subject, seen=seen))
    assert (found.result, scope in found.says) == ("fail", True)


@shows("calls-in-time", "warn", "one answer in twenty")
async def test_slow_answers_are_told(here):
    rows = [
        {"action": "answer", "outcome": "ok", "facts": {"took_ms": 6000.0, "service": "s"}}
    ] * 20
    subject = await here.subject(patient="")
    slow = dataclasses.replace(subject.seen, calls=calls_of(rows))
    found = verdict("calls-in-time", dataclasses.replace(subject, seen=slow))
    assert (found.result, "6000 ms" in found.says) == ("warn", True)


async def test_no_value_of_a_call_is_kept_only_names_and_numbers(here):
    odd = body(context=context(patientId="p-1"))
    odd["prefetch"]["<b>Zyxomab Jones</b>"] = {}
    await call(here, odd)
    [entry] = [e for e in await here.ground.audited() if e["action"] == "answer"]
    assert "Jones" not in str(entry["facts"])
    assert set(entry["facts"]["prefetch"].split()) == {"patient", "medications", "allergies"}


async def test_who_opens_a_chart_is_told_the_address_that_a_chart_calls(here):
    services = ("appointment-book-brief", "patient-view-brief")
    site = here.site(services=services)
    found = await here.check("calls-seen", site, patient="")
    assert found.do.endswith(URL)


async def test_a_test_patient_is_read_only_after_the_audit_was_told(here):
    async def told():
        entries = await here.ground.audited()
        return [e for e in entries if e["action"] == "check" and e["site"] == "general"]

    before = len(await told())
    site = here.site()
    assert (await here.subject(site, patient="")).seen.searches == ()
    assert len(await told()) == before, "no record was read"
    assert (await here.subject(site)).seen.searches
    entry = (await told())[-1]
    assert len(await told()) == before + 1
    assert entry["purpose"] == "HOPERAT"
    assert entry["patient"] is not None
    assert PATIENT not in str(entry)
    async with unaudited(here.ground.service.database):
        with pytest.raises(DBAPIError, match="audit"):
            await here.subject(site)
