"""Who did what to whose chart, and how it ended: one entry for each call and each change, in chains that only grow."""

from cds_service.audit.log import Audit, Entry
from cds_service.storage.chain import ADMINISTRATION, OPERATIONS, TREATMENT

__all__ = ["ADMINISTRATION", "OPERATIONS", "TREATMENT", "Audit", "Entry"]
