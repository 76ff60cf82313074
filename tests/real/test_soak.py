"""The short form of the soaks that need other people's programs."""

import pytest

from tests.soak import synthea

pytestmark = pytest.mark.real


def test_the_brief_bends_nothing_of_patients_that_others_invented() -> None:
    """Every figure meets its target, and something was looked at."""
    figures = synthea.run(20261123, short=True)
    assert [each for each in figures if each.met is False] == []
    assert sum(each.met is True for each in figures) >= 7
