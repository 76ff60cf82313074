"""Whatever a body holds: an answer or an error of ours, never a crash, and no value told back in an error."""

import copy
import json

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from tests.http.wire import FEEDBACK, SERVICE, body, post, tells

pytestmark = pytest.mark.anyio

CANARY = "canary"
WIRE = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)

MEMBERS = (
    "hook", "hookInstance", "context", "patientId", "userId", "encounterId", "prefetch", "patient", "medications",
    "fhirServer", "fhirAuthorization", "access_token", "expires_in", "extension", "resourceType", "entry", "resource",
    "feedback", "card", "outcome", "outcomeTimestamp", "overrideReason", "reason", "code", "userComment",
    "acceptedSuggestions", "id", "status", "subject", "reference", "link", "url", "relation", "value", "birthDate",
)  # fmt: skip
VALUES = (
    "patient-view", "p-1", "Patient/p-1", "Patient", "Bundle", "MedicationRequest", "OperationOutcome", "accepted",
    "overridden", "2026-11-23T15:00:00Z", "0001-01-01T00:00:00+14:00", "next", "Bearer", "", "\u0000", "9" * 40,
)  # fmt: skip

marked = st.builds(lambda text: f"{CANARY}{text}", st.text(max_size=12))
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(VALUES),
    marked,
)
names = st.one_of(st.sampled_from(MEMBERS), marked)
anything = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(names, inner, max_size=6)
    ),
    max_leaves=25,
)


def check(answer):
    """Check that this is an answer of ours and, as an error, repeats nothing."""
    assert answer.status_code < 500, answer.text
    told = answer.json()
    if answer.status_code == 200:
        assert told == {} or isinstance(told["cards"], list)
    else:
        assert told["resourceType"] == "OperationOutcome"
        assert CANARY not in answer.text
        assert CANARY not in str(answer.headers)


@pytest.mark.spec("H-400", "T-2", "A-5")
@WIRE
@given(anything)
@example({"hook": "patient-view", "hookInstance": "x", "context": {"patientId": "p-1"}})
async def test_any_json_is_answered_or_refused_in_our_shape(ground, sent):
    check(await post(ground, sent, path=SERVICE))
    check(await post(ground, {"feedback": sent}, path=FEEDBACK))
    check(await post(ground, {"feedback": [sent]}, path=FEEDBACK))


@pytest.mark.spec("H-400", "T-11")
@WIRE
@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
@example(b'"\\ud800"')
@example(b'{"hook":"\\ud800","hookInstance":"\\udfff","context":{"patientId":"p-1"}}')
@example(b'{"feedback":[{"card":"\\ud800"}]}')
@example(b"1e999999999999")
@example(b"-" + b"9" * 5000)
async def test_any_bytes_are_refused_in_our_shape(ground, sent):
    check(await post(ground, sent, path=SERVICE))
    check(await post(ground, sent, path=FEEDBACK))


@pytest.mark.spec("T-8", "R-12")
@WIRE
@given(anything, anything, anything)
async def test_any_value_in_the_open_parts_of_a_call_is_survived(ground, prefetched, drafts, odd):
    sent = body()
    sent["prefetch"] |= {"problems": prefetched, "results": prefetched, "appointment": drafts}
    sent["context"] |= {"appointments": drafts, "extension": odd}
    sent |= {"extension": odd, "fhirAuthorization": odd, "fhirServer": odd}
    answer = await post(ground, sent)
    check(answer)
    tells(answer)


def paths(value, path=()):
    """Yield the way to every member below a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items if isinstance(value, dict | list) else ():
        yield (*path, key)
        yield from paths(inner, (*path, key)) if isinstance(inner, dict | list) else ()


PLAIN = body(
    fhirServer="https://elsewhere.example/r4",
    fhirAuthorization={"access_token": "t", "token_type": "Bearer", "expires_in": 60},
    extension={"com.example.a": {"b": 1}},
)
PLAIN["prefetch"] |= {
    "encounter": None,
    "problems": {
        "resourceType": "Bundle",
        "type": "searchset",
        "link": [{"relation": "self", "url": "Condition?patient=p-1"}],
        "entry": [
            {
                "fullUrl": "urn:uuid:1",
                "search": {"mode": "match"},
                "resource": {
                    "resourceType": "Condition",
                    "id": "c-1",
                    "clinicalStatus": {"coding": [{"code": "active"}]},
                    "subject": {"reference": "Patient/p-1"},
                    "code": {"text": "Hypertension"},
                    "onsetDateTime": "2019-04",
                },
            }
        ],
    },
}

NEEDED = (
    ("hook",),
    ("hookInstance",),
    ("context", "patientId"),
    ("prefetch", "patient", "resourceType"),
    ("prefetch", "patient", "id"),
    ("prefetch", "medications"),
    ("prefetch", "allergies"),
)
"""Without these the call is another one: everything else may be missing, null or of any type."""


def is_free(path):
    return not any(path[: len(one)] == one or one[: len(path)] == path for one in NEEDED)


FREE = [path for path in paths(PLAIN) if is_free(path)]
ALL = list(paths(PLAIN))


def mutated(path, change):
    """Return the plain call with one member changed: dropped, replaced, or given an unknown neighbour."""
    what, value = change
    full = copy.deepcopy(PLAIN)
    holder = full
    for key in path[:-1]:
        holder = holder[key]
    if what == "drop":
        del holder[path[-1]]
    elif what == "replace":
        holder[path[-1]] = value
    elif isinstance(holder, dict):
        holder[f"x-{path[-1]}"] = value
    else:
        holder.append(value)
    return full


changes = st.one_of(
    st.just(("drop", None)),
    st.just(("replace", None)),
    st.tuples(st.just("replace"), anything),
    st.tuples(st.just("add"), anything),
)


@pytest.mark.spec("T-8", "P-4", "P-13", "R-12")
@WIRE
@given(st.sampled_from(FREE), changes)
async def test_a_call_that_still_says_whose_chart_it_is_still_gets_its_facts(ground, path, change):
    assume(not (path[-1] == "userId" and ("Patient" in str(change[1]))))  # who gets no cards
    answer = await post(ground, mutated(path, change))
    assert answer.status_code == 200, answer.text
    tells(answer)


@pytest.mark.spec("R-10", "H-400", "H-412")
@WIRE
@given(st.sampled_from(ALL), changes)
async def test_any_change_anywhere_is_answered_or_refused_in_our_shape(ground, path, change):
    answer = await post(ground, mutated(path, change))
    check(answer)
    assert answer.status_code in {200, 400, 412}


@pytest.mark.parametrize("place", ["hook", "problems"])
async def test_a_body_with_a_number_that_no_decimal_holds_is_refused_and_crashes_nothing(
    ground, place
):
    sent = body()
    if place == "hook":
        sent["hook"] = 77777
    else:
        sent["prefetch"][place] = {"resourceType": "Bundle", "total": 77777}
    answer = await post(
        ground, json.dumps(sent).replace("77777", "1e999999999999999999999").encode()
    )
    check(answer)
    assert answer.status_code == 400
