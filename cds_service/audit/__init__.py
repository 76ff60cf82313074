"""One entry for each call of a known site that was taken, whatever its outcome: by whom, and how it ended."""

from cds_service.audit.log import Audit, Entry

__all__ = ["Audit", "Entry"]
