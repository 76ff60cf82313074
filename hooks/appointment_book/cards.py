"""Cards for the moment of booking: short, and silent when there is nothing to say."""

from cds_service.hook import Brief, Bullets, CardIntent, Line

MAX_LINES = 5


def cards(brief: Brief) -> tuple[CardIntent, ...]:
    """Return a card for a clash, one for data that the visit will miss, one for open orders; often none."""
    clashes = [x for x in brief.section("visit") if x.statement.kind == "clash"]
    waiting = [x for x in brief.section("open_loops") if _is_overdue(x)]
    found = []
    if clashes:
        found.append(
            _card(
                "Another appointment is booked at this time",
                "warning",
                "booking-clash",
                "Clash of appointments",
                clashes,
            )
        )
    unsaid = [
        text
        for gap, text in zip(brief.gaps, brief.gap_texts, strict=True)
        if gap.reason == "not_given"
    ]
    if unsaid:
        found.append(
            CardIntent(
                summary="No reason is given for this visit",
                indicator="info",
                topic="booking-no-reason",
                topic_display="Visit without a reason",
                detail=(Bullets(lines=tuple(unsaid)),),
            )
        )
    if waiting:
        many = f"{len(waiting)} orders have" if len(waiting) > 1 else "1 order has"
        found.append(
            _card(
                f"{many} no result in the record before this visit",
                "info",
                "booking-open-orders",
                "Orders without a result",
                waiting,
            )
        )
    return tuple(found)


def _is_overdue(line: Line) -> bool:
    return line.statement.kind == "order_open" and "new" not in line.statement.flags


def _card(summary: str, indicator: str, topic: str, display: str, lines: list[Line]) -> CardIntent:
    texts = tuple(_text(x) for x in lines[:MAX_LINES])
    more = len(lines) - MAX_LINES
    shown = (*texts, f"and {more} more") if more > 0 else texts
    return CardIntent(
        summary=summary,
        indicator="warning" if indicator == "warning" else "info",
        topic=topic,
        topic_display=display,
        detail=(Bullets(lines=shown),),
    )


def _text(line: Line) -> str:
    """Return a line as a card shows it: what is labelled as restricted says so."""
    return f"[restricted] {line.text}" if "restricted" in line.statement.flags else line.text
