"""Draws CDS cards and the facts of a hook call as an EHR's side panel would."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx

from cds_service.simulator.markdown import render
from cds_service.simulator.markup import Child, Html, tag, text, web_address
from cds_service.simulator.search import values_at
from cds_service.simulator.wire import Json, dumps, listed

if TYPE_CHECKING:
    from cds_service.simulator.cds_client import Answer
    from cds_service.simulator.personalities import HookStyle

INDICATORS = {"info": "Information", "warning": "Warning", "critical": "Critical"}
RANK = {"critical": 0, "warning": 1, "info": 2}


@dataclass(slots=True)
class Session:
    """One opened chart: the answers shown and what the user did with each card."""

    key: str
    site: str
    patient: str
    answers: list[Answer] = field(default_factory=list)
    decided: dict[tuple[int, int], str] = field(default_factory=dict)
    notice: str = ""
    trouble: str = ""
    framed: str = ""
    """The address of an app that is to be shown beside the chart, once: a launch is good once."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a card stands: needed to post a form about it."""

    session: Session
    answer: int
    card: int

    def form(self, action: str, *children: Child, new_tab: bool = False, **hidden: str) -> Html:
        """Draw a form that posts this place and the hidden fields."""
        fields = {
            "session": self.session.key,
            "answer": str(self.answer),
            "card": str(self.card),
            **hidden,
        }
        inputs = [tag("input", type="hidden", name=n, value=v) for n, v in fields.items()]
        return tag(
            "form",
            inputs,
            list(children),
            method="post",
            action=f"/chart/{self.session.patient}/{action}",
            target="_blank" if new_tab else None,
        )


def answer_section(session: Session, number: int, style: HookStyle) -> Html:
    """Draw everything one hook call brought."""
    answer = session.answers[number]
    hook = str(answer.request["hook"])
    order = sorted(
        enumerate(answer.cards()), key=lambda one: RANK.get(str(one[1].get("indicator")), 3)
    )
    cards = [_card(card, Place(session, number, index), style) for index, card in order]
    quiet = answer.status == httpx.codes.OK and not cards
    return tag(
        "section",
        tag(
            "h2",
            str(answer.service.get("title") or answer.service["id"]),
            tag("span", hook, class_="hook"),
            _timing(answer),
        ),
        _problem(answer) if answer.status != httpx.codes.OK else None,
        tag("p", "The service has nothing to say.", class_="quiet") if quiet else None,
        cards,
        _developer(answer),
        class_="answer",
    )


def _timing(answer: Answer) -> Html:
    good = answer.status == httpx.codes.OK
    status = str(answer.status) if answer.status else "no answer"
    return tag(
        "span",
        tag("span", status, class_="status good" if good else "status bad"),
        f"{answer.elapsed_ms:.0f} ms",
        class_="timing",
        title=answer.server_timing or None,
    )


def _problem(answer: Answer) -> Html:
    texts = [
        str(issue.get("diagnostics") or issue.get("details", {}).get("text") or issue.get("code"))
        for issue in listed((answer.body or {}).get("issue"))
    ]
    said = " ".join(texts) or answer.text[:500] or "The body is empty."
    head = (
        f"The service answered {answer.status}" if answer.status else "The service did not answer"
    )
    return tag("div", tag("strong", head), tag("p", said), class_="problem", role="alert")


def _card(card: Json, place: Place, style: HookStyle) -> Html:
    indicator = str(card.get("indicator"))
    tone = indicator if indicator in INDICATORS else "info"
    decided = place.session.decided.get((place.answer, place.card))
    source = card.get("source") or {}
    detail = card.get("detail")
    return tag(
        "article",
        tag("p", INDICATORS[tone], class_="indicator"),
        tag("h3", str(card.get("summary", ""))),
        tag("div", render(detail), class_="detail") if isinstance(detail, str) else None,
        tag(
            "div",
            _links(card, place, style),
            None if decided else _choices(card, place, style),
            class_="row",
        ),
        tag("p", decided, class_="decided") if decided else None,
        _source(source),
        class_=f"card {tone}",
    )


def _source(source: Json) -> Html:
    label, url = str(source.get("label", "")), web_address(source.get("url"))
    shown: Child = tag("a", label, href=url, target="_blank", rel="noopener") if url else label
    topic = (source.get("topic") or {}).get("display")
    return tag("footer", "Source: ", shown, f" · {topic}" if topic else None)


