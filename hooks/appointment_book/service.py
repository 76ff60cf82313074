"""What we publish, what we read and what we show when a visit is booked."""

from cds_service.hook import HookService
from hooks.appointment_book.cards import cards

SERVICE = HookService(
    id="appointment-book-brief",
    hook="appointment-book",
    title="Booking check",
    description=(
        "When a visit is booked: another one at the same time or for the same reason, no reason given, orders "
        "without a result, and results for the visit's reason that are old or missing. "
        "No card when there is nothing to say."
    ),
    needs=("patient", "appointment", "orders", "reports", "results"),
    cards=cards,
)
