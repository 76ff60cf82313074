"""Whatever an EHR sends: an answer or 412, no claim of "none" from junk, and never another patient's fact."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.domain.errors import MissingContext
from cds_service.domain.evidence import Context
from tests.context.stage import BASE, GRANTED, NONE, PATIENT, Stage, allergy, bundle, outcome

pytestmark = pytest.mark.anyio

NEEDS = {"allergies": "AllergyIntolerance", "problems": "Condition", "results": "Observation"}
STATES = {
    "complete",
    "partial",
    "failed",
    "denied",
    "timeout",
    "no_access",
    "unavailable",
    "withheld",
}

words = st.text(max_size=8)
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False, width=32)
    | words
)
names = st.sampled_from(
    [
        "resourceType",
        "id",
        "entry",
        "link",
        "resource",
        "issue",
        "severity",
        "code",
        "details",
        "coding",
        "relation",
        "url",
        "patient",
        "subject",
        "reference",
        "meta",
        "versionId",
        "x",
    ]
)
telling = st.sampled_from(
    "Bundle OperationOutcome AllergyIntolerance Patient next error 4101 p1 Patient/p1 Patient/p2"
    f" {BASE} //evil.example https://[ ..".split()
)
junk = st.recursive(
    leaves | telling,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=5),
    max_leaves=12,
)


def planted(kind, identity, patient):
    return allergy(identity, patient) | {"resourceType": kind}


def answers(kind):
    """Strategy of what may come for one key: the five states, and anything at all."""
    entry = st.sampled_from([planted(kind, f"x{n}", "p1") for n in range(3)]) | junk
    links = st.none() | st.sampled_from([f"{BASE}?more", "https://[", "//evil.example", "../x"])
    pages = st.builds(
        lambda entries, link: bundle(*entries, next_url=link), st.lists(entry, max_size=4), links
    )
    return pages | st.none() | st.just(outcome()) | st.just(bundle()) | junk


prefetches = st.fixed_dictionaries(
    {}, optional={need: answers(kind) for need, kind in NEEDS.items()} | {"patient": junk}
)


async def gathered(prefetch, *, granted, answer) -> Context | None:
    stage = Stage(budget_s=5)
    stage.ehr.answers |= dict.fromkeys(NEEDS.values(), answer)
    stage.ehr.answers["Patient/p1"] = PATIENT
    try:
        return await stage.gather(prefetch, *NEEDS, granted=granted)
    except MissingContext:
        return None


@given(prefetch=prefetches, answer=junk, granted=st.sampled_from([GRANTED, NONE]))
async def test_gathering_ends_with_a_state_for_every_search(prefetch, answer, granted):
    context = await gathered(prefetch, granted=granted, answer=answer)
    if context is None:
        return
    assert [one.key for one in context.ledger.searches] == ["patient", *NEEDS]
    assert {one.state for one in context.ledger.searches} <= STATES
    named = {gap.need for gap in context.ledger.gaps()}
    for one in context.ledger.searches:
        assert one.state == "complete" or one.need in named


def is_clean(value):
    """Say whether a value is one of the answers that may prove that there is nothing."""
    if value is None:
        return True
    if not isinstance(value, dict) or value.get("resourceType") != "Bundle":
        return False
    entries = value.get("entry")
    return entries is None or entries == []


@given(value=junk | answers("AllergyIntolerance"), granted=st.sampled_from([GRANTED, NONE]))
async def test_only_an_empty_answer_proves_that_there_is_nothing(value, granted):
    sent = {"patient": PATIENT, "allergies": value}
    context = await gathered(sent, granted=granted, answer=outcome())
    (search,) = [one for one in context.ledger.searches if one.key == "allergies"]
    if search.state == "complete" and not search.found:
        dropped = [gap for gap in context.ledger.dropped if gap.need == "allergies"]
        assert is_clean(value) or dropped or _says_only_in_passing(value)


def _says_only_in_passing(value):
    """Junk may happen to be a Bundle of remarks, or of what comes along with results."""
    kinds = {
        entry["resource"].get("resourceType")
        for entry in value["entry"]
        if isinstance(entry, dict) and isinstance(entry.get("resource"), dict)
    }
    return kinds <= {"OperationOutcome"}


@given(
    noise=st.lists(junk, max_size=4),
    place=st.integers(0, 4),
    kind=st.sampled_from(["AllergyIntolerance", "Condition"]),
    link=st.none() | st.sampled_from([f"{BASE}?more", "https://[", "//evil.example"]),
    granted=st.sampled_from([GRANTED, NONE]),
)
async def test_a_fact_of_this_patient_is_never_lost_among_junk(noise, place, kind, link, granted):
    need = {"AllergyIntolerance": "allergies", "Condition": "problems"}[kind]
    entries = [{"resource": one} for one in noise]
    entries.insert(place, {"resource": planted(kind, "planted", "p1")})
    sent = bundle(next_url=link) | {"entry": entries}
    context = await gathered({"patient": PATIENT, need: sent}, granted=granted, answer=outcome())
    assert context.ledger.get(f"{kind}/planted")


@given(
    noise=st.lists(junk, max_size=4),
    place=st.integers(0, 4),
    member=st.sampled_from(["patient", "subject"]),
    reference=st.sampled_from(
        ["Patient/p2", "https://other.example/r4/Patient/p1", "Group/p1", f"{BASE}/Patient/p2"]
    ),
    way=st.sampled_from(["prefetch", "read"]),
)
async def test_a_fact_of_another_patient_never_gets_in(noise, place, member, reference, way):
    theirs = allergy("theirs", None) | {member: {"reference": reference}}
    entries = [{"resource": one} for one in noise]
    entries.insert(place, {"resource": theirs})
    sent = bundle() | {"entry": entries}
    prefetch = {"patient": PATIENT} | ({"allergies": sent} if way == "prefetch" else {})
    context = await gathered(prefetch, granted=GRANTED, answer=sent)
    assert "AllergyIntolerance/theirs" not in context.ledger.evidence
    assert "other_patient" in {gap.reason for gap in context.ledger.gaps()}
