"""The engine does not keep what it has done for ever, on PostgreSQL either."""

import pytest

from tests.engine.retention_cases import RetentionCases


class TestRetentionOnPostgres(RetentionCases):
    @pytest.fixture
    def url(self, postgres_url):
        return postgres_url
