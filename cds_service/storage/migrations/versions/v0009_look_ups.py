"""Look-ups that take no longer for what was stored before: indexes of the rows alone that they may find."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_PREPARED = (
    "source = 'prepare' AND state IN"
    " ('approved', 'in_review', 'ready', 'unknown', 'verified', 'writing', 'written')"
)
_APPROVED = (
    "state IN ('approved', 'failed', 'unknown', 'verified', 'writing', 'written')"
    " AND body IS NOT NULL"
)
_EXPECTED = "visit IS NOT NULL AND state IN ('in_review', 'preparing', 'ready', 'requested')"


def upgrade() -> None:
    """Make the indexes; one that they replace goes, and one that nothing was looked up by."""
    _index("brief_prepared", ["site", "patient", "ready_at"], _PREPARED)
    _index("brief_approved", ["site", "patient", "changed"], _APPROVED)
    _index("brief_expected", ["site", "visit"], _EXPECTED)
    op.drop_index("brief_by_visit", "brief")
    op.drop_index("write_intent_by_state", "write_intent")


def _index(name: str, columns: list[str], rows: str) -> None:
    where = sa.text(rows)
    op.create_index(name, "brief", columns, sqlite_where=where, postgresql_where=where)
