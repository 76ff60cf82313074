"""The short form of the kill soak: processes that prepare briefs are killed, on SQLite and on PostgreSQL."""

from tests.soak import kill


def test_no_brief_is_lost_or_doubled_when_processes_are_killed():
    figures = kill.run(1, short=True)
    assert [f"{each.name}: {each.value}" for each in figures if each.met is False] == []
