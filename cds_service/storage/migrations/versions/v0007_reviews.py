"""What clinicians do with a brief, and the ledger of what is written to charts."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the tables of review and write-back."""
    moment = sa.DateTime(timezone=True)
    _review(moment)
    _filing(moment)


def _review(moment: sa.DateTime) -> None:
    op.create_table(
        "edit",
        sa.Column("brief", sa.String(36), primary_key=True),
        sa.Column("made", sa.String(16), primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("site", sa.String(63), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("line", sa.String(64), nullable=False),
        sa.Column("text", sa.LargeBinary, nullable=False),
        sa.Column("by", sa.String(200), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("versions", sa.JSON, nullable=False),
    )
    op.create_table(
        "decision",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("site", sa.String(63), nullable=False),
        sa.Column("brief", sa.String(36), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("by", sa.String(200), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("reason", sa.LargeBinary, nullable=False),
        sa.Column("versions", sa.JSON, nullable=False),
    )
    op.create_index("decision_by_brief", "decision", ["brief"])


def _filing(moment: sa.DateTime) -> None:
    op.create_table(
        "approval",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("site", sa.String(63), nullable=False),
        sa.Column("brief", sa.String(36), nullable=False),
        sa.Column("note", sa.Integer, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("by", sa.String(200), nullable=False),
        sa.Column("session", sa.String(128), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("versions", sa.JSON, nullable=False),
        sa.Column("packed", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "write_intent",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("site", sa.String(63), nullable=False),
        sa.Column("brief", sa.String(36), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("first_sent", moment),
        sa.Column("in_doubt", moment),
        sa.Column("told_stored", sa.Integer, nullable=False),
        sa.Column("location", sa.String(200), nullable=False),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("differences", sa.JSON),
        sa.Column("read_at", moment),
        sa.Column("searchable", sa.Integer, nullable=False),
        sa.Column("changed", moment, nullable=False),
    )
    op.create_index("approval_once", "approval", ["brief", "note"], unique=True)
    op.create_index("write_intent_by_state", "write_intent", ["state", "changed"])
    op.create_index("write_intent_by_site", "write_intent", ["site", "searchable"])
