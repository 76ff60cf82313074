"""The discovery document of one site (CDS Hooks 2.0.1, "Discovery")."""

from collections.abc import Iterable

from cds_service.hook import HOOKS, HookService
from cds_service.sites import Site
from cds_service.vendors import queries


def document(site: Site, services: Iterable[HookService]) -> dict[str, object]:
    """Return the document: each enabled service with the prefetch templates of this site's vendor."""
    enabled = [service for service in services if service.id in site.file.services]
    return {"services": [_entry(service, site) for service in sorted(enabled, key=lambda s: s.id)]}


def _entry(service: HookService, site: Site) -> dict[str, object]:
    entry: dict[str, object] = {
        "hook": service.hook,
        "title": service.title,
        "description": service.description,
        "id": service.id,
        "prefetch": prefetch(service, site),
    }
    if service.usage_requirements:
        entry["usageRequirements"] = service.usage_requirements
    return {name: value for name, value in entry.items() if value}


def prefetch(service: HookService, site: Site) -> dict[str, str]:
    """Return the templates that this site's EHR can resolve, by prefetch key."""
    return {
        query.key: query.template()
        for need in service.needs
        for query in queries(need, site.profile)
        if query.published and (query.read or "patientId") in HOOKS[service.hook]
    }
