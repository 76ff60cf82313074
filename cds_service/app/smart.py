"""Wires what proves us to EHRs, and what proves people to us."""

from typing import Protocol

from cds_service.app.world import World, fhir_server
from cds_service.audit import Audit
from cds_service.background import Background
from cds_service.flow.clinician import Whois
from cds_service.flow.launch_pace import LaunchPace
from cds_service.flow.sessions import Sessions
from cds_service.flow.sign_in import SignIn
from cds_service.flow.switches import Switches
from cds_service.flow.visit_of import VisitOf
from cds_service.http.cookies import Cookies
from cds_service.http.launch import Launch
from cds_service.network import Network
from cds_service.settings import Settings
from cds_service.sites import OfSite, Sites
from cds_service.smart.backend import BackendTokens
from cds_service.smart.configuration import Configurations
from cds_service.smart.keys import KeyFile, facts_of
from cds_service.smart.launch import Launches
from cds_service.storage import Database
from cds_service.storage.switches import WHOLE_SITE
from cds_service.verify import KeySets
from cds_service.verify.identity import VerifyIdentity


class Parts(Protocol):
    """What of the service a sign-in needs."""

    settings: Settings
    sites: Sites
    database: Database
    audit: Audit
    keys: KeySets
    network: Network
    signing: KeyFile
    backend: BackendTokens
    background: Background
    switches: Switches


def signing_keys(settings: Settings, sites: Sites, audit: Audit, world: World) -> KeyFile:
    """Return our signing keys; where a site needs them they must be there. Raises `Misconfigured`."""
    file = KeyFile(
        path=settings.signing_keys_file,
        now=world.now,
        clock=world.clock,
        make_missing=settings.is_demo,
        tell=lambda made: audit.key_made(facts_of(made)),
    )
    if any(site.signs for site in sites.by_name.values()) and not settings.is_demo:
        file.keys()
    return file


def backend_tokens(network: Network, signing: KeyFile, world: World) -> BackendTokens:
    """Return our tokens at the EHRs."""
    return BackendTokens(
        client=network.client,
        configurations=Configurations(client=network.client, clock=world.clock),
        keys=signing,
        now=world.now,
    )


def launch_of(service: Parts, world: World) -> Launch:
    """Return the SMART EHR launch."""
    public_url = service.settings.public_url.rstrip("/")
    launches = Launches(
        client=service.network.client,
        configurations=service.backend.configurations,
        keys=service.signing,
        public_url=public_url,
        now=world.now,
    )
    servers = OfSite(lambda site: fhir_server(site, service.network, world))
    sign_in = SignIn(
        launches=launches,
        identity=VerifyIdentity(keys=service.keys, now=world.now),
        whois=Whois(server_of=servers, clock=world.clock, now=world.now),
        visit_of=VisitOf(server_of=servers, clock=world.clock),
        database=service.database,
        audit=service.audit,
        ask=service.background.ask,
        now=world.now,
        pace_of=OfSite(lambda _: LaunchPace(clock=world.clock)),
    )
    return Launch(
        sites=service.sites,
        sign_in=sign_in,
        sessions=Sessions(
            database=service.database, launches=launches, audit=service.audit, now=world.now
        ),
        cookies=Cookies(secure=public_url.startswith("https://")),
        is_off=lambda site: service.switches.is_off(site, WHOLE_SITE),
    )
