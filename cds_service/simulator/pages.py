"""Draws the simulator's plain pages: the patient list, the sign-in page and notices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cds_service.simulator.banner import banner, next_visit, visit_text
from cds_service.simulator.markup import Html, document, tag, text

if TYPE_CHECKING:
    from cds_service.simulator.world import Simulator


def bar(where: str, *, theme: str = "") -> Html:
    """Draw the bar at the top of every page."""
    return tag(
        "header",
        tag("a", "Simulator EHR", href="/", class_="brand"),
        tag("span", where, class_="where"),
        tag("span", "synthetic patients only", class_="synthetic"),
        class_=f"bar {theme}".strip(),
    )


def notice(title: str, sentence: str) -> str:
    """Draw a page that says one thing."""
    words = tag("main", tag("h1", title), tag("p", sentence), class_="narrow")
    return document(title, bar(title), words)


def consent(url: str, client: str, scopes: list[str]) -> str:
    """Draw the sign-in page, which goes on by itself after a moment."""
    granted = tag("ul", *(tag("li", tag("code", one)) for one in scopes), class_="scopes")
    body = tag(
        "main",
        tag("h1", "Opening the app"),
        tag(
            "p",
            tag("strong", "Dr. Avery Quinn"),
            " is signed in and lets ",
            tag("code", client),
            " use this chart:",
        ),
        granted,
        tag("p", tag("a", "Continue", href=url, class_="button")),
        tag("p", "The demo approves by itself in a second.", class_="quiet"),
        class_="narrow",
    )
    onward = tag("meta", http_equiv="refresh", content=f"1;url={url}")
    return document("Sign in", bar("Sign in"), body, head=onward)


def patient_list(simulator: Simulator) -> str:
    """Draw the start page: who is here, when they come, and the ways into each chart."""
    sites = simulator.config.service_base_by_site
    rows = [_patient(simulator, patient) for patient in simulator.patients.patient_ids()]
    names = [simulator.ehr(site).personality.title for site in sites]
    intro = tag(
        "div",
        tag("h1", "Patients"),
        tag(
            "p",
            f"Today is {simulator.config.anchor:%A, %d %B %Y}. Open a chart and the EHR asks the "
            f"CDS service for cards, as {' or as '.join(names)} would.",
            class_="quiet",
        ),
        class_="intro",
    )
    return document(
        "Patients", bar("Patient list"), tag("main", intro, tag("ol", rows, class_="patients"))
    )


def _patient(simulator: Simulator, patient: str) -> Html:
    store = next(iter(simulator.ehrs.values())).store
    who = banner(store, patient)
    if who is None:
        return text(None)
    sites = simulator.config.service_base_by_site
    ways = [_way(simulator, site, patient, who.name) for site in sites]
    return tag(
        "li",
        tag(
            "div",
            tag("h2", who.name),
            tag("p", f"{who.age} years · {who.sex} · {who.mrn}", class_="facts"),
            tag("p", simulator.patients.synopsis(patient)),
            tag(
                "p",
                tag("span", "Next visit", class_="label"),
                visit_text(next_visit(store, patient)),
                class_="visit",
            ),
        ),
        tag("div", tag("span", "Open chart at", class_="label"), ways, class_="ways"),
    )


def _way(simulator: Simulator, site: str, patient: str, name: str) -> Html:
    personality = simulator.ehr(site).personality
    return tag(
        "a",
        personality.title,
        href=f"/chart/{patient}?site={site}",
        class_=f"button {personality.name}",
        aria_label=f"Open the chart of {name} at {personality.title}",
    )
