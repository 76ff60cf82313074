"""Tokens: who gets one, what it opens, and what a write leaves behind."""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import jwt
import pytest

from cds_service.simulator.chart import launch_url
from cds_service.simulator.launches import Launch
from cds_service.simulator.world import Simulator
from tests.simulator.ehr import APP_KEYS, NOW, Clock, token
from tests.simulator.service import NOTE

pytestmark = pytest.mark.anyio
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=")
BACK = "http://app.test/back"
Json = dict[str, Any]


@pytest.mark.parametrize(
    ("scope", "patient", "path", "status"),
    [
        ("patient/Observation.read", "alba", "/r4/Observation?patient=alba", 200),
        ("patient/Observation.rs", "alba", "/r4/Observation?patient=alba", 200),
        ("patient/Observation.r", "alba", "/r4/Observation?patient=alba", 403),
        ("patient/Observation.s", "alba", "/r4/Observation/alba-obs-1", 403),
        ("patient/*.read", "alba", "/r4/Observation/alba-obs-1", 200),
        ("patient/Condition.rs", "alba", "/r4/Observation/alba-obs-1", 403),
        ("patient/*.rs", "bo", "/r4/Observation?patient=alba", 403),
        ("patient/*.rs", "bo", "/r4/Observation/alba-obs-1", 403),
        ("patient/*.rs", "bo", "/r4/Patient/alba", 403),
        ("patient/*.rs", "bo", "/r4/Practitioner/sim-clinician", 200),
        ("system/*.rs", None, "/r4/Patient/nobody", 404),
        ("system/*.rs", None, "/r4/Nonsense/1", 404),
    ],
)
async def test_what_a_token_opens(
    http: httpx.AsyncClient,
    simulator: Simulator,
    scope: str,
    patient: str | None,
    path: str,
    status: int,
) -> None:
    headers = token(simulator, "general", scope, patient)
    response = await http.get(path, headers=headers)
    assert response.status_code == status
    if status >= 400:
        assert response.json()["resourceType"] == "OperationOutcome"


async def test_no_token_or_an_old_one_is_401(
    http: httpx.AsyncClient, simulator: Simulator, clock: Clock
) -> None:
    assert (await http.get("/r4/Patient/alba")).status_code == 401
    headers = token(simulator, "general", "system/*.rs")
    clock.forward(61)
    assert (await http.get("/r4/Patient/alba", headers=headers)).status_code == 401
    other = token(simulator, "riverside", "system/*.rs")
    assert (await http.get("/r4/Patient/alba", headers=other)).status_code == 401


async def test_epic_403_is_empty(http: httpx.AsyncClient, simulator: Simulator) -> None:
    headers = token(simulator, "riverside", "Patient.Read (R4)")
    assert (await http.get("/epic/api/FHIR/R4/Patient/alba", headers=headers)).status_code == 200
    response = await http.get("/epic/api/FHIR/R4/Condition/c1", headers=headers)
    assert (response.status_code, response.content) == (403, b"")


async def authorize(http: httpx.AsyncClient, simulator: Simulator, **changes: str) -> Json:
    ehr = simulator.ehr("general")
    context = Launch(patient="alba", encounter="e1", app_context='{"brief":"b1"}')
    asked = {
        "response_type": "code",
        "client_id": "our-service",
        "redirect_uri": BACK,
        "scope": "launch openid fhirUser offline_access patient/*.rs",
        "state": "st",
        "aud": "http://ehr.test/r4",
        "launch": ehr.launches.create(context),
        "code_challenge": CHALLENGE.decode(),
        "code_challenge_method": "S256",
        "nonce": "n1",
    } | changes
    response = await http.post("/oauth2/authorize", data=asked)
    assert response.status_code == 302
    assert response.headers["location"].startswith(BACK)
    return dict(parse_qsl(urlsplit(response.headers["location"]).query))


async def exchange(http: httpx.AsyncClient, **form: str) -> httpx.Response:
    fields = {
        "grant_type": "authorization_code",
        "redirect_uri": BACK,
        "client_id": "our-service",
        "code_verifier": VERIFIER,
    } | form
    return await http.post("/oauth2/token", data=fields)


