"""The brief on patients that others' modules invented: another seed each time, 800 to 4,000 resources each.

The generator comes from PyPI on first use (`tests/real/parts.toml`), and needs nothing else.
"""

from collections import Counter
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cds_service.brief import rule_brief
from cds_service.context.bundle import bundle_context
from cds_service.domain.json import decode, encode
from tests.brief.oracle import judge
from tests.real.population import synthea_patients
from tests.soak.charts import figures
from tests.soak.figures import Figure

COUNT = {True: 2, False: 20}
AGES = ("0-17", "18-39", "40-64", "65-95")
NOW = datetime(2026, 1, 2, 9, 0, tzinfo=UTC)


def run(seed: int, *, short: bool) -> list[Figure]:
    """Judge every patient of this seed, in each age group."""
    counts: Counter[str] = Counter()
    for ages in AGES[2:3] if short else AGES:
        for bundle in synthea_patients(seed, COUNT[short], ages=ages):
            body = encode(bundle)
            found = bundle_context(decode(body), patient=None, now=NOW, zone=ZoneInfo("UTC"))
            counts.update(judge(found, rule_brief(found)))
            counts["resources"] += len(found.ledger.evidence)
    return [Figure("resources", counts["resources"]), *figures(counts)]
