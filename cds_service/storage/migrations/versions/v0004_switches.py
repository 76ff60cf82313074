"""What an operator switched off."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the table: a row for each thing that is off."""
    op.create_table(
        "switch",
        sa.Column("site", sa.String(63), primary_key=True),
        sa.Column("what", sa.String(63), primary_key=True),
        sa.Column("by", sa.String(256), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
