"""Frozen types, in the order in which they come into being: call, caller, context, brief, card.

Nothing here imports anything of ours. A type is a receipt: only the stage that does the checking
constructs it (`tests/architecture/test_seals.py` holds that).
"""
