"""One EHR tenant, all of them, and what is derived from each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

from cds_service.domain.errors import UnknownSite
from cds_service.domain.needs import NEEDS, NeedName
from cds_service.domain.tables import Tables
from cds_service.rulebook import DEFAULT
from cds_service.sensitive import DEFAULT as MARKS
from cds_service.sensitive import Marks
from cds_service.sites.file import SiteFile, servers
from cds_service.vendors import Profile, Query, queries


@dataclass(frozen=True)
class Site:
    """One EHR tenant, ready to serve: its file, its vendor's profile and its time zone."""

    name: str
    file: SiteFile
    profile: Profile
    zone: ZoneInfo
    tables: Tables = field(default=DEFAULT, repr=False)
    """What the rules of the brief look up, with this site's changes."""
    marks: Marks = field(default=MARKS, repr=False)
    """How sensitive categories are recognised here, and what is done with them."""

    @cached_property
    def queries(self) -> Mapping[NeedName, tuple[Query, ...]]:
        """Return how each need is asked for here; none for what the vendor's API cannot be asked for."""
        return {need: queries(need, self.profile) for need in NEEDS}

    @cached_property
    def policy_version(self) -> str:
        """Return what tells one policy from another: a brief made under one is not shown under another.

        Our own lists of what belongs to a category are a part of it: they change with a release.
        """
        told = f"{self.file.policy.model_dump_json()}|{self.marks.version}".encode()
        return blake2b(told, digest_size=6).hexdigest()

    @cached_property
    def versions(self) -> Mapping[str, str]:
        """Return what a record and its brief hold for: under another policy, and of another EHR, they are not used.

        One server's id of a patient may be another person's at the next.
        """
        ehr = blake2b(self.file.fhir.base_url.encode(), digest_size=6).hexdigest()
        return {"policy": self.policy_version, "ehr": ehr}

    @property
    def doc_status(self) -> str:
        """Return the `docStatus` that approved notes of this site get; `final` means signed."""
        return self.file.write.doc_status or self.profile.note.draft_status

    @property
    def servers(self) -> tuple[str, ...]:
        """Return every URL whose origin we may call for this site."""
        return servers(self.file)

    @property
    def may_prepare(self) -> bool:
        """Return whether this file asks for work ahead and gives us a way to do it."""
        file = self.file
        return file.mode != "off" and file.prepare is not None and file.backend is not None

    @property
    def signs(self) -> bool:
        """Return whether we prove ourselves to this EHR with our signing keys."""
        smart = self.file.smart
        with_key = smart is not None and smart.client_auth == "private_key_jwt"
        return self.file.backend is not None or with_key

    @property
    def triggers(self) -> tuple[str, ...]:
        """Return the trigger values that this site answers."""
        return self.profile.hook.triggers if self.file.triggers is None else self.file.triggers


T = TypeVar("T")


@dataclass(slots=True)
class Sites:
    """All sites by name, in the newest set that was accepted: `reload.py` replaces it as a whole."""

    by_name: Mapping[str, Site]
    refused: Mapping[str, str] = field(default_factory=dict)
    """Why the newest form of a site file is not in force, by site, and what serves instead; readiness tells it."""

    def find(self, name: str) -> Site:
        """Return a site. Raises `UnknownSite`."""
        site = self.by_name.get(name)
        if site is None:
            raise UnknownSite
        return site


@dataclass(slots=True)
class OfSite(Generic[T]):
    """What is derived from a site, made once and made again when the site's file has changed."""

    make: Callable[[Site], T]
    _made: dict[str, tuple[Site, T]] = field(default_factory=dict)

    def __call__(self, site: Site) -> T:
        """Return what belongs to this very site."""
        known = self._made.get(site.name)
        if known is None or known[0] is not site:
            known = self._made[site.name] = (site, self.make(site))
        return known[1]
