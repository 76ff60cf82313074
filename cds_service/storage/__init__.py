"""What is kept: briefs and feedback sealed, audit entries as metadata. The only importer of sqlalchemy."""

from cds_service.storage.database import Database, open_database
from cds_service.storage.seal import KeyRing, load_key_ring
from cds_service.storage.writer import Writer

__all__ = ["Database", "KeyRing", "Writer", "load_key_ring", "open_database"]
