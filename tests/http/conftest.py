"""The ground with three charts only: the tests of the edge need no more, and start faster."""

from dataclasses import dataclass
from functools import cache

import pytest

from cds_service.simulator import patients
from tests.ground import standing


@cache
def _built(patient, anchor):
    return patients.resources(patient, anchor=anchor)


@dataclass(frozen=True)
class FewPatients:
    """Some of the simulator's charts, built once for all tests."""

    ids: tuple[str, ...] = ("iris-calloway", "tobias-quill", "gregory-nwosu")

    def patient_ids(self):
        return self.ids

    def synopsis(self, patient_id):
        return patients.synopsis(patient_id)

    def resources(self, patient_id, *, anchor):
        return _built(patient_id, anchor)

    def upcoming_appointment(self, patient_id, *, anchor):
        return patients.upcoming_appointment(patient_id, anchor=anchor)


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
async def shared(tmp_path_factory):
    """One pair for a whole module, where no test leaves anything behind that another would notice."""
    async with standing(tmp_path_factory.mktemp("shared"), patients=FewPatients()) as running:
        yield running


@pytest.fixture
async def ground(tmp_path):
    async with standing(tmp_path, patients=FewPatients()) as running:
        yield running
