"""What we call: each site's own HTTP client, which reaches the servers its site file names and nothing else."""

from cds_service.network.clients import Network
from cds_service.network.guard import AddressRefused, Guard

__all__ = ["AddressRefused", "Guard", "Network"]
