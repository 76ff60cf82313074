"""A prefetch is looked at where it lies: what is seen there is what decoding all of it would have shown."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.domain.errors import NotJson
from cds_service.domain.prefetch import Prefetch
from cds_service.http.cds_hooks_2 import read_request

LEAF = st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5)
JSON = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner)
)
META = JSON | st.fixed_dictionaries({"versionId": JSON | st.just("3")})
RESOURCE = st.fixed_dictionaries(
    {},
    optional={
        "resourceType": JSON | st.sampled_from(["Condition", "Patient"]),
        "id": JSON | st.just("a1"),
        "meta": META,
        "other": JSON,
    },
)
ENTRY = JSON | st.fixed_dictionaries({}, optional={"resource": JSON | RESOURCE, "search": JSON})
BUNDLE = st.fixed_dictionaries(
    {"resourceType": st.just("Bundle")}, optional={"entry": JSON | ENTRY | st.lists(ENTRY)}
)


def text(value):
    return value if isinstance(value, str) else ""


def resources(value):
    """Return the resources of a value, the slow way."""
    if not isinstance(value, dict):
        return []
    if value.get("resourceType") != "Bundle":
        return [value]
    entries = value.get("entry")
    found = (
        [e.get("resource") for e in entries or () if isinstance(e, dict)]
        if isinstance(entries, list)
        else []
    )
    return [each for each in found if isinstance(each, dict)]


def of_a_call(**values):
    """Return the prefetch of a call as it is read from its body."""
    said = {"hook": "patient-view", "hookInstance": "1", "context": {"patientId": "p"}}
    return read_request(json.dumps(said | {"prefetch": values}).encode()).prefetch


@given(value=JSON | RESOURCE | BUNDLE, beside=JSON | BUNDLE, first=st.booleans())
def test_what_is_seen_is_what_is_there(value, beside, first):
    for prefetch in (
        Prefetch({"key": json.dumps(value).encode()}),
        of_a_call(key=value),
        of_a_call(beside=beside, key=value),
    ):
        if first:  # decoding it changes nothing of what is seen
            assert prefetch["key"] == value
        check(prefetch, value)


def check(prefetch, value):
    seen = list(prefetch.glimpses("key"))
    expected = resources(value)
    assert [each.whole() for each in seen] == expected
    for glimpse, resource in zip(seen, expected, strict=True):
        meta = resource.get("meta")
        version = text(meta.get("versionId")) if isinstance(meta, dict) else ""
        assert (glimpse.type, glimpse.id) == (
            text(resource.get("resourceType")),
            text(resource.get("id")),
        )
        assert glimpse.version == version
    assert prefetch["key"] == value


def test_a_key_that_was_not_sent_shows_nothing():
    assert list(Prefetch({}).glimpses("key")) == []
    assert "key" not in Prefetch()
    for empty in (Prefetch(), of_a_call(), of_a_call(other=None)):
        assert list(empty.glimpses("key")) == []
        assert empty.get("key") is None
        assert empty.envelope("key") is None


@pytest.mark.parametrize(
    "prefetch",
    [
        '{"key": {"resourceType": "Patient", "id": "one", "\\u0069d": "two"}}',
        '{"key": {"id": "one"}, "k\\u0065y": {"resourceType": "Patient", "id": "two"}}',
        '{"key": {"id": "one"}}, "prefetch": {"key": {"resourceType": "Patient", "id": "two"}}',
    ],
)
def test_of_what_is_said_twice_the_same_counts_wherever_it_is_read(prefetch):
    said = '{"hook": "patient-view", "hookInstance": "1", "context": {"patientId": "p"}'
    read = read_request(f'{said}, "prefetch": {prefetch}}}'.encode()).prefetch
    [glimpse] = read.glimpses("key")
    assert glimpse.id == glimpse.whole()["id"] == read["key"]["id"] == "two"


def test_a_value_that_is_no_json_spoils_no_other():
    body = (
        b'{"hook": "patient-view", "hookInstance": "1", "context": {"patientId": "p"}, "prefetch":'
        b' {"bad": {"id": "a", "text": "\xff"}, "good": {"resourceType": "Patient", "id": "p"}}}'
    )
    prefetch = read_request(body).prefetch
    assert prefetch["good"] == {"resourceType": "Patient", "id": "p"}
    with pytest.raises(NotJson):
        prefetch["bad"]


@pytest.mark.parametrize(
    "raw", [b"{", b"[" * 5000, b'{"entry": [}', b'{"id": "\xff\xfe"}', b'{"meta": {"a": "\xff"}}']
)
def test_what_is_no_json_is_refused(raw):
    with pytest.raises(NotJson):
        list(Prefetch({"key": raw}).glimpses("key"))
    with pytest.raises(NotJson):
        Prefetch({"key": raw})["key"]


def test_a_prefetch_shows_no_word_of_a_chart():
    prefetch = Prefetch({"patient": b'{"resourceType": "Patient", "id": "canary"}'})
    [glimpse] = prefetch.glimpses("patient")
    assert "canary" not in repr(prefetch)
    assert "raw" not in repr(glimpse)
