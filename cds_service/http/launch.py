"""`GET /{site}/smart/launch` and `/callback`: the app is opened from a chart, and the browser comes back signed in."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from html import escape
from importlib import resources

from fastapi import FastAPI, Request, Response

from cds_service.domain.errors import CdsError, NotTrusted, SignInFailed, StorageAway
from cds_service.domain.session import LaunchSession
from cds_service.flow.sessions import Sessions
from cds_service.flow.sign_in import SIGN_IN_S, SignIn
from cds_service.http.cookies import Cookies, of_brief, of_sign_in
from cds_service.http.edge import whereabouts
from cds_service.http.page_headers import page_headers
from cds_service.http.problems import status
from cds_service.sites import Site, Sites
from cds_service.smart.launch import Authorization
from cds_service.storage import OUTAGES

log = logging.getLogger("cds_service")
_MAX_STATE = 256
_FOUND, _SEE_OTHER = 302, 303
_AGAIN = "Close this and open the app from the patient's chart again."
_SENTENCES: Mapping[str, str] = {
    "other_iss": "This link was opened from another EHR than the one that it belongs to.",
    "no_launch": "This page is opened from a patient's chart in the EHR.",
    "no_app_at_this_site": "The app is not switched on for this EHR.",
    "switched_off": "The app is switched off for this EHR for now. The chart in your EHR has everything.",
    "no_brief": "There is no pre-visit brief for this patient yet. The chart in your EHR has everything.",
    "brief_of_other_patient": f"This brief belongs to another patient. Nothing was shown. {_AGAIN}",
    "unknown_state": f"This sign-in was used before, or it took too long. {_AGAIN}",
    "state_expired": f"This sign-in took too long. {_AGAIN}",
    "other_browser": (
        "The browser did not send our cookie back. Where the EHR shows the app in a frame, the browser must allow"
        " cookies there; otherwise let the EHR open the app in a window of its own."
    ),
    "user_is_no_clinician": "The app is for clinicians. The EHR says that you are signed in as somebody else.",
    "ehr_access_denied": f"The EHR did not let you sign in to the app. {_AGAIN}",
}
"""What a person is told, by reason; every other reason gets the error's own sentence."""
_REGISTERED = frozenset(
    {"access_denied", "invalid_request", "invalid_scope", "unauthorized_client"}
)
"""Errors of an authorization server (RFC 6749 section 4.1.2.1) that we repeat by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """The two addresses of a SMART EHR launch, and who is signed in. One for each process."""

    sites: Sites
    sign_in: SignIn
    sessions: Sessions
    cookies: Cookies
    is_off: Callable[[str], bool]
    """Whether a site was switched off as a whole."""

    def check_on(self, site: Site) -> None:
        """Raise `SignInFailed` while everything of a site is switched off."""
        if site.file.mode == "off" or self.is_off(site.name):
            raise SignInFailed("switched_off")

    def turned_away(self, site: Site, problem: SignInFailed) -> Response:
        """Return the page of a sign-in that ended before its flow began, and say so in the audit."""
        self.sign_in.audit.refused(site.name, "sign_in", problem)
        return _refused(site, problem)

    async def launch(self, request: Request) -> Response:
        """`GET /{site}/smart/launch?iss=&launch=`: send the browser to the EHR's authorization server."""
        site = self.sites.find(request.path_params["site"])
        asked = request.query_params
        begun = await self.sign_in.begin(
            site,
            iss=asked.get("iss", ""),
            launch=asked.get("launch", ""),
            address=request.client.host if request.client else "",
        )
        response = _away(begun.authorization, site)
        name = of_sign_in(begun.pending.state)
        self.cookies.put(response, name, begun.pending.browser, max_age_s=SIGN_IN_S)
        return response

    async def callback(self, request: Request) -> Response:
        """`GET /{site}/smart/callback?code=&state=`: check everything, and go on to the brief."""
        site = self.sites.find(request.path_params["site"])
        asked = request.query_params
        state = asked.get("state", "")[:_MAX_STATE]
        error = asked.get("error")
        if error is not None:
            reason = f"ehr_{error}" if error in _REGISTERED else "ehr_error"
            return self.turned_away(site, SignInFailed(reason))
        signed_in = await self.sign_in.finish(
            site,
            state=state,
            browser=self.cookies.read(request, of_sign_in(state)),
            code=asked.get("code", ""),
        )
        session = signed_in.session
        response = Response(status_code=_SEE_OTHER, headers=page_headers(site))
        response.headers["Location"] = f"/{site.name}/briefs/{session.brief}"
        life = int((session.ends - session.started).total_seconds())
        held = self.cookies.briefs(request)
        for name in await self.sessions.end_others(session, site, held):
            self.cookies.drop(response, name)
        self.cookies.put(response, of_brief(str(session.brief)), signed_in.secret, max_age_s=life)
        self.cookies.drop(response, of_sign_in(state))
        return response

    async def session_of(
        self, request: Request, site: Site, *, by_person: bool = True
    ) -> LaunchSession:
        """Return the session in which the brief of this address was opened. Raises `NotTrusted`.

        A request that a page sends by itself, not `by_person`, does not keep a session from ending.
        """
        brief = request.path_params["brief"]
        secret = self.cookies.read(request, of_brief(brief))
        if not secret:
            raise NotTrusted("no_session")
        self.check_on(site)
        return await self.sessions.find(site, secret, brief=brief, is_used=by_person)

    async def sign_out(self, session: LaunchSession, response: Response) -> None:
        """End a session and have its browser forget it."""
        await self.sessions.end(session)
        self.cookies.drop(response, of_brief(str(session.brief)))


