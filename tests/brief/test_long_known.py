"""An illness that was known before stays known, however often it is written down again."""

import pytest

from tests.brief.charts import brief, coded, condition, flags, seen, texts

_VISIT = seen("2026-09-01T10:00:00-05:00")
_AT_A_VISIT = {"category": [coded("encounter-diagnosis")]}


def _written(*onsets, **more):
    return [
        condition("Atrial fibrillation", f"c{place}", onsetDateTime=onset, **more)
        for place, onset in enumerate(onsets)
    ]


@pytest.mark.parametrize(("more", "aside"), [({}, ""), (_AT_A_VISIT, ", not on the problem list")])
def test_it_is_since_its_earliest_entry_and_not_new(more, aside):
    made = brief(_VISIT, *_written("2019-05-01", "2026-10-01", "2015", **more))
    assert texts(made, "problems") == [
        f"Atrial fibrillation{aside}, since 2015; 3 entries, newest 2026-10-01"
    ]
    assert "new" not in flags(made, "problems")[0]
    assert not texts(made, "changes")


def test_entries_of_one_day_have_one_date():
    made = brief(*_written("2019-05-01", "2019-05-01"))
    assert texts(made, "problems") == ["Atrial fibrillation, since 2019-05-01; 2 entries"]


def test_it_is_new_where_every_entry_is():
    made = brief(_VISIT, *_written("2026-09-20", "2026-10-01"))
    assert texts(made, "changes") == [
        "Atrial fibrillation, since 2026-09-20; 2 entries, newest 2026-10-01"
    ]


def test_an_entry_without_a_date_is_not_called_new():
    undated = condition("Atrial fibrillation", "c9", onsetDateTime=None)
    assert not texts(brief(_VISIT, *_written("2026-10-01"), undated), "changes")


def test_an_entry_that_was_only_recorded_may_be_the_earliest():
    recorded = condition(
        "Atrial fibrillation", "c9", onsetDateTime=None, recordedDate="2012-03-04"
    )
    assert texts(brief(recorded, *_written("2026-10-01")), "problems") == [
        "Atrial fibrillation, recorded 2012-03-04; 2 entries, newest 2026-10-01"
    ]


def test_an_older_diagnosis_is_named_by_its_earliest_date_and_its_newest():
    made = brief(*_written("1994-03-01", "1997-03-01", **_AT_A_VISIT))
    assert texts(made, "problems") == [
        (
            "Older diagnoses not on the problem list: "
            "Atrial fibrillation (1994-03-01, 2 entries, newest 1997-03-01)"
        )
    ]


def test_an_illness_that_came_back_after_a_remission_is_new():
    before = condition("Gout", "c1", status="remission", onsetDateTime="2015-01-01")
    made = brief(_VISIT, before, condition("Gout", "c2", onsetDateTime="2026-10-01"))
    assert texts(made, "changes") == ["Gout, since 2015-01-01; 2 entries, newest 2026-10-01"]
