"""What a model was asked and answered for a brief."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the table of the agent's runs."""
    op.create_table(
        "run",
        sa.Column("brief", sa.String(36), primary_key=True),
        sa.Column("site", sa.String(63), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("record", sa.LargeBinary, nullable=False),
    )
    op.create_index("run_by_age", "run", ["created"])
