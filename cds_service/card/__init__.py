"""Finishes a hook's card intents for a vendor: limits, ids, links, escaped text, the draft note."""

from cds_service.card.compose import OVERRIDE_REASONS, Answered, Compose
from cds_service.card.wire import Card

__all__ = ["OVERRIDE_REASONS", "Answered", "Card", "Compose"]
