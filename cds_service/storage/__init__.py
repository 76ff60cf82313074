"""What is kept: briefs and feedback sealed, audit entries as metadata. The only importer of sqlalchemy."""

from cds_service.storage.database import Database
from cds_service.storage.seal import KeyRing
from cds_service.storage.writer import Writer

__all__ = ["Database", "KeyRing", "Writer"]
