"""The simulated EHR calls CDS services as real ones do, habit by habit."""

from __future__ import annotations

import json
from typing import Any

import httpx
import jwt
import pytest

from cds_service.simulator.faults import Fault
from cds_service.simulator.prefetch import Offer, fill
from cds_service.simulator.world import Simulator
from tests.simulator.ehr import NOW
from tests.simulator.service import SERVICES, TinyService

pytestmark = pytest.mark.anyio
VIEW: dict[str, Any] = SERVICES[0]
URL = "http://cds.test/general/cds-services/view"


def verified(token: str, keys: dict[str, Any], url: str) -> dict[str, Any]:
    header = jwt.get_unverified_header(token)
    (key,) = [one for one in keys["keys"] if one["kid"] == header["kid"]]
    claims: dict[str, Any] = jwt.decode(
        token,
        jwt.PyJWK.from_dict(key),
        algorithms=[header["alg"]],
        audience=url,
        options={"verify_exp": False, "verify_iat": False, "verify_nbf": False},
    )
    return claims


async def test_generic_jwt(http: httpx.AsyncClient, simulator: Simulator) -> None:
    token = simulator.client("general").bearer(URL)
    header = jwt.get_unverified_header(token)
    assert (header["alg"], header["typ"]) == ("ES384", "JWT")
    assert header["jku"] == "http://ehr.test/cds/jwks.json"
    claims = verified(token, (await http.get(header["jku"])).json(), URL)
    now = int(NOW.timestamp())
    assert claims.pop("jti")
    assert claims == {
        "iss": "http://ehr.test",
        "aud": URL,
        "iat": now,
        "exp": now + 300,
        "tenant": "north",
    }


async def test_epic_jwt(http: httpx.AsyncClient, simulator: Simulator) -> None:
    token = simulator.client("riverside").bearer(URL)
    header = jwt.get_unverified_header(token)
    assert header["alg"] == "RS384"
    assert set("+/=") <= set(header["kid"])
    assert header["jku"].endswith("/PublicKeys/530013/530013")
    claims = verified(token, (await http.get(header["jku"])).json(), URL)
    now = int(NOW.timestamp())
    assert (claims["nbf"], claims["exp"]) == (now - 300, now + 900)
    assert claims["iss"] == "http://ehr.test/epic/api/FHIR/R4"
    assert claims["sub"] == "our-epic-service"
    assert "tenant" not in claims


async def test_keys_rotate_and_rogues_do_not_verify(
    http: httpx.AsyncClient, simulator: Simulator
) -> None:
    client, ring = simulator.client("general"), simulator.ehr("general").hook_keys
    old = client.bearer(URL)
    rogue = client.bearer(URL, rogue=True)
    ring.rotate("ES384", "generic-ec-2")
    keys = (await http.get("/cds/jwks.json")).json()
    assert verified(old, keys, URL)
    assert jwt.get_unverified_header(client.bearer(URL))["kid"] == "generic-ec-2"
    with pytest.raises(jwt.InvalidSignatureError):
        verified(rogue, keys, URL)
    assert all("d" not in key for key in keys["keys"])


async def test_claims_can_be_bent(simulator: Simulator) -> None:
    token = simulator.client("general").bearer(
        URL, algorithm="RS384", claims={"jti": None, "aud": ["x", URL]}, header={"jku": "http://x"}
    )
    claims = jwt.decode(token, options={"verify_signature": False})
    assert "jti" not in claims
    assert claims["aud"] == ["x", URL]
    assert jwt.get_unverified_header(token)["alg"] == "RS384"


async def test_prefetch_is_literal_and_equals_the_wire(
    http: httpx.AsyncClient, simulator: Simulator
) -> None:
    body = simulator.client("general").patient_view_request("alba", service=VIEW)
    prefetch = body["prefetch"]
    assert "encounter" not in prefetch
    assert prefetch["user"]["id"] == prefetch["me"]["id"] == "sim-clinician"
    assert prefetch["nolabs"]["total"] == 0
    headers = {"Authorization": f"Bearer {body['fhirAuthorization']['access_token']}"}
    query = "Observation?patient=alba&category=laboratory&_sort=-date"
    wire = (await http.get(f"{body['fhirServer']}/{query}", headers=headers)).json()
    assert wire["link"] == prefetch["labs"]["link"]
    assert [one["fullUrl"] for one in wire["entry"]] == [
        one["fullUrl"] for one in prefetch["labs"]["entry"]
    ]


