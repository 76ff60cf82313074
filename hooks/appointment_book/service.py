"""What we publish, what we read and what we show when a visit is booked."""

from cds_service.hook import HookService
from hooks.appointment_book.cards import cards

SERVICE = HookService(
    id="appointment-book-brief",
    hook="appointment-book",
    title="Booking check",
    description=(
        "When a visit is booked: another booked appointment at the same time, and orders without a result. "
        "No card when there is nothing to say."
    ),
    needs=("patient", "appointment", "orders", "reports", "results"),
    cards=cards,
)
