"""Each check of a site passes where all is well, and fails against its own fault on the wire with its own words."""

import asyncio
import dataclasses
import json
from datetime import timedelta

import pytest

from cds_service.domain.needs import NEEDS
from cds_service.domain.observed import Tls
from cds_service.sites.file import Prepare, Smart, Write
from discovery.checks import CHECKS, judge
from tests.checks.stage import (
    PATIENT,
    answering,
    edited,
    gone,
    html,
    prefixed,
    redirect,
    shows,
    slow,
    stage,
    unknown,
    verdict,
)

pytestmark = pytest.mark.anyio
DISCOVERY, KEYS, OURS = (
    "cds.test/general/cds-services",
    "/cds/jwks.json",
    "cds.test/.well-known/jwks",
)
META, SMART, TOKEN = "/r4/metadata", "/r4/.well-known/smart", "/oauth2/token"
SCOPES = ("launch", "openid", "fhirUser", "user/DocumentReference.crus")


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
async def here(tmp_path_factory):
    async with stage(tmp_path_factory.mktemp("checks")) as running:
        yield running


@pytest.fixture(scope="module")
async def well(here):
    """Everything as it should be, with every need read, and a note route."""
    return await here.subject(whole(here))


def whole(here, **changes):
    changes.setdefault("smart", Smart(client_id="cds-brief", scopes=SCOPES))
    changes.setdefault("write", Write(route="fhir"))
    changes.setdefault("prepare", Prepare())
    changes.setdefault("services", ("everything",))
    return here.site(**changes)


def keys(change):
    def edit(body):
        for key in body["keys"]:
            change(key)

    return edit


def drop(name):
    return lambda body: {k: v for k, v in body.items() if k != name}


def put(**members):
    return lambda body: body | members


def resources(change):
    def edit(body):
        rest = body["rest"][0]
        rest["resource"] = [row for row in rest["resource"] if change(row) is not False]

    return edit


def without_type(name):
    return resources(lambda row: row["type"] != name)


def without_param(row):
    if row["type"] == "Observation":
        row["searchParam"] = [p for p in row["searchParam"] if p["name"] != "category"]


def without_create(row):
    if row["type"] == "DocumentReference":
        row["interaction"] = [i for i in row["interaction"] if i["code"] != "create"]


def no_conditional(row):
    row["conditionalCreate"] = False


def entries(change):
    def edit(body):
        for entry in body.get("entry", ()):
            change(entry["resource"])

    return edit


def cut_off(body):
    body["total"], body["link"] = 500, []


def foreign(body):
    body["link"] = [{"relation": "next", "url": "https://elsewhere.example.org/r4?page=2"}]


def endless(body):
    body["link"] = [
        {
            "relation": "next",
            "url": "Observation?patient=gregory-nwosu&category=laboratory&again=1",
        }
    ]


def stranger(resource):
    resource["patient"] = resource["subject"] = {"reference": "Patient/another"}


