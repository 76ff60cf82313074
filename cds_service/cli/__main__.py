"""Runs the command line as `python -m cds_service.cli`."""

import sys

from cds_service.cli import main

sys.exit(main())
