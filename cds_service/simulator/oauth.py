"""Is the SMART authorization server of one EHR: authorize, key set, discovery.

The demo's user approves by herself, on a page one can see; a client that does not ask for
HTML is redirected at once.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from cds_service.simulator import pages
from cds_service.simulator.launches import Launch
from cds_service.simulator.tokens import Code, OAuthError, TokenEndpoint, oauth_json

if TYPE_CHECKING:
    from starlette.requests import Request

    from cds_service.simulator.config import Client
    from cds_service.simulator.ehr import Ehr

CODE_LIFETIME = timedelta(minutes=1)


class AuthorizationServer:
    """The OAuth endpoints of one EHR."""

    def __init__(self, ehr: Ehr) -> None:
        """Take the EHR whose users and clients these are."""
        self._ehr = ehr
        self._tokens = TokenEndpoint(ehr)

    def routes(self) -> list[Route]:
        """List the routes below the EHR's OAuth path."""
        path = self._ehr.personality.oauth_path
        return [
            Route(f"{path}/authorize", self.authorize, methods=["GET", "POST"]),
            Route(f"{path}/token", self._tokens.answer, methods=["POST"]),
            Route(f"{path}/.well-known/openid-configuration", self.openid),
            Route(self._ehr.personality.identity_keys_path, self.jwks),
        ]

    async def openid(self, _: Request) -> Response:
        """Answer OpenID discovery: the same facts as the SMART configuration."""
        return oauth_json(self._ehr.smart_configuration())

    async def jwks(self, _: Request) -> Response:
        """Answer the key set that signs id tokens."""
        return oauth_json(self._ehr.identity_keys.jwks())

    async def authorize(self, request: Request) -> Response:
        """Answer an authorization request, by GET or POST."""
        text = request.url.query
        if request.method == "POST":
            text = (await request.body()).decode()
        asked = dict(parse_qsl(text))
        client = self._ehr.clients.get(asked.get("client_id", ""))
        target = asked.get("redirect_uri", "")
        if client is None or not _may_return(client, target):
            page = pages.notice("Sign-in refused", "The client or its return address is unknown.")
            return HTMLResponse(page, 400)
        state = {"state": asked["state"]} if "state" in asked else {}
        try:
            answer = {"code": self._code(asked), **state}
        except OAuthError as error:
            answer = {"error": error.error, "error_description": str(error), **state}
        url = f"{target}{'&' if '?' in target else '?'}{urlencode(answer)}"
        if "error" not in answer and "text/html" in request.headers.get("accept", ""):
            return HTMLResponse(pages.consent(url, client.client_id, asked["scope"].split()))
        return RedirectResponse(url, 302)

    def _code(self, asked: dict[str, str]) -> str:
        if asked.get("response_type") != "code":
            raise OAuthError("unsupported_response_type", "response_type must be code")
        if asked.get("aud", "").rstrip("/") != self._ehr.records.base:
            raise OAuthError("invalid_request", f"aud must be {self._ehr.records.base}")
        if asked.get("code_challenge_method") != "S256" or not asked.get("code_challenge"):
            raise OAuthError("invalid_request", "PKCE with S256 is needed")
        scope = asked.get("scope", "")
        if not scope.strip():
            raise OAuthError("invalid_scope", "scope is needed")
        code = self._ehr.ids()
        self._tokens.codes[code] = Code(
            client_id=asked["client_id"],
            redirect_uri=asked["redirect_uri"],
            challenge=asked["code_challenge"],
            scope=scope,
            launch=self._launch(asked, scope.split()),
            nonce=asked.get("nonce"),
            expires_at=self._ehr.clock() + CODE_LIFETIME,
        )
        return code

    def _launch(self, asked: dict[str, str], scopes: list[str]) -> Launch:
        if "launch" not in asked:
            return Launch()
        if "launch" not in scopes:
            raise OAuthError("invalid_scope", "the scope launch is needed for an EHR launch")
        launch = self._ehr.launches.take(asked["launch"])
        if launch is None:
            raise OAuthError("invalid_request", "the launch is unknown or was used before")
        return launch


def _may_return(client: Client, target: str) -> bool:
    if not target.startswith(("http://", "https://")):
        return False
    return not client.redirect_uris or target in client.redirect_uris
