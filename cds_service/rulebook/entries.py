"""Every entry of the default tables with its source and the day it was last looked at, as the reference prints it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cds_service.domain.tables import Entry
from cds_service.rulebook.load import FILES, data

_OWN = frozenset({"source", "reviewed", "sources"})


def entries() -> Iterator[Entry]:
    """Yield every entry of every data file; its source is that of the narrowest table that names one."""
    for name in FILES:
        whole = data(name)
        for path, shown in _leaves(whole, ()):
            own = _nearest(whole, path)
            yield Entry(
                table=name,
                name=".".join(path),
                shown=shown,
                source=own["source"],
                reviewed=own["reviewed"],
            )


def _nearest(whole: Mapping[str, Any], path: tuple[str, ...]) -> Mapping[str, Any]:
    """Return the source of an entry: `[sources."a.b"]` for all below a.b, else that of the file."""
    narrower = whole.get("sources", {})
    keys = (".".join(path[:size]) for size in range(len(path), 0, -1))
    return next((narrower[key] for key in keys if key in narrower), whole)


def _leaves(
    table: Mapping[str, Any], path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield (path, what it holds) of the entries: what a reader would look for by one name."""
    for name, value in table.items():
        if name in _OWN and not path:
            continue
        if isinstance(value, list) and value and isinstance(value[0], dict):
            yield from _listed(value, (*path, name))
        elif isinstance(value, dict) and not (set(value) & {"names", "members"}):
            yield from _leaves(value, (*path, name))
        else:
            yield (*path, name), _shown(value)


def _listed(
    rows: Iterable[Mapping[str, Any]], path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], str]]:
    for row in rows:
        if "entries" in row:
            yield from _listed(row["entries"], (*path[:-1], row["section"]))
        else:
            rest = {name: value for name, value in row.items() if name != "name"}
            yield (*path, row["name"]), _shown(rest)


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{name}: {_shown(each)}" for name, each in value.items())
    if isinstance(value, list):
        return ", ".join(str(each) for each in value if each != "")
    return str(value) if value != "" else "everything"
