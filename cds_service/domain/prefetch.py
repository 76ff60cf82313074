"""What a call prefetched: looked at where it lies, and decoded only where it is read.

A chart that opens with a brief prepared needs of each resource its identity and version, which is a tenth of the work
of decoding it; and to go once through a body that is a quarter of a megabyte is work, too.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from typing_extensions import override

from cds_service.domain.errors import NotJson
from cds_service.domain.json import EMPTY, NOT_JSON, JsonObject, decode, encode


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

    def __init__(self, prefetch: "Prefetch", key: str) -> None:
        self._prefetch, self._key = prefetch, key
        self._cut: list[bytes | msgspec.Raw] | None = None

    def resource(self, place: int) -> JsonObject:
        if self._cut is None:
            self._cut = _resources(self._prefetch.raw[self._key])
        found = decode(bytes(self._cut[place]))
        return found if isinstance(found, dict) else EMPTY


class Prefetch(Mapping[str, object]):
    """A call's prefetch by key, decoded when a value is first asked for."""

    __slots__ = ("_body", "_decoded", "_raw", "_seen")

    def __init__(
        self,
        raw: Mapping[str, bytes | msgspec.Raw] | None = None,
        *,
        seen: "Mapping[str, Seen | None] | None" = None,
        body: bytes = b"",
    ) -> None:
        """Hold undecoded JSON values by key; or what was seen of them, and the body of the call that holds them."""
        self._raw, self._seen, self._body = (raw or {}) if seen is None else None, seen, body
        self._decoded: dict[str, object] = {}

    @property
    def raw(self) -> Mapping[str, bytes | msgspec.Raw]:
        """Return the undecoded values; a body is cut into them when one is wanted."""
        if self._raw is None:
            self._raw = _cut.decode(self._body).prefetch
        return self._raw

    @override
    def __getitem__(self, key: str) -> object:
        """Return a value. Raises `NotJson` where it turns out to be none."""
        if key not in self:
            raise KeyError(key)
        if key not in self._decoded:
            if self._raw is None and not self._decoded:  # who asks for one asks for all of them
                self._decoded = _all_of(self._body)
            if key not in self._decoded:
                self._decoded[key] = decode(bytes(self.raw[key]))
        return self._decoded[key]

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    @override
    def __len__(self) -> int:
        return len(self._keys)

    @override
    def __contains__(self, key: object) -> bool:
        return key in self._keys

    @property
    def _keys(self) -> Mapping[str, object]:
        return self.raw if self._seen is None else self._seen

    @override
    def __repr__(self) -> str:
        return f"Prefetch(keys={len(self)})"

    def envelope(self, key: str) -> Envelope | None:
        """Look at what a Bundle says of itself, its entries only counted; None for anything else."""
        try:
            return _envelope.decode(self.raw[key]) if key in self else None
        except NOT_JSON:
            return None

    def glimpses(self, key: str) -> Iterator[Glimpse]:
        """Look at the resources of a value, be it one or a Bundle of them. Raises `NotJson`."""
        if key not in self:
            return
        whole = _Undecoded(self, key)
        for place, seen in enumerate(self._seen_of(key)):
            if seen is not None:
                yield Glimpse(seen.resourceType, seen.id, _version(seen.meta), whole, place)

    def _seen_of(self, key: str) -> "list[_Resource | None]":
        if self._seen is None:
            return _seen(self.raw[key])
        seen = self._seen[key]
        return [] if seen is None else seen.resources()


class _Resource(msgspec.Struct):
    resourceType: str = ""  # noqa: N815  # FHIR's spelling, here and below
    id: str = ""
    meta: object = None


class _SeenEntry(msgspec.Struct):
    resource: _Resource | None = None


class Seen(_Resource):
    """A value of which only that much is read: be it a resource, or a Bundle of them."""

    entry: list[_SeenEntry] = []

    def resources(self) -> list[_Resource | None]:
        """Return what was seen of each resource; None for an entry without one."""
        return [each.resource for each in self.entry] if self.resourceType == "Bundle" else [self]


class _Call(msgspec.Struct):
    prefetch: dict[str, msgspec.Raw]


class _Odd(msgspec.Struct):
    """A resource whose members may be anything."""

    resourceType: object = None  # noqa: N815
    id: object = None
    meta: object = None


class _Entry(msgspec.Struct):
    resource: msgspec.Raw = msgspec.Raw(b"null")


class _Value(msgspec.Struct):
    resourceType: object = None  # noqa: N815
    entry: list[_Entry] = []


_envelope = msgspec.json.Decoder(Envelope)
_values = msgspec.json.Decoder(_Value)
_glance = msgspec.json.Decoder(_Odd)
_at_once = msgspec.json.Decoder(Seen)
_cut = msgspec.json.Decoder(_Call)


def _all_of(body: bytes) -> dict[str, object]:
    """Return every value of a body's prefetch; none where one of them is no JSON, so that it spoils no other."""
    try:
        call: Any = decode(body)
    except NotJson:
        return {}
    found: dict[str, object] = call["prefetch"]
    return found


def _seen(raw: bytes | msgspec.Raw) -> list[_Resource | None]:
    """Look at each resource of a value; None for what is none."""
    try:
        return _at_once.decode(raw).resources()
    except msgspec.ValidationError:
        return [_glanced(each) for each in _resources(raw)]
    except NOT_JSON:
        raise NotJson from None


def _glanced(raw: bytes | msgspec.Raw) -> _Resource | None:
    try:
        odd = _glance.decode(raw)
    except msgspec.ValidationError:
        return None  # no object
    except NOT_JSON:
        raise NotJson from None
    return _Resource(_text(odd.resourceType), _text(odd.id), odd.meta)


def _resources(raw: bytes | msgspec.Raw) -> list[bytes | msgspec.Raw]:
    try:
        value = _values.decode(raw)
    except msgspec.ValidationError:
        return _odd(decode(bytes(raw)))
    except NOT_JSON:
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
