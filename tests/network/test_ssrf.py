"""Whatever URL a call, a page or a chart names: nobody is called but the servers of the site that signed it."""

import pytest

from cds_service.simulator.prefetch import Offer
from tests.http.wire import SERVICE, body, chart, post, searchset

pytestmark = pytest.mark.anyio

NASTY = [
    "https://attacker.example/r4",
    "http://ehr.test.attacker.example/r4",
    "http://ehr.test@attacker.example/r4",
    "http://attacker.example#ehr.test/r4",
    "http://attacker.example/http://ehr.test/r4",
    "//attacker.example/r4",
    "http://ehr.test:8443/r4",
    "https://ehr.test/r4",
    "http://ehr.test/r4/../admin",
    "http://ehr.test/other",
    "http://127.0.0.1/r4",
    "http://[::1]/r4",
    "http://169.254.169.254/latest/meta-data/iam",
    "http://metadata.google.internal/computeMetadata/v1",
    "http://0x7f000001/r4",
    "http://2130706433/r4",
    "file:///etc/passwd",
    "gopher://127.0.0.1:25/x",
    "javascript:alert(1)",
    "http://ehr.test\\@attacker.example/r4",
    "http://ehr.test\r\nHost: attacker.example/r4",
    "http://\u24d4\u24d7\u24e1.test/r4",
]


def authorized(server):
    granted = {
        "access_token": "lent",
        "token_type": "Bearer",
        "expires_in": 300,
        "scope": "patient/*.rs",
        "subject": "cds-brief",
    }
    return {"fhirServer": server, "fhirAuthorization": granted}


@pytest.fixture
def reads(shared):
    """Return the paths of the EHR that were called since the test began."""
    seen = shared.simulator.faults.seen
    before = len(seen)
    return lambda: [one.path for one in list(seen)[before:] if "jwks" not in one.path]


@pytest.mark.spec("F-12")
@pytest.mark.parametrize("url", NASTY)
async def test_named_as_fhir_server(shared, reads, url):
    answer = await post(shared, body(**authorized(url)), path=SERVICE)
    assert answer.status_code in {200, 400}
    assert (shared.strays, reads()) == ([], [])


@pytest.mark.spec("F-12")
@pytest.mark.parametrize("url", NASTY)
async def test_named_as_the_next_page_of_what_was_prefetched(shared, reads, url):
    page = searchset(*[e["resource"] for e in chart()["medications"]["entry"]])
    page["link"] = [{"relation": "next", "url": f"{url}?page=2"}]
    sent = body(prefetch=chart() | {"medications": page}, **authorized("http://ehr.test/r4"))
    answer = await post(shared, sent, path=SERVICE)
    assert answer.status_code == 200
    assert shared.strays == []
    assert not [path for path in reads() if not path.startswith("/r4/")]
    assert not [path for path in reads() if "admin" in path]


@pytest.mark.parametrize("url", NASTY)
async def test_named_in_the_chart_as_a_reference(shared, reads, url):
    order = {
        "resourceType": "MedicationRequest",
        "id": "m-9",
        "status": "active",
        "intent": "order",
        "subject": {"reference": "Patient/p-1"},
        "medicationReference": {"reference": f"{url}/Medication/1"},
        "instantiatesUri": [url],
    }
    sent = body(
        prefetch=chart() | {"medications": searchset(order)}, **authorized("http://ehr.test/r4")
    )
    answer = await post(shared, sent, path=SERVICE)
    assert answer.status_code == 200
    assert shared.strays == []
    assert not [path for path in reads() if "Medication/1" in path]


async def test_a_call_that_reads_everything_stays_at_the_sites_own_servers(shared, reads):
    (answer,) = await shared.client().open_chart("iris-calloway", offer=Offer(prefetch="none"))
    assert answer.status == 200
    assert reads()
    assert shared.strays == []
