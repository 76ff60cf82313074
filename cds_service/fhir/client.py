"""The FHIR REST client of one site: bounded GETs on one base URL, nothing else.

It follows no redirect, sends the token to no other address, and never raises for what a server does:
each answer is a value that says what came.
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from itertools import count
from urllib.parse import unquote, urljoin, urlsplit

import httpx

from cds_service.domain.errors import NotJson
from cds_service.domain.json import JsonObject
from cds_service.fhir.large import decoded

for _name in ("httpx", "httpcore"):  # they log every URL, and those of FHIR reads name a patient
    logging.getLogger(_name).setLevel(logging.WARNING)

MAX_ANSWER_BYTES = 20 * 1024 * 1024
_RETRYABLE = frozenset({429, 503})
_MAX_ATTEMPTS = 3
_SHORTEST_WAIT_S = 0.02
LONGEST_RETRY_AFTER_S = 24 * 3600.0
"""No `Retry-After` is kept for longer: a server that means it says so again on the next day."""
_MAX_DIGITS = 6
_SEPARATORS = re.compile(r"[/\\]")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: `status` 0 means that no answer was read."""

    status: int
    body: object = field(repr=False, default=None)
    fault: str = ""
    """`timeout`, `connection`, `too_large`, `not_json`, `held`: set when `status` says too little."""
    wait: float = 0.0
    """Seconds for which the server wants to be left alone, as it said with this answer or before."""


@dataclass(slots=True)
class Pace:
    """A token bucket: at most `rate` reads a second towards one site, in bursts of at most `rate`."""

    rate: float
    clock: Callable[[], float]
    _tokens: float = field(init=False)
    _at: float = field(init=False)
    _held_until: float = float("-inf")

    def __post_init__(self) -> None:
        """Start with a full bucket."""
        self._tokens = max(1.0, self.rate)
        self._at = self.clock()

    def take(self, deadline: float) -> float | None:
        """Take one token; return the seconds to wait before using it.

        None, and nothing is taken, when it would come only after the deadline: reads that are given up must
        not be a debt that the next calls pay.
        """
        now = self.clock()
        self._tokens = min(max(1.0, self.rate), self._tokens + (now - self._at) * self.rate)
        self._at = now
        wait = max(0.0, (1.0 - self._tokens) / self.rate)
        if now + wait >= deadline:
            return None
        self._tokens -= 1
        return wait

    def hold(self, seconds: float) -> None:
        """Let nobody read before so many seconds are over."""
        self._held_until = max(self._held_until, self.clock() + seconds)

    @property
    def held(self) -> float:
        """Return for how many seconds nobody is to read."""
        return max(0.0, self._held_until - self.clock())


