"""The checks of a site: one table, each row a pure verdict over what was seen. The flow gathers, these judge."""

from collections.abc import Iterator

from discovery.checks import calls, fhir, notes, ours, smart, trust
from discovery.checks.verdict import Check, Result, Subject, Verdict

CHECKS: tuple[Check, ...] = (
    *ours.CHECKS,
    *trust.CHECKS,
    *ours.EHR_TLS,
    *fhir.CHECKS,
    *smart.CHECKS,
    *fhir.READS,
    *notes.CHECKS,
    *calls.CHECKS,
)


def judge(subject: Subject) -> Iterator[tuple[Check, Verdict]]:
    """Yield every check with its verdict, in the order in which they are mended."""
    for check in CHECKS:
        yield check, check.judge(subject)


__all__ = ["CHECKS", "Check", "Result", "Subject", "Verdict", "judge"]
