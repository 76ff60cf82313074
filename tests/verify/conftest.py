"""One ground for a whole file: a refused token leaves nothing behind but its audit entry."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from cds_service.simulator.keys import public_jwk
from tests.ground import GENERAL, RIVERSIDE, standing
from tests.verify.forge import Forge

_BOTH = GENERAL.replace('["ES384"]', '["ES384", "RS384"]')
SITES = {
    "general": _BOTH,
    "north": _BOTH.replace("[[trust]]", '[[trust]]\ntenant = "north"'),
    "windowed": _BOTH.replace("[[trust]]", '[[trust]]\nreplay = "window:30"'),
    "lenient": _BOTH.replace("[[trust]]", '[[trust]]\nreplay = "off"'),
    "riverside": RIVERSIDE,
}

P256 = ec.generate_private_key(ec.SECP256R1())
SMALL_RSA = rsa.generate_private_key(public_exponent=65537, key_size=1024)


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
async def shared(tmp_path_factory, database_url):
    """The ground, with two keys more in the EHR's set than it should have."""
    folder = tmp_path_factory.mktemp("verify")
    async with standing(folder, sites=SITES, database_url=database_url) as ground:
        publish_weak_keys(ground.client("general").ehr)
        yield ground


def publish_weak_keys(ehr):
    ehr.hook_keys._retired += [
        public_jwk(P256, kid="p256", algorithm="ES384"),
        public_jwk(SMALL_RSA, kid="small", algorithm="RS384"),
    ]


@pytest.fixture
def forge(shared):
    return Forge(shared)
