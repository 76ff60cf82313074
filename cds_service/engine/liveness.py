"""Who is alive, told by locks and not by clocks.

Each process holds a lock that the kernel (SQLite: `flock`) or PostgreSQL (a session's advisory lock) drops the moment
it dies. Whoever gets the lock of a process that owns unfinished work knows that it is dead. A wrong verdict repeats one
step and cannot corrupt the log: the engine gives each claim an owner's token.
"""

import fcntl
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Protocol

import psycopg

_SERVER_KEEPALIVE = (
    "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3"
)


class Locks(Protocol):
    """Locks by name that die with their process."""

    def hold(self, name: str) -> bool:
        """Take a lock; False when somebody else has it."""
        ...

    def drop(self, name: str) -> None:
        """Give a lock back."""
        ...

    def is_lost(self) -> bool:
        """Return whether the locks may have been lost, and have to be taken again."""
        ...

    def close(self) -> None:
        """Give all locks back."""
        ...


@dataclass(slots=True)
class FileLocks:
    """For processes of one machine: a file for each name in a folder beside the engine's database."""

    folder: Path
    held: dict[str, int] = field(default_factory=dict)

    def hold(self, name: str) -> bool:
        """Take a lock; False when somebody else has it."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(self.folder / _short(name), os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        self.held[name] = file
        return True

    def drop(self, name: str) -> None:
        """Give a lock back; its file is nobody's any more."""
        (self.folder / _short(name)).unlink(missing_ok=True)
        os.close(self.held.pop(name))

    def is_lost(self) -> bool:
        """Return False: the kernel keeps them for the life of the process."""
        return False

    def close(self) -> None:
        """Give all locks back."""
        for name in list(self.held):
            self.drop(name)


@dataclass(slots=True)
class PostgresLocks:
    """For processes anywhere: advisory locks of a session of their own, which no pool recycles."""

    url: str = field(repr=False)
    session: psycopg.Connection[tuple[bool]] | None = None

    def hold(self, name: str) -> bool:
        """Take a lock; False when somebody else has it. Raises `psycopg.Error` without a database."""
        if self.session is None or self.session.closed:
            self.session = psycopg.connect(
                self.url,
                autocommit=True,
                connect_timeout=5,
                options=_SERVER_KEEPALIVE,
                keepalives_idle=5,
                keepalives_interval=2,
                keepalives_count=3,
            )
        row = self.session.execute("select pg_try_advisory_lock(%s)", (_number(name),)).fetchone()
        return row is not None and bool(row[0])

    def drop(self, name: str) -> None:
        """Give a lock back."""
        if self.session is not None:
            self.session.execute("select pg_advisory_unlock(%s)", (_number(name),))

    def is_lost(self) -> bool:
        """Return whether the session that held them is gone."""
        if self.session is None or self.session.closed:
            return True
        try:
            self.session.execute("select 1")
        except psycopg.Error:
            self.session.close()
            return True
        return False

    def close(self) -> None:
        """End the session, and with it all its locks."""
        if self.session is not None:
            self.session.close()


@dataclass(slots=True, kw_only=True)
class Liveness:
    """Keeps our own lock and takes over from processes that lost theirs."""

    me: str
    locks: Locks
    owners: Callable[[], set[str]]
    """The names of processes that own unfinished work."""
    take_over: Callable[[str], int]
    """Makes the work of a dead process free for everybody; returns how much it was."""
    grace_s: float = 10.0
    """After the database was away, everybody gets this long to take their own lock again."""
    clock: Callable[[], float] = time.monotonic
    held: bool = False
    quiet_until: float = 0.0

    def sweep(self) -> int:
        """Take over what the dead left; returns how many workflows that was."""
        self.ensure()
        if not self.held or self.clock() < self.quiet_until:
            return 0
        taken = 0
        for owner in self.owners() - {self.me}:
            if self.locks.hold(owner):
                try:
                    taken += self.take_over(owner)
                finally:
                    self.locks.drop(owner)
        return taken

    def ensure(self) -> None:
        """Hold our own lock, also after the database was restarted."""
        if self.held and self.locks.is_lost():
            self.held, self.quiet_until = False, self.clock() + self.grace_s
        self.held = self.held or self.locks.hold(self.me)


def _short(name: str) -> str:
    return f"{sha256(name.encode()).hexdigest()[:24]}.lock"


def _number(name: str) -> int:
    return int.from_bytes(sha256(b"engine:" + name.encode()).digest()[:8], "big", signed=True)
