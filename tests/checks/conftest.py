"""Holds the tests of the checks to what their marks claim."""

import pytest

from tests.checks.stage import SHOWN


@pytest.fixture(autouse=True)
def _shown(request):
    """Fail a test that is marked to show a verdict and never looked at one like it."""
    SHOWN.clear()
    yield
    for mark in request.node.iter_markers("shows"):
        check, result, words = mark.args
        assert any(
            name == check and found.result == result and words in found.says
            for name, found in SHOWN
        ), f"{check} was never seen to {result} with {words!r}"
