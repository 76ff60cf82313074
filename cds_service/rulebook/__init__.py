"""The rules' tables: defaults as data files with their sources, and what a site changes. Never a limit in code."""

from cds_service.rulebook.changes import Changes
from cds_service.rulebook.entries import entries
from cds_service.rulebook.load import DEFAULT, load_tables

__all__ = ["DEFAULT", "Changes", "entries", "load_tables"]
