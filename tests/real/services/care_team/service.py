"""What it reads; it shows nothing but a count."""

from cds_service.hook import Brief, CardIntent, HookService, OpenBrief


def cards(brief: Brief) -> tuple[CardIntent, ...]:
    """Return one card."""
    return (
        CardIntent(
            summary=f"{len(brief.section('context'))} lines",
            indicator="info",
            topic="care-team",
            topic_display="Care team",
            link=OpenBrief(label="Open"),
        ),
    )


SERVICE = HookService(
    id="care-team",
    hook="patient-view",
    title="Care team",
    description="Counts who cares for the patient.",
    needs=("patient", "care_team"),
    cards=cards,
)
