"""The tables. What they hold of a chart is sealed; the migrations beside this module make them."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ColumnElement,
    DateTime,
    Dialect,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    TypeDecorator,
    and_,
    literal_column,
)
from typing_extensions import override

from cds_service.domain.states import FILING, OPEN, SHOWN, State


class Instant(TypeDecorator[datetime]):
    """A moment: taken with any offset, kept and returned in UTC, since SQLite keeps no offset."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @override
    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    @override
    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        moment: datetime = value if value.tzinfo else value.replace(tzinfo=UTC)
        return moment.astimezone(UTC)


def sealed(name: str, *, nullable: bool = True, again: bool = True) -> Column[bytes]:
    """Return a column of sealed content, bound to `table|name|primary key|site`; a key of several is joined by dots.

    A rotation seals it `again`, unless its rows never change or live for some minutes only: those keep their key.
    """
    return Column(name, LargeBinary, nullable=nullable, info={"sealed": True, "again": again})


METADATA = MetaData()

BRIEF = Table(
    "brief",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("site", String(63), nullable=False),
    Column("state", String(16), nullable=False),  # domain/states.py holds the allowed changes
    Column("source", String(16), nullable=False),  # hook | prepare
    Column("patient", String(64), nullable=False),  # blind index; empty before revision 0002
    Column("visit", String(64)),  # blind index of the Appointment or Encounter
    Column("revision", Integer, nullable=False),
    Column("created", Instant, nullable=False),
    Column("changed", Instant, nullable=False),
    Column("due", Instant),  # when work on it is to begin; None: nothing is to be done
    Column("ready_at", Instant),
    Column("expires_at", Instant),
    Column("rules_version", String(32), nullable=False),
    Column("versions", JSON, nullable=False),  # of prompt, model and tools
    sealed("occasion"),  # which patient, visit and time it is for
    sealed("body"),  # the brief as JSON; None until it is ready
    sealed("sources"),  # the ledger that it cites, compressed
    sealed("seen"),  # the version of every resource that it was made from
    Column("reason", String(64)),  # a code: why it waits, or why it failed
)
RUN = Table(
    "run",
    METADATA,
    Column("brief", String(36), primary_key=True),
    Column("site", String(63), nullable=False),
    Column("created", Instant, nullable=False),
    sealed("record", nullable=False),  # what a model was asked and answered for the brief
)
PART = Table(
    "part",
    METADATA,
    Column("brief", String(36), primary_key=True),
    Column("key", String(100), primary_key=True),
    sealed("body", nullable=False, again=False),  # what one query brought
)
FEED = Table(
    "feed",
    METADATA,
    Column("site", String(63), primary_key=True),
    Column("polled_at", Instant),  # the checkpoint: when the last complete poll began
    Column("next_poll", Instant),
    Column("paused_at", Instant),  # when a pause began; it holds
    Column("paused_until", Instant),  # nothing is asked of this EHR before then
    Column("paused_for", String(64)),  # a code: why
    Column("reason", String(64)),  # a code: why the last poll failed
    Column(
        "asked_last", String(64)
    ),  # blind index of the patient whose visits were asked for last
    Column("without_patient", Integer),  # appointments of the last poll that name nobody
)
CARD = Table(
    "card",
    METADATA,
    Column("uuid", String(36), primary_key=True),
    Column("site", String(63), nullable=False),
    Column("service", String(63), nullable=False),
    Column("topic", String(100), nullable=False),
    Column("brief", String(36), nullable=False),
    Column("created", Instant, nullable=False),
)
FEEDBACK = Table(
    "feedback",
    METADATA,
    Column("key", String(64), primary_key=True),
    Column("site", String(63), nullable=False),
    Column("issuer", String(512), nullable=False),
    Column("service", String(63), nullable=False),
    Column("card", String(128), nullable=False),
    Column("known_card", Integer, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("at", Instant, nullable=False),
    Column("received", Instant, nullable=False),
    Column("reason", String(512), nullable=False),
    Column("accepted", JSON, nullable=False),
    sealed("comment", nullable=False),
)
DATA_KEY = Table(
    "data_key",
    METADATA,
    Column("kid", String(8), primary_key=True),
    Column("purpose", String(8), nullable=False),  # seal | index | chain
    Column("site", String(63), nullable=False),
    Column("quarter", String(6), nullable=False),
    Column("begins", Instant, nullable=False),
    Column("created", Instant, nullable=False),
    Column("kek", String(8), nullable=False),  # which key of the ring wrapped it
    Column("wrapped", LargeBinary, nullable=False),
)
AUDIT = Table(
    "audit",
    METADATA,
    Column("site", String(63), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("id", String(36), nullable=False),
    Column("at", Instant, nullable=False),
    Column("action", String(32), nullable=False),
    Column("outcome", String(64), nullable=False),
    Column("actor", String(256), nullable=False),  # Type/id of a person, or a part of ours
    sealed("patient", again=False),  # Type/id
    Column("purpose", String(32), nullable=False),  # of use, by HL7's PurposeOfUse
    Column("trace", String(32), nullable=False),
    Column("brief", String(36), nullable=False),
    Column("facts", JSON, nullable=False),
    Column("mac", LargeBinary, nullable=False),
    sqlite_with_rowid=False,  # a rowid would be a second key, and INSERT OR REPLACE take either
)
AUDIT_HEAD = Table(
    "audit_head",
    METADATA,
    Column("site", String(63), primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("mac", LargeBinary, nullable=False),
    Column("seal", LargeBinary, nullable=False),  # keyed hash of the three before it
)
SWITCH = Table(
    "switch",
    METADATA,
    Column("site", String(63), primary_key=True),
    Column(
        "what", String(63), primary_key=True
    ),  # a service, `agent`, or empty for the whole site
    Column("by", String(256), nullable=False),
    Column("at", Instant, nullable=False),
)
REPLAY = Table(
    "replay",
    METADATA,
    Column("key", LargeBinary(32), primary_key=True),  # hash of issuer and jti
    Column("first", Float(53), nullable=False),  # epoch seconds, as the token's own times
    Column("expires", Float(53), nullable=False),
)
SIGN_IN = Table(
    "sign_in",
    METADATA,
    Column("id", String(64), primary_key=True),  # hash of the state that the browser carries
    Column("site", String(63), nullable=False),
    Column("begun", Instant, nullable=False),
    sealed("body", nullable=False, again=False),  # what its return is compared with
)
SESSION = Table(
    "session",
    METADATA,
    Column("id", String(64), primary_key=True),  # hash of what stands in the browser's cookie
    Column("site", String(63), nullable=False),
    Column("brief", String(36), nullable=False),
    Column("started", Instant, nullable=False),
    Column("seen", Instant, nullable=False),
    Column("ends", Instant, nullable=False),
    sealed("body", nullable=False),  # person, patient, encounter, scopes
    sealed("tokens", nullable=False),
)
EDIT = Table(
    "edit",
    METADATA,
    Column("brief", String(36), primary_key=True),
    Column("made", String(16), primary_key=True),  # hash of the text that it was made to
    Column("seq", Integer, primary_key=True),
    Column("site", String(63), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("line", String(64), nullable=False),
    sealed("text", nullable=False),
    Column("by", String(200), nullable=False),
    Column("at", Instant, nullable=False),
    Column("versions", JSON, nullable=False),  # of what made the line
)
DECISION = Table(
    "decision",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("site", String(63), nullable=False),
    Column("brief", String(36), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("by", String(200), nullable=False),
    Column("at", Instant, nullable=False),
    sealed("reason", nullable=False),
    Column("versions", JSON, nullable=False),
)
APPROVAL = Table(
    "approval",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("site", String(63), nullable=False),
    Column("brief", String(36), nullable=False),
    Column("note", Integer, nullable=False),  # 1, and one more for each correction
    Column("digest", String(64), nullable=False),
    Column("by", String(200), nullable=False),
    Column("session", String(128), nullable=False),
    Column("at", Instant, nullable=False),
    Column("versions", JSON, nullable=False),
    sealed("packed", nullable=False),  # all that was approved
)
WRITE_INTENT = Table(
    "write_intent",
    METADATA,
    Column("id", String(36), primary_key=True),  # of its approval
    Column("site", String(63), nullable=False),
    Column("brief", String(36), nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("first_sent", Instant),
    Column("in_doubt", Instant),  # when a request left whose answer is not known
    Column("told_stored", Integer, nullable=False),
    Column("location", String(200), nullable=False),
    Column("reason", String(64), nullable=False),
    Column("differences", JSON),
    Column("read_at", Instant),
    Column("searchable", Integer, nullable=False),  # the site's search found this note
    Column("changed", Instant, nullable=False),
)


def _in(states: Iterable[State]) -> ColumnElement[bool]:
    return BRIEF.c.state.in_([literal_column(f"'{state}'") for state in sorted(states)])


IS_PREPARED = and_(BRIEF.c.source == literal_column("'prepare'"), _in(SHOWN))
"""Briefs that were prepared and may be shown.

An index of such rows alone costs nothing for the briefs of answers, which are many more, and serves a query that
has this very condition: values and all, which therefore stand in both as words and are no parameters.
"""
IS_APPROVED = and_(_in(FILING), BRIEF.c.body.is_not(None))
"""Briefs that somebody approved, and that were not taken back."""
IS_EXPECTED = and_(BRIEF.c.visit.is_not(None), _in(OPEN))
"""Briefs of a visit that is neither over nor called off."""
IS_ANNOUNCED = and_(
    BRIEF.c.source == literal_column("'prepare'"), BRIEF.c.visit.is_(None), _in(OPEN)
)
"""Briefs that were asked for and have no visit: a booking told of one before it had an id, or a chart was opened."""


def _some(name: str, *columns: Column[Any], where: ColumnElement[bool]) -> Index:
    return Index(name, *columns, sqlite_where=where, postgresql_where=where)


_some("brief_prepared", BRIEF.c.site, BRIEF.c.patient, BRIEF.c.ready_at, where=IS_PREPARED)
_some("brief_approved", BRIEF.c.site, BRIEF.c.patient, BRIEF.c.changed, where=IS_APPROVED)
_some("brief_expected", BRIEF.c.site, BRIEF.c.visit, where=IS_EXPECTED)
_some("brief_announced", BRIEF.c.site, BRIEF.c.patient, where=IS_ANNOUNCED)
Index("approval_once", APPROVAL.c.brief, APPROVAL.c.note, unique=True)
Index("write_intent_by_site", WRITE_INTENT.c.site, WRITE_INTENT.c.searchable)
Index("decision_by_brief", DECISION.c.brief)
Index("run_by_age", RUN.c.created)
Index("brief_due", BRIEF.c.state, BRIEF.c.due)
Index("brief_by_end", BRIEF.c.state, BRIEF.c.expires_at)
Index("brief_by_patient", BRIEF.c.site, BRIEF.c.patient, BRIEF.c.created)
Index("feedback_by_card", FEEDBACK.c.card)
Index("audit_by_time", AUDIT.c.site, AUDIT.c.at)
Index("replay_by_age", REPLAY.c.expires)
Index("session_by_end", SESSION.c.ends)
Index("sign_in_by_begin", SIGN_IN.c.begun)
