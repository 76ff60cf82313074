"""Read the vocabulary tables that lie beside this module: tab-separated, one row for each entry.

Codes are from SNOMED CT, RxNorm, LOINC, CVX and ICD-10-CM; ranges are common adult ranges of
American laboratories.
"""

import csv
from pathlib import Path


def rows(name: str) -> list[dict[str, str]]:
    """Return the rows of that table, each as column name to text."""
    path = Path(__file__).with_name(f"{name}.tsv")
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
