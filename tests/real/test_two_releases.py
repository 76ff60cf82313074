"""Two releases work on one database at once: with the same workflows side by side, with other ones each on its own."""

import time

import pytest

from tests.processes import standing, until

OTHER = "tests.real.other_release"


@pytest.fixture
def stand(postgres_url, tmp_path):
    with standing(tmp_path, database=postgres_url, concurrency=6, delay_s=0.5) as running:
        yield running


def is_prepared_once(stand, asked):
    return {stand.entries("prepare", "ready")[each] for each in asked} == {1}


def test_work_of_a_release_with_other_steps_is_left_to_it_and_goes_on_when_it_is_back(stand):
    first, old = stand.ask(3), stand.worker()
    until(lambda: stand.states()["preparing"] == 3, 30)
    old.kill()
    left = stand.states()["preparing"]
    new, second = stand.worker(OTHER), stand.ask(4, first=100)
    until(lambda: is_prepared_once(stand, second), 60)
    time.sleep(2)
    assert stand.states()["preparing"] == left > 0, "none of its steps is run by another release"
    old = stand.worker()
    until(lambda: stand.states() == {"ready": 7}, 60)
    assert is_prepared_once(stand, [*first, *second])
    assert [each.popen.poll() for each in (old, new)] == [None, None]


def test_of_two_releases_with_other_steps_both_work_and_no_brief_is_prepared_by_both(stand):
    workers = [stand.worker(), stand.worker(OTHER)]
    asked = stand.ask(16)
    until(lambda: stand.states() == {"ready": 16}, 90)
    assert is_prepared_once(stand, asked)
    counts = stand.counts()
    assert set(counts.values()) == {1}, "and each record was read once"
    assert [each.popen.poll() for each in workers] == [None, None]
