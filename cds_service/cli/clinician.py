"""A clinician in the demo's story: opens a brief from its card, approves the note, and looks into the chart.

A browser without a screen: it follows the launch's redirects with its own cookies and sends the forms that it is shown.
"""

import asyncio
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import httpx
from typing_extensions import override

from cds_service.simulator.chart import launch_url
from cds_service.simulator.ehr import Ehr

_OK = 200
_TRIES, _PAUSE_S = 60, 0.5
_FACTS = 2
"""Paragraphs of a page's head: who the patient is, and how the brief was made."""
_LINES = 12
"""So much of a note tells what it is."""
_MOVING = frozenset({"approved", "writing", "written"})
"""States in which a note is on its way."""


class Stopped(Exception):
    """The story cannot go on; the text says where it stands."""


@dataclass
class Clinician:
    """One person at one browser, with one chart open."""

    ehr: Ehr
    http: httpx.AsyncClient
    patient: str
    page: str = ""
    """Address of the brief's page, once it is open."""
    approved: str = field(default="", repr=False)
    """The text that was approved."""

    async def open(self, link: Mapping[str, Any]) -> list[str]:
        """Open a card's SMART link: through the EHR's sign-in to the page. Returns what stands there."""
        address = launch_url(self.ehr, link["url"], self.patient, link.get("appContext"))
        answer = await self.http.get(address, follow_redirects=True)
        shown = _read(answer)
        if "/briefs/" not in answer.url.path:
            raise Stopped(f"the launch did not lead to a brief: {' '.join(shown.of('h1'))}")
        self.page = str(answer.url).partition("?")[0]
        sources = sum("/sources/" in each for each in shown.links)
        said = shown.of("p")
        if not sources or any("was not kept with it" in each for each in said):
            raise Stopped("the brief does not lead to its sources")
        return [
            *shown.of("h1"),
            *said[:_FACTS],
            *map(": ".join, zip(shown.of("dt"), shown.of("dd"), strict=True)),
            *(each for each in said if each.startswith("Critical")),
            f"{sources} lines lead to their sources",
        ]

    async def approve(self) -> list[str]:
        """Read the exact note and approve it. Returns how the note begins."""
        shown = _read(await self.http.get(f"{self.page}/note"))
        [self.approved] = shown.of("pre") or [""]
        if "Approve and file" not in shown.of("button"):
            raise Stopped(f"the note cannot be approved: {' '.join(shown.of('p'))}")
        # Pressed twice, as people do: it is one approval.
        for _ in range(2):
            answer = await self.http.post(
                f"{self.page}/approve", data=shown.fields, follow_redirects=True
            )
            _read(answer)
        lines = self.approved.strip().splitlines()
        return [*lines[:_LINES], f"... and {len(lines) - _LINES} lines more"]

    async def filed(self) -> list[str]:
        """Wait until the note was read back, and find it in the chart. Returns what the page says then."""
        state = await self._settled()
        said = _read(await self.http.get(self.page)).of("p")
        if state != "verified":
            raise Stopped(f"the note is {state}: {' '.join(said[:4])}")
        brief = self.page.rpartition("/")[2]
        held = [note for note in self._notes() if brief in str(note.get("identifier"))]
        if len(held) != 1:
            raise Stopped(f"the chart holds {len(held)} such notes")
        [note] = held
        text = b64decode(note["content"][0]["attachment"]["data"]).decode()
        if text.strip() != self.approved.strip():
            raise Stopped("the chart's note is not the one that was approved")
        told = [each for each in said if each.startswith("Filed and read back")]
        return [*told, f"In the chart once: DocumentReference/{note['id']}, {note['docStatus']}"]

    async def _settled(self) -> str:
        state = ""
        for _ in range(_TRIES):
            answer = await self.http.get(f"{self.page}/state")
            state = str(answer.json()["state"])
            if state not in _MOVING:
                break
            await asyncio.sleep(_PAUSE_S)
        return state

    def _notes(self) -> list[dict[str, Any]]:
        return list(self.ehr.store.all("DocumentReference", patient=self.patient))


_SEEN = frozenset({"h1", "h2", "p", "pre", "dt", "dd", "button"})


class _Page(HTMLParser):
    """What a person sees of a page, and what its form would send."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.links: list[str] = []
        self._seen: list[tuple[str, str]] = []
        self._open: list[str] = []

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag == "input" and told.get("type") == "hidden":
            self.fields[told.get("name") or ""] = told.get("value") or ""
        if tag == "a":
            self.links.append(told.get("href") or "")
        if tag in _SEEN:
            self._open.append(tag)
            self._seen.append((tag, ""))

    @override
    def handle_endtag(self, tag: str) -> None:
        if self._open and self._open[-1] == tag:
            self._open.pop()

    @override
    def handle_data(self, data: str) -> None:
        if self._open:
            tag, text = self._seen[-1]
            self._seen[-1] = (tag, text + data)

    def of(self, tag: str) -> list[str]:
        """Return the texts of one kind of element, in order."""
        found = [text for kind, text in self._seen if kind == tag]
        return found if tag == "pre" else [" ".join(text.split()) for text in found]


def _read(answer: httpx.Response) -> _Page:
    """Return a page. Raises `Stopped` for a refusal, with what it says."""
    page = _Page()
    page.feed(answer.text)
    if answer.status_code != _OK:
        said = " ".join((*page.of("h1"), *page.of("p")))
        raise Stopped(f"status {answer.status_code}: {said}")
    return page
