"""What a model's tokens cost by the operator's own contract. None are shipped: we cannot see that contract."""

from dataclasses import astuple, dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """For a million tokens of each kind, in the contract's currency."""

    input: float
    output: float
    cache_read: float
    cache_write: float

    def __post_init__(self) -> None:
        """Raise `ValueError` for a price below nothing."""
        if min(astuple(self)) < 0:
            msg = "no price is below 0"
            raise ValueError(msg)
