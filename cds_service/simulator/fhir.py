"""Answers FHIR reads, searches and writes of one EHR as values, with no HTTP in sight.

The HTTP face (`fhir_server`) and the CDS client (prefetch) both ask here, so that a prefetched
answer equals what the same query returns over the wire.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cds_service.simulator import parameters, search
from cds_service.simulator.faults import FOREIGN_HOST, Faults
from cds_service.simulator.outcomes import outcome
from cds_service.simulator.wire import Json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cds_service.simulator.personalities import Personality, Refusal
    from cds_service.simulator.search import Query
    from cds_service.simulator.store import Store


class RefusedError(Exception):
    """A FHIR interaction that the EHR refuses; carries the status and the OperationOutcome."""

    def __init__(self, status: int, code: str, text: str) -> None:
        """Take the HTTP status, the issue code or vendor code, and a sentence."""
        super().__init__(text)
        self.status = status
        self.outcome = outcome(code, text)


@dataclass(frozen=True, slots=True)
class _Pages:
    """A search under way: what is left to send, by opaque token."""

    kind: str
    label: str
    patient_limit: str | None
    entries: list[Json]
    offset: int
    size: int
    total: int


class FhirRecords:
    """The FHIR behaviour of one EHR: its store seen through its personality."""

    def __init__(
        self,
        personality: Personality,
        store: Store,
        *,
        origin: str,
        faults: Faults,
        ids: Callable[[], str],
    ) -> None:
        """Take the EHR's personality and store; `origin` is the simulator's own address."""
        self.personality = personality
        self.store = store
        self.base = origin + personality.fhir_path
        self._faults = faults
        self._ids = ids
        self._pages: dict[str, _Pages] = {}

    def read(self, kind: str, key: str, *, patient: str | None = None) -> Json:
        """Read one resource. Raises RefusedError: 404 unknown, 403 another patient's."""
        self._served(kind)
        held = self.store.read(kind, key)
        if held is None:
            raise RefusedError(404, "not-found", f"no {kind} with this id")
        if patient is not None and held.patient not in {None, patient}:
            raise RefusedError(403, "forbidden", "the token is for another patient")
        return held.resource

    def search(
        self, kind: str, query: Query, *, patient: str | None = None, page_size: int | None = None
    ) -> Json:
        """Search a type; gives the first page. `patient` is the token's patient, if it has one.

        Raises RefusedError as the personality demands.
        """
        self._served(kind)
        self._check(kind, query, patient)
        try:
            pool = self.store.all(kind, patient=_one_patient(query))
            found = search.ordered(search.select(pool, query), query)
        except search.BadQueryError as error:
            raise RefusedError(400, "invalid", str(error)) from error
        kept = [one for one in found if self._visible(kind, one, patient)]
        entries = [self._entry(one, "match") for one in kept]
        label = _label(kind, query)
        size = self._size(label, query, page_size)
        pages = _Pages(kind, label, patient, entries, 0, size, len(entries))
        bundle = self._page(pages, f"{self.base}/{label}", query)
        fault = self._faults.take("fhir", label, {"outcome"})
        if fault is not None:
            text = "part of the answer could not be had"
            bundle.setdefault("entry", []).append(
                {"resource": outcome(fault.code, text), "search": {"mode": "outcome"}}
            )
        return bundle

    def more(self, token: str, *, patient: str | None = None) -> Json:
        """Give the page behind an opaque token. Raises RefusedError when it is gone."""
        pages = self._pages.get(token)
        if pages is None or pages.patient_limit != patient:
            status, code = self.personality.page_gone
            raise RefusedError(status, code, "the paging session has expired")
        return self._page(pages, self._link(pages.kind, token), [])

    def kind_of_page(self, token: str) -> str:
        """Name the type that a page token belongs to; empty when it is gone."""
        pages = self._pages.get(token)
        return pages.kind if pages is not None else ""

    def _served(self, kind: str) -> None:
        if kind not in parameters.TYPES:
            raise RefusedError(404, "not-supported", "this resource type is not served")

    def _visible(self, kind: str, resource: Json, patient: str | None) -> bool:
        held = self.store.read(kind, resource["id"])
        return patient is None or held is None or held.patient in {None, patient}

    def _check(self, kind: str, query: Query, patient: str | None) -> None:
        strange = search.unknown(kind, query)
        if strange and self.personality.unknown_parameter == "refuse":
            text = f"unknown parameter {strange[0]}"
            raise RefusedError(400, self.personality.unknown_parameter_code, text)
        for rule in self.personality.required.get(kind, ()):
            if not _satisfies(rule, query):
                text = f"one of these is required: {', '.join(rule.any_of)}"
                raise RefusedError(400, rule.code, text)
        asked = {
            value.rpartition("/")[2] for name, value in query if name in {"patient", "subject"}
        }
        if patient is not None and asked - {patient}:
            raise RefusedError(403, "forbidden", "the token is for another patient")

    def _size(self, label: str, query: Query, page_size: int | None) -> int:
        fault = self._faults.take("fhir", label, {"paged"})
        if fault is not None:
            return max(1, fault.page_size)
        if page_size is not None:
            return page_size
        asked = next((value for name, value in query if name == "_count"), "")
        size = int(asked) if asked.isdigit() else self.personality.default_page
        return min(size, self.personality.largest_page)

    def _page(self, pages: _Pages, self_link: str, query: Query) -> Json:
        end = pages.offset + max(pages.size, 1)
        part = pages.entries[pages.offset : end] if pages.size else []
        broken = self._faults.take("fhir", pages.label, {"stored"})
        if broken is not None and any(e["resource"]["id"] == broken.value for e in part):
            raise RefusedError(500, broken.code, "a stored record lacks a mandatory element")
        links = [{"relation": "self", "url": self_link}]
        following = self._next(pages, end)
        if following is not None:
            links.append({"relation": "next", "url": following})
        bundle: Json = {
            "resourceType": "Bundle",
            "id": self._ids(),
            "type": "searchset",
            "link": links,
        }
        if self.personality.gives_total:
            bundle["total"] = pages.total
        entries = part + self._included([entry["resource"] for entry in part], query)
        if entries:
            bundle["entry"] = entries
        elif self.personality.empty_code is not None and not pages.total:
            text = "Resource request returns no results."
            warning = outcome(self.personality.empty_code, text, severity="warning")
            bundle["entry"] = [{"resource": warning, "search": {"mode": "outcome"}}]
        return bundle

    def _next(self, pages: _Pages, end: int) -> str | None:
        if self._faults.take("fhir", pages.label, {"foreign_next"}) is not None:
            return f"{FOREIGN_HOST}/{pages.kind}?_getpages={self._ids()}"
        endless = self._faults.take("fhir", pages.label, {"endless"}) is not None
        if not endless and (end >= pages.total or not pages.size):
            return None
        token = self._ids()
        offset = pages.offset if endless else end
        self._pages[token] = replace(pages, offset=offset)
        return self._link(pages.kind, token)

    def _link(self, kind: str, token: str) -> str:
        return self.personality.page_link.format(base=self.base, type=kind, token=token)

    def _entry(self, resource: Json, mode: str) -> Json:
        address = f"{self.base}/{resource['resourceType']}/{resource['id']}"
        return {"fullUrl": address, "resource": resource, "search": {"mode": mode}}

    def _included(self, resources: Sequence[Json], query: Query) -> list[Json]:
        found: dict[str, Json] = {}
        for name, value in query:
            kind, _, parameter = value.partition(":")
            if name == "_include":
                for key in _targets(resources, kind, parameter.partition(":")[0]):
                    held = self.store.read(*key.split("/", 1))
                    if held is not None:
                        found[key] = held.resource
            elif name == "_revinclude" and parameter in parameters.TYPES.get(kind, {}):
                for one in self.store.all(kind):
                    if set(_targets([one], kind, parameter)) & set(map(_name, resources)):
                        found[_name(one)] = one
        return [self._entry(one, "include") for one in found.values()]


def _label(kind: str, query: Query) -> str:
    text = "&".join(f"{name}={value}" for name, value in query)
    return f"{kind}?{text}" if text else kind


def _one_patient(query: Query) -> str | None:
    """Name the patient whom a query is limited to, so that others need not be looked at."""
    for name, value in query:
        if name in {"patient", "subject"} and "," not in value:
            return value.rpartition("/")[2]
    return None


def _name(resource: Json) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


def _targets(resources: Sequence[Json], kind: str, parameter: str) -> list[str]:
    paths = parameters.TYPES.get(kind, {}).get(parameter, ("reference", ()))[1]
    return [
        reference
        for one in resources
        if one["resourceType"] == kind
        for path in paths
        for value in search.values_at(one, path)
        if (reference := search.reference_of(value)) is not None and "/" in reference
    ]


def _satisfies(rule: Refusal, query: Query) -> bool:
    for name, value in query:
        if name not in rule.any_of:
            continue
        codes = {part.rpartition("|")[2] for part in value.split(",")}
        if not rule.values or name == "_id" or codes <= rule.values:
            return True
    return False
