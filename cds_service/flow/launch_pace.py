"""How many launches may begin at one site: each leaves a row behind before anybody has proven who they are."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address

from cds_service.fhir.client import Pace

LAUNCHES_PER_SECOND = 20.0
"""Of one address, and as many at once. A hospital may be one address, behind its own proxy or ours."""
OF_ALL_PER_SECOND = 100.0
"""Of all addresses together."""
_WAIT_S = 0.5
_MOST_ADDRESSES = 1000
"""Whoever has more of them is held by the limit of all."""
_HOST_BITS = 64
"""Of an IPv6 address its owner picks so many as they like (RFC 4291 section 2.5.4)."""


@dataclass(slots=True, kw_only=True)
class LaunchPace:
    """The limits of one site in one process."""

    clock: Callable[[], float]
    _of_all: Pace = field(init=False)
    _of_address: OrderedDict[str, Pace] = field(default_factory=OrderedDict)

    def __post_init__(self) -> None:
        """Start with full limits."""
        self._of_all = self._pace(OF_ALL_PER_SECOND)

    def take(self, address: str) -> float | None:
        """Take a place for a launch from this address; return the seconds to wait, or None where there is none.

        Who has used up the limit of an address takes none of the others' places.
        """
        deadline = self.clock() + _WAIT_S
        own = self._pace_of(address).take(deadline)
        shared = None if own is None else self._of_all.take(deadline)
        return None if own is None or shared is None else max(own, shared)

    def _pace_of(self, address: str) -> Pace:
        address = _owner(address)
        pace = self._of_address.setdefault(address, self._pace(LAUNCHES_PER_SECOND))
        self._of_address.move_to_end(address)
        if len(self._of_address) > _MOST_ADDRESSES:
            self._of_address.popitem(last=False)
        return pace

    def _pace(self, rate: float) -> Pace:
        return Pace(rate=rate, clock=self.clock)


def _owner(address: str) -> str:
    """Return what one owner cannot change at will: an IPv4 address, and the network of an IPv6 one."""
    try:
        found = ip_address(address)
    except ValueError:  # a test's client, a socket's name
        return address
    if not isinstance(found, IPv6Address):
        return str(found)
    mapped = found.ipv4_mapped
    return str(mapped) if mapped else f"{int(found) >> _HOST_BITS:x}"
