"""Synthetic patients from a seeded generator; this will give the same records to a server and to a prefetch.

The generator (Synthea's modules, ported to Python) writes one `transaction` Bundle for each patient. Every entry has
`fullUrl` `urn:uuid:<id>`, the same `<id>` in its resource, and every reference is one of those, of the same Bundle.
With a seed and a reference date its output is the same byte for byte.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .parts import PARTS, TABLE, PartError, build_once, key, python_of, run

REFERENCE_DATE = "20260101"

Resource = dict[str, Any]


def synthea_patients(seed: int, count: int, *, ages: str = "40-75") -> list[Resource]:
    """Generate patients, or read them from the cache; this will be one FHIR R4 Bundle each, in a stable order.

    A patient is some 800 to 4,000 resources (1 to 4.5 MB of JSON), may have died, and takes about 2 s. The generator's
    exit status is 0 even when it could not export, so the files are counted. Raises `PartError`.
    """
    python = python_of("synthea")
    folder = PARTS / f"synthea-data-{key(TABLE['synthea'], seed, count, ages, REFERENCE_DATE)}"

    def generate(into: Path) -> None:
        options = {
            "-p": count,
            "-s": seed,
            "-a": ages,
            "-r": REFERENCE_DATE,
            "-o": into,
            "--threads": 1,
        }
        words = [str(word) for option in options.items() for word in option]
        run(folder.name, [python, "-m", "synthea.cli", *words], needs="nothing but itself")
        made = len(list(into.glob("fhir/*.json")))
        if made != count:
            message = f"synthea: {made} of {count} patients; see {PARTS / folder.name}.log"
            raise PartError(message)

    files = sorted(build_once(folder, generate).glob("fhir/*.json"))
    return [json.loads(file.read_text()) for file in files]


def as_server_resources(bundle: Mapping[str, Any]) -> list[Resource]:
    """Rewrite a generated Bundle for a server that keeps ids; this will be its resources with `Type/id` references.

    The ids stay, so that the same patient can be put on a server and handed over in a prefetch. What a server adds by
    itself (`meta.versionId`, `meta.lastUpdated`) is not there.
    """
    entries = bundle["entry"]
    names = {
        e["fullUrl"]: f"{e['resource']['resourceType']}/{e['resource']['id']}" for e in entries
    }
    return [_renamed(entry["resource"], names) for entry in entries]


def searchset(resources: Iterable[Resource], resource_type: str) -> Resource:
    """Pick one type out of a patient's resources; this will be the searchset Bundle a complete search would give."""
    found = [{"resource": r} for r in resources if r["resourceType"] == resource_type]
    bundle: Resource = {"resourceType": "Bundle", "type": "searchset", "total": len(found)}
    return bundle | {"entry": found} if found else bundle


def _renamed(node: Any, names: Mapping[str, str]) -> Any:
    if isinstance(node, dict):
        return {
            k: names.get(v, v) if k == "reference" and isinstance(v, str) else _renamed(v, names)
            for k, v in node.items()
        }
    return [_renamed(item, names) for item in node] if isinstance(node, list) else node
