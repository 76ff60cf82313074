"""What an answer means is one table, and every refusal is a sentence that can be acted on."""

import pytest

from cds_service.fhir.create import Posted
from cds_service.vendors import load_profile, vendor_names
from cds_service.writeback.verdict import judge, reason, sentence

STORED = "DocumentReference/7"
TABLE = [
    (Posted(sent=False), "not_sent"),
    (Posted(), "look"),
    (Posted(status=201, location=STORED), "filed"),
    (Posted(status=200, location=STORED), "filed"),
    (Posted(status=200), "look"),
    (Posted(status=201), "look"),
    (Posted(status=202), "look"),
    (Posted(status=201, location="Binary/7"), "look"),
    (Posted(status=302), "look"),
    (Posted(status=401), "token"),
    (Posted(status=408), "look"),
    (Posted(status=409), "look"),
    (Posted(status=412), "look"),
    (Posted(status=429), "later"),
    (Posted(status=500), "look"),
    (Posted(status=503), "look"),
]


@pytest.mark.parametrize(("posted", "verdict"), TABLE, ids=str)
def test_an_answer_means_one_thing(posted, verdict):
    assert judge(posted) == verdict


@pytest.mark.parametrize("status", sorted(set(range(400, 500)) - {401, 408, 409, 412, 429}))
def test_every_other_4xx_is_final(status):
    posted = Posted(status=status, location=STORED)
    assert judge(posted) == "refused"
    said = sentence(reason(posted, load_profile("generic-r4").note), load_profile("epic").note)
    assert said.endswith((".", "today."))


def test_an_empty_403_is_a_missing_api():
    rules = load_profile("epic").note
    assert "not among the app's APIs" in sentence(reason(Posted(status=403), rules), rules)


def test_the_vendors_own_code_wins():
    rules = load_profile("epic").note
    posted = Posted(status=400, codes=("invalid", "59101"), empty=False)
    assert reason(posted, rules) == "59101"
    assert "encounter" in sentence("59101", rules)


@pytest.mark.parametrize("vendor", vendor_names())
def test_every_sentence_of_a_vendor_says_what_to_do_or_what_is_so(vendor):
    for said in load_profile(vendor).note.errors.values():
        assert said[0].isupper()
        assert said.endswith((".", "?"))
        assert ":" in said
