"""Reads site files and checks them: what is wrong is one sentence that names the file and the key.

Two sites may share an issuer when they are one EHR (the same `fhir.base_url`), or when each names a tenant of
its own: otherwise another organisation's token could be taken for this one's.
"""

import re
import tomllib
from collections.abc import Iterable
from itertools import combinations, product
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import ValidationError

from cds_service.domain.errors import Misconfigured
from cds_service.domain.mistakes import sentence
from cds_service.pasted import check_secrets
from cds_service.rulebook import DEFAULT, Changes, load_tables
from cds_service.sensitive import load_marks
from cds_service.sites.blanks import is_left, unfilled
from cds_service.sites.file import SiteFile, servers
from cds_service.sites.site import Site, Sites
from cds_service.vendors import Profile, load_profile

SITE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


def load_sites(folder: Path, *, services: frozenset[str], demo: bool = False) -> Sites:
    """Read every site file of a folder. Raises `Misconfigured` with the file, the key and what to do.

    A site in preparation is kept out of service and holds nobody up.
    """
    sites = [
        load_site(file, services=services, demo=demo, preparing=True)
        for file in site_files(folder)
    ]
    waiting = {site.name: _left(left) for site in sites if (left := unfilled(site.file))}
    serving = {site.name: site for site in sites if site.name not in waiting}
    check_apart(serving.values())
    refused = {
        name: not_taken(f"{name}.toml: {why}", before=False) for name, why in waiting.items()
    }
    return Sites(serving, refused)


def site_files(folder: Path) -> list[Path]:
    """Return the site files of a folder. Raises `Misconfigured` where there is none."""
    files = sorted(folder.glob("*.toml")) if folder.is_dir() else []
    if not files:
        raise Misconfigured(
            f"No site file in {folder}: write one (docs/how-to/add-a-site.md), or set CDS_SITES."
        )
    return files


def not_taken(why: str, *, before: bool) -> str:
    """Say why a site file is not in force, and what serves instead: its form before, where there was one."""
    return f"{why} {'The form before it serves on.' if before else 'The site is not in service.'}"


def _left(keys: tuple[str, ...]) -> str:
    return f"still says REPLACE at {', '.join(keys)}: write there what the EHR has."


def check_apart(sites: Iterable[Site]) -> None:
    """Check that no token is good at two sites, unless they are one EHR. Raises `Misconfigured`."""
    for one, other in combinations(sites, 2):
        _check_apart(one, other)


def _check_apart(one: Site, other: Site) -> None:
    """Check that no token is good at both sites, unless both are one EHR. Raises `Misconfigured`."""
    if one.file.fhir.base_url == other.file.fhir.base_url:
        return
    for mine, theirs in product(one.file.trust, other.file.trust):
        if mine.iss == theirs.iss and (
            None in {mine.tenant, theirs.tenant} or mine.tenant == theirs.tenant
        ):
            raise Misconfigured(
                f"{one.name}.toml, {other.name}.toml: trust.iss is the same: give each a tenant of its own."
            )


def load_site(
    file: Path, *, services: frozenset[str], demo: bool = False, preparing: bool = False
) -> Site:
    """Read and check one site file. Raises `Misconfigured` with the file, the key and what to do.

    One that is not filled in is refused, but for who looks at a site in preparation, and never as one that is live.
    """
    if not SITE_NAME.fullmatch(file.stem):
        raise Misconfigured(
            f"{file.name}: a site's name is lower-case letters, digits and '-', as it stands in the URL."
        )
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
        check_secrets(data)
        parsed = SiteFile.model_validate(data)
        _check_filled(parsed, preparing=preparing)
        return _checked(file.stem, parsed, services, demo=demo)
    except ValidationError as problem:
        raise Misconfigured(f"{file.name}: {sentence(problem, SiteFile)}") from None
    except Misconfigured as problem:
        raise Misconfigured(f"{file.name}: {problem.detail}") from None
    except OSError as problem:
        raise Misconfigured(f"{file}: cannot be read: {problem.strerror}.") from None
    except ValueError as problem:
        raise Misconfigured(f"{file.name}: not TOML: {problem}.") from None


def _check_filled(parsed: SiteFile, *, preparing: bool) -> None:
    left = unfilled(parsed)
    if left and parsed.mode == "live":
        raise Misconfigured(f'mode is "live", and the file {_left(left)}')
    if left and not preparing:
        raise Misconfigured(_left(left))


def _checked(name: str, parsed: SiteFile, services: frozenset[str], *, demo: bool) -> Site:
    for service in parsed.services:
        if service not in services:
            known = ", ".join(sorted(services))
            raise Misconfigured(f"services: {service!r} does not exist; there are {known}.")
    profile = load_profile(parsed.vendor, parsed.vendor_overrides)
    for param in profile.search.required_extra_params:
        if not profile.search.extra_params.get(param):
            raise Misconfigured(
                f'vendor {parsed.vendor} needs [vendor_overrides.search.extra_params] {param} = "...".'
            )
    zone = _zone(parsed.timezone)
    _check_write(parsed, profile)
    _check_production(parsed, demo=demo)
    marks = load_marks(parsed.policy.sensitive, parsed.policy.codes)
    tables = DEFAULT if parsed.brief == Changes() else load_tables(parsed.brief)
    return Site(name, parsed, profile, zone, tables, marks)


def _zone(name: str) -> ZoneInfo:
    if is_left(name):
        return ZoneInfo("UTC")  # no day is told by it: a site in preparation serves nobody
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Misconfigured(f"timezone: {name!r} is in no time zone table.") from None


def _check_write(parsed: SiteFile, profile: Profile) -> None:
    """Refuse a way of filing notes that this vendor does not have."""
    rules, asked = profile.note, parsed.write
    if asked.route == "fhir" and rules.route != "fhir":
        raise Misconfigured(f"write.route: {parsed.vendor} takes no note by FHIR; leave it out.")
    if asked.doc_status is not None and asked.doc_status not in rules.doc_statuses:
        taken = ", ".join(rules.doc_statuses)
        raise Misconfigured(
            f"write.doc_status: {parsed.vendor} takes {taken}, not {asked.doc_status}."
        )


def _check_production(parsed: SiteFile, *, demo: bool) -> None:
    if not demo and any(url.startswith("http://") for url in servers(parsed)):
        raise Misconfigured(
            "fhir.base_url, jwks_url, token_url and network.servers must be https:// in production."
        )
    for number, trust in enumerate(parsed.trust):
        if trust.replay == "off" and parsed.environment != "test":
            raise Misconfigured(f'trust.{number}.replay: "off" needs environment = "test".')
    if len({t.iss for t in parsed.trust}) < len(parsed.trust):
        raise Misconfigured("trust: an issuer stands there twice.")
