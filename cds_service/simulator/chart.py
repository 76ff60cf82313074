"""Plays the user at the EHR: opens a chart, books a visit, accepts and dismisses cards."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

import httpx
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from cds_service.simulator import chart_page, pages, writes
from cds_service.simulator.banner import next_visit
from cds_service.simulator.cards import Session, created_types
from cds_service.simulator.fhir import RefusedError
from cds_service.simulator.launches import Launch
from cds_service.simulator.markup import web_address
from cds_service.simulator.search import matches
from cds_service.simulator.wire import Json, listed

if TYPE_CHECKING:
    from starlette.requests import Request

    from cds_service.simulator.cds_client import Answer
    from cds_service.simulator.ehr import Ehr
    from cds_service.simulator.world import Simulator

SESSIONS_KEPT = 200
VISIT = timedelta(minutes=30)


class ChartPages:
    """The pages of a clinician at work."""

    def __init__(self, simulator: Simulator) -> None:
        """Take the simulator whose charts are opened."""
        self._simulator = simulator
        self._sessions: OrderedDict[str, Session] = OrderedDict()

    def routes(self) -> list[Route]:
        """List the routes of the pages."""
        return [
            Route("/", self.patients),
            Route("/chart/{patient}", self.open),
            Route("/chart/{patient}/book", self.book, methods=["POST"]),
            Route("/chart/{patient}/accept", self.accept, methods=["POST"]),
            Route("/chart/{patient}/dismiss", self.dismiss, methods=["POST"]),
            Route("/chart/{patient}/launch", self.launch, methods=["POST"]),
        ]

    async def patients(self, _: Request) -> Response:
        """Show the patient list."""
        return HTMLResponse(pages.patient_list(self._simulator))

    async def open(self, request: Request) -> Response:
        """Open a chart: call the patient-view services, or show a session again."""
        known = self._sessions.get(request.query_params.get("session", ""))
        if known is not None and known.patient == request.path_params["patient"]:
            shown = chart_page.chart(self._simulator, known)
            known.framed = ""
            return HTMLResponse(shown)
        sites = self._simulator.config.service_base_by_site
        site = request.query_params.get("site") or next(iter(sites))
        patient = request.path_params["patient"]
        if site not in sites or self._simulator.ehr(site).store.read("Patient", patient) is None:
            raise HTTPException(404, "There is no such patient or site.")
        session = Session(self._simulator.ids(), site, patient)
        self._sessions[session.key] = session
        while len(self._sessions) > SESSIONS_KEPT:
            self._sessions.popitem(last=False)
        try:
            session.answers += await self._simulator.client(site).open_chart(patient)
        except (httpx.HTTPError, ValueError, KeyError) as error:
            session.trouble = f"Discovery failed: {type(error).__name__}."
        return HTMLResponse(chart_page.chart(self._simulator, session))

    async def book(self, request: Request) -> Response:
        """Book a visit: ask the appointment-book services, then store the visit."""
        form, session = await self._form(request)
        try:
            moment = datetime.fromisoformat(f"{form['day']}T{form['time']}")
        except (KeyError, ValueError) as error:
            raise HTTPException(400, "Give a day and a time.") from error
        start = moment.replace(tzinfo=self._simulator.config.timezone)
        ehr = self._simulator.ehr(session.site)
        visit = proposed_visit(ehr, session.patient, start, form.get("reason", ""))
        try:
            answers = await self._simulator.client(session.site).book(session.patient, [visit])
            session.answers += answers
        except (httpx.HTTPError, ValueError, KeyError) as error:
            session.trouble = f"Discovery failed: {type(error).__name__}."
        session.notice = f"Booked for {start:%A %d %B, %H:%M}."
        ehr.store.put({**visit, "status": "booked"})
        return _back(session)

    async def accept(self, request: Request) -> Response:
        """Accept a suggestion: carry out its actions and tell the service."""
        form, session = await self._form(request)
        answer, card, place = _card(form, session)
        suggestion = _at(listed(card.get("suggestions")), form.get("suggestion", ""))
        ehr = self._simulator.ehr(session.site)
        refused = set(created_types(suggestion)) - ehr.personality.hooks.card_creates
        if refused:
            raise HTTPException(409, "This EHR cannot carry out that suggestion.")
        try:
            done = [act(ehr, one, session.patient) for one in listed(suggestion.get("actions"))]
        except RefusedError as error:
            session.trouble = f"The EHR refused the suggestion: {error}"
            return _back(session)
        result = "Accepted. " + " ".join(done)
        if card.get("uuid") and suggestion.get("uuid"):
            item = self._simulator.client(session.site).accepted(card["uuid"], suggestion["uuid"])
            result += await self._tell(session, answer, item)
        session.decided[place] = result
        session.notice = session.trouble = ""
        return _back(session)

    async def dismiss(self, request: Request) -> Response:
        """Dismiss a card, with a reason and a comment if given, and tell the service."""
        form, session = await self._form(request)
        answer, card, place = _card(form, session)
        reasons = listed(card.get("overrideReasons"))
        reason = _at(reasons, form["reason"]) if form.get("reason") else None
        client = self._simulator.client(session.site)
        item = client.overridden(card["uuid"], reason=reason, comment=form.get("comment") or None)
        words = f" ({reason.get('display') or reason['code']})" if reason is not None else ""
        session.decided[place] = f"Dismissed{words}." + await self._tell(session, answer, item)
        session.notice = session.trouble = ""
        return _back(session)

    async def launch(self, request: Request) -> Response:
        """Open a SMART app: make a launch context and send the browser, or a frame, to the app."""
        form, session = await self._form(request)
        _, card, _ = _card(form, session)
        link = _at(listed(card.get("links")), form.get("link", ""))
        url = web_address(link.get("url"))
        if url is None or link.get("type") != "smart":
            raise HTTPException(400, "This link cannot be launched.")
        ehr = self._simulator.ehr(session.site)
        address = launch_url(ehr, url, session.patient, link.get("appContext"))
        if form.get("where") == "frame":
            session.framed = address
            return _back(session)
        return RedirectResponse(address, 303)

    async def _form(self, request: Request) -> tuple[dict[str, str], Session]:
        form = dict(parse_qsl((await request.body()).decode()))
        session = self._sessions.get(form.get("session", ""))
        if session is None or session.patient != request.path_params["patient"]:
            raise HTTPException(404, "This chart is no longer open. Open it again.")
        return form, session

    async def _tell(self, session: Session, answer: Answer, item: Json) -> str:
        try:
            response = await self._simulator.client(session.site).feedback(answer.url, item)
        except httpx.HTTPError as error:
            return f" Feedback failed: {type(error).__name__}."
        return f" Feedback sent ({response.status_code})."


def launch_url(ehr: Ehr, url: str, patient: str, app_context: str | None = None) -> str:
    """Create a launch for a patient's next visit and give the address that opens the app."""
    visit = next_visit(ehr.store, patient)
    appointment = str(visit["id"]) if visit is not None else None
    planned = [
        str(one["id"])
        for one in ehr.store.all("Encounter", patient=patient)
        if appointment is not None and matches(one, "appointment", appointment)
    ]
    context = Launch(
        patient=patient,
        encounter=planned[0] if planned else None,
        appointment=appointment,
        app_context=app_context,
    )
    launch = ehr.launches.create(context)
    query = urlencode({"iss": ehr.records.base, "launch": launch})
    return f"{url}{'&' if '?' in url else '?'}{query}"


