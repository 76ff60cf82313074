"""Finds the CDS services: each folder of a hook package holds one, as `SERVICE` in its `service.py`.

A loaded service is inert until a site file enables it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from cds_service.domain.errors import BadCall, Misconfigured, UnknownService
from cds_service.hook import HOOKS, NEEDS, HookService

_SERVICE_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


@dataclass(frozen=True, slots=True)
class Catalog:
    """All CDS services by id."""

    by_id: Mapping[str, HookService]
    intents: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The paragraphs of each service's README, by id: clinical intent, limits and owner, as its author wrote them."""

    def find(self, service_id: str, *, enabled: Iterable[str]) -> HookService:
        """Return a service that this site enabled. Raises `UnknownService`."""
        service = self.by_id.get(service_id) if service_id in enabled else None
        if service is None:
            raise UnknownService
        return service


def check_hook(service: HookService, hook: str) -> None:
    """Check that a service answers the hook that was called. Raises `BadCall`."""
    if service.hook != hook:
        raise BadCall(f"hook: this service answers {service.hook}.")


def load_catalog(packages: Iterable[str]) -> Catalog:
    """Scan packages for services. Raises `Misconfigured` naming the folder and what is wrong."""
    found: dict[str, HookService] = {}
    intents: dict[str, tuple[str, ...]] = {}
    for folder, service, readme in _services(packages):
        check_service(folder, service)
        if service.id in found:
            raise Misconfigured(f"{folder}: the service id {service.id!r} is taken.")
        found[service.id] = service
        intents[service.id] = _paragraphs(readme)
    return Catalog(found, intents)


def check_service(folder: str, service: HookService) -> None:
    """Check what discovery will publish of a service. Raises `Misconfigured`."""
    if not _SERVICE_ID.fullmatch(service.id):
        raise Misconfigured(f"{folder}: the id must be lower-case letters, digits and '-'.")
    if service.hook not in HOOKS:
        raise Misconfigured(f"{folder}: the hook {service.hook!r} is none of {', '.join(HOOKS)}.")
    unknown = [need for need in service.needs if need not in NEEDS]
    if unknown:
        raise Misconfigured(f"{folder}: {unknown[0]!r} is not a record need.")
    if not service.title or not service.description:
        raise Misconfigured(
            f"{folder}: title and description are published, and may not be empty."
        )


def package_places(package: str) -> list[str]:
    """Return the folders of a package. Raises `Misconfigured` when there is none of that name."""
    try:
        spec = find_spec(package)
    except (ImportError, ValueError):
        spec = None
    places = list(spec.submodule_search_locations or ()) if spec else []
    if not places:
        raise Misconfigured(f"There is no package {package!r}; run this where it can be imported.")
    return places


def _paragraphs(readme: Path) -> tuple[str, ...]:
    """Return the paragraphs below a README's title, each on one line and without its marks; none without a README."""
    text = readme.read_text(encoding="utf-8") if readme.is_file() else ""
    blocks = (" ".join(block.split()) for block in text.split("\n\n"))
    return tuple(block.replace("**", "") for block in blocks if block and block[0] != "#")


def _services(packages: Iterable[str]) -> Iterator[tuple[str, HookService, Path]]:
    for package in packages:
        for place in package_places(package):
            for file in sorted(Path(place).glob("*/service.py")):
                name = f"{package}.{file.parent.name}"
                service = getattr(import_module(f"{name}.service"), "SERVICE", None)
                if not isinstance(service, HookService):
                    raise Misconfigured(f"{name}: service.py must define SERVICE, a HookService.")
                yield name, service, file.parent / "README.md"
