"""Hand out the simulator's synthetic patients as FHIR R4 resources, the same bytes every time.

Every chart is a case history written by code: the same anchor date gives the same resources in
the same order. Values whose digits matter are `decimal.Decimal`; `to_json` prints them exactly.
`zoe-quagmire` breaks R4 on purpose, as real charts do; all other charts are valid R4.
"""

import datetime as dt
import random
import zlib

from . import bundle
from .cases import CASES
from .chart import Chart, add_patient
from .wire import to_json

__all__ = [
    "GENERATOR",
    "SEED",
    "VERSION",
    "patient_ids",
    "resources",
    "synopsis",
    "to_json",
    "upcoming_appointment",
]

GENERATOR = "cds-simulator-patients"
VERSION = "1"
SEED = 20261123


def patient_ids() -> tuple[str, ...]:
    """Return the ids of all patients in display order."""
    return tuple(CASES)


def synopsis(patient_id: str) -> str:
    """Return one line about that patient for a list; raises KeyError for an unknown id."""
    return CASES[patient_id].synopsis


def resources(patient_id: str, *, anchor: dt.date) -> list[dict[str, object]]:
    """Return that patient's chart as of the anchor, with every shared resource that it refers to.

    The Patient comes first, then what was recorded, then shared resources. The caller may change
    the returned dicts. Raises KeyError for an unknown id.
    """
    case = CASES[patient_id]
    chance = random.Random(SEED ^ zlib.crc32(patient_id.encode()))  # noqa: S311  # not a secret
    chart = Chart(case.person, anchor, chance)
    add_patient(chart)
    case.build(chart)
    return bundle.complete(chart.resources)


def upcoming_appointment(patient_id: str, *, anchor: dt.date) -> dict[str, object] | None:
    """Return the booked Appointment of the visit that is coming, or None; KeyError if unknown."""
    return next(
        (
            each
            for each in resources(patient_id, anchor=anchor)
            if each["resourceType"] == "Appointment" and each.get("status") == "booked"
        ),
        None,
    )
