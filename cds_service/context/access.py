"""Whether a hook call's own token may be used, and for what. When in doubt: no access."""

from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qsl

from cds_service.domain.call import Caller, HookRequest
from cds_service.sites import Site
from cds_service.smart.scopes import grants
from cds_service.vendors import Profile, Query


@dataclass(frozen=True, slots=True)
class Access:
    """A token that may be used now, or the reason why there is none."""

    token: str = field(default="", repr=False)
    scope: str = ""
    refused: str = ""

    @property
    def is_usable(self) -> bool:
        """Return whether reads may be sent at all."""
        return bool(self.token)

    def covers(self, resource_type: str, profile: Profile, *, verb: Literal["r", "s"]) -> bool:
        """Return whether the granted scopes let this type be read (`r`) or searched (`s`).

        SMART v1 (`user/Patient.read`) and v2 (`user/Patient.rs`) are understood; a vendor whose scopes are
        names of its own, or a token without scopes, is asked and may refuse.
        """
        granted = grants(self.scope, resource_type, verb)
        return granted is None or profile.hook.scope_format != "smart" or bool(granted)

    def covers_all(self, query: Query, profile: Profile) -> bool:
        """Return whether a search may find everything that it asks for.

        A SMART v2 scope can be narrowed by a query of its own (`patient/Condition.rs?category=...`), and a
        server then leaves out in silence what lies outside: such an answer proves no absence, unless the
        search itself asks for no more.
        """
        granted = grants(self.scope, query.type, "s")
        if granted is None or profile.hook.scope_format != "smart":
            return True
        return any(
            all(_asks_for(query, name, value) for name, value in parse_qsl(narrowed))
            for narrowed in granted
        )


def _asks_for(query: Query, name: str, value: str) -> bool:
    """Return whether a search asks for no more than `name=value`, whose value may name a code system."""
    return any(
        name == asked and (value == wanted or value.endswith(f"|{wanted}"))
        for asked, wanted in query.params
    )


def access(request: HookRequest, caller: Caller, site: Site) -> Access:
    """Decide whether the call's `fhirAuthorization` is ours, for this patient and for this site's server.

    CDS Hooks 2.0.1, "FHIR Resource Access": `subject` is our client id, `patient` the only patient of the
    token. A `fhirServer` that is not the site's is never called.
    """
    granted = request.authorization
    server = (request.fhir_server or "").rstrip("/")
    if granted is None:
        return Access(refused="not_offered")
    if server != site.file.fhir.base_url:
        return Access(refused="other_fhir_server")
    if caller.client_id is not None and granted.subject != caller.client_id:
        return Access(refused="other_subject")
    if granted.patient is not None and granted.patient != request.patient_id:
        return Access(refused="other_patient")
    if granted.expires_in <= 0:
        return Access(refused="expired")
    return Access(token=granted.access_token, scope=granted.scope)
