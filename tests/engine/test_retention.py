"""The engine does not keep what it has done for ever."""

import pytest

from tests.engine.retention_cases import RetentionCases

pytestmark = pytest.mark.slow


class TestRetentionOnSqlite(RetentionCases):
    @pytest.fixture
    def url(self, tmp_path):
        return f"sqlite:///{tmp_path / 'engine.db'}"