@dataclass(frozen=True, slots=True, kw_only=True)
class FhirServer:
    """One site's FHIR server, as its site file names it."""

    base_url: str
    accept: str
    http: httpx.AsyncClient = field(repr=False)
    pace: Pace
    slots: asyncio.Semaphore
    clock: Callable[[], float]
    """The event loop's clock, on which deadlines are given."""
    max_bytes: int = MAX_ANSWER_BYTES
    turn: Callable[[], Awaitable[None]] | None = None
    """Waits for our turn before each read, where others go first."""
    patience_s: float | None = None
    """A `Retry-After` holds for every read of this client, which waits for no longer one than this.

    None: for the read alone that was told, as where each reads for somebody else.
    """

    def on_base(self, url: str) -> str | None:
        """Return the URL if it is on this server's base (relative ones are resolved), else None.

        CDS Hooks leaves `next` links to the client's honesty; we follow none that leaves the base.
        """
        try:
            absolute = urljoin(self.base_url + "/", url)
            ours, theirs = urlsplit(self.base_url), urlsplit(absolute)
        except ValueError:
            return None
        same_origin = (ours.scheme, ours.netloc) == (theirs.scheme, theirs.netloc)
        below = theirs.path == ours.path or theirs.path.startswith(ours.path.rstrip("/") + "/")
        return absolute if same_origin and below and not _climbs(theirs.path) else None

    async def get(self, url: str, *, token: str, deadline: float) -> Answer:
        """Read one URL on this base, waiting out `Retry-After` as long as the deadline allows.

        At the deadline it is given up whatever the server does: one that sends a byte now and then keeps
        every pause between bytes short.
        """
        try:
            async with asyncio.timeout(deadline - self.clock()):
                return await self._tried(url, token, deadline)
        except TimeoutError:
            return Answer(0, fault="timeout")

    async def _tried(self, url: str, token: str, deadline: float) -> Answer:
        for attempt in count(1):
            pause = self.pace.take(deadline)
            if pause is None:
                return Answer(0, fault="timeout")
            await asyncio.sleep(pause)
            answer, told_wait = await self._in_turn(url, token)
            wait = None if answer.status not in _RETRYABLE else told_wait
            if wait is None or attempt == _MAX_ATTEMPTS or not self._may_wait(wait, deadline):
                return answer
            await asyncio.sleep(max(wait, _SHORTEST_WAIT_S))
        raise AssertionError("unreachable")

    def _may_wait(self, seconds: float, deadline: float) -> bool:
        is_short = self.patience_s is None or seconds <= self.patience_s
        return is_short and self.clock() + seconds < deadline

    async def _in_turn(self, url: str, token: str) -> tuple[Answer, float | None]:
        """Read when there is a place, it is our turn and the server is not to be left alone."""
        while True:
            async with self.slots:
                if self.turn is not None:
                    await self.turn()
                held = self.pace.held
                if not held:
                    return await self._get_once(url, token)
            if self.patience_s is None or held > self.patience_s:
                return Answer(0, fault="held", wait=held), None
            await asyncio.sleep(held)

    async def _get_once(self, url: str, token: str) -> tuple[Answer, float | None]:
        headers = {"Accept": self.accept} | ({"Authorization": f"Bearer {token}"} if token else {})
        try:
            async with self.http.stream("GET", url, headers=headers) as response:
                body = await _read(response, self.max_bytes)
                wait = retry_after(response)
                status = response.status_code
        except httpx.TimeoutException:
            return Answer(0, fault="timeout"), None
        except (httpx.HTTPError, httpx.InvalidURL):
            return Answer(0, fault="connection"), None
        if body is None:
            return Answer(0, fault="too_large"), None
        told = wait if wait and status in _RETRYABLE else 0.0
        if told and self.patience_s is not None:
            self.pace.hold(told)
        try:
            return Answer(status, await decoded(body), wait=told), wait
        except NotJson:
            return Answer(status, fault="not_json", wait=told), wait


def _climbs(path: str) -> bool:
    """Return whether a path has a `.` or `..` segment, plain, encoded once or twice, or in disguise."""
    plain = unquote(unquote(path))
    return any(part.partition(";")[0] in {"..", "."} for part in _SEPARATORS.split(plain))


async def _read(response: httpx.Response, limit: int) -> bytes | None:
    """Return the body, or None as soon as it grows past the limit."""
    chunks, size = [], 0
    async for chunk in response.aiter_bytes():
        size += len(chunk)
        if size > limit:
            return None
        chunks.append(chunk)
    return b"".join(chunks)


def retry_after(response: httpx.Response) -> float | None:
    """Return the seconds of `Retry-After` (RFC 9110 section 10.2.3: seconds or a date), at most a day, or None.

    A date is read against the server's own, whatever our clock says.
    """
    value = response.headers.get("retry-after", "").strip()
    if value.isdecimal():
        told = float(value) if len(value) <= _MAX_DIGITS else LONGEST_RETRY_AFTER_S
        return min(told, LONGEST_RETRY_AFTER_S)
    date = response.headers.get("date", "")
    try:
        told = (parsedate_to_datetime(value) - parsedate_to_datetime(date)).total_seconds()
    except (TypeError, ValueError, OverflowError):
        return None
    return min(max(0.0, told), LONGEST_RETRY_AFTER_S)


def next_link(bundle: JsonObject) -> str | None:
    """Return the URL of a searchset's next page, or None on the last one."""
    links = bundle.get("link")
    for link in links if isinstance(links, list) else ():
        if isinstance(link, dict) and link.get("relation") == "next":
            url = link.get("url")
            return url if isinstance(url, str) and url else None
    return None
