"""The exact scopes that record needs come to at a vendor: least privilege, one for each type, never a wildcard."""

from collections.abc import Iterable, Mapping
from typing import Literal

from cds_service.domain.needs import NEEDS, NeedName
from cds_service.vendors.profile import Profile
from cds_service.vendors.query import queries

Level = Literal["patient", "user", "system"]
_MEDICATIONS: frozenset[NeedName] = frozenset({"medications", "medication_statements"})
LAUNCH = ("launch", "openid", "fhirUser")
"""What an EHR launch asks for beside the record (SMART App Launch 2.2, "Scopes for requesting context data")."""


def scopes_for(
    needs: Iterable[NeedName], profile: Profile, *, level: Level
) -> Mapping[str, tuple[str, ...]]:
    """Return each scope with the needs that it is for.

    A need that is read by id takes `r`, a search `rs`: athenahealth refuses a search with `r` alone, and pages and
    references are read by id. SMART v1 knows only `.read`.
    """
    verbs: dict[str, str] = {}
    wanted: dict[str, list[str]] = {}
    for name in needs:
        for kind, verb in _asked(name, profile):
            verbs[kind] = "rs" if "rs" in {verb, verbs.get(kind)} else verb
            titles = wanted.setdefault(kind, [])
            if NEEDS[name].title not in titles:
                titles.append(NEEDS[name].title)
    return {
        f"{level}/{kind}.{_spelt(verbs[kind], profile)}": tuple(titles)
        for kind, titles in sorted(wanted.items())
    }


def write_scope(profile: Profile, *, level: Level) -> str:
    """Return the scope that files a note, reads it back and, where the vendor knows that, takes it back."""
    v2 = profile.oauth.scope_syntax == "v2"
    names = (("crus" if profile.note.withdraw else "crs"),) if v2 else ("write", "read")
    return " ".join(f"{level}/DocumentReference.{name}" for name in names)


def apis(needs: Iterable[NeedName], profile: Profile) -> Mapping[str, tuple[str, ...]]:
    """Return the needs as names of APIs, for a vendor whose client record lists those instead of scopes."""
    wanted: dict[str, list[str]] = {}
    for name in needs:
        for query in queries(name, profile):
            split = profile.rule(name).split
            inner = " ".join(v for k, v in query.params if k in split or k == "category")
            verb = "Read" if query.read else "Search"
            label = f" ({inner})" if inner else ""
            wanted.setdefault(f"{query.type}.{verb}{label} (R4)", []).append(NEEDS[name].title)
        if name in _MEDICATIONS:
            wanted.setdefault("Medication.Read (R4)", []).append(NEEDS[name].title)
    return {api: tuple(dict.fromkeys(titles)) for api, titles in sorted(wanted.items())}


def _asked(name: NeedName, profile: Profile) -> Iterable[tuple[str, str]]:
    found = [(query.type, "r" if query.read else "rs") for query in queries(name, profile)]
    if found and name in _MEDICATIONS:
        found.append(("Medication", "r"))
    return found


def _spelt(verb: str, profile: Profile) -> str:
    return verb if profile.oauth.scope_syntax == "v2" else "read"
