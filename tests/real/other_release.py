"""A release whose workflows have other steps. Runs as `python -m tests.real.other_release COMMAND...`."""

import sys

from cds_service.cli import main
from cds_service.engine import runtime

if __name__ == "__main__":
    runtime.VERSION = "workflows-2"
    sys.exit(main(sys.argv[1:]))
