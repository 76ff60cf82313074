"""Put security labels on resources whose content is protected by law or policy.

Codes: confidentiality R (restricted) and the ActCodes 42CFRPart2, ETH (substance abuse) and PSY,
from HL7 terminology.
"""

from collections.abc import Iterable

from .chart import Chart, Visit
from .terms import ACT_CODE, CONFIDENTIALITY, Json, coding

_LABELS = {
    "R": coding(CONFIDENTIALITY, "R", "restricted"),
    "42CFRPart2": coding(ACT_CODE, "42CFRPart2", "42 CFR Part2"),
    "ETH": coding(ACT_CODE, "ETH", "substance abuse information sensitivity"),
    "PSY": coding(ACT_CODE, "PSY", "psychiatry disorder information sensitivity"),
}


def restrict(chart: Chart, targets: Iterable[str], *labels: str) -> None:
    """Label the resources with those references as restricted, with the further labels given."""
    wanted = set(targets)
    for each in chart.resources:
        meta = each["meta"]
        if f"{each['resourceType']}/{each['id']}" in wanted and isinstance(meta, dict):
            meta["security"] = [_LABELS[name] for name in ("R", *labels)]


def recorded_in(chart: Chart, visit: Visit) -> list[str]:
    """Return the references of a visit and of everything that was recorded in it."""
    link: Json = {"reference": visit.reference}
    inside = [
        f"{each['resourceType']}/{each['id']}"
        for each in chart.resources
        if each.get("encounter") == link
        or (isinstance(each.get("context"), dict) and link in _encounters(each["context"]))
    ]
    return [visit.reference, *inside]


def _encounters(context: object) -> list[object]:
    listed = context.get("encounter") if isinstance(context, dict) else None
    return listed if isinstance(listed, list) else []
