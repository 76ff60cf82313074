"""A stand-in for the Messages API on loopback: scripted answers, and checks that make a client's mistakes visible.

It follows the types of the installed SDK (version header 2026-10-21); it approximates the real API and is not it.
"""

from tests.llm.standin.server import Standin, running

__all__ = ["Standin", "running"]
