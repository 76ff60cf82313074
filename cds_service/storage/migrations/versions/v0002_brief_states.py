"""A brief is a row with a state, from the request to the note in the chart."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Give each brief its state; those that are there were answers, ready when they were made."""
    moment = sa.DateTime(timezone=True)
    with op.batch_alter_table("brief") as brief:
        for column in (
            sa.Column("state", sa.String(16), nullable=False, server_default="ready"),
            sa.Column("source", sa.String(16), nullable=False, server_default="hook"),
            sa.Column("patient", sa.String(64), nullable=False, server_default=""),
            sa.Column("visit", sa.String(64)),
            sa.Column("revision", sa.Integer, nullable=False, server_default="1"),
            sa.Column("changed", moment),
            sa.Column("due", moment),
            sa.Column("ready_at", moment),
            sa.Column("expires_at", moment),
            sa.Column("versions", sa.JSON, nullable=False, server_default="{}"),
            sa.Column("occasion", sa.LargeBinary),
            sa.Column("sources", sa.LargeBinary),
        ):
            brief.add_column(column)
        brief.alter_column("body", existing_type=sa.LargeBinary, nullable=True)
    op.execute("UPDATE brief SET changed = created, ready_at = created")
    with op.batch_alter_table("brief") as brief:
        brief.alter_column("changed", existing_type=moment, nullable=False)
        for name in ("state", "source", "patient", "revision", "versions"):
            brief.alter_column(name, server_default=None)
    op.create_index("brief_due", "brief", ["state", "due"])
    op.create_index("brief_by_patient", "brief", ["site", "patient", "created"])
    op.create_index("brief_by_visit", "brief", ["site", "visit"])
