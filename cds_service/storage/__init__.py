"""What is kept, sealed, and an audit that can only grow. The only importer of sqlalchemy."""

from sqlalchemy.ext.asyncio import AsyncConnection as Connection

from cds_service.storage.database import OUTAGES, Database, embedded_file, open_database
from cds_service.storage.keyring import KeyRing, RingPlace, load_key_ring, ring_place
from cds_service.storage.start import attach, has_begun, start
from cds_service.storage.upkeep import Upkeep
from cds_service.storage.writer import Writer

__all__ = [
    "OUTAGES",
    "Connection",
    "Database",
    "KeyRing",
    "RingPlace",
    "Upkeep",
    "Writer",
    "attach",
    "embedded_file",
    "has_begun",
    "load_key_ring",
    "open_database",
    "ring_place",
    "start",
]
