"""The draft note of a brief is read elsewhere too: it says by whose clock its times are."""

from base64 import b64decode
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from cds_service.brief import rule_brief
from cds_service.card.note import draft_note
from cds_service.vendors import load_profile
from tests.brief.charts import context, seen


@pytest.mark.parametrize(
    ("zone", "said", "time"),
    [
        ("America/Chicago", "Times are by the clock of America/Chicago.", "2026-09-01 10:00, "),
        ("UTC", "", "2026-09-01 10:00 -05:00, "),
    ],
)
def test_a_draft_note_says_whose_clock_it_is_and_else_each_offset(zone, said, time):
    found = context(seen(), zone=ZoneInfo(zone))
    rules = load_profile("generic-r4").note
    made = draft_note(
        title="Brief",
        brief=rule_brief(found),
        brief_id=str(UUID(int=1)),
        context=found,
        rules=rules,
    )
    words = b64decode(made["content"][0]["attachment"]["data"]).decode()
    assert ("by the clock of" in words) is bool(said)
    assert said in words
    assert time in words
