"""The demo's model: with it a booking gives a brief whose every line opens its source; unplugged, the rules' brief."""

import asyncio
import re
from html import unescape

import httpx
import pytest

from cds_service.cli.clinician import Clinician
from cds_service.cli.play import Demo, running
from cds_service.domain.draft import ENDINGS
from tests.bench.process import free_port

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

CHART = "beatrice-okonkwo"
WITHIN_S = 60.0
_LINE = re.compile(r'<li id="[^"]+" class="[^"]*">(.*?)</li>', re.DOTALL)
_SOURCE = re.compile(r'data-load="([^"]+/sources/[^"]+)"')


@pytest.fixture
async def demo(tmp_path):
    made = Demo(port=free_port(), ehr_port=free_port(), data_dir=tmp_path)
    async with running(made) as simulator, httpx.AsyncClient(timeout=20) as http:
        yield made, simulator, http


async def booked(simulator):
    """Book the visit of the chart, as its EHR does."""
    client = simulator.client("general")
    visits = client.ehr.store.all("Appointment", patient=CHART)
    await client.book(CHART, [each for each in visits if each["status"] == "booked"][:1])


async def prepared_card(simulator):
    """Open the chart until it is served from the prepared brief; return that card."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            [answer] = await simulator.client("general").open_chart(CHART)
            card = answer.cards()[-1]
            if "Prepared " in card["detail"]:
                return card
            await asyncio.sleep(0.5)


async def page_of(card, simulator, http):
    """Open the app from a card, as the clinician does; return the address of the brief and its page."""
    clinician = Clinician(simulator.ehr("general"), http, CHART)
    [link] = [each for each in card["links"] if each["type"] == "smart"]
    await clinician.open(link)
    return clinician.page, unescape((await http.get(clinician.page)).text)


async def test_a_booking_gives_a_brief_with_a_model_whose_every_line_opens_its_source(demo):
    made, simulator, http = demo
    await booked(simulator)
    card = await prepared_card(simulator)
    assert ENDINGS["ok"] in card["detail"]
    _, page = await page_of(card, simulator, http)
    assert "Chosen by the model" in page
    lines = _LINE.findall(page)
    sources = [_SOURCE.search(line) for line in lines]
    without = [line for line, source in zip(lines, sources, strict=True) if not source]
    assert len(lines) > 30
    assert all("none found" in line or "not found" in line.lower() for line in without)
    for address in {source[1] for source in sources if source}:
        shown = await http.get(f"{made.service_url}{address}", headers={"X-Fragment": "1"})
        assert shown.status_code == 200
        assert 'class="resource"' in shown.text


async def test_unplugged_in_the_middle_of_a_run_the_rules_brief_is_there_and_says_why(demo):
    made, simulator, http = demo
    pulled = await http.post(f"{made.ehr_url}/_sim/model", json={"after": 1})
    assert pulled.json() == {"plugged": True, "after": 1}
    await booked(simulator)
    card = await prepared_card(simulator)
    assert ENDINGS["unavailable"] in card["detail"]
    assert re.search(r"Made by rules [^,]+\.$", card["detail"])
    address, page = await page_of(card, simulator, http)
    assert "Chosen by the model" not in page
    how = unescape((await http.get(f"{address}/made")).text)
    assert ENDINGS["unavailable"] in how
    assert "find_results" in how
