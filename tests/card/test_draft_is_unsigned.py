"""What nobody has read is never offered as a signed note, whatever a site overrides."""

import pytest

from tests.ground import CDS, GENERAL, standing
from tests.http.conftest import FewPatients

pytestmark = pytest.mark.anyio
MILLENNIUM = GENERAL.replace('"generic-r4"', '"oracle-millennium"')
TAKES_NOTES = "\n[vendor_overrides.card]\ndraft_note = true\n"


@pytest.mark.parametrize(("text", "offered"), [(GENERAL, True), (MILLENNIUM, False)])
async def test_a_vendor_that_takes_only_signed_notes_is_offered_none(tmp_path, text, offered):
    site = {"general": text + TAKES_NOTES}
    async with standing(tmp_path, sites=site, patients=FewPatients()) as ground:
        body = ground.client().patient_view_request("gregory-nwosu", service=await ground.entry())
        answer = await ground.client().call(f"{CDS}/general/cds-services/patient-view-brief", body)
        cards = answer.json()["cards"]
        assert cards
        assert any("suggestions" in card for card in cards) is offered