WIRE = {
    "public-reachable": [
        ([html(DISCOVERY, method="GET")], "fail", "which is not ours"),
        ([redirect(DISCOVERY, method="GET")], "fail", "/general/cds-services is redirected"),
        ([gone(DISCOVERY)], "fail", "/general/cds-services cannot be reached: nobody answers"),
        ([answering(DISCOVERY, 404, b"{}", method="GET")], "fail", "status 404"),
        ([prefixed(DISCOVERY, "/hooks", method="GET")], "fail", "status 404"),
    ],
    "public-document": [
        ([edited(DISCOVERY, put(services=[]), method="GET")], "fail", "publishes something else")
    ],
    "public-calls": [
        ([redirect(DISCOVERY, method="POST")], "fail", "a call to http://cds.test/general"),
        ([html(DISCOVERY, method="POST")], "fail", "and not from us"),
        ([prefixed(DISCOVERY, "/hooks", method="POST")], "fail", "/feedback gets status 404"),
    ],
    "our-keys": [
        ([redirect(OURS)], "fail", "key set is redirected"),
        ([answering(OURS, 404)], "fail", "cannot be read"),
    ],
    "our-keys-public-only": [
        ([edited(OURS, keys(lambda k: k.update(d="x")))], "fail", "private key")
    ],
    "keys-reachable": [
        ([html(KEYS)], "fail", "is no JSON"),
        ([redirect(KEYS)], "fail", "do not follow"),
        ([gone(KEYS)], "fail", "/jwks.json cannot be had: nobody answers"),
    ],
    "keys-usable": [
        ([edited(KEYS, keys(lambda k: k.update(kty="oct")))], "fail", "can sign with ES384")
    ],
    "keys-named": [([edited(KEYS, keys(lambda k: k.pop("kid")))], "fail", "has no `kid`")],
    "keys-sandbox": [
        ([edited(KEYS, keys(lambda k: k.update(kid="example-kid")))], "fail", "everybody can sign")
    ],
    "fhir-metadata": [
        ([html(META)], "fail", "which is not FHIR"),
        ([gone(META)], "fail", "/metadata cannot be reached: nobody answers"),
        ([answering(META, 404, b"{}")], "fail", "no CapabilityStatement"),
    ],
    "fhir-version": [([edited(META, put(fhirVersion="3.0.2"))], "fail", "FHIR 3.0.2")],
    "fhir-base": [
        (
            [edited(META, put(implementation={"url": "http://other.test/r4"}))],
            "warn",
            "http://other.test/r4",
        )
    ],
    "fhir-types": [([edited(META, without_type("Flag"))], "warn", "does not list Flag")],
    "fhir-parameters": [
        ([edited(META, resources(without_param))], "warn", "Observation.category")
    ],
    "clock": [
        ([edited(META, put(), date="Mon, 23 Nov 2026 15:10:00 GMT")], "fail", "differ by 600 s"),
        ([edited(META, put(), date="Mon, 23 Nov 2026 15:00:20 GMT")], "warn", "differ by 20 s"),
    ],
    "smart-configuration": [
        ([answering(SMART, 404)], "fail", "cannot be had"),
        ([edited(SMART, drop("token_endpoint"))], "fail", "names no token endpoint"),
    ],
    "smart-issuer": [([edited(SMART, put(issuer="http://ehr.test/"))], "fail", "a slash differs")],
    "smart-launch": [
        ([edited(SMART, drop("authorization_endpoint"))], "fail", "no authorization endpoint"),
        ([edited(SMART, put(capabilities=["permission-v2"]))], "warn", "launch-ehr"),
    ],
    "smart-pkce": [
        (
            [edited(SMART, put(code_challenge_methods_supported=["plain"]))],
            "fail",
            "S256 is not offered",
        ),
        ([edited(SMART, drop("code_challenge_methods_supported"))], "warn", "does not say"),
    ],
    "scope-syntax": [
        ([edited(SMART, put(capabilities=["permission-v1"]))], "fail", "SMART v1 scopes only")
    ],
    "backend-offered": [
        (
            [edited(SMART, put(grant_types_supported=["authorization_code"]))],
            "fail",
            "not advertised",
        ),
        (
            [edited(SMART, put(token_endpoint_auth_methods_supported=["none"]))],
            "fail",
            "sign with a key",
        ),
    ],
    "backend-token": [
        (
            [answering(TOKEN, 401, b'{"error":"invalid_client"}')],
            "fail",
            "does not know our client",
        ),
        (
            [answering(TOKEN, 400, b'{"error":"unauthorized_client"}')],
            "fail",
            "gives it no access",
        ),
        ([gone(TOKEN)], "fail", "gives none"),
    ],
    "backend-scopes": [
        ([edited(TOKEN, put(scope="system/Patient.r"))], "fail", "system/AllergyIntolerance.rs"),
        ([edited(TOKEN, put(scope="system/*.rs"))], "warn", "more than needed"),
    ],
    "backend-token-life": [([edited(TOKEN, put(expires_in=40))], "warn", "our token lives")],
    "pages": [([edited("/r4/Observation", cut_off)], "fail", "no link to the rest")],
    "next-links": [([edited("/r4/Observation", foreign)], "fail", "leads off")],
    "repeated-ids": [([edited("category=laboratory", endless)], "warn", "more than one page")],
    "strangers": [([edited("/r4/Condition", entries(stranger))], "fail", "of another patient")],
    "identifiers": [([edited("/r4/Patient/", drop("identifier"))], "warn", "name no system")],
    "read-speed": [([slow("/r4/Flag", 0.45, asyncio.sleep)], "warn", "Flag took")],
    "rate-limits": [
        (
            [answering("/r4/Flag", 429, b"{}", x_ratelimit_limit="5")],
            "warn",
            "x-ratelimit-limit: 5",
        )
    ],
    "note-route": [
        ([edited(META, resources(without_create))], "fail", "DocumentReference create")
    ],
    "note-conditional": [
        ([edited(META, resources(no_conditional))], "warn", "no conditional create")
    ],
    "note-type": [
        (
            [
                edited(
                    "/r4/DocumentReference",
                    entries(lambda r: r.update(type={"coding": [{"system": "s", "code": "c"}]})),
                )
            ],
            "warn",
            "there are s|c",
        )
    ],
}
"""Check id to its faults on the wire: (faults, result, words)."""
CASES = [
    pytest.param(name, faults, result, words, marks=shows(name, result, words))
    for name, cases in WIRE.items()
    for faults, result, words in cases
]


