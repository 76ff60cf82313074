"""Our SMART Backend Services client at an authorization server that others wrote."""

import time
from datetime import UTC, datetime

import anyio
import httpx
import pytest

from cds_service.domain.errors import NoToken
from cds_service.network import Network
from cds_service.sites import load_site
from cds_service.smart.backend import BackendTokens
from cds_service.smart.configuration import Configurations
from cds_service.smart.keys import KeyFile

from .conftest import StartSekmet

pytestmark = pytest.mark.anyio
SITE = """
title = "Real Hospital"
vendor = "generic-r4"
services = ["patient-view-brief"]
[vendor_overrides.oauth]
assertion_algorithms = ["{algorithm}"]
[fhir]
base_url = "{base_url}"
[[trust]]
iss = "https://ehr.example"
jwks_url = "{base_url}/jwks"
[backend]
client_id = "us"
scopes = ["system/Patient.rs", "system/Condition.rs"]
"""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def keys(tmp_path) -> KeyFile:
    file = KeyFile(path=tmp_path / "keys.json", now=now, clock=time.monotonic)
    file.rotate()
    return file


@pytest.fixture
async def network():
    made = Network(open=True)
    yield made
    await made.aclose()
    await made.aclose()


def backend(keys: KeyFile, network: Network) -> BackendTokens:
    return BackendTokens(
        client=network.client,
        configurations=Configurations(client=network.client, clock=time.monotonic),
        keys=keys,
        now=now,
    )


def site_of(folder, base_url: str, algorithm: str = "ES384"):
    file = folder / "real.toml"
    file.write_text(SITE.format(base_url=base_url, algorithm=algorithm))
    return load_site(file, services=frozenset({"patient-view-brief"}), demo=True)


def registered(keys: KeyFile, algorithm: str = "ES384") -> dict:
    """Register one key: this server tries every key of a set, whatever its `kid`, and stumbles over another type."""
    ours = [key for key in keys.key_set()["keys"] if key["alg"] == algorithm]
    client = {"client_id": "us", "jwks": {"keys": ours}, "scopes": "system/Patient.rs"}
    return {"types": ["smart"], "smart_clients": [client]}


@pytest.mark.parametrize("algorithm", ["ES384", "RS384"])
async def test_we_get_a_token_and_say_what_was_held_back(
    start_sekmet: StartSekmet, tmp_path, keys: KeyFile, network: Network, algorithm: str
) -> None:
    with start_sekmet(auth=registered(keys, algorithm)) as server:
        tokens = backend(keys, network)
        site = site_of(tmp_path, server.base_url, algorithm)
        token = await tokens.token(site)
        bearer = f"Bearer {token.value}"
        assert server.get("Patient", Authorization=bearer).status_code == 200
        assert server.get("Condition", Authorization=bearer).status_code == 403
        assert tokens.missing(site) == ("system/Condition.rs",)


async def test_a_refused_read_is_sent_again_with_another_token(
    start_sekmet: StartSekmet, tmp_path, keys: KeyFile, network: Network
) -> None:
    with start_sekmet(auth=registered(keys)) as server:
        tokens = backend(keys, network)
        site = site_of(tmp_path, server.base_url)
        sent = []

        async def read(token) -> httpx.Response:
            value = "spoilt" if not sent else token.value
            sent.append(token.value)
            headers = {"Authorization": f"Bearer {value}"}
            return await network.client(site).get(f"{server.base_url}/Patient", headers=headers)

        answer = await tokens.send(site, read, is_refused=lambda r: r.status_code == 401)
        assert answer.status_code == 200
        assert len(set(sent)) == 2


async def test_a_key_that_is_not_registered_is_a_reason(
    start_sekmet: StartSekmet, tmp_path, keys: KeyFile, network: Network
) -> None:
    with start_sekmet(auth=registered(keys)) as server:
        with keys.revoking():
            pass
        with pytest.raises(NoToken, match="invalid_client"):
            await backend(keys, network).token(site_of(tmp_path, server.base_url))


async def test_a_server_that_stops_is_a_reason_too(
    start_sekmet: StartSekmet, tmp_path, keys: KeyFile, network: Network
) -> None:
    with start_sekmet(auth=registered(keys)) as server:
        site = site_of(tmp_path, server.base_url)
    with pytest.raises(NoToken, match="discovery_failed"), anyio.fail_after(20):
        await backend(keys, network).token(site)
