"""Complete a chart with the shared resources that it refers to, directly or through each other."""

from collections.abc import Iterator

from .directory import shared
from .terms import Json


def references(value: object) -> Iterator[str]:
    """Yield every literal reference string inside a resource, in document order."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "reference" and isinstance(item, str):
                yield item
            else:
                yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def complete(recorded: list[Json]) -> list[Json]:
    """Return the recorded resources followed by the shared ones they need, all freshly copied."""
    everything = shared()
    needed: dict[str, Json] = {}
    waiting = list(references(recorded))
    while waiting:
        target = waiting.pop()
        if target in everything and target not in needed:
            needed[target] = everything[target]
            waiting.extend(references(everything[target]))
            waiting.extend(_role_of(target))
    shown = [*recorded, *(needed[each] for each in everything if each in needed)]
    return [{key: _fresh(item) for key, item in each.items()} for each in shown]


def _fresh(value: object) -> object:
    if isinstance(value, dict):
        return {key: _fresh(item) for key, item in value.items()}
    return [_fresh(item) for item in value] if isinstance(value, list) else value


def _role_of(target: str) -> list[str]:
    kind, _, ident = target.partition("/")
    return [f"PractitionerRole/{ident}-role"] if kind == "Practitioner" else []