async def test_epic_habits(simulator: Simulator) -> None:
    client = simulator.client("riverside")
    body = client.patient_view_request("alba", service=VIEW, offer=Offer(trigger="7"))
    assert body["context"]["userId"].startswith("PractitionerRole/")
    assert body["extension"]["com.epic.cdshooks.request.bpa-trigger-action"] == "7"
    assert "observations" not in body["prefetch"]
    assert "me" not in body["prefetch"]
    (entry,) = body["prefetch"]["nolabs"]["entry"]
    assert entry["resource"]["resourceType"] == "OperationOutcome"
    access = body["fhirAuthorization"]
    assert access["expires_in"] == 300
    assert "Patient.Read (R4)" in access["scope"]
    assert access["subject"] == "our-epic-service"


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("Patient/{{context.patientId}}", "Patient/p"),
        ("Patient/{{ context.patientId }}", "Patient/p"),
        ("{{context.userId}}", "Practitioner/d"),
        ("Practitioner/{{userPractitionerId}}", "Practitioner/d"),
        ("PractitionerRole/{{userPractitionerRoleId}}", None),
        ("Encounter/{{context.encounterId}}", None),
        ("Observation?date=ge{{today()}}", None),
        ("X/{{context.draftOrders.entry}}", None),
    ],
)
async def test_fill(template: str, filled: str | None) -> None:
    assert fill(template, {"patientId": "p", "userId": "Practitioner/d"}) == filled


async def test_offers(simulator: Simulator) -> None:
    client = simulator.client("general")

    def offered(**changes: Any) -> dict[str, Any]:
        return client.patient_view_request("alba", service=VIEW, offer=Offer(**changes))

    assert "prefetch" not in offered(prefetch="none")
    assert set(offered(only=frozenset({"labs"}))["prefetch"]) == {"labs"}
    assert "labs" not in offered(drop=frozenset({"labs"}))["prefetch"]
    paged = offered(page_size=1)["prefetch"]["labs"]
    assert [link["relation"] for link in paged["link"]] == ["self", "next"]
    assert offered(empty="null")["prefetch"]["nolabs"] is None
    failed = offered(outcomes=frozenset({"labs"}))["prefetch"]["labs"]
    assert failed["resourceType"] == "OperationOutcome"
    bare = offered(fhir_server=False, authorization=False)
    assert not {"fhirServer", "fhirAuthorization"} & bare.keys()
    assert "fhirServer" in offered(authorization=False)


async def test_faults_of_prefetch(simulator: Simulator) -> None:
    client = simulator.client("general")
    simulator.faults.add(
        Fault("cds", "refused", "labs", times=1), Fault("cds", "null", "nolabs", times=1)
    )
    broken = client.patient_view_request("alba", service=VIEW)["prefetch"]
    assert "labs" not in broken
    assert broken["nolabs"] is None
    assert client.patient_view_request("alba", service=VIEW)["prefetch"]["labs"]["entry"]


async def test_typed_by_hand(simulator: Simulator) -> None:
    client = simulator.client("riverside")
    assert client.templates({"id": "view", "prefetch": {"a": "Patient/1"}}) == {"a": "Patient/1"}


@pytest.mark.usefixtures("http")
async def test_calls_and_feedback(simulator: Simulator, service: TinyService) -> None:
    client = simulator.client("general")
    (answer,) = await client.open_chart("alba")
    assert answer.status == 200
    assert [card["uuid"] for card in answer.cards()] == ["card-1"]
    claims = jwt.decode(service.tokens[0], options={"verify_signature": False})
    assert claims["aud"] == URL
    (booked,) = await client.book("alba", [{"resourceType": "Appointment", "status": "booked"}])
    assert booked.request["context"]["appointments"]["entry"][0]["resource"] == {
        "resourceType": "Appointment",
        "status": "proposed",
    }
    await client.feedback(answer.url, client.accepted("card-1", "s-1"))
    assert service.feedback[0]["feedback"][0] == {
        "card": "card-1",
        "outcome": "accepted",
        "acceptedSuggestions": [{"id": "s-1"}],
        "outcomeTimestamp": "2026-11-23T09:00:00.000Z",
    }
    epic = simulator.client("riverside")
    assert await epic.book("alba", []) == []
    item = epic.overridden("card-1", reason={"code": "seen"}, comment="known")
    assert item["overrideReasons"] == {"reason": {"code": "seen"}, "userComment": "known"}


@pytest.mark.usefixtures("http")
async def test_body_is_json_after_mutation(simulator: Simulator, service: TinyService) -> None:
    client = simulator.client("general")
    body = client.patient_view_request("alba", service=VIEW)
    body["context"].pop("userId")
    body["unknown"] = {"member": 1}
    response = await client.call(URL, body)
    assert response.status_code == 200
    assert service.calls[0]["unknown"] == {"member": 1}
    assert json.dumps(service.calls[0]["prefetch"]["labs"])


async def test_hook_token_dies_with_the_answer(
    http: httpx.AsyncClient, simulator: Simulator
) -> None:
    for site, status in (("general", 401), ("riverside", 200)):
        (answer,) = await simulator.client(site).open_chart("alba", encounter_id="e1")
        assert answer.request["context"]["encounterId"] == "e1"
        assert answer.request["prefetch"]["encounter"]["id"] == "e1"
        access = answer.request["fhirAuthorization"]["access_token"]
        headers = {"Authorization": f"Bearer {access}"}
        url = f"{answer.request['fhirServer']}/Patient/alba"
        assert (await http.get(url, headers=headers)).status_code == status
