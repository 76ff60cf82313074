"""A name is resolved once, all of its addresses are looked at, and only those are dialled."""

import asyncio
import logging
from dataclasses import dataclass, field
from ipaddress import ip_network

import httpcore
import pytest

from cds_service.network.guard import AddressRefused, Guard
from tests.network.stage import Names

pytestmark = pytest.mark.anyio


@dataclass
class Dialled(httpcore.AsyncNetworkBackend):
    """A network that notes who is called; the addresses in `dead` do not answer."""

    dead: dict[str, Exception] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    async def connect_tcp(self, host, *_how, **_more):
        self.calls.append(host)
        problem = self.dead.get(host)
        if problem is not None:
            raise problem
        return httpcore.AsyncMockStream([])


def guard(*answers, allow=(), dead=None):
    names, network = Names(list(answers)), Dialled(dead or {})
    made = Guard(site="general", allow=tuple(map(ip_network, allow)), resolve=names, dial=network)
    return made, names, network


async def test_what_was_checked_is_what_is_dialled():
    made, names, network = guard(["203.0.114.1"])
    await made.connect_tcp("ehr.example.org", 443, timeout=1)
    assert (names.asked, network.calls) == (["ehr.example.org"], ["203.0.114.1"])


async def test_a_name_server_that_changes_its_answer_leads_nowhere():
    """DNS rebinding: public when it is checked, loopback when it is dialled."""
    made, names, network = guard(["203.0.114.1"], ["127.0.0.1"])
    await made.connect_tcp("rebind.example.org", 443)
    assert network.calls == ["203.0.114.1"]
    with pytest.raises(AddressRefused, match="loopback"):
        await made.connect_tcp("rebind.example.org", 443)
    assert network.calls == ["203.0.114.1"]
    assert len(names.asked) == 2, "each connection asks once, and never again for the dialling"


@pytest.mark.parametrize("bad", ["127.0.0.1", "169.254.169.254", "::ffff:10.0.0.1", "fd00::1"])
async def test_one_bad_address_spoils_the_name(bad):
    for answer in ([bad], ["203.0.114.1", bad], [bad, "203.0.114.1"]):
        made, _, network = guard(answer)
        with pytest.raises(AddressRefused):
            await made.connect_tcp("ehr.example.org", 443)
        assert network.calls == []


async def test_a_range_that_the_site_names_may_be_dialled():
    made, _, network = guard(["10.20.0.7"], allow=["10.20.0.0/16"])
    await made.connect_tcp("fhir.hospital.lan", 443)
    assert network.calls == ["10.20.0.7"]


async def test_the_next_address_is_tried_when_one_does_not_answer():
    dead = {"203.0.114.1": httpcore.ConnectError(), "203.0.114.2": httpcore.ConnectTimeout()}
    made, _, network = guard(["203.0.114.1", "203.0.114.2", "203.0.114.3"], dead=dead)
    await made.connect_tcp("ehr.example.org", 443, timeout=3)
    assert network.calls == ["203.0.114.1", "203.0.114.2", "203.0.114.3"]


async def test_when_none_answers_it_is_an_ordinary_failure():
    made, _, _ = guard(["203.0.114.1"], dead={"203.0.114.1": httpcore.ConnectError("no")})
    with pytest.raises(httpcore.ConnectError):
        await made.connect_tcp("ehr.example.org", 443)
    empty, _, _ = guard([])
    with pytest.raises(httpcore.ConnectError):
        await empty.connect_tcp("ehr.example.org", 443)


async def test_a_name_server_that_does_not_answer_costs_no_more_than_the_time_allowed():
    async def never(_host, _port):
        await asyncio.Event().wait()

    made = Guard(site="general", resolve=never, dial=Dialled())
    with pytest.raises(httpcore.ConnectTimeout):
        await made.connect_tcp("ehr.example.org", 443, timeout=0.01)


async def test_a_name_that_does_not_exist_is_an_ordinary_failure():
    async def unknown(_host, _port):
        raise OSError

    made = Guard(site="general", resolve=unknown, dial=Dialled())
    with pytest.raises(httpcore.ConnectError):
        await made.connect_tcp("ehr.example.org", 443)


async def test_a_local_socket_is_no_server():
    made, _, _ = guard(["203.0.114.1"])
    with pytest.raises(AddressRefused):
        await made.connect_unix_socket("/var/run/docker.sock")


async def test_the_operator_is_told_once_which_range_is_missing(caplog):
    caplog.set_level(logging.WARNING)
    made, _, _ = guard(["10.20.0.7"])
    for _ in range(3):
        with pytest.raises(AddressRefused):
            await made.connect_tcp("fhir.hospital.lan", 443)
    (said,) = [record.getMessage() for record in caplog.records]
    assert "general" in said
    assert "10.20.0.7" in said
    assert "[network] allow" in said


@pytest.mark.parametrize("spelling", ["127.1", "0x7f000001", "2130706433", "017700000001", "0"])
async def test_an_odd_spelling_of_loopback_is_loopback(spelling):
    """The system's resolver reads them all; what it makes of them is what is checked."""
    network = Dialled()
    with pytest.raises(httpcore.ConnectError):
        await Guard(site="general", dial=network).connect_tcp(spelling, 443, timeout=2)
    assert network.calls == []
