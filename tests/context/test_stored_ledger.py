import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.context.stored import cited, pack, unpack
from cds_service.domain.errors import Misconfigured
from cds_service.domain.evidence import Evidence, Gap, Ledger, Search
from cds_service.domain.json import decode, encode
from tests.context.stage import BASE, NOW

NUMBERS = st.decimals(allow_nan=False, allow_infinity=False).map(str)
TEXTS = st.text(max_size=20).map(json.dumps)
LEAVES = st.one_of(NUMBERS, TEXTS, st.sampled_from(["null", "true", "false", "7.10", "1e3", "0"]))
RESOURCES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda each: f"[{','.join(each)}]"),
        st.dictionaries(TEXTS, inner, max_size=3).map(
            lambda each: "{" + ",".join(f"{name}:{value}" for name, value in each.items()) + "}"
        ),
    ),
    max_leaves=12,
)


def a_ledger(**resources: object) -> Ledger:
    refs = {"Patient/p1": {"resourceType": "Patient"}} | {
        f"Observation/{name}": resource for name, resource in resources.items()
    }
    return Ledger(
        patient="Patient/p1",
        base_url=BASE,
        evidence={
            ref: Evidence(
                ref=ref, resource=resource, version="7", source="read", need="results", at=NOW
            )
            for ref, resource in refs.items()
        },
        searches=(
            Search(need="results", key="results", state="partial", found=2, source="read", at=NOW),
            Search(need="flags", key="flags", state="failed", source="read", at=NOW, code="500"),
        ),
        dropped=(Gap(need="results", reason="other_patient", count=3),),
    )


@given(RESOURCES)
def test_a_ledger_comes_back_as_it_was_packed_to_the_last_digit(text):
    ledger = a_ledger(one={"value": decode(text.encode())})
    found = unpack(pack(ledger))
    assert found == ledger
    assert encode(found.evidence["Observation/one"].resource) == encode(
        ledger.evidence["Observation/one"].resource
    )


def test_a_value_keeps_the_zeroes_that_the_laboratory_sent():
    packed = pack(a_ledger(one=decode(b'{"valueQuantity":{"value":7.10}}')))
    assert b'"value":7.10' in zlib.decompress(packed)
    assert b"7.10" in encode(unpack(packed).evidence["Observation/one"].resource)


def test_what_is_kept_of_a_hook_answer_is_what_the_brief_cites_and_whose_it_is():
    ledger = cited(a_ledger(one={}, two={}), ["Observation/two"])
    assert list(ledger.evidence) == ["Patient/p1", "Observation/two"]
    assert ledger.searches == a_ledger().searches


def test_a_form_of_another_version_is_refused_with_a_sentence():
    with pytest.raises(Misconfigured, match="form"):
        unpack(zlib.compress(b'{"form": 99}'))
