"""Who a signed-in person is to the site: name, roles, and whether the site lets this person approve."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus

from cds_service.domain.json import EMPTY, JsonObject
from cds_service.domain.session import Clinician
from cds_service.fhir.client import FhirServer
from cds_service.fhir.dates import parse
from cds_service.fhir.elements import code, codes, obj, objs, reference, strings, text
from cds_service.sites import Site
from cds_service.smart.scopes import Verb, grants
from cds_service.smart.tokens import Token

_READ_S = 2.0
_MAX_ROLES = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Whois:
    """Looks a person up on the site's FHIR server, with the token of the launch. One for each process."""

    server_of: Callable[[Site], FhirServer]
    clock: Callable[[], float]
    now: Callable[[], datetime]

    async def __call__(self, site: Site, user: str, token: Token) -> Clinician:
        """Return the person. What is not granted, or does not answer, is left out: a sign-in never hangs on it."""
        kind, _, identity = user.partition("/")
        found = await self._get(site, kind, user, token)
        now = self.now().astimezone(site.zone)
        held = [found]
        if kind == "Practitioner":
            query = f"PractitionerRole?practitioner={identity}&_count={_MAX_ROLES}"
            bundle = await self._get(site, "PractitionerRole", query, token)
            held = [role for role in _roles(bundle) if reference(role, "practitioner") == user]
        is_in_force = _is_in_force(found, now)
        lending = [role for role in held if is_in_force and _is_in_force(role, now)]
        roles = frozenset(_codes(lending))
        return Clinician(
            fhir_user=user,
            name=_name(found),
            roles=roles,
            may_approve=is_in_force and _may_approve(site, user, roles),
        )

    async def _get(self, site: Site, kind: str, path: str, token: Token) -> JsonObject:
        verb: Verb = "s" if "?" in path else "r"
        if grants(" ".join(token.scopes), kind, verb) == []:
            return EMPTY
        url = f"{site.file.fhir.base_url}/{path}"
        deadline = self.clock() + _READ_S
        answer = await self.server_of(site).get(url, token=token.value, deadline=deadline)
        is_good = answer.status == HTTPStatus.OK and isinstance(answer.body, dict)
        return answer.body if is_good else EMPTY  # type: ignore[return-value]


def _may_approve(site: Site, user: str, roles: frozenset[str]) -> bool:
    approvers = frozenset(site.file.smart.approvers if site.file.smart else ())
    return bool(approvers & ({user, user.partition("/")[0]} | roles))


def _roles(bundle: JsonObject) -> list[JsonObject]:
    """Return the PractitionerRoles of a searchset."""
    found = [obj(entry, "resource") for entry in objs(bundle, "entry")]
    return [role for role in found if code(role, "resourceType") == "PractitionerRole"]


def _is_in_force(party: JsonObject, now: datetime) -> bool:
    """Return whether a person or a role counts now: not inactive, and within its period where it has one.

    Most servers say so by saying nothing; a bound that cannot be read is one that was passed.
    """
    period = obj(party, "period")
    has_begun = "start" not in period or _compared(period["start"], now) in {-1, 0}
    is_over = "end" in period and _compared(period["end"], now) not in {0, 1}
    return party.get("active") is not False and has_begun and not is_over


def _compared(stored: object, now: datetime) -> int | None:
    """Return -1, 0 or 1 for what is before, at or after this moment; None for what cannot be read.

    A date is all of its day, a month all of its days (FHIR R4, Period).
    """
    moment = parse(stored, now.tzinfo or UTC)
    if moment is None:
        return None
    if moment.shown != moment.day:
        return (moment.at > now.timestamp()) - (moment.at < now.timestamp())
    today = f"{now:%Y-%m-%d}"[: len(moment.day)]
    return (moment.day > today) - (moment.day < today)


def _codes(roles: list[JsonObject]) -> Iterator[str]:
    """Yield the codes of roles, whatever their system: a site's `approvers` names them."""
    for role in roles:
        for concept in objs(role, "code"):
            yield from codes(concept)


def _name(person: JsonObject) -> str:
    """Return a Practitioner's first name that is whole, or ""."""
    for name in objs(person, "name"):
        parts = [*strings(name, "prefix"), *strings(name, "given"), text(name, "family")]
        told = text(name, "text") or " ".join(filter(None, parts))
        if told:
            return told
    return ""
