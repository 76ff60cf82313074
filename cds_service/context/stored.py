"""A ledger as bytes and back, without loss: what a stored brief cites can be shown long after it was gathered.

The form is compact JSON below zlib: `{"form": 1, "patient", "base_url", "evidence": [...], "searches": [...],
"dropped": [...]}`. Numbers keep the digits that the EHR sent. Packing a whole chart takes tens of milliseconds of
CPU: it is not for the hook's path.
"""

import zlib
from collections.abc import Container, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from cds_service.domain.errors import Misconfigured
from cds_service.domain.evidence import Evidence, Gap, Ledger, Search
from cds_service.domain.json import decode, encode

_FORM = 1
_SEARCH = ("need", "key", "state", "found", "source", "code")


def pack(ledger: Ledger) -> bytes:
    """Return a ledger as bytes that `unpack` reads."""
    told = {
        "form": _FORM,
        "patient": ledger.patient,
        "base_url": ledger.base_url,
        "evidence": [
            [e.ref, e.version, e.source, e.need, e.at.isoformat(), e.resource]
            for e in ledger.evidence.values()
        ],
        "searches": [
            {name: getattr(each, name) for name in _SEARCH} | {"at": each.at.isoformat()}
            for each in ledger.searches
        ],
        "dropped": [[gap.need, gap.reason, gap.count] for gap in ledger.dropped],
    }
    return zlib.compress(encode(told))


def unpack(packed: bytes) -> Ledger:
    """Return the ledger that was packed. Raises `Misconfigured` for a form of another version."""
    told: Any = decode(zlib.decompress(packed))
    if told["form"] != _FORM:
        raise Misconfigured("A stored record has a form that this version does not know.")
    return Ledger(
        patient=told["patient"],
        base_url=told["base_url"],
        evidence={each.ref: each for each in map(_evidence, told["evidence"])},
        searches=tuple(
            Search(**{**each, "at": datetime.fromisoformat(each["at"])})
            for each in told["searches"]
        ),
        dropped=tuple(
            Gap(need=need, reason=reason, count=count) for need, reason, count in told["dropped"]
        ),
    )


def _evidence(told: list[Any]) -> Evidence:
    ref, version, source, need, at, resource = told
    moment = datetime.fromisoformat(at)
    return Evidence(
        ref=ref, version=version, source=source, need=need, at=moment, resource=resource
    )


def cited(ledger: Ledger, refs: Iterable[str]) -> Ledger:
    """Return the ledger with only the resources that `refs` name; searches and what was dropped stay."""
    wanted: Container[str] = frozenset(refs) | {ledger.patient}
    kept = {ref: item for ref, item in ledger.evidence.items() if ref in wanted}
    return replace(ledger, evidence=kept)
