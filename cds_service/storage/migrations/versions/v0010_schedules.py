"""Where a poll of one patient after the other stopped, what it found nobody named in, and bookings without a visit."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_ANNOUNCED = (
    "source = 'prepare' AND visit IS NULL"
    " AND state IN ('in_review', 'preparing', 'ready', 'requested')"
)


def upgrade() -> None:
    """Add them."""
    with op.batch_alter_table("feed") as feed:
        feed.add_column(sa.Column("asked_last", sa.String(64)))
        feed.add_column(sa.Column("without_patient", sa.Integer()))
    where = sa.text(_ANNOUNCED)
    op.create_index(
        "brief_announced",
        "brief",
        ["site", "patient"],
        sqlite_where=where,
        postgresql_where=where,
    )
