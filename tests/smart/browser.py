"""A browser and its person: follows a launch through the EHR and back, step by step, with its own cookies."""

import re
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import parse_qs, urlsplit

import httpx
from starlette.requests import Request

from cds_service.simulator.cds_client import Answer
from cds_service.simulator.chart import launch_url
from tests.ground import CDS, Ground

HAROLD, IRIS = "gregory-nwosu", "iris-calloway"


@dataclass
class Browser:
    """One browser; whatever it may not send by itself, a test sends."""

    ground: Ground
    http: httpx.AsyncClient = field(init=False)

    def __post_init__(self):
        self.http = httpx.AsyncClient(
            transport=self.ground.service.network.transport, base_url=CDS
        )

    def link(self, patient, *, site="general", app_context=None):
        """Return the address that the EHR opens for a launch of this patient's chart."""
        ehr = self.ground.simulator.ehr(site)
        return launch_url(ehr, f"{CDS}/{site}/smart/launch", patient, app_context)

    async def authorize(self, link):
        """Open a launch and sign in at the EHR; return the address that leads back to us."""
        opened = await self.http.get(link)
        if opened.status_code == 302:
            answer = await self.http.get(opened.headers["location"])
        else:
            assert opened.status_code == 200, opened.text
            action = unescape(re.search(r'action="([^"]+)"', opened.text)[1])
            fields = re.findall(r'name="([^"]+)" value="([^"]*)"', opened.text)
            answer = await self.http.post(
                action, data={unescape(name): unescape(value) for name, value in fields}
            )
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    async def launch(self, patient=HAROLD, **asked):
        """Go all the way; return our answer to the browser's return."""
        return await self.http.get(await self.authorize(self.link(patient, **asked)))

    async def session(self, landed):
        """Return the session in which the page that a launch led to is opened."""
        assert landed.status_code == 303, landed.text
        return await self.session_at(landed.headers["location"])

    async def session_at(self, path):
        """Return the session with which this browser would be shown a page of ours."""
        site, _, brief = path.strip("/").split("/")
        request = self.http.build_request("GET", path)
        scope = {
            "type": "http",
            "method": "GET",
            "path": path,
            "query_string": b"",
            "headers": [(k.lower(), v) for k, v in request.headers.raw],
            "path_params": {"site": site, "brief": brief},
        }
        service = self.ground.service
        return await service.launch.session_of(Request(scope), service.sites.find(site))


def params(url):
    """Return the query of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


async def briefed(ground, patient=HAROLD, site="general", *, stored=True):
    """Open a chart, so that there is a brief; return the appContext of its card's link."""
    answers: list[Answer] = await ground.client(site).open_chart(patient)
    if stored:
        await ground.service.writer.flush()
    links = [link for answer in answers for card in answer.cards() for link in card["links"]]
    return links[0].get("appContext")