async def test_launch_with_pkce(http: httpx.AsyncClient, simulator: Simulator) -> None:
    answer = await authorize(http, simulator)
    assert answer["state"] == "st"
    response = await exchange(http, code=answer["code"])
    body = response.json()
    assert response.headers["cache-control"] == "no-store"
    assert (body["patient"], body["encounter"]) == ("alba", "e1")
    assert (body["appContext"], body["need_patient_banner"]) == ('{"brief":"b1"}', True)
    headers = {"Authorization": f"Bearer {body['access_token']}"}
    assert (await http.get("/r4/Patient/alba", headers=headers)).status_code == 200
    assert (await http.get("/r4/Patient/bo", headers=headers)).status_code == 403
    discovery = (await http.get("/r4/.well-known/smart-configuration")).json()
    keys = (await http.get(discovery["jwks_uri"])).json()["keys"]
    claims = jwt.decode(
        body["id_token"],
        jwt.PyJWK.from_dict(keys[0]),
        algorithms=["RS256"],
        audience="our-service",
        issuer=discovery["issuer"],
        options={"verify_exp": False, "verify_iat": False},
    )
    assert claims["fhirUser"] == "http://ehr.test/r4/Practitioner/sim-clinician"
    assert claims["nonce"] == "n1"
    again = await exchange(http, code=answer["code"])
    assert again.json()["error"] == "invalid_grant"
    fresh = await exchange(http, grant_type="refresh_token", refresh_token=body["refresh_token"])
    assert fresh.json()["patient"] == "alba"
    assert fresh.json()["access_token"] != body["access_token"]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"aud": "http://elsewhere.test"}, "invalid_request"),
        ({"launch": "never-made"}, "invalid_request"),
        ({"scope": "openid"}, "invalid_scope"),
        ({"response_type": "token"}, "unsupported_response_type"),
    ],
)
async def test_authorize_refuses(
    http: httpx.AsyncClient, simulator: Simulator, changes: dict[str, str], error: str
) -> None:
    answer = await authorize(http, simulator, **changes)
    assert answer["error"] == error
    assert "code" not in answer


async def test_exchange_refuses(
    http: httpx.AsyncClient, simulator: Simulator, clock: Clock
) -> None:
    for wrong in ({"code_verifier": "x" * 64}, {"redirect_uri": "http://app.test/other"}):
        answer = await authorize(http, simulator)
        response = await exchange(http, code=answer["code"], **wrong)
        assert response.json()["error"] == "invalid_grant"
    answer = await authorize(http, simulator)
    clock.forward(61)
    assert (await exchange(http, code=answer["code"])).json()["error"] == "invalid_grant"


async def test_unknown_return_address_is_not_redirected_to(http: httpx.AsyncClient) -> None:
    asked = {"client_id": "confidential", "redirect_uri": "http://evil.test/"}
    response = await http.get("/oauth2/authorize", params=asked)
    assert response.status_code == 400


async def test_browser_sees_the_consent_page(
    http: httpx.AsyncClient, simulator: Simulator
) -> None:
    url = launch_url(simulator.ehr("general"), "http://app.test/launch", "alba")
    launched = dict(parse_qsl(urlsplit(url).query))
    asked = {
        "response_type": "code",
        "client_id": "our-service",
        "redirect_uri": BACK,
        "scope": "launch patient/*.rs",
        "aud": launched["iss"],
        "launch": launched["launch"],
        "code_challenge": CHALLENGE.decode(),
        "code_challenge_method": "S256",
    }
    page = await http.get("/oauth2/authorize", params=asked, headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert "our-service" in page.text


def assertion(algorithm: str = "RS384", *, rogue: bool = False, **changes: object) -> Json:
    now = int(NOW.timestamp())
    claims = {
        "iss": "our-service",
        "sub": "our-service",
        "aud": "http://ehr.test/oauth2/token",
        "exp": now + 300,
        "jti": "j1",
    } | changes
    return {
        "grant_type": "client_credentials",
        "scope": "system/Patient.rs",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": APP_KEYS.sign(claims, algorithm=algorithm, rogue=rogue),
    }


@pytest.mark.parametrize("algorithm", ["RS384", "ES384"])
async def test_backend_grant(http: httpx.AsyncClient, algorithm: str) -> None:
    response = await http.post("/oauth2/token", data=assertion(algorithm))
    body = response.json()
    assert body["scope"] == "system/Patient.rs"
    headers = {"Authorization": f"Bearer {body['access_token']}"}
    assert (await http.get("/r4/Patient/bo", headers=headers)).status_code == 200
    assert (await http.get("/r4/Condition/c1", headers=headers)).status_code == 403
    again = await http.post("/oauth2/token", data=assertion(algorithm))
    assert (again.status_code, again.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": int(NOW.timestamp()) + 3600},
        {"exp": int(NOW.timestamp()) - 60},
        {"aud": "http://ehr.test/epic/oauth2/token"},
        {"sub": "another"},
        {"jti": ""},
        {"rogue": True},
    ],
)
async def test_backend_refuses(http: httpx.AsyncClient, changes: Json) -> None:
    response = await http.post("/oauth2/token", data=assertion(**changes))
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


