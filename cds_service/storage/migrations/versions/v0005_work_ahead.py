"""Work ahead of a visit: why a brief waits or failed, what it has seen, parts of it, and each site's feed."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the columns and the tables."""
    moment = sa.DateTime(timezone=True)
    with op.batch_alter_table("brief") as brief:
        brief.add_column(sa.Column("reason", sa.String(64)))
        brief.add_column(sa.Column("seen", sa.LargeBinary))
    op.create_index("brief_by_end", "brief", ["state", "expires_at"])
    op.create_table(
        "part",
        sa.Column("brief", sa.String(36), primary_key=True),
        sa.Column("key", sa.String(100), primary_key=True),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "feed",
        sa.Column("site", sa.String(63), primary_key=True),
        sa.Column("polled_at", moment),
        sa.Column("next_poll", moment),
        sa.Column("paused_until", moment),
        sa.Column("reason", sa.String(64)),
    )
