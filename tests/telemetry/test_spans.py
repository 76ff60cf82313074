"""Every stage of a call has its span and counts in the metrics, and none of them says anything about a patient."""

import subprocess
import sys
from dataclasses import replace

import pytest
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Status, StatusCode

from cds_service.simulator.faults import Fault
from cds_service.simulator.prefetch import Offer
from cds_service.telemetry.allowed import clean, is_allowed
from tests.flow.canary import CANARIES, body, prefetch
from tests.ground import CDS, standing
from tests.http.conftest import FewPatients
from tests.telemetry.stage import receiving

pytestmark = pytest.mark.anyio
IRIS = "iris-calloway"


@pytest.fixture
async def ground(tmp_path):
    received = receiving()
    async with standing(tmp_path, patients=FewPatients(), telemetry=received.telemetry) as running:
        running.received = received
        yield running


async def test_each_stage_of_a_call_has_a_span_below_the_requests(ground):
    assert (await ground.call(body())).status_code == 200
    received = ground.received
    (request,) = received.named("POST /{site}/cds-services/{service}")
    (answer,) = received.named("answer")
    assert answer.parent.span_id == request.context.span_id
    for stage in ("verify", "read", "gather", "by_rules", "compose", "keep"):
        (span,) = received.named(stage)
        assert span.parent.span_id == answer.context.span_id
        assert span.attributes["cds.outcome"] == "ok"
    assert answer.attributes["cds.site"] == "general"


async def test_reads_and_statements_have_spans_too(ground):
    (answer,) = await ground.client().open_chart(IRIS, offer=Offer(prefetch="none"))
    assert answer.status == 200
    await ground.service.writer.flush()
    scopes = {span.instrumentation_scope.name for span in ground.received.spans()}
    assert "opentelemetry.instrumentation.httpx" in scopes
    assert "opentelemetry.instrumentation.sqlalchemy" in scopes


async def test_calls_and_stages_are_counted_by_how_they_ended(ground):
    await ground.call(body())
    await ground.call(body(), token="x.y.z")
    counted = [told for name, told in ground.received.metrics() if name == "cds.calls"]
    ends = {(told["cds.site"], told["cds.outcome"], told.get("cds.reason")) for told in counted}
    assert ends == {("general", "ok", None), ("general", "not_trusted", "not_a_jwt")}
    names = {name for name, _ in ground.received.metrics()}
    assert {"cds.calls", "cds.stage.duration"} <= names


async def test_the_age_of_each_sites_keys_is_told(ground):
    service, sites = ground.service, ground.service.sites.by_name.values()
    await service.keys.warm(sites)
    ages = service.keys.ages(sites)
    assert set(ages) == {"general", "riverside"}
    assert all(0 <= age < 60 for age in ages.values())
    told = [
        where["cds.site"] for name, where in ground.received.metrics() if name == "cds.keys.age"
    ]
    assert sorted(told) == ["general", "riverside"]


@pytest.mark.parametrize("site", ["general", "riverside"])
async def test_nothing_of_a_patient_is_in_a_span_or_a_metric(ground, site):
    """The instrumentation of the HTTP client alone would send the URL of every read, which names the patient."""
    (answer,) = await ground.client(site).open_chart(IRIS, offer=Offer(prefetch="none"))
    token = answer.request["fhirAuthorization"]["access_token"]
    await ground.service.writer.flush()
    text = ground.received.text()
    assert len(ground.received.spans()) > 20
    for word in (IRIS, "Calloway", token, "Patient/", "ehr.test", "SELECT", "eyJ"):
        assert word not in text, word


SPOILED = {
    "prefetch": body(prefetch=prefetch() | {"patient": {"birthDate": CANARIES[0]}}),
    "hook": body(hook=CANARIES[0]),
    "patient": body(context={"patientId": CANARIES[0]}),
    "user": body(context={"patientId": "p1", "userId": CANARIES[0]}),
}


@pytest.mark.parametrize("where", SPOILED)
async def test_nor_when_a_call_is_spoiled(ground, where):
    await ground.call(SPOILED[where])
    assert not [word for word in CANARIES if word in ground.received.text()]


@pytest.mark.parametrize("kind", ["drop", "truncate", "status"])
async def test_nor_when_reads_fail(ground, kind):
    ground.simulator.faults.add(Fault("fhir", kind, match="AllergyIntolerance"))
    await ground.client().open_chart(IRIS, offer=Offer(prefetch="none"))
    text = ground.received.text()
    assert not [word for word in (IRIS, "Calloway", "Patient/") if word in text]


async def test_nor_when_we_crash_over_a_word_of_the_chart(ground):
    def crash(*_args):
        raise ValueError(CANARIES[0])

    telemetry = ground.received.telemetry
    endpoints = ground.service.endpoints
    whole = endpoints.answer.__wrapped__
    endpoints.answer = telemetry.stages(replace(whole, compose=crash), lambda call: call.site)
    assert (await ground.call(body())).status_code == 500
    (span,) = ground.received.named("answer")
    assert span.attributes["error.type"] == "ValueError"
    assert not [word for word in CANARIES if word in ground.received.text()]


async def test_nor_in_a_path_or_a_query_that_somebody_makes_up(ground):
    for path in (f"/{CANARIES[0]}/x/y", f"/general/cds-services?q={CANARIES[0]}"):
        await ground.http.get(f"{CDS}{path}", headers={"User-Agent": CANARIES[0]})
    await ground.http.post(f"{CDS}/general/cds-services/{CANARIES[0]}", content=b"{}")
    assert not [word for word in CANARIES if word in ground.received.text()]


async def test_no_trace_is_taken_from_a_caller_nor_given_to_an_ehr(ground):
    foreign = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    await ground.http.get(f"{CDS}/general/cds-services", headers={"traceparent": foreign})
    assert foreign.split("-")[1] not in ground.received.text()
    seen = []
    inner = ground.simulator.faults
    await ground.client().open_chart(IRIS, offer=Offer(prefetch="none"))
    seen = [str(vars(one) if hasattr(one, "__dict__") else one) for one in inner.seen]
    assert not [one for one in seen if "traceparent" in one]


def test_a_span_loses_everything_that_is_not_on_the_list():
    secret = CANARIES[0]
    dirty = ReadableSpan(
        name=f"GET /Patient/{secret}?x=1",
        attributes={"url.full": secret, "http.method": "GET", "db.statement": secret, "x": 1},
        events=[
            Event("exception", {"exception.message": secret, "exception.type": "ValueError"}),
            Event(secret, {"http.method": "GET"}),
        ],
        status=Status(StatusCode.ERROR, secret),
    )
    span = clean(dirty)
    assert dict(span.attributes) == {"http.method": "GET"}
    assert [dict(event.attributes) for event in span.events] == [{"exception.type": "ValueError"}]
    assert span.status.status_code is StatusCode.ERROR
    assert secret not in str((span.name, span.attributes, span.status.description))


def test_a_value_on_the_list_is_short_and_plain():
    assert is_allowed("cds.site", "general")
    assert not is_allowed("cds.site", "x" * 201)
    assert not is_allowed("cds.site", ("a", "b"))
    assert not is_allowed("http.url", "x")


def test_switched_off_the_sdk_is_not_even_imported():
    code = "import sys, cds_service.app; sys.exit('opentelemetry.sdk' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