def passing(names):
    """Return names of checks, each marked as one that the test shows to pass."""
    return [pytest.param(name, marks=shows(name, "pass")) for name in names]


@pytest.mark.parametrize(("name", "faults", "result", "words"), CASES)
async def test_a_check_fails_against_its_fault_with_words_of_its_own(
    here, name, faults, result, words
):
    patient = PATIENT if any("/r4/" in f.match or "category" in f.match for f in faults) else ""
    found = await here.check(name, whole(here), *faults, patient=patient)
    assert (found.result, words in found.says) == (result, True), found
    assert found.do
    assert found.who


APART = {"public-document", "clock", "note-type", "repeated-ids"}
"""Checks that pass only where something more is arranged."""


@pytest.mark.parametrize("name", passing(name for name in WIRE if name not in APART))
async def test_the_same_check_passes_where_all_is_well(well, name):
    found = verdict(name, well)
    assert found.result == "pass", found


@shows("public-document", "pass")
@shows("clock", "pass")
@shows("note-type", "pass")
@shows("repeated-ids", "pass")
async def test_checks_that_need_more_than_all_being_well_pass(here, well):
    plain = await here.subject(patient="")
    assert verdict("public-document", plain).result == "pass"
    on_time = edited(META, put(), date="Mon, 23 Nov 2026 15:00:01 GMT")
    assert (await here.check("clock", None, on_time, patient="")).result == "pass"
    system, code = next(t for row in well.seen.searches for t in row.types).split("|")
    agreed = whole(here)
    note = agreed.profile.note.model_copy(update={"type_system": system, "type_code": code})
    profile = agreed.profile.model_copy(update={"note": note})
    agreed = dataclasses.replace(agreed, profile=profile)
    assert verdict("note-type", dataclasses.replace(well, site=agreed)).result == "pass"
    rows = tuple(dataclasses.replace(row, pages=2) for row in well.seen.searches)
    paged = dataclasses.replace(well, seen=dataclasses.replace(well.seen, searches=rows))
    assert verdict("repeated-ids", paged).result == "pass"


READ = [name for name in NEEDS if NEEDS[name].read != "encounterId"]


@pytest.mark.parametrize("name", passing(f"need-{need}" for need in READ))
async def test_each_need_is_really_searched(well, name):
    found = verdict(name, well)
    assert found.result == "pass", found


REQUIRED = b'{"resourceType":"OperationOutcome","issue":[{"code":"required"}]}'


@pytest.fixture(scope="module")
async def refused(here):
    """Return what is seen where the server refuses every search with this status and body."""
    known = {}

    async def seen(status, body):
        if status not in known:
            faults = [answering(f"/r4/{NEEDS[need].type}", status, body) for need in READ]
            known[status] = await here.subject(whole(here), *faults)
        return known[status]

    return seen


@pytest.mark.parametrize(
    ("name", "status", "body", "says"),
    [
        pytest.param(f"need-{need}", status, body, says, marks=shows(f"need-{need}", "fail", says))
        for need in READ
        for status, body, words in (
            (403, b"", "an empty 403: the API is not on the client"),
            (400, REQUIRED, "status 400 (required)"),
        )
        for says in (f"{NEEDS[need].type}: {words}",)
    ],
)
async def test_each_need_that_is_refused_says_so_by_its_type(refused, name, status, body, says):
    found = verdict(name, await refused(status, body))
    assert (found.result, found.says) == ("fail", says)


@shows("need-flags", "warn", "too many")
@shows("need-flags", "fail", "connection")
@shows("need-patient", "fail", "not there")
async def test_a_need_whose_server_is_busy_or_gone_says_so(here):
    busy = await here.check("need-flags", whole(here), answering("/r4/Flag", 429, b"{}"))
    assert (busy.result, "too many" in busy.says) == ("warn", True)
    away = await here.check("need-flags", whole(here), gone("/r4/Flag"))
    assert (away.result, "connection" in away.says) == ("fail", True)
    nobody = await here.check("need-patient", whole(here), patient="nobody-here")
    assert (nobody.result, "not there" in nobody.says) == ("fail", True)