def proposed_visit(ehr: Ehr, patient: str, start: datetime, reason: str) -> Json:
    """Make a proposed Appointment of half an hour; `start` is aware."""
    people = (f"Patient/{patient}", "Practitioner/sim-clinician")
    visit: Json = {
        "resourceType": "Appointment",
        "id": ehr.ids(),
        "status": "proposed",
        "start": start.isoformat(),
        "end": (start + VISIT).isoformat(),
        "minutesDuration": int(VISIT.total_seconds() // 60),
        "participant": [
            {"actor": {"reference": one}, "status": "accepted", "required": "required"}
            for one in people
        ],
    }
    if reason:
        visit["description"] = reason
    for concept in ehr.personality.adds.get("Appointment", ()):
        visit[concept.element] = [{"coding": [{"system": concept.system, "code": concept.code}]}]
    return visit


def act(ehr: Ehr, action: Json, patient: str) -> str:
    """Carry out one action of a card and say what was done. Raises RefusedError."""
    kind, resource = action.get("type"), action.get("resource") or {}
    if kind == "create" and isinstance(resource.get("resourceType"), str):
        made = writes.create(ehr.records, resource, ids=ehr.ids, patient=patient).resource
        return f"Created {made['resourceType']}/{made['id']}."
    if kind == "update" and {"resourceType", "id"} <= resource.keys():
        kept = writes.update(ehr.records, resource, patient=patient).resource
        return f"Updated {kept['resourceType']}/{kept['id']}."
    name, _, key = str(action.get("resourceId", "")).partition("/")
    held = ehr.store.read(name, key)
    if kind == "delete" and held is not None and held.patient == patient:
        ehr.store.remove(name, key)
        return f"Deleted {name}/{key}."
    raise RefusedError(400, "invalid", "the action cannot be carried out")


def _back(session: Session) -> Response:
    query = urlencode({"site": session.site, "session": session.key})
    return RedirectResponse(f"/chart/{session.patient}?{query}", 303)


def _card(form: dict[str, str], session: Session) -> tuple[Answer, Json, tuple[int, int]]:
    number, card = form.get("answer", ""), form.get("card", "")
    if not number.isdigit() or int(number) >= len(session.answers):
        raise HTTPException(404, "This card is no longer shown.")
    answer = session.answers[int(number)]
    return answer, _at(answer.cards(), card), (int(number), int(card))


def _at(rows: list[Json], number: str) -> Json:
    if not number.isdigit() or int(number) >= len(rows):
        raise HTTPException(404, "This card is no longer shown.")
    return rows[int(number)]
