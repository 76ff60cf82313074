"""From a need and a profile to the queries that we publish as prefetch templates and send as reads."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import product
from urllib.parse import quote

from cds_service.domain.needs import NEEDS, Need, NeedName
from cds_service.vendors.profile import NeedRule, Profile

_SAFE = ":,|/-_.~$"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One FHIR read or search of a need, as this vendor wants it."""

    need: NeedName
    key: str
    """The prefetch key."""
    type: str
    read: str | None
    """The context field that holds the id of a read; None for a search."""
    params: tuple[tuple[str, str], ...] = ()
    hook_params: tuple[tuple[str, str], ...] = ()
    """Paging and order: part of the read and of the template."""
    window: tuple[str, int, int] | None = None
    """(date parameter, days before, days after today): sent with reads only."""
    published: bool = True
    """False: it cannot be said as a CDS Hooks 2.0.1 template."""

    def template(self) -> str:
        """Return the prefetch template (CDS Hooks 2.0.1, "Prefetch Template")."""
        if self.read:
            return f"{self.type}/{{{{context.{self.read}}}}}"
        return self._search("{{context.patientId}}", (*self.params, *self.hook_params))

    def path(self, ids: Mapping[str, str], today: date) -> str | None:
        """Return the relative URL to read now, or None when the context lacks the id of a read."""
        if self.read:
            identity = ids.get(self.read)
            return f"{self.type}/{identity}" if identity else None
        return self._search(
            ids["patientId"], (*self.params, *self._dates(today), *self.hook_params)
        )

    def _dates(self, today: date) -> Iterator[tuple[str, str]]:
        if self.window:
            name, before, after = self.window
            yield name, f"ge{today - timedelta(days=before)}"
            yield name, f"lt{today + timedelta(days=after)}"

    def _search(self, patient: str, params: tuple[tuple[str, str], ...]) -> str:
        query = "&".join(f"{name}={quote(value, safe=_SAFE)}" for name, value in params)
        return f"{self.type}?patient={patient}" + (f"&{query}" if query else "")


def queries(name: NeedName, profile: Profile) -> tuple[Query, ...]:
    """Derive the queries of one need; none when the vendor's API cannot be asked for it."""
    need, rule = NEEDS[name], profile.rule(name)
    if not rule.available:
        return ()
    if need.read:
        return (Query(need=name, key=name, type=need.type, read=need.read),)
    return tuple(_searches(need, rule, profile))


def _searches(need: Need, rule: NeedRule, profile: Profile) -> Iterator[Query]:
    fixed = {k: v for k, v in need.params if k not in rule.without} | rule.params
    window = (
        (rule.date_param or need.date_param or "date", *need.window_days)
        if need.window_days
        else None
    )
    for values in product(*(tuple((p, v) for v in vs) for p, vs in rule.split.items())):
        suffix = "".join("_" + value.replace("-", "_") for _, value in values)
        yield Query(
            need=need.name,
            key=need.name + suffix,
            type=need.type,
            read=None,
            params=tuple((fixed | dict(values) | profile.search.extra_params).items()),
            hook_params=tuple(_order(need, profile)),
            window=window,
            published=not rule.date_required,
        )


def _order(need: Need, profile: Profile) -> Iterator[tuple[str, str]]:
    if need.newest_first and profile.search.sort:
        yield "_sort", need.newest_first
    yield profile.search.count_param, str(profile.search.page_size)
