import pytest

from cds_service.engine.liveness import FileLocks, Liveness


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class LosableLocks(FileLocks):
    """Locks of a database that can be restarted."""

    lost = False

    def is_lost(self) -> bool:
        return self.lost


def a_sweeper(locks, me, owners, took, **given):
    def take_over(owner):
        took.append(owner)
        return 1

    return Liveness(me=me, locks=locks, owners=lambda: set(owners), take_over=take_over, **given)


def test_work_of_a_process_that_lives_is_left_to_it(tmp_path):
    other, took = FileLocks(tmp_path), []
    assert other.hold("other")
    assert a_sweeper(FileLocks(tmp_path), "me", ["other", "me"], took).sweep() == 0
    assert took == []


def test_work_of_a_process_that_ended_is_taken_over_by_one_of_the_others(tmp_path):
    other, took = FileLocks(tmp_path), []
    other.hold("other")
    other.close()
    assert a_sweeper(FileLocks(tmp_path), "me", ["other", "me"], took).sweep() == 1
    assert took == ["other"]


def test_a_lock_is_given_back_after_a_take_over_that_failed(tmp_path):
    locks = FileLocks(tmp_path)

    def fails(_owner):
        raise OSError

    sweeper = Liveness(me="me", locks=locks, owners=lambda: {"other"}, take_over=fails)
    with pytest.raises(OSError):  # noqa: PT011  # whatever the database raises
        sweeper.sweep()
    assert set(locks.held) == {"me"}


def test_after_the_database_was_away_everybody_gets_time_to_take_their_lock_again(tmp_path):
    locks, took, clock = LosableLocks(tmp_path), [], Clock()
    sweeper = a_sweeper(locks, "me", ["other"], took, clock=clock)
    assert sweeper.sweep() == 1
    locks.lost = True
    locks.close()
    assert sweeper.sweep() == 0
    locks.lost = False
    clock.now = 9.0
    assert sweeper.sweep() == 0
    clock.now = 10.1
    assert sweeper.sweep() == 1
    assert took == ["other", "other"]
