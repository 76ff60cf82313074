"""The pages show what came, act on it, and never let a record's text become markup."""

from __future__ import annotations

import re

import httpx
import pytest

from cds_service.simulator.markdown import render
from cds_service.simulator.world import Simulator
from tests.simulator.service import TinyService

pytestmark = pytest.mark.anyio


async def test_patient_list(http: httpx.AsyncClient) -> None:
    page = await http.get("/")
    assert page.status_code == 200
    assert "<script>" not in page.text
    assert "&lt;b&gt;alba&lt;/b&gt; &amp; synopsis" in page.text
    assert "75 years" in page.text
    assert "Check-up" in page.text
    assert "/chart/alba?site=riverside" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


async def test_chart_escapes_everything(http: httpx.AsyncClient) -> None:
    page = (await http.get("/chart/alba?site=general")).text
    for danger in ("<script>", "<img", 'href="javascript:', "<i>"):
        assert danger not in page
    assert "<strong>4.30</strong> mmol/L" in page
    assert "Potassium &lt;img src=x onerror=alert(1)&gt;" in page
    assert "patient-view" in page
    assert "Already seen" in page
    assert "access_token&quot;: &quot;…" in page


def fields(page: str, action: str) -> dict[str, str]:
    form = re.search(rf'<form method="post" action="[^"]*/{action}".*?</form>', page, re.DOTALL)
    assert form is not None, action
    return dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form.group()))


async def test_accepting_writes_and_tells(
    http: httpx.AsyncClient, simulator: Simulator, service: TinyService
) -> None:
    page = (await http.get("/chart/alba?site=general")).text
    form = fields(page, "accept")
    answer = await http.post("/chart/alba/accept", data=form, follow_redirects=True)
    assert "Accepted. Created DocumentReference/" in answer.text
    assert "Feedback sent (200)" in answer.text
    (note,) = simulator.ehr("general").store.all("DocumentReference", patient="alba")
    assert note["docStatus"] == "preliminary"
    assert "Hello" in answer.text
    assert service.feedback[0]["feedback"][0]["outcome"] == "accepted"
    assert len(service.calls) == 1


async def test_epic_cannot_file_a_note_from_a_card(http: httpx.AsyncClient) -> None:
    page = (await http.get("/chart/alba?site=riverside")).text
    assert "this EHR cannot create DocumentReference from a card" in page
    assert "Files a draft" in page
    assert "File the note:" not in page


async def test_dismissing_tells_why(http: httpx.AsyncClient, service: TinyService) -> None:
    page = (await http.get("/chart/alba?site=general")).text
    form = fields(page, "dismiss") | {"reason": "0", "comment": "known"}
    answer = await http.post("/chart/alba/dismiss", data=form, follow_redirects=True)
    assert "Dismissed (Already seen)" in answer.text
    item = service.feedback[0]["feedback"][0]
    assert item["overrideReason"]["userComment"] == "known"


async def test_launch_goes_to_the_app(http: httpx.AsyncClient) -> None:
    page = (await http.get("/chart/alba?site=general")).text
    answer = await http.post("/chart/alba/launch", data=fields(page, "launch"))
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(
        "http://cds.test/general/smart/launch?iss=http%3A%2F%2Fehr.test%2Fr4&launch="
    )


async def test_an_app_can_be_shown_beside_the_chart_once(http: httpx.AsyncClient) -> None:
    page = (await http.get("/chart/alba?site=general")).text
    form = fields(page, "launch") | {"where": "frame"}
    answer = await http.post("/chart/alba/launch", data=form, follow_redirects=True)
    assert '<iframe src="http://cds.test/general/smart/launch?iss=' in answer.text
    assert "frame-src 'self' http://cds.test" in answer.headers["content-security-policy"]
    again = await http.get(str(answer.url))
    assert "<iframe" not in again.text


async def test_booking_asks_and_stores(
    http: httpx.AsyncClient, simulator: Simulator, service: TinyService
) -> None:
    page = (await http.get("/chart/bo?site=general")).text
    form = fields(page, "book") | {"day": "2026-12-01", "time": "10:15", "reason": "Knee"}
    answer = await http.post("/chart/bo/book", data=form, follow_redirects=True)
    assert "appointment-book" in answer.text
    assert service.calls[-1]["hook"] == "appointment-book"
    (visit,) = simulator.ehr("general").store.all("Appointment", patient="bo")
    assert (visit["status"], visit["start"]) == ("booked", "2026-12-01T10:15:00-06:00")
    assert "Tue 01 Dec 2026, 10:15 · Knee" in answer.text


async def test_failure_is_shown_honestly(http: httpx.AsyncClient, service: TinyService) -> None:
    service.status = 412
    page = (await http.get("/chart/alba?site=general")).text
    assert "The service answered 412" in page
    assert "No &lt;data&gt;" in page


async def test_service_away(http: httpx.AsyncClient, simulator: Simulator) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    async with httpx.AsyncClient(transport=httpx.MockTransport(refuse)) as nobody:
        simulator.http = nobody
        page = await http.get("/chart/alba?site=general")
    assert page.status_code == 200
    assert "Discovery failed: ConnectError" in page.text


async def test_unknown_things_are_404(http: httpx.AsyncClient) -> None:
    assert (await http.get("/chart/nobody?site=general")).status_code == 404
    assert (await http.get("/chart/alba?site=moon")).status_code == 404
    assert (await http.post("/chart/alba/accept", data={"session": "x"})).status_code == 404


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("a **b** c", "<p>a <strong>b</strong> c</p>"),
        ("a\nb", "<p>a\nb</p>"),
        ("a  \nb", "<p>a<br>b</p>"),
        ("a\n\nb", "<p>a</p><p>b</p>"),
        ("- a\n- b", "<ul><li>a</li><li>b</li></ul>"),
        ("1. a\n2. b", "<ol><li>a</li><li>b</li></ol>"),
        ("- a\n  - b\n- c", "<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>"),
        ("text:\n- a", "<p>text:</p><ul><li>a</li></ul>"),
        ("# Head", "<h3>Head</h3>"),
        (r"1\. not a list \*x\*", "<p>1. not a list *x*</p>"),
        (r"\<b\> &lt;i&gt;", "<p>&lt;b&gt; &lt;i&gt;</p>"),
        ("`<b>*x*`", "<p><code>&lt;b&gt;*x*</code></p>"),
        ("[label](javascript:x)", "<p>label</p>"),
        ("snake_case_name", "<p>snake_case_name</p>"),
        ("3 * 4 * 5", "<p>3 * 4 * 5</p>"),
        ('<a href="x">', "<p>&lt;a href=&quot;x&quot;&gt;</p>"),
        ("&#xE000; \ue000", "<p></p>"),
    ],
)
async def test_markdown(source: str, html: str) -> None:
    assert render(source) == html
