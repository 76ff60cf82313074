"""FHIR dates are shown by the site's clock and ordered by when they begin; whose resource is whose."""

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from cds_service.fhir.compartment import patient_of
from cds_service.fhir.dates import as_stored, parse

ZONE = ZoneInfo("America/Chicago")


@pytest.mark.parametrize(
    ("stored", "shown", "day"),
    [
        ("2026-10-02", "2026-10-02", "2026-10-02"),
        ("2026-10", "2026-10", "2026-10"),
        ("2026", "2026", "2026"),
        ("2026-10-02T08:30:00-05:00", "2026-10-02 08:30", "2026-10-02"),
        ("2026-10-02T08:30:15Z", "2026-10-02 03:30:15", "2026-10-02"),
        ("2026-10-02T08:30:15.250+05:30", "2026-10-01 22:00:15", "2026-10-01"),
        ("2026-12-02T01:00:00Z", "2026-12-01 19:00", "2026-12-01"),
        ("2026-10-02T08:30", "2026-10-02 08:30", "2026-10-02"),
        ("2026-06-30T23:59:60Z", "2026-06-30 18:59:60", "2026-06-30"),
        ("1870-01-01T00:00:00Z", "1870-01-01 00:00 UTC", "1870-01-01"),
    ],
)
def test_a_time_is_told_by_the_clock_of_the_site_and_a_date_as_stored(stored, shown, day):
    found = parse(stored, ZONE)
    assert (found.shown, found.day, found.date.isoformat()) == (shown, day, (day + "-01-01")[:10])


@pytest.mark.parametrize("zone", ["UTC", "Etc/UTC"])
def test_where_a_site_names_no_clock_a_time_says_its_own_offset(zone):
    told = [parse(f"2026-10-02T08:30:00{each}", ZoneInfo(zone)).shown for each in ("-05:00", "Z")]
    assert told == ["2026-10-02 08:30 -05:00", "2026-10-02 08:30 UTC"]


def test_the_hour_that_a_clock_shows_twice_says_which_one_it_was():
    stored = ("2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z", "2026-11-01T07:30:00Z")
    assert [parse(each, ZONE).shown for each in stored] == [
        "2026-11-01 00:30",
        "2026-11-01 01:30 -05:00",
        "2026-11-01 01:30 -06:00",
    ]


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("2026-10-02T08:30:15Z", "2026-10-02 08:30:15 UTC"),
        ("2026-10-02T08:30:00+05:30", "2026-10-02 08:30 +05:30"),
        ("2026-10", "2026-10"),
        ("soon", "soon"),
    ],
)
def test_beside_its_source_a_time_stands_as_stored(stored, shown):
    assert as_stored(stored) == shown


@pytest.mark.parametrize(
    "junk",
    ["", "yesterday", "11/03/2021", "0000-00-00", "2026-13-01", "2026-02-30", "20261002", None, 2026,
     "2026-10-02T25:00:00Z", "2026-10-02T08:30:00+99:00", "9999-12-31T23:59:59-12:00x"],
)  # fmt: skip
def test_anything_else_is_none(junk):
    assert parse(junk, ZONE) is None


@pytest.mark.parametrize(
    "edge", ["0001-01-01", "9999-12-31", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"]
)
def test_the_ends_of_time_do_not_break(edge):
    assert parse(edge, ZONE).shown.startswith(edge[:10])
    assert parse(edge, UTC).shown


def test_order_follows_the_clock_not_the_text():
    stored = [
        "2026-10-01T22:00:00-05:00",
        "2026-10-02",
        "2026-10-02T07:00:00Z",
        "2026-10-02T03:00:00-05:00",
    ]
    assert sorted(stored, key=lambda each: parse(each, ZONE).at) == [
        "2026-10-01T22:00:00-05:00",
        "2026-10-02",
        "2026-10-02T07:00:00Z",
        "2026-10-02T03:00:00-05:00",
    ]


@pytest.mark.parametrize(
    ("resource", "named"),
    [
        ({"resourceType": "Condition", "subject": {"reference": "Patient/1"}}, {"Patient/1"}),
        (
            {"resourceType": "AllergyIntolerance", "patient": {"reference": "Patient/1"}},
            {"Patient/1"},
        ),
        ({"resourceType": "Coverage", "beneficiary": {"reference": "Patient/1"}}, {"Patient/1"}),
        ({"resourceType": "Task", "for": {"reference": "Patient/1"}}, {"Patient/1"}),
        ({"resourceType": "Patient", "id": "1"}, {"Patient/1"}),
        (
            {
                "resourceType": "Appointment",
                "participant": [
                    {"actor": {"reference": "Practitioner/9"}},
                    {"actor": {"reference": "https://x.example.org/Patient/1"}},
                    None,
                ],
            },
            {"https://x.example.org/Patient/1"},
        ),
        ({"resourceType": "Observation", "subject": {"reference": "Device/1"}}, {"Device/1"}),
        ({"resourceType": "Observation"}, set()),
        ({"resourceType": "Medication"}, None),
        ({"resourceType": "Practitioner"}, None),
    ],
)
def test_whose_resource(resource, named):
    assert patient_of(resource) == named
