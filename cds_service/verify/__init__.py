"""Who calls, and may they: the JWT of CDS Hooks 2.0.1, "Trusting CDS Clients", checked against its site."""

from cds_service.verify.keys import KeySets
from cds_service.verify.replay import Replay
from cds_service.verify.token import Verify

__all__ = ["KeySets", "Replay", "Verify"]
