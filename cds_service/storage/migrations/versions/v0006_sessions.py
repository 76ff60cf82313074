"""Who opened the app: sign-ins under way, and launch sessions."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the tables of the SMART launch."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "sign_in",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("site", sa.String(63), nullable=False),
        sa.Column("begun", moment, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "session",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("site", sa.String(63), nullable=False),
        sa.Column("brief", sa.String(36), nullable=False),
        sa.Column("started", moment, nullable=False),
        sa.Column("seen", moment, nullable=False),
        sa.Column("ends", moment, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("tokens", sa.LargeBinary, nullable=False),
    )
    op.create_index("session_by_end", "session", ["ends"])
    op.create_index("sign_in_by_begin", "sign_in", ["begun"])
