"""A token that was used is refused after a restart too, until it has expired."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from cds_service.simulator.keys import public_jwk
from tests.flow.canary import body
from tests.ground import CDS, EHR, GENERAL, Clock, standing
from tests.real.signing_proxy import Signer

pytestmark = pytest.mark.anyio

URL = f"{CDS}/general/cds-services/patient-view-brief"


@pytest.fixture
def sites(tmp_path):
    """A site whose keys lie in a file: the simulated EHR makes new ones at each start."""
    key = ec.generate_private_key(ec.SECP384R1())
    file = tmp_path / "jwks.json"
    jwks = {"keys": [public_jwk(key, kid="k", algorithm="ES384")]}
    file.write_text(json.dumps(jwks), encoding="ascii")
    text = GENERAL.replace(f'jwks_url = "{EHR}/cds/jwks.json"', f'jwks_file = "{file}"')
    signer = Signer(private_key=key, kid="k", issuer=EHR, now=Clock().moment.timestamp)
    return {"general": text}, signer


async def test_a_token_from_before_an_orderly_restart_is_refused(tmp_path, sites):
    files, signer = sites
    token = signer.token(URL, sub="cds-brief")
    async with standing(tmp_path, sites=files) as ground:
        assert (await ground.call(body(), token=token)).status_code == 200
    async with standing(tmp_path, sites=files) as again:
        assert (await again.call(body(), token=token)).status_code == 401
        (entry,) = [e for e in await again.audited() if e["outcome"] == "not_trusted"]
        assert entry["facts"]["reason"] == "replayed"
        other = signer.token(URL, sub="cds-brief")
        assert (await again.call(body(), token=other)).status_code == 200


async def test_what_has_expired_is_not_loaded_again(tmp_path):
    async with standing(tmp_path) as ground:
        await ground.call(body())
        assert len(ground.service.replay._seen) == 1
    async with standing(tmp_path) as again:
        assert len(again.service.replay._seen) == 1
        again.clock.move(hours=1)
        used = again.service.replay.used
        assert await used.load(again.clock().timestamp()) == {}


async def test_a_token_is_known_before_it_is_stored(ground):
    """Two calls at once with one token: whoever comes second is refused, whatever the database does."""
    token = ground.client().bearer(URL)
    before = len(ground.service.writer._waiting)
    assert (await ground.call(body(), token=token)).status_code == 200
    assert len(ground.service.writer._waiting) > before
    assert (await ground.call(body(), token=token)).status_code == 401
