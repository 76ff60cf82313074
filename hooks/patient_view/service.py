"""What we publish, what we read and what we show when a chart opens."""

from cds_service.hook import HookService
from hooks.patient_view.cards import cards

SERVICE = HookService(
    id="patient-view-brief",
    hook="patient-view",
    title="Pre-visit brief",
    description=(
        "A short, cited brief of the patient's record when the chart opens: what needs attention, problems, "
        "medications, allergies, results and open orders, and what could not be read."
    ),
    usage_requirements=(
        "Works best with every prefetch key; what is not prefetched is read with the call's own access token."
    ),
    needs=(
        "patient",
        "encounter",
        "appointment",
        "problems",
        "allergies",
        "medications",
        "medication_statements",
        "results",
        "vitals",
        "encounters",
        "orders",
        "reports",
        "immunizations",
        "procedures",
        "flags",
    ),
    cards=cards,
    ready=True,
)
