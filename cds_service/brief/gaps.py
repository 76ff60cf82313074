"""What is not in the brief, in a clinician's words: one sentence for each gap."""

from collections.abc import Mapping

from cds_service.domain.evidence import Gap, GapReason
from cds_service.domain.needs import NEEDS

_SEARCHED: Mapping[GapReason, str] = {
    "not_requested": "not read (nobody sent them and there is no access)",
    "partial": "read only in part; there may be more",
    "failed": "could not be read (the record system reported an error)",
    "denied": "not read (access was refused)",
    "timeout": "not read in time",
    "unavailable": "not available from this record system",
}
_DROPPED: Mapping[GapReason, tuple[str, str]] = {
    "other_patient": (
        "1 entry of another patient was left out",
        "{n} entries of other patients were left out",
    ),
    "unusable": (
        "1 entry could not be used (no identity, or not readable)",
        "{n} entries could not be used (no identity, or not readable)",
    ),
    "withheld": ("1 entry is withheld by policy", "{n} entries are withheld by policy"),
    "not_given": (
        "no reason is given for the visit being booked",
        "no reason is given for the visits being booked",
    ),
    "unresolved": (
        "1 entry refers to something that could not be found; it is left out or shown without a name",
        "{n} entries refer to something that could not be found; they are left out or shown without a name",
    ),
}


def sentence(gap: Gap) -> str:
    """Return one sentence that says what is missing and why."""
    title = _title(gap.need)
    if gap.reason in _DROPPED:
        one, many = _DROPPED[gap.reason]
        return f"{title}: {one if gap.count == 1 else many.format(n=gap.count or 'some')}"
    return f"{title}: {_SEARCHED[gap.reason]}"


def _title(need: str) -> str:
    if need == "bundle":
        return "This bundle"
    return next((known.title for known in NEEDS.values() if known.name == need), need.capitalize())
