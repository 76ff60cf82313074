"""Whether an EHR has had enough of us: its daily limit is reached, or it asked to be left alone for long."""

from collections.abc import Iterable, Sequence

from cds_service.context.reads import Reading
from cds_service.domain.steps import Temporary
from cds_service.sites import Site

PATIENCE_S = 60.0
"""A `Retry-After` that is no longer is waited for within a step; after a longer one nothing is read ahead at its site.

It is as long as the first pause of a brief that could not be read: to wait in the step costs no more places than that.
"""


class HadEnough(Temporary):
    """The EHR is to be left alone: for so long, or until its own next day."""

    def __init__(self, reason: str, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


def reached_limit(readings: Iterable[Reading], site: Site) -> HadEnough | None:
    """Return the daily limit that readings met, or None."""
    limits = site.profile.search.daily_limit_codes
    if limits and any(not each.codes.isdisjoint(limits) for each in readings):
        return HadEnough("daily_limit")
    return None


def check_enough(readings: Sequence[Reading], site: Site) -> None:
    """Check that an EHR may be read on. Raises `HadEnough`."""
    if (limit := reached_limit(readings, site)) is not None:
        raise limit
    longest = max((each.wait for each in readings), default=0.0)
    if longest > PATIENCE_S:
        raise HadEnough("retry_after", longest)
