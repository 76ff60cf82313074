import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cds_service.domain.steps import Permanent, Temporary
from cds_service.engine.sealed import SealedJson

VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.text()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(), inner, max_size=4)
    ),
)


def reverse(plain: bytes) -> bytes:
    return plain[::-1]


def test_nothing_is_pickled():
    assert SealedJson(reverse, reverse).name() == "sealed_json"


@given(VALUES)
@example({"!": None})
@example({"!": "Temporary", "reason": "ehr_down"})
@example({"!": "value", "value": 1})
def test_what_a_step_returned_comes_back(value):
    stored = SealedJson(reverse, reverse)
    assert stored.deserialize(stored.serialize(value)) == value


@pytest.mark.parametrize("problem", [Temporary("ehr_down"), Permanent("denied")])
def test_a_steps_problem_comes_back_as_what_it_was(problem):
    stored = SealedJson(reverse, reverse)
    found = stored.deserialize(stored.serialize(problem))
    assert (type(found), found.reason) == (type(problem), problem.reason)


def test_of_a_crash_only_its_kind_is_kept():
    seen = []

    def seal(plain):
        seen.append(plain)
        return plain

    found = SealedJson(seal, seal).serialize(ValueError("Zebedee, Maria"))
    assert b"Zebedee" not in seen[0]
    assert SealedJson(seal, seal).deserialize(found).reason == "crashed_ValueError"


def test_a_value_that_is_no_json_is_refused_without_its_content():
    class Record:
        pass

    with pytest.raises(TypeError):
        SealedJson(reverse, reverse).serialize({"record": Record()})