def _away(authorization: Authorization, site: Site) -> Response:
    """Return the answer that takes the browser to the EHR: a redirect, or a form that sends itself."""
    if authorization.method == "get":
        headers = {**page_headers(site), "Location": authorization.url}
        return Response(status_code=_FOUND, headers=headers)
    fields = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in authorization.fields.items()
    )
    form = (
        f'<form method="post" action="{escape(authorization.address)}">{fields}'
        "<button>Sign in at the EHR</button></form>"
        '<script src="/assets/launch.js"></script>'
    )
    # No form-action: browsers apply it to where the EHR redirects the form, too.
    return _page(site, "Opening the pre-visit brief", form)


def _page(site: Site, heading: str, body: str, *, status_code: int = 200) -> Response:
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>Pre-visit brief</title></head>'
        f"<body><main><h1>{escape(heading)}</h1>{body}</main></body></html>"
    )
    headers = page_headers(site)
    return Response(text, status_code=status_code, media_type="text/html", headers=headers)


def _refused(site: Site, problem: CdsError) -> Response:
    said = _SENTENCES.get(problem.detail, f"{problem.advice} {_AGAIN}")
    # Why a token was not believed is for our audit alone.
    reason = "" if isinstance(problem, NotTrusted) else problem.detail
    told = f"<p>{escape(said)}</p><p>For the service desk: {escape(problem.code)} {escape(reason)}</p>"
    return _page(site, "The app could not be opened", told, status_code=status(problem))


def add_launch(app: FastAPI, launch: Launch) -> None:
    """Serve the launch; every refusal is a page that says what to do."""

    def guarded(
        serve: Callable[[Request], Awaitable[Response]],
    ) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            site = launch.sites.find(request.path_params["site"])
            try:
                launch.check_on(site)
            except SignInFailed as problem:
                return launch.turned_away(site, problem)
            try:
                return await serve(request)
            except CdsError as problem:  # the flow has told the audit
                return _refused(site, problem)
            except OUTAGES as away:
                log.error("a sign-in was not answered: %s", whereabouts(away))  # noqa: TRY400  # a trace quotes values
                return _refused(site, StorageAway())

        return answer

    async def script(_request: Request) -> Response:
        body = resources.files("cds_service.http").joinpath("static", "launch.js").read_bytes()
        return Response(body, media_type="text/javascript")

    app.add_route("/{site}/smart/launch", guarded(launch.launch))
    app.add_route("/{site}/smart/callback", guarded(launch.callback))
    app.add_route("/assets/launch.js", script)
