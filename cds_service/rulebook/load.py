"""Makes the tables of a site from the data files and its changes, once, when the site is loaded."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any

from cds_service.domain.errors import Misconfigured
from cds_service.domain.tables import (
    DrugClass,
    Group,
    Ingredient,
    Limit,
    NoKnown,
    OrderTerms,
    Screening,
    Tables,
    whole_text,
    words,
)
from cds_service.rulebook import changes as changed
from cds_service.rulebook.changes import (
    AllergyClass,
    Changes,
    KnownIngredient,
    OrderWords,
    ScreeningTerms,
)

FILES = ("windows", "loinc", "terms", "ingredients")
Data = Mapping[str, Any]


@cache
def data(name: str) -> Data:
    """Return one data file as it stands."""
    return tomllib.loads(files(__package__).joinpath("data", f"{name}.toml").read_text("utf-8"))


def load_tables(changes: Changes) -> Tables:
    """Return the tables with a site's changes on top. Raises `Misconfigured` for a name that nothing has."""
    windows, loinc, terms, drugs = map(data, FILES)
    known = _ingredients(drugs, changes)
    encounter = {
        kind: frozenset((*codes, *getattr(changes.encounter, kind)))
        for kind, codes in terms["encounter"].items()
    }
    by_word = _by_word(known, drugs["combination"])
    misnomers = tuple(map(words, drugs["misnomer"]["names"]))
    return Tables(
        owner=changes.owner or "",
        reviewed=changes.reviewed,
        days={**windows["days"], **changes.days.model_dump(exclude_none=True)},
        count={**windows["count"], **changes.count.model_dump(exclude_none=True)},
        critical={code: _limit(each) for code, each in changes.critical.items()},
        terms=terms,
        encounter=encounter,
        encounter_kinds={
            code: frozenset(kind for kind, known in encounter.items() if code in known)
            for code in frozenset().union(*encounter.values())
        },
        encounter_words={words(said): kind for said, kind in terms["encounter_words"].items()},
        contacts={
            key: kind
            for said, kind in {**terms["contact"], **changes.contact}.items()
            if (key := words(said))
        },
        no_known=_no_known(terms, changes),
        plain_values=frozenset(
            key
            for said in (*terms["plain_value"]["words"], *changes.plain_values)
            if (key := words(said))
        ),
        orders=_orders(terms["order"], changes.order),
        groups=_groups(loinc),
        pressure=loinc["pressure"],
        screenings=_screenings(terms, changes),
        classes=_classes(drugs, changes, frozenset(known)),
        rxnorm={code: each for each, code, _ in known.values() if code},
        by_word=by_word,
        companions=frozenset(drugs["companion"]["names"]),
        misnomers=misnomers,
        misnomer_words=frozenset(word for each in misnomers for word in each) - by_word.keys(),
    )


def _orders(table: Data, more: OrderWords) -> OrderTerms:
    def said(name: str, added: Iterable[str] = ()) -> tuple[tuple[str, ...], ...]:
        return tuple(filter(None, map(words, (*table[name], *added))))

    def phrases(name: str, added: Iterable[str]) -> tuple[str, ...]:
        return tuple(f" {' '.join(each)} " for each in said(name, added))

    return OrderTerms(
        categories=frozenset(said("categories", more.care)),
        begins=said("begins", more.care),
        holds=phrases("holds", ()),
        code_status=phrases("code_status", more.code_status),
        code_status_codes=tuple(table["code_status_codes"]),
        therapy=phrases("therapy", more.therapy),
        therapy_codes=tuple(table["therapy_codes"]),
        tests=tuple(table["tests"]),
        letters=tuple(table["letters"]),
    )


def _no_known(terms: Data, changes: Changes) -> NoKnown:
    said = {
        **terms["no_known_words"],
        **dict.fromkeys(terms["no_known"]["unknown"], "unknown"),
        **changes.no_known_allergy,
    }
    leads, to_one = (tuple(map(words, terms["no_known"][each])) for each in ("leads", "to_one"))
    begins = (words(each)[:1] for each in said)
    return NoKnown(
        texts={whole_text(each): scope for each, scope in said.items()},
        leads=leads,
        to_one=to_one,
        begins=frozenset(word for each in (*begins, *leads, *to_one) for word in each[:1]),
    )


def _limit(each: changed.Limit) -> Limit:
    infinite = Decimal("Infinity")
    low = -infinite if each.low is None else each.low
    return Limit(low, infinite if each.high is None else each.high, each.unit)


def _groups(table: Data) -> dict[str, Group]:
    found: dict[str, Group] = {}
    for part in table["group"]:
        for entry in part["entries"]:
            group = Group(
                name=entry["name"],
                section=part["section"],
                place=len(found),
                trend=entry.get("trend"),
                percent=entry.get("percent", 10),
                stale_days=entry.get("stale_days"),
                change=entry.get("change", False),
                beside=entry.get("beside", ""),
                of=entry.get("of", ""),
            )
            found.update(dict.fromkeys(entry["codes"], group))
    return found


