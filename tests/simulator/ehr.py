"""A small EHR: two invented patients, a clock that stands still, one site of each kind."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from cds_service.simulator.config import Client, SimulatorConfig, Site
from cds_service.simulator.keys import KeyRing, reused_keys
from cds_service.simulator.world import Simulator

ORIGIN = "http://ehr.test"
SERVICE = "http://cds.test"
ANCHOR = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
LOINC = "http://loinc.org"
Json = dict[str, Any]


class Clock:
    """Stands still until moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def observation(number: int, patient: str, day: str, value: str) -> Json:
    """Make one potassium result."""
    return {
        "resourceType": "Observation",
        "id": f"{patient}-obs-{number}",
        "status": "final",
        "category": [{"coding": [{"system": "http://cat", "code": "laboratory"}]}],
        "code": {"coding": [{"system": LOINC, "code": "2823-3"}]},
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": day,
        "valueQuantity": {"value": Decimal(value), "unit": "mmol/L"},
    }


class TwoPatients:
    """Alba has a record worth searching; Bo has nearly nothing."""

    def patient_ids(self) -> tuple[str, ...]:
        return ("alba", "bo")

    def synopsis(self, pid: str, /) -> str:
        return f"<b>{pid}</b> & synopsis"

    def upcoming_appointment(self, pid: str, /, *, anchor: date) -> Json | None:
        rows = self.resources(pid, anchor=anchor)
        return next((one for one in rows if one["resourceType"] == "Appointment"), None)

    def resources(self, pid: str, /, *, anchor: date) -> list[Json]:
        subject = {"reference": f"Patient/{pid}"}
        person: Json = {
            "resourceType": "Patient",
            "id": pid,
            "identifier": [{"type": {"coding": [{"code": "MR"}]}, "value": f"MRN-{pid}"}],
            "name": [{"family": "<script>alert(1)</script>", "given": [pid.title()]}],
            "birthDate": "1950-11-24",
            "gender": "female",
        }
        if pid == "bo":
            return [person]
        days = ("2024-01-31", "2025-06-01T10:00:00+02:00", "2026-11", "2026-11-20T08:00:00Z")
        labs = [observation(n, pid, day, f"4.{n}0") for n, day in enumerate(days)]
        condition = {
            "resourceType": "Condition",
            "id": "c1",
            "clinicalStatus": {"coding": [{"system": "http://clin", "code": "active"}]},
            "category": [{"coding": [{"system": "http://cat", "code": "problem-list-item"}]}],
            "subject": subject,
        }
        order = {
            "resourceType": "MedicationRequest",
            "id": "m1",
            "status": "active",
            "intent": "order",
            "medicationReference": {"reference": "Medication/med1"},
            "subject": subject,
            "authoredOn": "2026-10-01",
        }
        visit = {
            "resourceType": "Appointment",
            "id": "a1",
            "status": "booked",
            "description": "Check-up",
            "start": f"{anchor + timedelta(days=1)}T09:00:00-05:00",
            "participant": [{"actor": subject, "status": "accepted"}],
        }
        encounter = {
            "resourceType": "Encounter",
            "id": "e1",
            "status": "finished",
            "class": {"code": "AMB"},
            "subject": subject,
            "period": {"start": "2026-10-01T09:00:00Z", "end": "2026-10-01T09:30:00Z"},
        }
        medicine = {"resourceType": "Medication", "id": "med1", "code": {"text": "Metformin"}}
        return [person, *labs, condition, order, visit, encounter, medicine]


KEYS = reused_keys()
APP_KEYS = KeyRing({"RS384": "app-rsa", "ES384": "app-ec"}, make_key=KEYS)


def config(clock: Clock) -> SimulatorConfig:
    """Make a configuration with one site for each personality."""
    hidden = Client("confidential", secret="s3cret", redirect_uris=("http://app.test/back",))
    return SimulatorConfig(
        origin=ORIGIN,
        anchor=ANCHOR,
        service_base_by_site={
            "general": Site(
                "generic",
                f"{SERVICE}/general/cds-services",
                "our-service",
                jwks=APP_KEYS.jwks(),
                tenant="north",
                clients=(hidden,),
            ),
            "riverside": Site(
                "epic",
                f"{SERVICE}/riverside/cds-services",
                "our-epic-service",
                jwks_url=f"{SERVICE}/.well-known/jwks.json",
            ),
        },
        clock=clock,
        seed=7,
        patients=TwoPatients(),
        make_key=KEYS,
    )


def token(simulator: Simulator, site: str, scope: str, patient: str | None = None) -> Json:
    """Make the authorization header of a fresh token."""
    grant = simulator.ehr(site).grants.issue("t", scope, lifetime_s=60, patient=patient)
    return {"Authorization": f"Bearer {grant.token}"}
