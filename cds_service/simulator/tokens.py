"""Answers token requests: code with PKCE, refresh, and backend services.

Source: SMART App Launch 2.2 and RFC 7636.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from starlette.responses import Response

from cds_service.simulator.assertions import TYPE, AssertionRefusedError, Assertions
from cds_service.simulator.launches import Launch
from cds_service.simulator.wire import Json, dumps, loads

if TYPE_CHECKING:
    from datetime import datetime

    from starlette.requests import Request

    from cds_service.simulator.config import Client
    from cds_service.simulator.ehr import Ehr

ID_TOKEN_S = 300
NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class OAuthError(Exception):
    """An OAuth error by its registered name, with a sentence for people."""

    def __init__(self, error: str, text: str, status: int = 400) -> None:
        """Take the error's name, the sentence and the HTTP status."""
        super().__init__(text)
        self.error = error
        self.status = status


@dataclass(frozen=True, slots=True)
class Code:
    """An authorization code's promise, kept until it is exchanged."""

    client_id: str
    redirect_uri: str
    challenge: str
    scope: str
    launch: Launch
    nonce: str | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class _Refresh:
    client_id: str
    scope: str
    launch: Launch


class TokenEndpoint:
    """The token endpoint of one EHR; `codes` are put there by the authorization endpoint."""

    def __init__(self, ehr: Ehr) -> None:
        """Take the EHR whose tokens these are."""
        self.codes: dict[str, Code] = {}
        self._ehr = ehr
        self._refresh: dict[str, _Refresh] = {}
        self._assertions = Assertions(clock=ehr.clock, fetch=ehr.fetch_json)

    async def answer(self, request: Request) -> Response:
        """Answer a token request of any of the three grants."""
        form = dict(parse_qsl((await request.body()).decode()))
        try:
            self._strike(form)
            client, proven = await self._client(request, form)
            body = self._granted(client, form, proven=proven)
        except OAuthError as error:
            problem = {"error": error.error, "error_description": str(error)}
            return oauth_json(problem, error.status)
        return oauth_json(body)

    def _strike(self, form: dict[str, str]) -> None:
        fault = self._ehr.faults.take("token", form.get("grant_type", ""), {"oauth_error"})
        if fault is not None:
            raise OAuthError(fault.code, "fault on demand", fault.status)

    def _lifetime(self, form: dict[str, str]) -> int:
        fault = self._ehr.faults.take("token", form.get("grant_type", ""), {"short_lived"})
        return int(fault.value) if fault is not None else self._ehr.personality.access_token_s

    def _scope(self, form: dict[str, str], scope: str) -> str:
        fault = self._ehr.faults.take("token", form.get("grant_type", ""), {"granted"})
        return fault.value if fault is not None else scope

    def _granted(self, client: Client, form: dict[str, str], *, proven: bool) -> Json:
        grant = form.get("grant_type")
        if grant == "authorization_code":
            return self._exchange(client, form)
        if grant == "refresh_token":
            return self._renew(client, form)
        if grant == "client_credentials":
            return self._backend(client, form, proven=proven)
        raise OAuthError("unsupported_grant_type", "this grant type is not supported")

    async def _client(self, request: Request, form: dict[str, str]) -> tuple[Client, bool]:
        """Authenticate the client; tells also whether it proved itself with a key or secret."""
        assertion, named = form.get("client_assertion"), form.get("client_id", "")
        if assertion is not None:
            return await self._asserted(assertion, form.get("client_assertion_type")), True
        name, secret = _basic(request)
        client = self._known(name or named)
        if client.secret is not None and not secrets.compare_digest(secret, client.secret):
            raise OAuthError("invalid_client", "the secret is wrong", 401)
        return client, client.secret is not None

    async def _asserted(self, assertion: str, kind: str | None) -> Client:
        if kind != TYPE:
            raise OAuthError("invalid_client", "wrong client_assertion_type", 401)
        try:
            client = self._known(Assertions.client_id(assertion))
            await self._assertions.verify(assertion, client, audience=self._ehr.token_endpoint)
        except AssertionRefusedError as error:
            raise OAuthError("invalid_client", str(error), 401) from error
        return client

    def _known(self, client_id: str) -> Client:
        client = self._ehr.clients.get(client_id)
        if client is None:
            raise OAuthError("invalid_client", "this client is not registered", 401)
        return client

    def _exchange(self, client: Client, form: dict[str, str]) -> Json:
        code = self.codes.pop(form.get("code", ""), None)
        if code is None or code.client_id != client.client_id:
            raise OAuthError("invalid_grant", "the code is unknown or was used before")
        if self._ehr.clock() >= code.expires_at:
            raise OAuthError("invalid_grant", "the code has expired")
        if form.get("redirect_uri") != code.redirect_uri:
            raise OAuthError("invalid_grant", "redirect_uri differs from the first request")
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != code.challenge:
            raise OAuthError("invalid_grant", "code_verifier does not match")
        body = self._issued(client, form, code.scope, code.launch)
        if {"offline_access", "online_access"} & set(code.scope.split()):
            body["refresh_token"] = self._ehr.ids()
            kept = _Refresh(client.client_id, code.scope, code.launch)
            self._refresh[body["refresh_token"]] = kept
        if "openid" in code.scope.split():
            body["id_token"] = self._id_token(client, code)
        return body | self._members("answer")

    def _renew(self, client: Client, form: dict[str, str]) -> Json:
        kept = self._refresh.get(form.get("refresh_token", ""))
        if kept is None or kept.client_id != client.client_id:
            raise OAuthError("invalid_grant", "the refresh token is unknown")
        scope = form.get("scope", kept.scope)
        if not set(scope.split()) <= set(kept.scope.split()):
            raise OAuthError("invalid_scope", "more scope than was granted")
        return self._issued(client, form, scope, kept.launch)

    def _issued(self, client: Client, form: dict[str, str], asked: str, launch: Launch) -> Json:
        lifetime, scope = self._lifetime(form), self._scope(form, asked)
        # user/ scopes reach as far as the user does; without them the launch's patient is all.
        patient = None if "user/" in scope else launch.patient
        grant = self._ehr.grants.issue(
            client.client_id, scope, lifetime_s=lifetime, patient=patient, user=launch.user
        )
        context = {
            "patient": launch.patient,
            "encounter": launch.encounter,
            "appointment": launch.appointment,
            "appContext": launch.app_context,
        }
        return {
            "access_token": grant.token,
            "token_type": "Bearer",
            "expires_in": lifetime,
            "scope": scope,
            "need_patient_banner": True,
            **{name: value for name, value in context.items() if value is not None},
        }

    def _id_token(self, client: Client, code: Code) -> str:
        now = int(self._ehr.clock().timestamp())
        claims: Json = {
            "iss": self._ehr.issuer,
            "sub": code.launch.user.partition("/")[2],
            "aud": client.client_id,
            "iat": now,
            "exp": now + ID_TOKEN_S,
            "fhirUser": f"{self._ehr.records.base}/{code.launch.user}",
        }
        if code.nonce is not None:
            claims["nonce"] = code.nonce
        rogue = self._ehr.faults.take("token", "id_token", {"rogue_id_token"}) is not None
        claims |= self._members("id_token")
        return self._ehr.identity_keys.sign(claims, algorithm="RS256", rogue=rogue)

    def _members(self, kind: str) -> Json:
        fault = self._ehr.faults.take("token", kind, {kind})
        return {} if fault is None else dict(loads(fault.value.encode()))

    def _backend(self, client: Client, form: dict[str, str], *, proven: bool) -> Json:
        if not proven:
            raise OAuthError("invalid_client", "backend access needs a signed assertion", 401)
        personality = self._ehr.personality
        asked = form.get("scope", "")
        if not asked and personality.backend_scope_required:
            raise OAuthError("invalid_scope", "scope is needed")
        allowed = client.backend_scope or "system/*.cruds"
        scope = " ".join(s for s in asked.split() if s.startswith("system/")) or allowed
        if asked and not any(s.startswith("system/") for s in asked.split()):
            raise OAuthError("invalid_scope", "backend access has system/ scopes")
        if client.backend_scope is not None and asked:
            kept = set(client.backend_scope.split())
            scope = " ".join(one for one in scope.split() if one in kept)
            if not scope:
                raise OAuthError("invalid_scope", "none of these scopes was registered")
        scope, lifetime = self._scope(form, scope), self._lifetime(form)
        grant = self._ehr.grants.issue(client.client_id, scope, lifetime_s=lifetime)
        return {
            "access_token": grant.token,
            "token_type": "Bearer",
            "expires_in": lifetime,
            "scope": scope,
        }


def _basic(request: Request) -> tuple[str, str]:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        name, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except ValueError as error:
        raise OAuthError("invalid_client", "the Basic header cannot be read", 401) from error
    return name, secret


def oauth_json(body: Json, status: int = 200) -> Response:
    """Make an answer that no cache keeps."""
    return Response(dumps(body), status, NO_STORE, "application/json")
