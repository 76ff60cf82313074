"""Every draft note that our cards carry is one that both validators accept, by each vendor's rules."""

import base64
from typing import Any

import pytest

from cds_service.simulator import patients
from cds_service.vendors import load_profile
from tests.ground import GENERAL, RIVERSIDE, TODAY, standing

from .validators import FhirCheck, model_issues

pytestmark = pytest.mark.anyio

DRAFTS = "\n[vendor_overrides.card]\ndraft_note = true\n"
MILLENNIUM = GENERAL.replace('"generic-r4"', '"oracle-millennium"')
SITES = {
    "generic-r4": ("general", GENERAL),
    "oracle-millennium": (
        "general",
        MILLENNIUM + '\n[vendor_overrides.note]\ndraft_status = "preliminary"\n',
    ),
    "epic": ("riverside", RIVERSIDE),
}
"""By vendor, the site that stands for it."""


def _encounter(patient: str) -> str | None:
    """Return the newest encounter of a patient."""
    found = [
        r for r in patients.resources(patient, anchor=TODAY) if r["resourceType"] == "Encounter"
    ]
    newest = max(found, key=lambda r: str(r.get("period", {}).get("start", "")), default=None)
    return str(newest["id"]) if newest else None


async def _notes(folder: Any, vendor: str) -> dict[str, dict[str, Any]]:
    """Open every synthetic chart; this will be the drafts by patient."""
    site, text = SITES[vendor]
    notes = {}
    async with standing(folder, sites={site: text + DRAFTS}) as ground:
        entry = await ground.entry(site=site)
        for patient in patients.patient_ids():
            body = ground.client(site).patient_view_request(
                patient, service=entry, encounter_id=_encounter(patient)
            )
            answer = await ground.call(body, site=site)
            for card in answer.raise_for_status().json()["cards"]:
                for suggestion in card.get("suggestions", ()):
                    (action,) = suggestion["actions"]
                    notes[patient] = action["resource"]
    return notes


@pytest.mark.parametrize("vendor", SITES)
async def test_every_draft_is_valid(vendor: str, tmp_path: Any, fhircheck: FhirCheck) -> None:
    """For each synthetic patient; what neither validator sees is looked at here."""
    notes = await _notes(tmp_path, vendor)
    needs_encounter = load_profile(vendor).note.encounter_required
    offered = {p for p in patients.patient_ids() if _encounter(p) or not needs_encounter}
    assert set(notes) == offered - {"daniel-whitlock"}  # his chart holds restricted entries
    problems = {p: [*fhircheck.validate(n), *model_issues(n)] for p, n in notes.items()}
    assert {p: found for p, found in problems.items() if found} == {}
    for patient, note in notes.items():
        assert (note["resourceType"], note["docStatus"]) == ("DocumentReference", "preliminary")
        assert note["subject"] == {"reference": f"Patient/{patient}"}
        (content,) = note["content"]
        kind = content["attachment"]["contentType"]
        assert kind.partition(";")[0] in {"text/plain", "text/html", "application/xhtml+xml"}
        assert base64.b64decode(content["attachment"]["data"], validate=True).decode()
