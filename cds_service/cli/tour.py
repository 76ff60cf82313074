"""The demo's story, played once: from a booking to the approved note in the chart. Each step is checked."""

import asyncio
import textwrap
from collections.abc import Awaitable

import httpx

from cds_service.cli.clinician import Clinician, Stopped
from cds_service.cli.terminal import shown
from cds_service.simulator import patients
from cds_service.simulator.cds_client import Answer, CdsClient
from cds_service.simulator.world import Simulator

_OK = 200
_CHART = "beatrice-okonkwo"


async def tour(simulator: Simulator) -> int:
    """Play the story and print each step; returns 0 only when all of it worked."""
    async with httpx.AsyncClient(timeout=_PATIENCE_S) as http:
        return await _play(simulator, Clinician(simulator.ehr("general"), http, _patient()))


async def _play(simulator: Simulator, clinician: Clinician) -> int:
    steps = [
        ("General Hospital reads discovery", _discover(simulator.client("general"))),
        ("A visit is booked", _book(simulator.client("general"))),
        ("A chart opens at General Hospital", _open(simulator.client("general"))),
        (
            "The brief is prepared ahead, with the scripted stand-in for a model",
            _prepared(simulator.client("general")),
        ),
        (
            "The same chart opens at Riverside Clinic (Epic-like)",
            _open(simulator.client("riverside")),
        ),
        ("The clinician opens the brief from its card", _launch(simulator, clinician)),
        ("The clinician reads the exact note, and approves it", _said(clinician.approve())),
        ("The note is filed, and read back from the chart", _said(clinician.filed())),
        ("A card is dismissed", _dismiss(simulator.client("general"))),
    ]
    failed = 0
    for number, (title, playing) in enumerate(steps, 1):
        problem, lines = await playing
        failed += bool(problem)
        print(f"\n{number}. {title}: {problem or 'ok'}")
        for line in lines:
            print(textwrap.indent(line, "   "))
    print(f"\n{len(steps) - failed} of {len(steps)} steps worked.")
    return 1 if failed else 0


Step = tuple[str, list[str]]
"""(what went wrong, or "", lines to print)."""


async def _discover(client: CdsClient) -> Step:
    services = await client.discover()
    said = [
        f"{each['id']}: {each['hook']}, {len(each['prefetch'])} prefetch keys" for each in services
    ]
    return "" if services else "no services", said


async def _open(client: CdsClient) -> Step:
    answers = await client.open_chart(_patient())
    return _told(answers, wants_cards=True)


async def _book(client: CdsClient) -> Step:
    patient = _patient()
    known = client.ehr.store.all("Appointment", patient=patient)
    booked = [each for each in known if each["status"] == "booked"]
    answers = await client.book(patient, booked[:1])
    return _told(answers, wants_cards=False)


async def _prepared(client: CdsClient) -> Step:
    answers = await _from_ahead(client)
    if not answers:
        return "the chart was not served from a prepared brief that a model had a part in", []
    return _told(answers, wants_cards=True)


async def _from_ahead(client: CdsClient) -> list[Answer]:
    """Open the chart until it is served from the brief that the booking asked for; [] when it never is."""
    for _ in range(_TRIES):
        answers = await client.open_chart(_patient())
        details = [str(card.get("detail", "")) for each in answers for card in each.cards()]
        if any(_AHEAD in each and _HELPED in each for each in details):
            return answers
        await asyncio.sleep(_PAUSE_S)
    return []


async def _launch(simulator: Simulator, clinician: Clinician) -> Step:
    """Open the app from the link of a card that is shown now, of a brief that was prepared."""
    answers = await _from_ahead(simulator.client("general"))
    links = [link for each in answers for card in each.cards() for link in card["links"]]
    smart = [link for link in links if link["type"] == "smart"]
    return await _said(clinician.open(smart[0])) if smart else ("no card has a SMART link", [])


async def _said(doing: Awaitable[list[str]]) -> Step:
    try:
        return "", await doing
    except (Stopped, httpx.HTTPError) as problem:
        return str(problem) or type(problem).__name__, []


_PATIENCE_S = 10.0
_TRIES, _PAUSE_S = 40, 1.0
_AHEAD, _HELPED = "Prepared ", "A model chose"


async def _dismiss(client: CdsClient) -> Step:
    [answer] = await client.open_chart(_patient())
    card = answer.cards()[-1]
    reason = (card.get("overrideReasons") or [None])[0]
    response = await client.feedback(answer.url, client.overridden(card["uuid"], reason=reason))
    return "" if response.status_code == _OK else f"status {response.status_code}", []


def _patient() -> str:
    known = patients.patient_ids()
    return _CHART if _CHART in known else known[0]


def _told(answers: list[Answer], *, wants_cards: bool) -> Step:
    """Report answers: every status must be 200, and there must be a card where one is due."""
    bad = [str(answer.status) for answer in answers if answer.status != _OK]
    cards = [card for answer in answers for card in answer.cards()]
    missing = "no card" if wants_cards and not cards else ""
    problem = f"status {', '.join(bad)}" if bad else missing
    times = [f"answered in {answer.elapsed_ms:.0f} ms" for answer in answers]
    return problem, [*times, *(line for card in cards for line in shown(card))]