@shows("public-address", "pass")
@shows("public-address", "warn", "is not https")
@shows("public-address", "warn", "has a path")
async def test_the_form_of_our_address(well):
    for address in ("https://cds.example.org", "http://cds.test", "https://h.example.org/cds"):
        verdict("public-address", dataclasses.replace(well, public_url=address))


def tls(host, **facts):
    return Tls(host=host, version="TLSv1.3", **facts)


@pytest.mark.parametrize(
    ("side", "name", "host"),
    [
        pytest.param(
            side, name, host,
            marks=[
                shows(f"{name}-tls", "pass"),
                shows(f"{name}-tls", "fail", f"{host} still takes TLSv1"),
                shows(f"{name}-tls", "fail", f"{host}: no TLS connection that we trust: self-signed"),
                shows(f"{name}-certificate", "pass"),
                shows(f"{name}-certificate", "warn", f"{host} ends in 7 days"),
                shows(f"{name}-certificate", "fail", f"{host} ran out"),
            ],
        )
        for side, name, host in (("ours_tls", "public", "ours.test"), ("ehr_tls", "ehr", "ehr.test"))
    ],
)  # fmt: skip
async def test_tls_versions_and_certificates(well, side, name, host):
    now = well.seen.now
    for shaken in (
        tls(host, expires=now + timedelta(days=90)),
        tls(host, expires=now + timedelta(days=7)),
        tls(host, expires=now - timedelta(days=1)),
        tls(host, old_version="TLSv1"),
        Tls(host=host, fault="self-signed"),
    ):
        seen = dataclasses.replace(well.seen, **{side: shaken})
        for kind in ("tls", "certificate"):
            verdict(f"{name}-{kind}", dataclasses.replace(well, seen=seen))


EHR = "http://ehr.test"


@shows("fhir-metadata", "fail", "/metadata cannot be reached: the name is not known")
async def test_an_ehr_whose_name_is_not_known_is_one_thing_to_mend_by_who_wrote_it(here, well):
    seen = await here.subject(whole(here), unknown(EHR))
    shaken = Tls(host="ehr.test", fault="dns")
    subject = dataclasses.replace(seen, seen=dataclasses.replace(seen.seen, ehr_tls=shaken))
    before = {check.id for check, found in judge(well) if found.result == "fail"}
    failed = {check.id: found for check, found in judge(subject) if found.result == "fail"}
    assert failed.keys() - before == {"fhir-metadata"}
    assert failed["fhir-metadata"].who == "the site's admin"
    assert "base_url" in failed["fhir-metadata"].do
    assert verdict("fhir-metadata", subject).result == "fail"
    assert verdict("ehr-tls", subject).says == "ehr.test cannot be reached: the name is not known"


async def test_a_key_set_elsewhere_whose_name_is_not_known_is_told_beside_it(here):
    apart = trusting(jwks_url="http://keys.test/jwks.json")(here.site().file)
    seen = await here.subject(whole(here, **apart), unknown(EHR), unknown("http://keys.test"))
    assert verdict("keys-reachable", seen).result == "fail"


@pytest.mark.parametrize("fault", ["dns", "connection", "timeout"])
@pytest.mark.parametrize("side", ["ours_tls", "ehr_tls"])
async def test_no_certificate_is_asked_for_where_nobody_was_met(well, fault, side):
    seen = dataclasses.replace(well.seen, **{side: Tls(host="h.test", fault=fault)})
    name = f"{'public' if side == 'ours_tls' else 'ehr'}-tls"
    found = verdict(name, dataclasses.replace(well, seen=seen))
    assert found.result == "n/a"
    assert "h.test cannot be reached: " in found.says
    assert fault not in found.says.split()


def trusting(**changes):
    def edit(file):
        return {"trust": (file.trust[0].model_copy(update=changes),)}

    return edit


def on_a_sandbox(file):
    fhir = file.fhir.model_copy(update={"base_url": "https://sandbox.ehr.test"})
    return {"environment": "production", "fhir": fhir}


