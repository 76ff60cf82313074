"""Keeps the records of one EHR: the synthetic patients and whatever was written since."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Protocol

from cds_service.simulator import search
from cds_service.simulator.wire import Json, listed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date

    from cds_service.simulator.personalities import Personality


class PatientSource(Protocol):
    """Where synthetic patients come from; the module `patients` is one."""

    def patient_ids(self) -> tuple[str, ...]:
        """List the patients' ids."""

    def synopsis(self, _pid: str, /) -> str:
        """Say in one sentence who this is."""

    def resources(self, _pid: str, /, *, anchor: date) -> list[Json]:
        """Give the whole record as R4 JSON, dated around the anchor."""

    def upcoming_appointment(self, _pid: str, /, *, anchor: date) -> Json | None:
        """Give the next booked visit, if there is one."""


@dataclass(frozen=True, slots=True)
class Held:
    """One version of one resource; `patient` is None for a shared record."""

    resource: Json
    patient: str | None

    @property
    def version(self) -> str:
        """Give the version id."""
        return str(self.resource["meta"]["versionId"])


class Generated:
    """Remembers a source's records, so that every EHR shares one generation of them."""

    def __init__(self, source: PatientSource) -> None:
        """Take the source to ask once."""
        self.source = source
        self._made: dict[tuple[str, date], list[Json]] = {}

    def resources(self, patient: str, *, anchor: date) -> list[Json]:
        """Give a patient's records; the caller must not change them."""
        if (patient, anchor) not in self._made:
            self._made[patient, anchor] = self.source.resources(patient, anchor=anchor)
        return self._made[patient, anchor]


_OWNER_PATHS = ("subject", "patient", "beneficiary", "for", "participant.actor")

# The clinician who uses the simulator, in every EHR.
CLINICIAN: tuple[Json, ...] = (
    {
        "resourceType": "Practitioner",
        "id": "sim-clinician",
        "active": True,
        "name": [{"family": "Quinn", "given": ["Avery"], "prefix": ["Dr."]}],
    },
    {
        "resourceType": "PractitionerRole",
        "id": "sim-clinician-role",
        "active": True,
        "practitioner": {"reference": "Practitioner/sim-clinician", "display": "Dr. Avery Quinn"},
        "code": [
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/practitioner-role",
                        "code": "doctor",
                    }
                ],
                "text": "Doctor",
            }
        ],
    },
)


def owner(resource: Json) -> str | None:
    """Give the id of the patient whom a resource is about."""
    if resource["resourceType"] == "Patient":
        return str(resource["id"])
    for path in _OWNER_PATHS:
        for value in search.values_at(resource, path):
            kind, _, patient = (search.reference_of(value) or "").partition("/")
            if kind == "Patient":
                return patient
    return None


class Store:
    """Records by type and id, loaded from the patient source when first asked for."""

    def __init__(
        self,
        generated: Generated,
        personality: Personality,
        *,
        anchor: date,
        clock: Callable[[], datetime],
    ) -> None:
        """Take the generated records and the personality, which may add to them."""
        self._generated = generated
        self.anchor = anchor
        self._clock = clock
        self._personality = personality
        self._rows: dict[str, dict[str, Held]] | None = None
        self._history: dict[tuple[str, str, str], Json] = {}

    def read(self, kind: str, key: str) -> Held | None:
        """Give the newest version of a resource, or None."""
        return self._loaded().get(kind, {}).get(key)

    def vread(self, kind: str, key: str, version: str) -> Json | None:
        """Give one version of a resource, or None."""
        held = self.read(kind, key)
        if held is not None and held.version == version:
            return held.resource
        return self._history.get((kind, key, version))

    def all(self, kind: str, *, patient: str | None = None) -> list[Json]:
        """List the resources of a type, of one patient when one is named."""
        rows = self._loaded().get(kind, {}).values()
        return [row.resource for row in rows if patient is None or row.patient == patient]

    def put(self, resource: Json) -> Json:
        """Store a new version of a resource that has an id; gives it back with its meta."""
        kind, key = resource["resourceType"], resource["id"]
        rows = self._loaded().setdefault(kind, {})
        old = rows.get(key)
        if old is not None:
            self._history[kind, key, old.version] = old.resource
        version = str(int(old.version) + 1 if old is not None and old.version.isdigit() else 1)
        stamp = self._clock().astimezone(UTC).isoformat(timespec="milliseconds")
        meta = {**resource.get("meta", {}), "versionId": version, "lastUpdated": stamp}
        stored = self._with_concepts({**resource, "meta": meta})
        rows[key] = Held(stored, owner(stored))
        self._keep(self._planned(stored))
        return stored

    def remove(self, kind: str, key: str) -> bool:
        """Forget a resource; tells whether it was there."""
        return self._loaded().get(kind, {}).pop(key, None) is not None

    def types(self) -> list[str]:
        """Name the types that hold at least one resource."""
        return sorted(self._loaded())

    def _loaded(self) -> dict[str, dict[str, Held]]:
        if self._rows is None:
            self._rows = {}
            for patient in self._generated.source.patient_ids():
                self._keep(self._generated.resources(patient, anchor=self.anchor))
            self._keep(CLINICIAN)
        return self._rows

    def _keep(self, resources: Iterable[Json]) -> None:
        assert self._rows is not None  # noqa: S101 - called by _loaded alone
        day_before = datetime.combine(self.anchor, time(), UTC) - timedelta(days=1)
        default = {"versionId": "1", "lastUpdated": day_before.isoformat()}
        for resource in resources:
            rows = self._rows.setdefault(resource["resourceType"], {})
            if resource["id"] not in rows:
                full = {**resource, "meta": {**default, **resource.get("meta", {})}}
                marked = self._with_concepts(full)
                rows[resource["id"]] = Held(marked, owner(marked))
                self._keep(self._planned(marked))

    def _planned(self, resource: Json) -> list[Json]:
        """Give the planned Encounter of a booked Appointment, where this EHR makes one."""
        booked = resource["resourceType"] == "Appointment" and resource.get("status") == "booked"
        if not booked or not self._personality.plans_encounters:
            return []
        period = {name: resource[name] for name in ("start", "end") if name in resource}
        system = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
        visit: Json = {
            "resourceType": "Encounter",
            "id": f"{resource['id']}-encounter",
            "status": "planned",
            "class": {"system": system, "code": "AMB", "display": "ambulatory"},
            "subject": {"reference": f"Patient/{owner(resource)}"},
            "appointment": [{"reference": f"Appointment/{resource['id']}"}],
            "period": period,
        }
        return [visit]

    def _with_concepts(self, resource: Json) -> Json:
        for concept in self._personality.adds.get(resource["resourceType"], ()):
            present = search.values_at(resource, concept.element)
            if any(search.has_code(value, concept.code) for value in present):
                continue
            coding = {"system": concept.system, "code": concept.code}
            resource = deepcopy(resource)
            resource[concept.element] = [
                *listed(resource.get(concept.element)),
                {"coding": [coding]},
            ]
        return resource
