"""An EHR with five things wrong in its registration: following `site check` alone leads to a first correct card.

The admin of this test knows nothing but what the command prints: each round mends only what the first failing check
names, with the value that stands in its words.
"""

import dataclasses
import re

import pytest

from cds_service.domain.needs import NEEDS
from cds_service.vendors import load_profile, scopes_for
from discovery.checks import judge
from tests.checks.stage import BACKEND, edited, stage
from tests.ground import CDS, GENERAL

pytestmark = pytest.mark.anyio
URL = f"{CDS}/general/cds-services/patient-view-brief"
PATIENT = "gregory-nwosu"
PROFILE = load_profile("generic-r4")
SCOPES = scopes_for(NEEDS, PROFILE, level="system")


@dataclasses.dataclass
class Registration:
    """What was typed into the EHR, with five mistakes."""

    audience: str = f"{CDS}/general/cds-service/patient-view-brief"
    endpoint: str = f"{URL}/"
    allergies_key: str = "alergies"
    kid: str = "generic-ec-2"
    granted: str = " ".join(scope for scope in SCOPES if scope != "system/AllergyIntolerance.rs")


async def open_a_chart(here, typed):
    """Call as this EHR does: with another endpoint than ours on its record it strips context and token."""
    client = here.ground.client()
    entry = await here.ground.entry()
    sent = client.patient_view_request(PATIENT, service=entry)
    sent["prefetch"][typed.allergies_key] = sent["prefetch"].pop("allergies")
    if typed.endpoint != URL:
        sent = {k: v for k, v in sent.items() if k not in {"context", "fhirAuthorization"}}
    token = client.bearer(
        typed.endpoint, claims={"aud": typed.audience}, header={"kid": typed.kid}
    )
    response = await client.call(typed.endpoint, sent, token=token)
    await here.ground.service.writer.flush()
    return response


def mend(typed, check, says, do):
    """Mend one thing with what the check printed, and nothing else."""
    if check == "keys-rotation":
        typed.kid = re.search(r"it has ([\w-]+)", says)[1]
    elif check == "calls-audience":
        typed.audience = re.search(r"it must be (\S+)", says)[1]
    elif check == "calls-context":
        typed.endpoint = re.search(r"register exactly (\S+)", do)[1]
    elif check == "prefetch-never-sent":
        typed.allergies_key = re.search(r"key\(s\) (\w+)", says)[1]
    elif check == "backend-scopes":
        missing = set(re.findall(r"system/\w+\.\w+", says)) - set(typed.granted.split())
        typed.granted = " ".join([typed.granted, *sorted(missing)])


async def test_an_admin_reaches_a_first_correct_card_by_following_site_check_alone(tmp_path):
    mended = []
    async with stage(tmp_path, sites={"general": GENERAL + BACKEND}, everything=False) as here:
        typed = Registration()
        for _ in range(10):
            await open_a_chart(here, typed)
            here.ground.clock.move(minutes=2)
            before = dataclasses.replace(typed)
            for check, verdict in await failing(here, typed):
                mend(typed, check, verdict.says, verdict.do)
                if typed != before:
                    mended.append(check)
                    break
            if typed == before:
                break
        answer = await open_a_chart(here, typed)
        left = [check for check, _ in await failing(here, typed)]
    assert mended == [
        "keys-rotation", "backend-scopes", "calls-audience", "calls-context", "prefetch-never-sent",
    ]  # fmt: skip
    assert left == []
    assert answer.status_code == 200
    assert "Pre-visit brief" in answer.text
    assert "Allergies: not read" not in answer.text


async def failing(here, typed):
    """Return what `site check` prints as to be mended, in its order."""
    fault = edited("/oauth2/token", lambda body: {**body, "scope": typed.granted})
    subject = await here.subject(None, fault, patient=PATIENT)
    return [(c.id, v) for c, v in judge(subject) if v.result == "fail"]
