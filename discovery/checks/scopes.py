"""Whether a list of scopes holds what another scope asks for (SMART App Launch 2.2, "Scopes")."""


def covered(scope: str, have: tuple[str, ...]) -> bool:
    """Return whether one of these scopes grants all that `scope` does; v1 and v2 may be mixed."""
    level, _, rest = scope.partition("/")
    kind, _, verbs = rest.partition(".")
    for each in have:
        head, _, said = each.partition("/")
        name, _, can = said.partition("?")[0].partition(".")
        allowed = {"read": "rs", "write": "cud", "*": "cruds"}.get(can, can)
        wanted = {"read": "rs", "write": "cud"}.get(verbs, verbs)
        if (
            head == level
            and name in {kind, "*"}
            and set(wanted) <= set(allowed)
            and "?" not in said
        ):
            return True
    return False
