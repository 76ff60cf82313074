"""Which visit a chart was opened in: its encounter, and the appointment that the EHR says it came from."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus

from cds_service.domain.json import JsonObject
from cds_service.fhir.client import FhirServer
from cds_service.fhir.elements import code, objs
from cds_service.sites import Site
from cds_service.smart.launch import LaunchContext
from cds_service.smart.scopes import grants
from cds_service.smart.tokens import Token

_READ_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitOf:
    """Reads the encounter of a launch with the launch's own token. One for each process."""

    server_of: Callable[[Site], FhirServer]
    clock: Callable[[], float]

    async def __call__(self, site: Site, context: LaunchContext, token: Token) -> tuple[str, ...]:
        """Return the `Type/id` of the encounter and of its appointments, as far as they can be known."""
        named = (("Encounter", context.encounter), ("Appointment", context.appointment))
        known = [f"{kind}/{value}" for kind, value in named if value]
        if context.encounter and not context.appointment:
            known += _appointments(await self._encounter(site, context.encounter, token))
        return tuple(known)

    async def _encounter(self, site: Site, encounter: str, token: Token) -> JsonObject:
        if grants(" ".join(token.scopes), "Encounter", "r") == []:
            return {}
        url = f"{site.file.fhir.base_url}/Encounter/{encounter}"
        deadline = self.clock() + _READ_S
        answer = await self.server_of(site).get(url, token=token.value, deadline=deadline)
        is_good = answer.status == HTTPStatus.OK and isinstance(answer.body, dict)
        return answer.body if is_good else {}  # type: ignore[return-value]


def _appointments(encounter: JsonObject) -> Iterator[str]:
    for each in objs(encounter, "appointment"):
        kind, _, key = code(each, "reference").rpartition("/")
        if key and kind.endswith("Appointment"):
            yield f"Appointment/{key}"
