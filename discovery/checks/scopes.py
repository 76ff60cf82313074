"""Whether a list of scopes holds what another scope asks for (SMART App Launch 2.2, "Scopes")."""

_VERSION_1 = {"read": "rs", "write": "cud", "*": "cruds"}


def covered(scope: str, have: tuple[str, ...]) -> bool:
    """Return whether these scopes together grant all that `scope` does; v1 and v2 may be mixed.

    A scope with a query (`?category=...`) grants a part only, and is not counted.
    """
    level, kind, wanted = _parts(scope)
    granted: set[str] = set()
    for each in have:
        head, name, verbs = _parts(each)
        if head == level and name in {kind, "*"} and "?" not in each:
            granted |= verbs
    return wanted <= granted


def _parts(scope: str) -> tuple[str, str, set[str]]:
    level, _, rest = scope.partition("?")[0].partition("/")
    kind, _, verbs = rest.partition(".")
    return level, kind, set(_VERSION_1.get(verbs, verbs))
