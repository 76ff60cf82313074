"""What a check is, and what it says: a result, what was seen, what to do about it, and who does it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Literal

from cds_service.domain.observed import Answer, Calls, Observed, Tls
from cds_service.hook import HookService, NeedName
from cds_service.sites import Site

Result = Literal["pass", "warn", "fail", "n/a"]
OPERATOR = "our operator"
EHR_ADMIN = "the EHR's admin"
NETWORK = "the network team"
SITE_ADMIN = "the site's admin"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one check found."""

    result: Result
    says: str
    do: str = ""
    who: str = ""


def passed(says: str) -> Verdict:
    """Return that all is well."""
    return Verdict("pass", says)


def warn(says: str, do: str, who: str) -> Verdict:
    """Return that something should be looked at before production."""
    return Verdict("warn", says, do, who)


def fail(says: str, do: str, who: str) -> Verdict:
    """Return that something stands in the way of a correct card."""
    return Verdict("fail", says, do, who)


def was(reason: str, subject: "Subject", says: str, do: str, who: str) -> Verdict:
    """Return that calls were wrong: to be mended, or, when the newest calls are good, to be looked at."""
    if reason in subject.calls.past:
        return Verdict(
            "warn", f"{says}\nThe newest calls are good: this was before them.", do, who
        )
    return Verdict("fail", says, do, who)


def skip(says: str) -> Verdict:
    """Return that the check does not apply, and why."""
    return Verdict("n/a", says)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is judged: a site, its services, our address, and what was seen."""

    site: Site
    services: tuple[HookService, ...]
    public_url: str
    seen: Observed

    @property
    def base(self) -> str:
        """Return the address below which this site's services stand."""
        return f"{self.public_url}/{self.site.name}/cds-services"

    @property
    def needs(self) -> tuple[NeedName, ...]:
        """Return what the services read, each need once."""
        return tuple(dict.fromkeys(need for service in self.services for need in service.needs))

    @property
    def calls(self) -> Calls:
        """Return what is known of the calls seen."""
        return self.seen.calls or Calls()


Judge = Callable[[Subject], Verdict]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One row of the table of checks."""

    id: str
    title: str
    judge: Judge = field(repr=False)
    traps: tuple[str, ...] = ()
    """Traps of docs/reference/traps.md that this check sees."""


_AWAY = frozenset({"dns", "connection", "timeout"})


def is_away(seen: Answer | Tls | None) -> bool:
    """Return whether no host was met at all: what else is asked of it says nothing of what has to be mended there."""
    return seen is not None and seen.fault in _AWAY


def unreachable(answer: Answer | Tls) -> str:
    """Say why there was no answer."""
    why = {
        "dns": "the name is not known",
        "connection": "nobody answers at that address",
        "tls": "the TLS handshake failed or the certificate is not trusted",
        "timeout": "no answer came in time",
        "too_large": "the answer is too large",
        "not_named": "the site file does not name that server: add it to [network] servers",
        "refused": "the address is private and [network] allow does not name it",
    }
    other = answer.fault if isinstance(answer, Tls) else f"status {answer.status}"
    return why.get(answer.fault, other)


def listed(items: Iterable[object], limit: int = 8) -> str:
    """Return items for a sentence."""
    known = [str(item) for item in items]
    rest = f" and {len(known) - limit} more" if len(known) > limit else ""
    return ", ".join(known[:limit]) + rest


def side_by_side(claim: str, theirs: str, ours: tuple[str, ...], count: int) -> Iterator[str]:
    """Yield two values one above the other, with a mark below the first character that differs."""
    nearest = (get_close_matches(theirs, ours, n=1, cutoff=0.0) or [""])[0]
    place = next(
        (n for n, (a, b) in enumerate(zip(theirs, nearest, strict=False)) if a != b),
        min(len(theirs), len(nearest)),
    )
    yield f"`{claim}` of {count} call(s) differs at character {place + 1}:"
    yield f"  they send  {theirs}"
    yield f"  it must be {nearest}"
    yield "             " + " " * place + "^"
