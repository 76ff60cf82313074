"""These tests run on a clock that leaps: time-outs and waits cost nothing."""

import pytest

from tests.context.stage import LeapingLoop, Stage


@pytest.fixture
def anyio_backend():
    return ("asyncio", {"loop_factory": LeapingLoop})


@pytest.fixture
def stage():
    return Stage()
