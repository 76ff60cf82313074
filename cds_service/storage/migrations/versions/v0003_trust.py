"""Data keys, an audit that can only grow, and the tokens that were used."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_SQLITE = (
    """CREATE TRIGGER audit_keeps_update BEFORE UPDATE ON audit
       BEGIN SELECT RAISE(ABORT, 'audit entries are only added'); END""",
    """CREATE TRIGGER audit_keeps_delete BEFORE DELETE ON audit
       BEGIN SELECT RAISE(ABORT, 'audit entries are only added'); END""",
    # INSERT OR REPLACE deletes without the trigger before: recursive_triggers is off by default.
    """CREATE TRIGGER audit_keeps_replace BEFORE INSERT ON audit
       WHEN EXISTS (SELECT 1 FROM audit WHERE site = NEW.site AND seq = NEW.seq)
       BEGIN SELECT RAISE(ABORT, 'audit entries are only added'); END""",
)
_POSTGRESQL = (
    """CREATE FUNCTION audit_keeps() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN RAISE EXCEPTION 'audit entries are only added'; END $$""",
    """CREATE TRIGGER audit_keeps_rows BEFORE UPDATE OR DELETE ON audit
       FOR EACH ROW EXECUTE FUNCTION audit_keeps()""",
    """CREATE TRIGGER audit_keeps_all BEFORE TRUNCATE ON audit
       FOR EACH STATEMENT EXECUTE FUNCTION audit_keeps()""",
)


def upgrade() -> None:
    """Make the tables. Entries of before have no chain: they are set aside as they are."""
    moment = sa.DateTime(timezone=True)
    _set_old_entries_aside()
    _make_audit()
    op.create_table(
        "data_key",
        sa.Column("kid", sa.String(8), primary_key=True),
        sa.Column("purpose", sa.String(8), nullable=False),
        sa.Column("site", sa.String(63), nullable=False),
        sa.Column("quarter", sa.String(6), nullable=False),
        sa.Column("begins", moment, nullable=False),
        sa.Column("created", moment, nullable=False),
        sa.Column("kek", sa.String(8), nullable=False),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "replay",
        sa.Column("key", sa.LargeBinary(32), primary_key=True),
        sa.Column("first", sa.Float(53), nullable=False),
        sa.Column("expires", sa.Float(53), nullable=False),
    )
    op.create_index("replay_by_age", "replay", ["expires"])


def _set_old_entries_aside() -> None:
    op.drop_index("audit_by_site", "audit")
    if op.get_bind().execute(sa.text("SELECT 1 FROM audit LIMIT 1")).first() is None:
        op.drop_table("audit")
    else:
        op.rename_table("audit", "audit_before_0003")


def _make_audit() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "audit",
        sa.Column("site", sa.String(63), primary_key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("outcome", sa.String(64), nullable=False),
        sa.Column("actor", sa.String(256), nullable=False),
        sa.Column("patient", sa.LargeBinary),
        sa.Column("purpose", sa.String(32), nullable=False),
        sa.Column("trace", sa.String(32), nullable=False),
        sa.Column("brief", sa.String(36), nullable=False),
        sa.Column("facts", sa.JSON, nullable=False),
        sa.Column("mac", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("audit_by_time", "audit", ["site", "at"])
    op.create_table(
        "audit_head",
        sa.Column("site", sa.String(63), primary_key=True),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("mac", sa.LargeBinary, nullable=False),
        sa.Column("seal", sa.LargeBinary, nullable=False),
    )
    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL:
        op.execute(statement)