async def test_epic_backend_needs_no_scope_and_fetches_keys(http: httpx.AsyncClient) -> None:
    form = assertion(
        iss="our-epic-service", sub="our-epic-service", aud="http://ehr.test/epic/oauth2/token"
    )
    del form["scope"]
    response = await http.post("/epic/oauth2/token", data=form)
    assert response.status_code == 200, response.text
    public = {"grant_type": "client_credentials", "client_id": "our-epic-service"}
    assert (await http.post("/epic/oauth2/token", data=public)).status_code == 401


async def test_note_is_created_once_and_read_back(
    http: httpx.AsyncClient, simulator: Simulator
) -> None:
    headers = token(simulator, "general", "user/DocumentReference.cruds") | {
        "Content-Type": "application/fhir+json",
        "If-None-Exist": "identifier=urn:x|k1",
    }
    note = NOTE | {"identifier": [{"system": "urn:x", "value": "k1"}]}
    made = await http.post("/r4/DocumentReference", json=note, headers=headers)
    assert made.status_code == 201
    location = made.headers["location"]
    assert "/_history/1" in location
    assert location.startswith("http://ehr.test/r4/DocumentReference/")
    again = await http.post("/r4/DocumentReference", json=note, headers=headers)
    assert (again.status_code, again.json()["id"]) == (200, made.json()["id"])
    found = (await http.get(location, headers=headers)).json()
    changed = found | {"docStatus": "final"}
    address = location.partition("/_history")[0]
    stale = await http.put(address, json=changed, headers=headers | {"If-Match": 'W/"9"'})
    assert stale.status_code == 412
    put = await http.put(address, json=changed, headers=headers | {"If-Match": 'W/"1"'})
    assert put.json()["meta"]["versionId"] == "2"
    assert (await http.get(location, headers=headers)).json()["docStatus"] == "preliminary"


async def test_epic_note_rules(http: httpx.AsyncClient, simulator: Simulator) -> None:
    headers = token(simulator, "riverside", "user/DocumentReference.write") | token(
        simulator, "riverside", "DocumentReference.Create (R4) DocumentReference.Read (R4)"
    )
    address = "/epic/api/FHIR/R4/DocumentReference"
    assert (await http.post(address, json=NOTE, headers=headers)).status_code == 400
    note = NOTE | {"context": {"encounter": [{"reference": "Encounter/e1"}]}}
    odd = note | {"modifierExtension": [{"url": "urn:x", "valueBoolean": True}]}
    assert (await http.post(address, json=odd, headers=headers)).status_code == 422
    two = note | {"content": NOTE["content"] * 2}  # type: ignore[operator]
    made = await http.post(address, json=two, headers=headers)
    assert (made.status_code, made.content) == (201, b"")
    assert made.headers["location"].startswith("DocumentReference/")
    assert "etag" not in made.headers
    read = await http.get(f"/epic/api/FHIR/R4/{made.headers['location']}", headers=headers)
    assert len(read.json()["content"]) == 1


async def test_metadata_needs_no_token(http: httpx.AsyncClient) -> None:
    for base in ("/r4", "/epic/api/FHIR/R4"):
        statement = (await http.get(f"{base}/metadata")).json()
        assert statement["fhirVersion"] == "4.0.1"
        smart = (await http.get(f"{base}/.well-known/smart-configuration")).json()
        assert smart["code_challenge_methods_supported"] == ["S256"]