FILE = {
    "site-file": (trusting(client_id="REPLACE"), "still says REPLACE at trust.client_id"),
    "client-id": (trusting(client_id=None), "names no client_id"),
    "replay": (trusting(replay="window:30"), "window:30"),
    "token-lifetime": (trusting(max_lifetime_s=3000), "3000"),
    "mode": (lambda _: {"mode": "shadow"}, 'mode is "shadow"'),
    "environment": (on_a_sandbox, "looks like a test system"),
    "smart-links": (lambda _: {"smart": None}, "cards carry no link"),
    "work-ahead": (lambda _: {"prepare": None}, "has no [prepare]: no brief is prepared ahead"),
    "note-status": (
        lambda _: {"write": Write(route="fhir", doc_status="final")},
        "approving in our app is signing",
    ),
}
"""Check id to the change of the site file that it tells of: (change, words)."""


def result_of(name):
    """Return what a check of the site file says of its fault: a gap in it stops the site, the rest is a choice."""
    return "fail" if name == "site-file" else "warn"


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        pytest.param(name, *row, marks=shows(name, result_of(name), row[1]))
        for name, row in FILE.items()
    ],
)
async def test_what_the_site_file_says(here, name, change, words):
    found = await here.check(name, whole(here, **change(here.site().file)), patient="")
    assert (found.result, words in found.says) == (result_of(name), True), found
    assert found.do
    assert found.who


@pytest.mark.parametrize("name", passing([*FILE, "hooks-fired"]))
async def test_a_good_site_file_passes(well, name):
    assert verdict(name, well).result == "pass"


@shows("mode", "warn", "switched off: everything")
async def test_what_is_switched_off_is_said(well):
    off = dataclasses.replace(well, seen=dataclasses.replace(well.seen, off=("everything",)))
    assert verdict("mode", off).do.endswith("`cds-service site on general`")
    less = dataclasses.replace(well, seen=dataclasses.replace(well.seen, off=("agent",)))
    assert verdict("mode", less).do.endswith("`cds-service site on general agent`")


@shows("hooks-fired", "warn", "not known to fire patient-view")
async def test_a_hook_that_the_vendor_is_not_known_to_fire(here):
    quiet = here.site(overrides={"hook.hooks": []}, services=("everything",))
    found = await here.check("hooks-fired", quiet, patient="")
    assert (found.result, "not known to fire patient-view" in found.says) == ("warn", True)


@shows("note-scope", "pass")
@shows("note-scope", "fail", "no note can be filed")
@shows("note-scope", "warn", "cannot be read back")
@shows("note-scope", "warn", "cannot be taken back")
@shows("note-route", "fail", "takes no note by FHIR")
async def test_where_a_note_goes_and_with_which_scope(here, well):
    assert verdict("note-scope", well).result == "pass"
    apart = whole(
        here, smart=Smart(client_id="c", scopes=("user/*.rs", "user/DocumentReference.cu"))
    )
    assert (await here.check("note-scope", apart, patient="")).result == "pass"
    less = whole(here, smart=Smart(client_id="c", scopes=("launch",)))
    assert "no note can be filed" in (await here.check("note-scope", less, patient="")).says
    blind = whole(here, smart=Smart(client_id="c", scopes=("user/DocumentReference.c",)))
    assert "cannot be read back" in (await here.check("note-scope", blind, patient="")).says
    kept = whole(here, smart=Smart(client_id="c", scopes=("user/DocumentReference.crs",)))
    assert "cannot be taken back" in (await here.check("note-scope", kept, patient="")).says
    other = here.site(overrides={"note.route": "v2"}, write=Write(route="fhir"))
    assert "takes no note by FHIR" in (await here.check("note-route", other, patient="")).says


@shows("smart-endpoints", "pass")
@shows("smart-endpoints", "fail", "which is not https")
async def test_an_address_of_sign_in_that_is_not_https(here, well):
    assert verdict("smart-endpoints", well).result == "pass"
    fhir = well.site.file.fhir.model_copy(update={"base_url": "https://ehr.test/r4"})
    site = dataclasses.replace(well.site, file=well.site.file.model_copy(update={"fhir": fhir}))
    found = verdict("smart-endpoints", dataclasses.replace(well, site=site))
    assert (found.result, "which is not https" in found.says) == ("fail", True)


async def test_nothing_of_a_chart_and_no_patient_is_in_what_a_check_says(here, well):
    patient = here.ground.simulator.ehr("general").store.read("Patient", PATIENT).resource
    said = json.dumps([(v.says, v.do, v.who) for _, v in judge(well)])
    words = [patient["name"][0]["family"], patient["birthDate"], PATIENT]
    assert [word for word in words if word in said] == []


def test_there_are_more_than_thirty_five_checks_each_with_an_id_of_its_own():
    ids = [check.id for check in CHECKS]
    assert len(ids) == len(set(ids)) >= 60
