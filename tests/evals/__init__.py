"""How good briefs are, and how safe: a scorecard, corruptions that must be caught, attacks that must not succeed."""