_Known = tuple[Ingredient, str, tuple[str, ...]]
"""An ingredient, its RxNorm code and its other names."""


def _ingredients(table: Data, changes: Changes) -> dict[str, _Known]:
    parts = [*table["high_alert"].items(), ("", table["other"])]
    known = {
        name: (Ingredient(name, alert), code, tuple(brands))
        for alert, listed in parts
        for name, (code, *brands) in listed.items()
    }
    for name, each in changes.ingredients.items():
        known[name.lower()] = _added(name.lower(), each, known.get(name.lower()))
    for name, alert in changes.high_alert.items():
        _, code, brands = known[_one_of(name, known, "high_alert")]
        known[name] = (Ingredient(name, alert), code, brands)
    return known


def _added(name: str, each: KnownIngredient, before: _Known | None) -> _Known:
    """Return an ingredient of a site: a new one, or one that we know with more names."""
    if before is None:
        return Ingredient(name, each.high_alert), each.rxnorm, each.names
    ingredient, code, brands = before
    alert = each.high_alert or ingredient.high_alert
    return Ingredient(name, alert), each.rxnorm or code, (*brands, *each.names)


def _by_word(
    known: Mapping[str, _Known], combinations: Mapping[str, Iterable[str]]
) -> dict[str, tuple[tuple[tuple[str, ...], frozenset[Ingredient]], ...]]:
    held: dict[tuple[str, ...], set[Ingredient]] = {}
    for ingredient, _, brands in known.values():
        for each in (ingredient.name, *brands):
            held.setdefault(words(each), set()).add(ingredient)
    for brand, parts in combinations.items():
        held.setdefault(words(brand), set()).update(known[part][0] for part in parts)
    found: dict[str, list[tuple[tuple[str, ...], frozenset[Ingredient]]]] = {}
    for key, ingredients in held.items():
        if key:
            found.setdefault(key[0], []).append((key, frozenset(ingredients)))
    return {
        first: tuple(sorted(names, key=lambda pair: -len(pair[0])))
        for first, names in found.items()
    }


def _classes(table: Data, changes: Changes, known: frozenset[str]) -> tuple[DrugClass, ...]:
    made = {
        name: _class(name, entry["names"], entry["members"], entry.get("by_name_only", False))
        for name, entry in table["class"].items()
    }
    for name, each in changes.classes.items():
        made[name] = _site_class(name, each, known)
    return tuple(made.values())


def _site_class(name: str, each: AllergyClass, known: frozenset[str]) -> DrugClass:
    for member in each.members:
        _one_of(member, known, f"classes.{name}.members")
    return _class(name, each.names, each.members, each.by_name_only)


def _class(
    name: str, names: Iterable[str], members: Iterable[str], by_name_only: bool
) -> DrugClass:
    return DrugClass(name, tuple(map(words, names)), frozenset(members), by_name_only)


def _screenings(table: Data, changes: Changes) -> tuple[Screening, ...]:
    made = {entry["name"]: _screening(entry) for entry in table["screening"]}
    made = {name: replace(each, maybe=_either(each, made)) for name, each in made.items()}
    for name, each in changes.screening.items():
        before = made.get(name, Screening(name, frozenset(), ()))
        made[name] = replace(
            before, codes=before.codes | set(each.codes), words=(*before.words, *_lower(each))
        )
    return tuple(made.values())


def _either(each: Screening, made: Mapping[str, Screening]) -> tuple[str, ...]:
    """Return the words that may mean a screening or the one that takes its place."""
    other = made[each.unless].maybe if each.unless else ()
    return tuple(dict.fromkeys((*each.maybe, *other)))


def _lower(each: ScreeningTerms) -> Iterator[str]:
    return (word.lower() for word in each.words)


def _screening(entry: Data) -> Screening:
    told = entry.get("missing", {})
    first, last = told.get("ages", (None, None))
    return Screening(
        name=entry["name"],
        codes=frozenset(entry["codes"]),
        words=tuple(entry["words"]),
        ages=None if first is None else (first, last),
        sex=told.get("sex", ""),
        unless=told.get("unless", ""),
        maybe=tuple(told.get("maybe", ())),
    )


def _one_of(name: str, known: Iterable[str], where: str) -> str:
    """Return a name that is known. Raises `Misconfigured` with the nearest one that is."""
    names = list(known)
    if name in names:
        return name
    near = get_close_matches(name, names, n=1, cutoff=_ONE_SLIP)
    hint = f"did you mean {near[0]!r}? Else add" if near else "add"
    raise Misconfigured(
        f"brief.{where}: no ingredient {name!r}; {hint} it under [brief.ingredients]."
    )


_ONE_SLIP = 0.85
"""How alike names of medicines are of which one is a slip of the other: meropenem is no mercaptopurine."""


DEFAULT = load_tables(Changes())
"""The tables where no site changes them."""
