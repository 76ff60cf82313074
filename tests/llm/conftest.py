import pytest

from tests.llm.standin import running


@pytest.fixture(scope="session")
def standin():
    with running() as server:
        yield server
