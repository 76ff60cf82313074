"""What a call prefetched: looked at where it lies, and decoded only where it is read.

A chart that opens with a brief prepared needs of each resource its identity and version, which is a tenth of the work
of decoding it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import msgspec
from typing_extensions import override

from cds_service.domain.errors import NotJson
from cds_service.domain.json import EMPTY, JsonObject, decode, encode


@dataclass(slots=True)
class Glimpse:
    """A resource as far as it was looked at: what it says of its type, id and `meta.versionId`, "" where nothing."""

    type: str
    id: str
    version: str
    raw: bytes | memoryview = field(repr=False)

    def whole(self) -> JsonObject:
        """Return the resource."""
        found = decode(bytes(self.raw))
        return found if isinstance(found, dict) else EMPTY


class Prefetch(Mapping[str, object]):
    """A call's prefetch by key, each value decoded when it is first asked for."""

    __slots__ = ("_decoded", "_raw")

    def __init__(self, raw: Mapping[str, bytes | msgspec.Raw] | None = None) -> None:
        """Hold undecoded JSON values by key."""
        self._raw = raw or {}
        self._decoded: dict[str, object] = {}

    @override
    def __getitem__(self, key: str) -> object:
        """Return a value. Raises `NotJson` where it turns out to be none."""
        if key not in self._decoded:
            self._decoded[key] = decode(bytes(self._raw[key]))
        return self._decoded[key]

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._raw)

    @override
    def __len__(self) -> int:
        return len(self._raw)

    @override
    def __contains__(self, key: object) -> bool:
        return key in self._raw

    @override
    def __repr__(self) -> str:
        return f"Prefetch(keys={len(self)})"

    def glimpses(self, key: str) -> Iterator[Glimpse]:
        """Look at the resources of a value, be it one or a Bundle of them. Raises `NotJson`."""
        raw = self._raw.get(key)
        if raw is None:
            return
        for each in _resources(raw):
            try:
                seen = _glance.decode(each)
            except msgspec.ValidationError:
                continue  # no object
            except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
                raise NotJson from None
            yield Glimpse(_text(seen.resourceType), _text(seen.id), _version(seen.meta), each)


class _Entry(msgspec.Struct):
    resource: msgspec.Raw = msgspec.Raw(b"null")


class _Value(msgspec.Struct):
    resourceType: object = None  # noqa: N815  # FHIR's spelling
    entry: list[_Entry] = []


class _Resource(msgspec.Struct):
    resourceType: object = None  # noqa: N815  # FHIR's spelling
    id: object = None
    meta: object = None


_values = msgspec.json.Decoder(_Value)
_glance = msgspec.json.Decoder(_Resource)


def _resources(raw: bytes | msgspec.Raw) -> list[bytes | msgspec.Raw]:
    try:
        value = _values.decode(raw)
    except msgspec.ValidationError:
        return _odd(decode(bytes(raw)))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise NotJson from None
    return [each.resource for each in value.entry] if value.resourceType == "Bundle" else [raw]


def _odd(value: object) -> list[bytes | msgspec.Raw]:
    """Return the resources of a value that is not as FHIR has it: an entry alone, or things that are no entries."""
    if not isinstance(value, dict):
        return []
    if value.get("resourceType") != "Bundle":
        return [encode(value)]
    entries = value.get("entry")
    found = [
        entry.get("resource") if isinstance(entry, dict) else None
        for entry in (entries if isinstance(entries, list) else ())
    ]
    return [encode(each) for each in found if isinstance(each, dict)]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _version(meta: object) -> str:
    return _text(meta.get("versionId")) if isinstance(meta, dict) else ""
