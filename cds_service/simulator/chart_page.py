"""Draws an opened chart: who it is, the cards, the booking form and the notes on file."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import TYPE_CHECKING

from cds_service.simulator.banner import Banner, banner, visit_text, visits, when
from cds_service.simulator.cards import answer_section
from cds_service.simulator.markup import Html, document, tag
from cds_service.simulator.pages import bar
from cds_service.simulator.wire import Json, listed

if TYPE_CHECKING:
    from cds_service.simulator.cards import Session
    from cds_service.simulator.ehr import Ehr
    from cds_service.simulator.world import Simulator

NOTES_SHOWN = 6


def chart(simulator: Simulator, session: Session) -> str:
    """Draw the chart of a session's patient, with every answer so far, newest first."""
    ehr = simulator.ehr(session.site)
    who = banner(ehr.store, session.patient)
    if who is None:
        message = f"no patient {session.patient}"
        raise KeyError(message)
    style = ehr.personality.hooks
    answers = [
        answer_section(session, number, style) for number in reversed(range(len(session.answers)))
    ]
    nothing = tag("p", "No CDS service answered for this chart.", class_="quiet")
    page = tag(
        "main",
        _head(simulator, session, who),
        tag(
            "div",
            tag("div", _news(session), answers or nothing, class_="advice"),
            tag(
                "aside",
                _app(session),
                _visit(ehr, session),
                _booking(ehr, session),
                _notes(ehr, session.patient),
            ),
            class_="columns with-app" if session.framed else "columns",
        ),
        class_="chart",
    )
    top = bar(f"{ehr.personality.title} · {ehr.personality.software}", theme=ehr.personality.name)
    return document(f"{who.name} · {ehr.personality.title}", top, page)


def _news(session: Session) -> list[Html]:
    kinds = (
        (session.trouble, "problem trouble", "alert"),
        (session.notice, "notice", "status"),
    )
    return [tag("p", words, class_=look, role=role) for words, look, role in kinds if words]


def _head(simulator: Simulator, session: Session, who: Banner) -> Html:
    facts = (("Born", f"{who.born} ({who.age} y)"), ("Sex", who.sex), ("MRN", who.mrn))
    sites = simulator.config.service_base_by_site
    tabs = [
        tag(
            "a",
            simulator.ehr(site).personality.title,
            href=f"/chart/{session.patient}?site={site}",
            aria_current="page" if site == session.site else None,
        )
        for site in sites
    ]
    return tag(
        "div",
        tag("h1", who.name),
        tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in facts)),
        tag("nav", tabs, aria_label="The same chart elsewhere"),
        class_="banner",
    )


def _app(session: Session) -> Html | None:
    if not session.framed:
        return None
    return tag("section", tag("iframe", src=session.framed, title="App"), class_="app")


def _visit(ehr: Ehr, session: Session) -> Html:
    booked = visits(ehr.store, session.patient)
    lines = [visit_text(one) for one in booked] or [visit_text(None)]
    again = tag("a", "Open the chart again", href=f"/chart/{session.patient}?site={session.site}")
    return tag(
        "section",
        tag("h2", "Visits to come"),
        tag("ul", [tag("li", one) for one in lines], class_="visits"),
        tag("p", again, class_="quiet"),
    )


def _booking(ehr: Ehr, session: Session) -> Html:
    day = (ehr.store.anchor + timedelta(days=7)).isoformat()
    has_hook = "appointment-book" in ehr.personality.hooks.hooks
    remark = (
        "Booking calls appointment-book."
        if has_hook
        else "This EHR has no booking hook; the service finds the visit when it polls."
    )
    form = tag(
        "form",
        tag("input", type="hidden", name="session", value=session.key),
        tag("label", "Day", tag("input", type="date", name="day", value=day, required=True)),
        tag("label", "Time", tag("input", type="time", name="time", value="09:30", required=True)),
        tag(
            "label", "Reason", tag("input", name="reason", value="Follow-up visit", maxlength="80")
        ),
        tag("button", "Book", type="submit", class_="primary"),
        method="post",
        action=f"/chart/{session.patient}/book",
    )
    return tag("section", tag("h2", "Book a visit"), form, tag("p", remark, class_="quiet"))


def _notes(ehr: Ehr, patient: str) -> Html:
    notes = sorted(
        ehr.store.all("DocumentReference", patient=patient),
        key=_dated,
        reverse=True,
    )
    shown = [_note(note) for note in notes[:NOTES_SHOWN]]
    empty = tag("p", "No notes on file.", class_="quiet")
    return tag("section", tag("h2", "Notes on file"), shown or empty, class_="notes")


def _note(note: Json) -> Html:
    kind = note.get("type") or {}
    names = [kind.get("text"), *(c.get("display") for c in listed(kind.get("coding")))]
    name = next((str(one) for one in names if one), "Note")
    status = str(note.get("docStatus") or note.get("status", ""))
    return tag(
        "details",
        tag(
            "summary",
            name,
            tag("span", status, class_=f"tag {status}"),
            tag("span", when(_dated(note)), class_="quiet"),
        ),
        tag("pre", _words(note), class_="note"),
    )


def _dated(note: Json) -> str:
    return str(note.get("date") or note["meta"]["lastUpdated"])


def _words(note: Json) -> str:
    for content in listed(note.get("content")):
        attachment = content.get("attachment", {})
        if "data" in attachment and str(attachment.get("contentType", "")).startswith("text/"):
            return base64.b64decode(attachment["data"]).decode("utf-8", "replace")
    return "(no text to show)"
