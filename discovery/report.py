"""What `site check` shows: what has to be mended first, each with what to do and who does it; and the same as JSON."""

from collections import Counter
from collections.abc import Iterable, Iterator

from cds_service.sites import Site
from discovery.checks import Check, Result, Verdict

Judged = tuple[Check, Verdict]
_ORDER: tuple[Result, ...] = ("fail", "warn", "pass", "n/a")
_WORDS = {"fail": "to mend", "warn": "to look at", "pass": "good", "n/a": "not applicable"}
_MARGIN = " " * 6


def shown(site: Site, judged: Iterable[Judged], *, everything: bool) -> Iterator[str]:
    """Yield the lines for a terminal; without `everything`, what is good is counted only."""
    known = list(judged)
    counts = Counter(verdict.result for _, verdict in known)
    told = ", ".join(f"{counts[result]} {_WORDS[result]}" for result in _ORDER)
    yield f"{site.file.title} ({site.name}), {site.profile.title}: {told}"
    for result in _ORDER:
        if result in {"pass", "n/a"} and not everything:
            continue
        rows = [(check, verdict) for check, verdict in known if verdict.result == result]
        yield from (line for check, verdict in rows for line in _row(check, verdict))


def _row(check: Check, verdict: Verdict) -> Iterator[str]:
    head = f"{verdict.result.upper():<5} {check.title}"
    if verdict.result in {"pass", "n/a"}:
        yield f"{head}: {verdict.says}"
        return
    yield ""
    yield f"{head} ({check.id})"
    yield from (_MARGIN + line for line in verdict.says.split("\n"))
    yield f"{_MARGIN}-> {verdict.who}: {verdict.do}"


def as_json(site: Site, judged: Iterable[Judged]) -> dict[str, object]:
    """Return the verdicts for a program."""
    known = list(judged)
    counts = Counter(verdict.result for _, verdict in known)
    return {
        "site": site.name,
        "vendor": site.profile.vendor,
        "counts": {result: counts[result] for result in _ORDER},
        "checks": [
            {
                "id": check.id,
                "title": check.title,
                "result": verdict.result,
                "says": verdict.says,
                "do": verdict.do,
                "who": verdict.who,
            }
            for check, verdict in known
        ],
    }


def is_well(judged: Iterable[Judged]) -> bool:
    """Return whether nothing has to be mended."""
    return all(verdict.result != "fail" for _, verdict in judged)
