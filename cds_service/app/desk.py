"""Wires review and write-back: the pages, what a clinician decides, and the workflow that files a note."""

import asyncio
from dataclasses import dataclass
from typing import Protocol

from cds_service.app.world import World, fhir_server
from cds_service.audit import Audit
from cds_service.background import Background
from cds_service.domain.visit import Visit
from cds_service.flow.changes import Changes
from cds_service.flow.preflight import Preflight
from cds_service.flow.sign import Sign
from cds_service.flow.trace import Trace
from cds_service.flow.withdraw import Withdraw
from cds_service.flow.write_back import WriteBack
from cds_service.http.launch import Launch
from cds_service.http.review import Review
from cds_service.network import Network
from cds_service.sites import OfSite, Site, Sites
from cds_service.storage import Writer
from cds_service.storage.reviews import Reviews


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where briefs are reviewed, and what files them."""

    review: Review
    write_back: WriteBack


class Service(Protocol):
    """What the desk shares with the rest."""

    sites: Sites
    writer: Writer
    network: Network
    audit: Audit
    launch: Launch
    background: Background


def wire_desk(given: Service, world: World) -> Desk:
    """Wire it."""
    ask = given.background.ask

    async def renew(visit: Visit, site: Site, stale: str) -> None:
        await ask.store([ask.refresh(visit, site, stale)])

    async def nudge(_brief: str, _revision: int) -> None:
        given.background.work.hurry()

    server_of = OfSite(lambda site: fhir_server(site, given.network, world))
    tokens_of = given.launch.sessions.tokens_of
    reviews = Reviews(given.writer.database, given.background.notices)
    preflight = Preflight(server_of=server_of, clock=world.clock)
    sign = Sign(
        reviews=reviews,
        audit=given.audit,
        preflight=preflight,
        now=world.now,
        new_id=world.new_id,
        renew=renew,
        take_back=Withdraw(server_of=server_of, tokens_of=tokens_of, clock=world.clock),
        nudge=nudge,
    )
    return Desk(
        review=Review(
            sites=given.sites,
            sign=sign,
            changes=Changes(server_of=server_of, tokens_of=tokens_of),
            trace=Trace(reviews=reviews, audit=given.audit),
            session_of=given.launch.session_of,
            sign_out=given.launch.sign_out,
            now=world.now,
        ),
        write_back=WriteBack(
            reviews=reviews,
            audit=given.audit,
            site_of=given.sites.find,
            server_of=server_of,
            capability_of=preflight.capability,
            tokens_of=tokens_of,
            now=world.now,
            clock=world.clock,
            sleep=asyncio.sleep,
        ),
    )
