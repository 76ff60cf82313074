"""The review app behind a card's link: pages rendered here, and one form for each decision.

Every address is below `/{site}/briefs/{id}` and needs the session of the launch that opened this brief. A
form carries the session's token against forgery. Nothing of a chart stands in an address.
"""

import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from hmac import compare_digest
from importlib import resources
from typing import Protocol

import msgspec
from fastapi import FastAPI, Request, Response
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import RedirectResponse

from cds_service.domain.errors import (
    BadCall,
    CdsError,
    Conflict,
    NotAllowed,
    NotTrusted,
    SignInFailed,
    StorageAway,
)
from cds_service.domain.evidence import Evidence
from cds_service.domain.json import EMPTY, JsonObject, encode
from cds_service.domain.session import LaunchSession
from cds_service.flow.changes import Changes, Compared
from cds_service.flow.opened import Opened
from cds_service.flow.sign import Sign
from cds_service.flow.trace import Trace
from cds_service.http.dates import dated
from cds_service.http.edge import whereabouts
from cds_service.http.form import form_of
from cds_service.http.made_page import made_page
from cds_service.http.page_headers import page_headers
from cds_service.http.problems import status
from cds_service.http.review_page import ENDED, note_page, page
from cds_service.review.decisions import Decision
from cds_service.review.source import view
from cds_service.sites import Site, Sites
from cds_service.storage import OUTAGES

log = logging.getLogger("cds_service")
_MAY = " connect-src 'self'; img-src 'self'; form-action 'self';"
_ASSETS: Mapping[str, str] = {
    "icon.svg": "image/svg+xml",
    "review.css": "text/css",
    "review.js": "text/javascript",
}
_SEE_OTHER = 303
_NUMBER = re.compile(r"[0-9]{1,6}")
"""Python makes no number of more than some thousand digits, and a brief cites fewer sources than that."""
_MOST_SOURCES = 40
_DECISIONS: tuple[Decision, ...] = (
    "reject",
    "withdraw",
    "take_back",
    "settle_there",
    "file_again",
)


class SignOut(Protocol):
    """Ends a session."""

    async def __call__(self, session: LaunchSession, response: Response) -> None:
        """End it, and have the browser forget it."""


class SessionOf(Protocol):
    """Finds the session of a request."""

    async def __call__(
        self, request: Request, site: Site, *, by_person: bool = True
    ) -> LaunchSession:
        """Return it, used by a person or only by a page that waits. Raises `NotTrusted` where there is none."""