def _links(card: Json, place: Place, style: HookStyle) -> list[Child]:
    drawn: list[Child] = []
    for number, link in enumerate(listed(card.get("links"))):
        url = web_address(link.get("url"))
        if url is None:
            continue
        label = str(link.get("label", "")) if style.shows_labels else "Open linked application"
        if link.get("type") == "smart":
            button = tag("button", label, " ↗", type="submit", class_="launch")
            drawn.append(place.form("launch", button, new_tab=True, link=str(number)))
            beside = tag("button", "Beside the chart", type="submit")
            drawn.append(place.form("launch", beside, link=str(number), where="frame"))
        else:
            drawn.append(tag("a", label, " ↗", href=url, target="_blank", rel="noopener"))
    return drawn


def _choices(card: Json, place: Place, style: HookStyle) -> list[Child]:
    suggestions = enumerate(listed(card.get("suggestions")))
    drawn = [_suggestion(one, place, number, style) for number, one in suggestions]
    return [*drawn, _dismissal(card, place)]


def _suggestion(suggestion: Json, place: Place, number: int, style: HookStyle) -> Html:
    actions = listed(suggestion.get("actions"))
    descriptions = [str(action.get("description", "")) for action in actions]
    label = str(suggestion.get("label", ""))
    shown = label if style.shows_labels else "; ".join(descriptions)
    missing = [kind for kind in created_types(suggestion) if kind not in style.card_creates]
    if missing:
        words = f"{shown}: this EHR cannot create {', '.join(missing)} from a card"
        return tag("p", words, class_="unsupported")
    recommended = " recommended" if suggestion.get("isRecommended") else ""
    button = tag(
        "button",
        shown,
        type="submit",
        class_=f"suggestion{recommended}",
        title="; ".join(descriptions) or None,
    )
    return place.form("accept", button, suggestion=str(number))


def created_types(suggestion: Json) -> list[str]:
    """Name the types of the resources that a suggestion would create."""
    actions = [a for a in listed(suggestion.get("actions")) if a.get("type") == "create"]
    return [str((action.get("resource") or {}).get("resourceType")) for action in actions]


def _dismissal(card: Json, place: Place) -> Html:
    if not card.get("uuid"):
        return text(None)
    reasons = [
        tag("option", str(reason.get("display") or reason.get("code")), value=str(number))
        for number, reason in enumerate(listed(card.get("overrideReasons")))
    ]
    return tag(
        "details",
        tag("summary", "Dismiss…"),
        place.form(
            "dismiss",
            tag(
                "label",
                "Reason",
                tag("select", tag("option", "—", value=""), reasons, name="reason"),
            ),
            tag("label", "Comment", tag("input", name="comment", maxlength="200")),
            tag("button", "Dismiss", type="submit"),
        ),
        class_="dismiss",
    )


def _developer(answer: Answer) -> Html:
    request = copy.deepcopy(answer.request)
    if "fhirAuthorization" in request:
        request["fhirAuthorization"]["access_token"] = "…"  # noqa: S105 - hides a token
    prefetch = request.pop("prefetch", {})
    rows = [
        tag("tr", tag("td", tag("code", key)), tag("td", describe(value)))
        for key, value in prefetch.items()
    ]
    response = dumps(answer.body, pretty=True).decode() if answer.body is not None else answer.text
    return tag(
        "details",
        tag("summary", "Request and response"),
        tag("p", "POST ", tag("code", answer.url)),
        tag("h4", "Prefetch"),
        tag("table", tag("tbody", rows)) if rows else tag("p", "none sent", class_="quiet"),
        tag("h4", "Request without prefetch"),
        tag("pre", dumps(request, pretty=True).decode()),
        tag("h4", f"Response {answer.status}"),
        tag("pre", response),
        class_="developer",
    )


def describe(value: Json | None) -> str:
    """Say in words what stands under one prefetch key."""
    if value is None:
        return "null"
    if value.get("resourceType") != "Bundle":
        return str(value.get("resourceType"))
    entries = [e for e in listed(value.get("entry")) if e.get("search", {}).get("mode") == "match"]
    paged = "next" in values_at(value, "link.relation")
    return f"Bundle, {len(entries)} found" + (", more pages" if paged else "")
