"""Cards for the moment of booking: short, without a value of the chart, and silent when there is nothing to say."""

from collections.abc import Iterator
from typing import Literal

from cds_service.hook import Brief, Bullets, CardIntent, Line

MAX_LINES = 5


def cards(brief: Brief) -> tuple[CardIntent, ...]:
    """Return what whoever books can still act on; often nothing."""
    return tuple(_cards(brief))


def _cards(brief: Brief) -> Iterator[CardIntent]:
    marked = [x for x in brief.section("visit") if x.statement.kind == "flag"]
    if marked:
        yield _card(_text(marked[0]), "booking-patient", "The patient's entry", marked, "warning")
    booked = [x for x in brief.section("visit") if x.statement.kind == "clash"]
    over = [x for x in booked if "conflict" in x.statement.flags]
    again = [x for x in booked if "conflict" not in x.statement.flags]
    if over:
        summary = "Another appointment is booked at this time"
        yield _card(summary, "booking-clash", "Clash of appointments", over, "warning")
    if again:
        summary = "A visit for the same reason is booked already"
        yield _card(summary, "booking-again", "Second visit for one reason", again)
    unsaid = [
        text
        for gap, text in zip(brief.gaps, brief.gap_texts, strict=True)
        if gap.reason == "not_given"
    ]
    if unsaid:
        summary = "No reason is given for this visit"
        yield _intent(summary, "booking-no-reason", "Visit without a reason", unsaid)
    yield from _open(brief)
    missing = [x for x in brief.section("visit") if _is_missing(x)]
    if missing:
        summary = "Results that this visit may want are old or not there"
        yield _card(summary, "booking-missing-results", "Results for the visit", missing)


def _open(brief: Brief) -> Iterator[CardIntent]:
    """Yield orders without a result and results that are not final: those of the visit's reason first."""
    loops = brief.section("open_loops")
    waiting = sorted(
        filter(_is_waiting, loops), key=lambda x: "for_visit" not in x.statement.flags
    )
    orders = [x for x in waiting if x.statement.kind == "order_open"]
    referrals = [x for x in waiting if x.statement.kind == "task_open"]
    unfinished = [x for x in loops if x.statement.kind == "report_pending"]
    parts = (
        (orders, "order without a result", "orders without a result"),
        (referrals, "referral open", "referrals open"),
        (unfinished, "result not final", "results not final"),
    )
    said = [_count(len(lines), one, many) for lines, one, many in parts if lines]
    if said:
        summary = f"Before this visit: {', '.join(said)}"
        lines = [*orders, *referrals, *unfinished]
        yield _card(summary, "booking-open-orders", "Orders without a result", lines)


def _is_waiting(line: Line) -> bool:
    """Return whether an order or a referral waits too long, or waits and has to do with this visit."""
    said = line.statement
    if said.kind == "task_open":  # a task of another kind than a referral has neither flag
        return bool({"must_show", "for_visit"} & {*said.flags})
    return said.kind == "order_open" and ("new" not in said.flags or "for_visit" in said.flags)


def _is_missing(line: Line) -> bool:
    return line.statement.kind in {"result", "not_found"} and "for_visit" in line.statement.flags


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _card(
    summary: str,
    topic: str,
    display: str,
    lines: list[Line],
    indicator: Literal["info", "warning"] = "info",
) -> CardIntent:
    return _intent(summary, topic, display, [_text(x) for x in lines], indicator)


def _intent(
    summary: str,
    topic: str,
    display: str,
    texts: list[str],
    indicator: Literal["info", "warning"] = "info",
) -> CardIntent:
    more = len(texts) - MAX_LINES
    shown = [*texts[:MAX_LINES], f"and {more} more"] if more > 0 else texts
    return CardIntent(
        summary=summary,
        indicator=indicator,
        topic=topic,
        topic_display=display,
        detail=(Bullets(lines=tuple(shown)),),
    )


def _text(line: Line) -> str:
    """Return a line as a card shows it: what is labelled as restricted says so."""
    return f"[restricted] {line.text}" if "restricted" in line.statement.flags else line.text
