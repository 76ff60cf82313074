"""Durable workflows in our own process, or in many over PostgreSQL: start-up, queues, who is alive.

The only importer of the workflow library, and a late one: nothing of it is loaded before an engine is launched,
so that a process which only answers calls never pays for it.
"""

from cds_service.engine.engine import AT_ONCE, Ended, Engine

__all__ = ["AT_ONCE", "Ended", "Engine"]
