"""One entry for each call whatever its outcome: what was asked, by whom, and how it ended. Metadata only."""

from cds_service.audit.log import Audit, Entry

__all__ = ["Audit", "Entry"]
