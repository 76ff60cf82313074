"""Calls CDS services as an EHR does: discovery, hook calls, feedback, each with its own JWT.

Requests are built as plain dicts, so that a test can change one before it is sent.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

import httpx

from cds_service.simulator.prefetch import Offer, resolve
from cds_service.simulator.wire import Json, dumps, loads

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from cds_service.simulator.config import Site
    from cds_service.simulator.ehr import Ehr
    from cds_service.simulator.faults import Faults

FULL = Offer()


@dataclass(frozen=True, slots=True)
class Answer:
    """What one hook call brought: `status` 0 means that no answer came at all."""

    service: Json
    url: str
    request: Json
    status: int
    body: Json | None
    text: str
    elapsed_ms: float
    server_timing: str = ""

    def cards(self) -> list[Json]:
        """List the cards of a good answer."""
        cards = (self.body or {}).get("cards", []) if self.status == httpx.codes.OK else []
        return [card for card in cards if isinstance(card, dict)]


class CdsClient:
    """The CDS Hooks client of one site."""

    def __init__(
        self, ehr: Ehr, site: Site, *, http: Callable[[], httpx.AsyncClient], faults: Faults
    ) -> None:
        """Take the site's EHR; `http` gives the HTTP client to call with."""
        self.ehr = ehr
        self.site = site
        self._http = http
        self._faults = faults

    # Building

    def bearer(
        self,
        url: str,
        *,
        algorithm: str | None = None,
        claims: Mapping[str, object] | None = None,
        header: Mapping[str, str] | None = None,
        rogue: bool = False,
    ) -> str:
        """Sign a JWT for exactly this URL.

        A claim in `claims` replaces ours, None removes it; `rogue` signs with a key that was
        never published.
        """
        full = {**self._claims(url), **(claims or {})}
        return self.ehr.hook_keys.sign(
            {key: value for key, value in full.items() if value is not None},
            algorithm=algorithm or self.ehr.personality.hooks.algorithm,
            header={"jku": self.ehr.hook_jwks_url, **(header or {})},
            rogue=rogue,
        )

    def _claims(self, url: str) -> dict[str, object]:
        style = self.ehr.personality.hooks
        now = int(self.ehr.clock().timestamp())
        return {
            "iss": self.ehr.hook_issuer,
            "aud": url,
            "iat": now,
            "exp": now + style.lifetime_s,
            "jti": self.ehr.ids(),
            "tenant": self.site.tenant,
            "sub": self.site.client_id if style.subject_claim else None,
            "nbf": now - style.not_before_s if style.not_before_s is not None else None,
        }

    def service_url(self, service_id: str) -> str:
        """Give the address of a service."""
        return f"{self.site.services_url}/{service_id}"

    def patient_view_request(
        self,
        patient_id: str,
        *,
        service: Json | None = None,
        offer: Offer = FULL,
        encounter_id: str | None = None,
    ) -> Json:
        """Build the body of a patient-view call; `service` is its discovery entry."""
        context = self._context(patient_id, encounter_id)
        return self._request("patient-view", context, service or {}, offer)

    def appointment_book_request(
        self,
        patient_id: str,
        appointments: Sequence[Json],
        *,
        service: Json | None = None,
        offer: Offer = FULL,
        encounter_id: str | None = None,
    ) -> Json:
        """Build the body of an appointment-book call; the appointments go as proposed."""
        entries = [{"resource": {**one, "status": "proposed"}} for one in appointments]
        bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
        context = self._context(patient_id, encounter_id) | {"appointments": bundle}
        return self._request("appointment-book", context, service or {}, offer)

    def _context(self, patient_id: str, encounter_id: str | None) -> Json:
        context = {"userId": self.ehr.personality.hooks.user, "patientId": patient_id}
        return context if encounter_id is None else context | {"encounterId": encounter_id}

    def _request(self, hook: str, context: Json, service: Json, offer: Offer) -> Json:
        body: Json = {"hook": hook, "hookInstance": self.ehr.ids(), "context": context}
        style = self.ehr.personality.hooks
        if offer.fhir_server or offer.authorization:
            body["fhirServer"] = self.ehr.records.base
        if offer.authorization:
            body["fhirAuthorization"] = self._authorization(context["patientId"], offer)
        if offer.prefetch != "none":
            templates = self.templates(service)
            body["prefetch"] = resolve(
                self.ehr.records, templates, context, offer, faults=self._faults
            )
        extension: dict[str, object] = dict(style.extension)
        if style.trigger_extension is not None:
            extension[style.trigger_extension] = offer.trigger
        extension.update(offer.extension or {})
        return body | {"extension": extension} if extension else body

    def templates(self, service: Json) -> Mapping[str, str]:
        """Give the prefetch templates in force: typed by hand, else as published."""
        by_hand = self.site.prefetch
        if by_hand is not None:
            return by_hand.get(service.get("id", ""), {})
        published: Mapping[str, str] = service.get("prefetch") or {}
        return published

    def _authorization(self, patient: str, offer: Offer) -> Json:
        style = self.ehr.personality.hooks
        grant = self.ehr.grants.issue(
            self.site.client_id,
            offer.scope or style.scope,
            lifetime_s=style.token_s,
            patient=patient,
            user=style.user,
        )
        return {
            "access_token": grant.token,
            "token_type": "Bearer",
            "expires_in": style.token_s,
            "scope": grant.scope,
            "subject": self.site.client_id,
            "patient": patient,
        }

    # Calling

    async def discover(self, *, token: str | None = None) -> list[Json]:
        """Read the discovery document. Raises httpx.HTTPError or ValueError when it cannot."""
        url = self.site.services_url
        headers = {"Authorization": f"Bearer {token or self.bearer(url)}"}
        response = await self._http().get(url, headers=headers)
        response.raise_for_status()
        services: list[Json] = loads(response.content)["services"]
        return services

    async def call(
        self, service_url: str, body: Json, *, token: str | None = None
    ) -> httpx.Response:
        """POST a body to a service, with a fresh JWT unless `token` is given."""
        headers = {
            "Authorization": f"Bearer {token or self.bearer(service_url)}",
            "Content-Type": "application/json",
        }
        return await self._http().post(service_url, content=dumps(body), headers=headers)

    async def open_chart(
        self, patient_id: str, *, offer: Offer = FULL, encounter_id: str | None = None
    ) -> list[Answer]:
        """Call every patient-view service of the site, one after the other."""
        return [
            await self.ask(
                one,
                self.patient_view_request(
                    patient_id, service=one, offer=offer, encounter_id=encounter_id
                ),
            )
            for one in await self.discover()
            if one["hook"] == "patient-view"
        ]

    async def book(
        self, patient_id: str, appointments: Sequence[Json], *, offer: Offer = FULL
    ) -> list[Answer]:
        """Call every appointment-book service of the site; none for an EHR without that hook."""
        if "appointment-book" not in self.ehr.personality.hooks.hooks:
            return []
        return [
            await self.ask(
                one,
                self.appointment_book_request(patient_id, appointments, service=one, offer=offer),
            )
            for one in await self.discover()
            if one["hook"] == "appointment-book"
        ]

    async def ask(self, service: Json, body: Json) -> Answer:
        """Call one service and time it; a failure becomes an Answer that says so.

        The access token is revoked afterwards, where the EHR has that habit.
        """
        url = self.service_url(service["id"])
        started = time.perf_counter()
        try:
            response = await self.call(url, body)
        except httpx.HTTPError as error:
            elapsed = (time.perf_counter() - started) * 1000
            return Answer(service, url, body, 0, None, type(error).__name__, elapsed)
        finally:
            if self.ehr.personality.hooks.revokes_token:
                self.ehr.grants.revoke(body.get("fhirAuthorization", {}).get("access_token", ""))
        elapsed = (time.perf_counter() - started) * 1000
        return Answer(
            service=service,
            url=url,
            request=body,
            status=response.status_code,
            body=_object(response.content),
            text=response.text,
            elapsed_ms=elapsed,
            server_timing=response.headers.get("server-timing", ""),
        )

    # Feedback

    def accepted(self, card: str, *suggestions: str) -> Json:
        """Build the feedback item of an accepted card."""
        return {
            "card": card,
            "outcome": "accepted",
            "acceptedSuggestions": [{"id": one} for one in suggestions],
            "outcomeTimestamp": self._now(),
        }

    def overridden(
        self, card: str, *, reason: Json | None = None, comment: str | None = None
    ) -> Json:
        """Build the feedback item of a dismissed card; the reason is a Coding."""
        given = {"reason": reason, "userComment": comment}
        override = {name: value for name, value in given.items() if value}
        item: Json = {"card": card, "outcome": "overridden", "outcomeTimestamp": self._now()}
        if override:
            item[self.ehr.personality.hooks.override_member] = override
        return item

    async def feedback(
        self, service_url: str, *items: Json, token: str | None = None
    ) -> httpx.Response:
        """POST feedback items for a service."""
        return await self.call(f"{service_url}/feedback", {"feedback": list(items)}, token=token)

    def _now(self) -> str:
        stamp = self.ehr.clock().astimezone(UTC).isoformat(timespec="milliseconds")
        return stamp.replace("+00:00", "Z")


def _object(content: bytes) -> Json | None:
    try:
        body = loads(content)
    except ValueError:
        return None
    return body if isinstance(body, dict) else None
