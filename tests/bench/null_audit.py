"""The service with an audit that keeps nothing: what the real one costs is measured against it, and only here."""

import sys

from cds_service.audit import Audit
from cds_service.cli import main


def forget(*_entry: object) -> None:
    """Keep nothing."""


Audit._queue = forget

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
