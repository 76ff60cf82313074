"""From a resource to the one line of it that a model may see: listed fields only, never an identifier."""

import tomllib
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date
from importlib.resources import files

from cds_service.agent.identifiers import Identifiers
from cds_service.domain.evidence import Ledger
from cds_service.domain.json import JsonObject
from cds_service.fhir.dates import parse
from cds_service.fhir.elements import (
    clean,
    code,
    codes,
    codings,
    medication,
    name,
    number,
    obj,
    objs,
    text,
)

Reader = Callable[["Minimise", object, JsonObject], str]
Field = tuple[str, str, str]
"""Label, path, kind of value."""

FIELDS: Mapping[str, tuple[Field, ...]] = {
    kind: tuple((label, path, how) for label, path, how in table["fields"])
    for kind, table in tomllib.loads(
        files(__package__).joinpath("fields.toml").read_text("utf-8")
    ).items()
    if isinstance(table, dict)  # beside its owner and the day of review
}
NAME_MAX = 100
TEXT_MAX = 200
READ_MAX = 20_000
"""Characters of a text that are looked at: so many more than are shown that no identifier is shown by half."""
_OLDEST = 89
"""Ages above it identify (45 CFR 164.514(b)(2)(i)(C))."""


@dataclass(frozen=True, slots=True)
class Minimise:
    """Writes the lines of one run."""

    ledger: Ledger = field(repr=False)
    identifiers: Identifiers = field(repr=False)
    today: date
    alias: Callable[[str], str] = field(repr=False)
    """Returns the alias of a `Type/id` of this run, "" for what has none."""

    def line(self, resource: JsonObject) -> str:
        """Return what may be told of a resource, on one line; "" for a type that is not listed."""
        told: dict[str, None] = {}
        for label, path, how in FIELDS.get(code(resource, "resourceType"), ()):
            found = [READERS[how](self, value, resource) for value in _at(resource, path)]
            words = ", ".join(dict.fromkeys(each for each in found if each))
            if words:
                told[f"{label} {words}".strip()] = None
        return "; ".join(told)

    def words(self, value: str, limit: int = NAME_MAX, *, free: bool = False) -> str:
        """Return words of the chart on one line, without identifiers and without what cannot be seen."""
        plain = clean(unicodedata.normalize("NFKC", value[:READ_MAX]))
        kept = self.identifiers.removed(plain, free=free)
        return kept if len(kept) <= limit else kept[: limit - 1].rstrip() + "…"


def _at(resource: JsonObject, path: str) -> Iterator[object]:
    """Yield what stands at a path, through lists; a path that begins with @ is the resource itself."""
    if path.startswith("@"):
        yield resource
        return
    found: list[object] = [resource]
    for member in path.split("."):
        values = [each.get(member) for each in found if isinstance(each, dict)]
        found = [v for value in values for v in (value if isinstance(value, list) else [value])]
    yield from (each for each in found if each is not None)


def _concept(with_: Minimise, value: object, _: JsonObject) -> str:
    return with_.words(name(value), free=True) if isinstance(value, dict) else ""


def _word(with_: Minimise, value: object, resource: JsonObject) -> str:
    if isinstance(value, str):
        return with_.words(value, 40)
    if not isinstance(value, dict):
        return ""
    return next((with_.words(each, 40) for each in codes(value)), "") or _concept(
        with_, value, resource
    )


def _unusual(with_: Minimise, value: object, resource: JsonObject) -> str:
    return "" if value in ("final", "amended", "corrected") else _word(with_, value, resource)


def _day(with_: Minimise, value: object, _: JsonObject) -> str:
    """Return a date without its time; one that is the day of birth is removed as that."""
    return with_.words(value[:10]) if isinstance(value, str) and value[:4].isdigit() else ""


def _quantity(with_: Minimise, value: object, _: JsonObject) -> str:
    amount = number(value, "value")
    unit = with_.words(text(value, "unit") or text(value, "code"), 20)
    return "" if amount is None else f"{code(value, 'comparator')[:2]}{amount} {unit}".rstrip()


def _range(with_: Minimise, value: object, _: JsonObject) -> str:
    low, high = number(obj(value, "low"), "value"), number(obj(value, "high"), "value")
    if low is None and high is None:
        return with_.words(text(value, "text"), 40)
    return f"{'' if low is None else low}-{'' if high is None else high}"


def _component(with_: Minimise, value: object, resource: JsonObject) -> str:
    said = _quantity(with_, obj(value, "valueQuantity"), resource) or _concept(
        with_, obj(value, "valueCodeableConcept"), resource
    )
    return f"{_concept(with_, obj(value, 'code'), resource)} {said}" if said else ""


def _text(with_: Minimise, value: object, _: JsonObject) -> str:
    return with_.words(value, TEXT_MAX, free=True) if isinstance(value, str) else ""


def _code(_: Minimise, value: object, __: JsonObject) -> str:
    found = codings(value) if isinstance(value, dict) else ()
    return next((each[:12] for system, each in found if system == "http://loinc.org"), "")


def _link(with_: Minimise, value: object, _: JsonObject) -> str:
    found = with_.ledger.get(code(value, "reference"))
    return with_.alias(found.ref) if found else ""


def _medicine(with_: Minimise, value: object, resource: JsonObject) -> str:
    """Return what is ordered or taken, through its reference where it is one."""
    coded, reference = medication(value)
    if coded:
        return _concept(with_, coded, resource)
    literal = code(reference, "reference")
    inside = [each for each in objs(value, "contained") if f"#{code(each, 'id')}" == literal]
    found = with_.ledger.get(literal)
    target = inside[0] if inside else found.resource if found else {}
    return _concept(with_, obj(target, "code"), resource) or with_.words(
        text(reference, "display"), free=True
    )


def _age(with_: Minimise, value: object, _: JsonObject) -> str:
    born = parse(value, UTC)
    if born is None or born.date > with_.today:
        return ""
    before = (with_.today.month, with_.today.day) < (born.date.month, born.date.day)
    years = with_.today.year - born.date.year - before
    return f"{years}" if years <= _OLDEST else f"over {_OLDEST}"


def _flag(_: Minimise, value: object, __: JsonObject) -> str:
    return "yes" if value is True else ""


def _deceased(_: Minimise, value: object, __: JsonObject) -> str:
    return "deceased" if value else ""


def _number(_: Minimise, value: object, __: JsonObject) -> str:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


READERS: Mapping[str, Reader] = {
    "age": _age,
    "code": _code,
    "component": _component,
    "concept": _concept,
    "day": _day,
    "deceased": _deceased,
    "flag": _flag,
    "link": _link,
    "medicine": _medicine,
    "number": _number,
    "quantity": _quantity,
    "range": _range,
    "text": _text,
    "unusual": _unusual,
    "word": _word,
}