@dataclass(frozen=True, kw_only=True)
class Review:
    """The pages and forms."""

    sites: Sites
    sign: Sign
    changes: Changes
    trace: Trace
    session_of: SessionOf = field(repr=False)
    sign_out: SignOut = field(repr=False)
    now: Callable[[], datetime]

    @cached_property
    def _templates(self) -> Environment:
        made = Environment(
            loader=PackageLoader("cds_service.http"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        made.filters["dated"] = dated
        return made

    @cached_property
    def _stamp(self) -> str:
        return sha256(b"".join(_asset(name) for name in _ASSETS)).hexdigest()[:12]

    async def brief(self, request: Request) -> Response:
        """`GET /{site}/briefs/{id}`: the brief, or how far it is."""
        opened = await self._opened(request)
        if not opened.is_shown:
            return self._unready(request, opened)
        asked = request.query_params
        data = page(
            opened,
            edit=asked.get("edit", ""),
            add=asked.get("add", ""),
            asking=asked.get("ask", ""),
        )
        return self._page("brief.html", opened.site, request, data)

    def _unready(self, request: Request, opened: Opened) -> Response:
        state = opened.brief.state
        if state in {"requested", "preparing"}:
            made = opened.brief.created.astimezone(opened.site.zone)
            data = {"state": state, "asked": f"{made:%Y-%m-%d at %H:%M}"}
            return self._page("preparing.html", opened.site, request, data)
        heading, said = ENDED.get(state, ENDED["failed"])
        return self._notice(opened.site, heading, [said, "The chart in your EHR has everything."])

    async def note(self, request: Request) -> Response:
        """`GET .../note`: the exact note that approving would file."""
        opened = await self._opened(request)
        if not (opened.may("approve") or opened.may("correct")):
            return RedirectResponse(_base(request), _SEE_OTHER)
        at = self.now().replace(microsecond=0)
        screen = opened.screen(at)
        findings = await self.sign.findings(opened, screen)
        data = note_page(opened, screen, findings, at.isoformat())
        return self._page("note.html", opened.site, request, data)

    async def source(self, request: Request) -> Response:
        """`GET .../sources/{n,n}`: cited resources for a person; `{n}.json` is what the EHR sent."""
        opened = await self._glanced(request)
        asked = request.path_params["numbers"]
        held = _held(opened, asked.removesuffix(".json"))
        if not held:
            sentence = "This source was not kept with the brief: open it in the chart."
            return self._notice(opened.site, "No longer here", [sentence], status_code=404)
        kind = "source_as_sent" if asked.endswith(".json") else "source"
        await self.sign.looked(opened, kind, sources=len(held))
        if asked.endswith(".json"):
            shown = self._render("raw.html", json=_indented(next(iter(held.values())).resource))
            return self._html(shown, opened.site)
        base = f"{_base(request)}/sources"
        views = [(view(item, opened.ledger), f"{base}/{n}.json") for n, item in held.items()]
        template = "sources.html" if "x-fragment" in request.headers else "source_page.html"
        return self._page(template, opened.site, request, {"sources": views})

    async def made(self, request: Request) -> Response:
        """`GET .../made`: how the brief was made: what a model was asked, chose and cost, what the checks found."""
        opened = await self._glanced(request)
        record = await self.trace(opened) if opened.is_of_this_policy else EMPTY
        data = made_page(opened, record)
        return self._page("made.html", opened.site, request, data)

    async def state(self, request: Request) -> Response:
        """`GET .../state`: how far the brief is, for a page that waits, which keeps nobody signed in."""
        opened = await self._glanced(request, by_person=False)
        body = encode({"state": opened.brief.state})
        return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})

    async def changed(self, request: Request) -> Response:
        """`GET .../changes`: what of the sources is no longer as it was, read from the chart now."""
        opened = await self._glanced(request)
        found = await self._compared(opened)
        at = f"{self.now().astimezone(opened.site.zone):%H:%M}"
        shown = self._render("changes.html", changed=found.changed, unread=found.unread, at=at)
        return self._html(shown, opened.site)

    async def _compared(self, opened: Opened) -> Compared:
        found = await self.changes(opened)
        counts = {"asked": found.asked, "changed": len(found.changed), "unread": found.unread}
        await self.sign.looked(opened, "changes", **counts)
        return found

    async def edit(self, request: Request) -> Response:
        """`POST .../edits`: one edit; the page comes back where it was made."""
        opened, form = await self._posted(request)
        line = form.get("line", "")
        await self.sign.edit(
            opened, kind=form.get("kind", ""), line=line, text=form.get("text", "")
        )
        anchor = f"s-{line}" if form.get("kind") == "add" else line
        return RedirectResponse(f"{_base(request)}{f'#{anchor}' if anchor else ''}", _SEE_OTHER)

    async def approve(self, request: Request) -> Response:
        """`POST .../approve`: exactly what the page showed; a second press changes nothing."""
        opened, form = await self._posted(request)
        try:
            at = datetime.fromisoformat(form.get("at", "")).astimezone(UTC)
            digest = form["digest"]
        except (ValueError, KeyError, OverflowError):
            raise BadCall("The form is not whole.") from None
        if opened.approval is not None and opened.approval.digest == digest:
            return RedirectResponse(_base(request), _SEE_OTHER)
        found = await self._compared(opened)
        if found.changed:
            raise Conflict(
                "The chart changed since this brief was made: ask for a newer brief, or leave out"
                " the lines that the page names."
            )
        await self.sign.approve(opened, digest=digest, at=at)
        return RedirectResponse(_base(request), _SEE_OTHER)

    async def leave(self, request: Request) -> Response:
        """`POST .../sign-out`: end this sign-in."""
        opened, _ = await self._posted(request)
        said = [
            "What was approved is kept and filed.",
            "Open the brief again from the patient's chart in your EHR.",
        ]
        response = self._notice(opened.site, "You are signed out", said)
        await self.sign_out(opened.session, response)
        return response

    def decide(self, decision: Decision) -> Callable[[Request], Awaitable[Response]]:
        """Return the endpoint `POST .../{decision}`."""

        async def decided(request: Request) -> Response:
            opened, form = await self._posted(request)
            await self.sign.decide(opened, decision, reason=form.get("text", ""))
            return RedirectResponse(_base(request), _SEE_OTHER)

        return decided

    async def _opened(self, request: Request) -> Opened:
        site, session = await self._who(request)
        return await self.sign.open(session, site, request.path_params["brief"])

    async def _glanced(self, request: Request, *, by_person: bool = True) -> Opened:
        site, session = await self._who(request, by_person=by_person)
        return await self.sign.glance(session, site, request.path_params["brief"])

    async def _posted(self, request: Request) -> tuple[Opened, dict[str, str]]:
        site, session = await self._who(request)
        form = await form_of(request)
        if not compare_digest(form.get("csrf", "").encode(), session.csrf.encode()):
            raise NotAllowed("This form belongs to another sign-in: open the app from the chart.")
        opened = await self.sign.glance(session, site, request.path_params["brief"])
        return opened, form

    async def _who(
        self, request: Request, *, by_person: bool = True
    ) -> tuple[Site, LaunchSession]:
        site = self.sites.find(request.path_params["site"])
        return site, await self.session_of(request, site, by_person=by_person)

    def guarded(
        self, serve: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """Return the endpoint with every refusal as a page that says what to do."""

        async def answer(request: Request) -> Response:
            try:
                return await serve(request)
            except CdsError as problem:
                return self._refused(request, problem)
            except OUTAGES as away:
                log.error("a page was not answered: %s", whereabouts(away))  # noqa: TRY400  # a trace quotes values
                return self._away(request)

        return answer

    def _refused(self, request: Request, problem: CdsError) -> Response:
        site = self.sites.find(request.path_params["site"])
        if isinstance(problem, NotTrusted | NotAllowed | SignInFailed):
            self.sign.audit.refused(site.name, "review", problem)
        if isinstance(problem, NotTrusted):
            said = [
                "You are not signed in here, or your sign-in has ended.",
                "Open the brief again from the patient's chart in your EHR. What was approved is kept.",
            ]
            return self._notice(site, "Please open this from the chart", said, status_code=401)
        if isinstance(problem, SignInFailed):
            said = ["The app is switched off for this EHR for now. What was approved is kept."]
            return self._notice(site, "Switched off", said, status_code=status(problem))
        heading = (
            "This is no longer so" if isinstance(problem, Conflict) else "This is not possible"
        )
        return self._notice(
            site,
            heading,
            [problem.detail or problem.advice],
            status_code=status(problem),
            back=_base(request),
        )

    def _away(self, request: Request) -> Response:
        said = [
            "The service cannot reach its database, so that nothing of the chart is shown here.",
            "What you sent last may not have been kept: look again in a moment. The chart in your EHR has everything.",
        ]
        return self._notice(
            self.sites.find(request.path_params["site"]),
            "Not possible just now",
            said,
            status_code=status(StorageAway()),
            back=_base(request),
        )

    def _notice(
        self,
        site: Site,
        heading: str,
        sentences: list[str],
        *,
        status_code: int = 200,
        back: str = "",
    ) -> Response:
        label = "Read the brief as it is now"
        shown = self._render(
            "notice.html", heading=heading, sentences=sentences, back=back, back_label=label
        )
        return self._html(shown, site, status_code=status_code)

    def _page(
        self, template: str, site: Site, request: Request, data: Mapping[str, object]
    ) -> Response:
        return self._html(self._render(template, base=_base(request), **data), site)

    def _render(self, template: str, **data: object) -> str:
        found = self._templates.get_template(template)
        return found.render(assets="/assets", stamp=self._stamp, **data)

    def _html(self, shown: str, site: Site, *, status_code: int = 200) -> Response:
        headers = page_headers(site, may=_MAY, referrer="same-origin")
        return Response(shown, status_code=status_code, media_type="text/html", headers=headers)


def _base(request: Request) -> str:
    """Return the path of the brief's page."""
    return f"/{request.path_params['site']}/briefs/{request.path_params['brief']}"


def _held(opened: Opened, numbers: str) -> dict[int, Evidence]:
    """Return the evidence behind the numbers of an address; those that lead nowhere are left out."""
    refs, evidence = opened.sheet.refs, opened.ledger.evidence
    asked = [int(n) for n in numbers.split(",")[:_MOST_SOURCES] if _NUMBER.fullmatch(n)]
    return {n: evidence[refs[n]] for n in asked if n < len(refs) and refs[n] in evidence}


def _indented(resource: JsonObject) -> str:
    return msgspec.json.format(encode(resource), indent=2).decode()


def _asset(name: str) -> bytes:
    return resources.files("cds_service.http").joinpath("static", name).read_bytes()


def add_review(app: FastAPI, review: Review) -> None:
    """Serve the pages, the forms and their two assets."""
    base = "/{site}/briefs/{brief}"
    pages: Mapping[str, Callable[[Request], Awaitable[Response]]] = {
        base: review.brief,
        f"{base}/note": review.note,
        f"{base}/sources/{{numbers}}": review.source,
        f"{base}/made": review.made,
        f"{base}/state": review.state,
        f"{base}/changes": review.changed,
    }
    for path, serve in pages.items():
        app.add_route(path, review.guarded(serve))
    app.add_route(f"{base}/edits", review.guarded(review.edit), methods=["POST"])
    app.add_route(f"{base}/sign-out", review.guarded(review.leave), methods=["POST"])
    app.add_route(f"{base}/approve", review.guarded(review.approve), methods=["POST"])
    for decision in _DECISIONS:
        decide = review.guarded(review.decide(decision))
        app.add_route(f"{base}/{decision}", decide, methods=["POST"])
    assets = {name: _asset(name) for name in _ASSETS}

    async def asset(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in assets:
            return Response(status_code=404)
        told = {"Cache-Control": "public, max-age=31536000, immutable"}
        return Response(assets[name], media_type=_ASSETS[name], headers=told)

    app.add_route("/assets/{name}", asset)
