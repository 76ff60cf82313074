"""Short forms of the soaks of work ahead: processes that prepare are killed, and no brief is lost or doubled."""

import pytest

from tests.soak import kill, sekmet


@pytest.mark.parametrize("soak", [kill, sekmet], ids=["kill", "sekmet"])
def test_no_brief_is_lost_or_doubled_when_processes_are_killed(soak):
    figures = soak.run(1, short=True)
    assert [f"{each.name}: {each.value}" for each in figures if each.met is False] == []
