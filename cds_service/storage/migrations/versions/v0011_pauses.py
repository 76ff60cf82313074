"""Since when an EHR is left alone, and why: apart from why its schedule could not be read."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add both; of a pause that holds now, the reason is the one that was told so far."""
    with op.batch_alter_table("feed") as feed:
        feed.add_column(sa.Column("paused_at", sa.DateTime(timezone=True)))
        feed.add_column(sa.Column("paused_for", sa.String(64)))
    op.execute("UPDATE feed SET paused_for = reason WHERE paused_until IS NOT NULL")
