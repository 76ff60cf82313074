"""What a call prefetched: looked at where it lies, and decoded only where it is read.

A chart that opens with a brief prepared needs of each resource its identity and version, which is a tenth of the work
of decoding it.
"""

from collections.abc import Iterator, Mapping

import msgspec
from typing_extensions import override

from cds_service.domain.errors import NotJson
from cds_service.domain.json import EMPTY, JsonObject, decode, encode


class Glimpse(msgspec.Struct):
    """A resource as far as it was looked at: what it says of its type, id and `meta.versionId`, "" where nothing."""

    type: str
    id: str
    version: str
    _of: "_Undecoded"
    _place: int

    def whole(self) -> JsonObject:
        """Return the resource."""
        return self._of.resource(self._place)


class Envelope(msgspec.Struct):
    """A Bundle without what it holds."""

    resourceType: object = None  # noqa: N815  # FHIR's spelling
    type: object = None
    total: object = None
    link: object = None
    meta: object = None
    entry: list[msgspec.Raw] = []


class _Undecoded:
    """A value of a prefetch, cut into its resources when one of them is wanted whole."""

    def __init__(self, raw: bytes | msgspec.Raw) -> None:
        self._raw = raw
        self._cut: list[bytes | msgspec.Raw] | None = None

    def resource(self, place: int) -> JsonObject:
        if self._cut is None:
            self._cut = _resources(self._raw)
        found = decode(bytes(self._cut[place]))
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

    def envelope(self, key: str) -> Envelope | None:
        """Look at what a Bundle says of itself, its entries only counted; None for anything else."""
        try:
            return _envelope.decode(self._raw[key]) if key in self._raw else None
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return None

    def glimpses(self, key: str) -> Iterator[Glimpse]:
        """Look at the resources of a value, be it one or a Bundle of them. Raises `NotJson`."""
        raw = self._raw.get(key)
        if raw is None:
            return
        whole = _Undecoded(raw)
        for place, seen in enumerate(_seen(raw)):
            if seen is not None:
                yield Glimpse(
                    _text(seen.resourceType), _text(seen.id), _version(seen.meta), whole, place
                )


class _Resource(msgspec.Struct):
    resourceType: object = None  # noqa: N815  # FHIR's spelling
    id: object = None
    meta: object = None


class _SeenEntry(msgspec.Struct):
    resource: _Resource | None = None


class _Seen(_Resource):
    """A value of which only that much is read; the usual one takes no second look."""

    entry: list[_SeenEntry] = []


class _Entry(msgspec.Struct):
    resource: msgspec.Raw = msgspec.Raw(b"null")


class _Value(msgspec.Struct):
    resourceType: object = None  # noqa: N815  # FHIR's spelling
    entry: list[_Entry] = []


_envelope = msgspec.json.Decoder(Envelope)
_values = msgspec.json.Decoder(_Value)
_glance = msgspec.json.Decoder(_Resource)
_at_once = msgspec.json.Decoder(_Seen)


def _seen(raw: bytes | msgspec.Raw) -> list[_Resource | None]:
    """Look at each resource of a value; None for what is none."""
    try:
        value = _at_once.decode(raw)
    except msgspec.ValidationError:
        return [_glanced(each) for each in _resources(raw)]
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise NotJson from None
    return [each.resource for each in value.entry] if value.resourceType == "Bundle" else [value]


def _glanced(raw: bytes | msgspec.Raw) -> _Resource | None:
    try:
        return _glance.decode(raw)
    except msgspec.ValidationError:
        return None  # no object
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise NotJson from None


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
