"""The known answer: the specification's own sample token is read as the specification says."""

from datetime import UTC, datetime

import httpx
import pytest

from cds_service.domain.call import Call
from cds_service.domain.errors import NotTrusted
from cds_service.verify import KeySets, Replay, Verify
from cds_service.verify.jws import is_signed, take_apart
from cds_service.verify.keys import _public_key
from tests.network.stage import a_site
from tests.verify import sample

pytestmark = pytest.mark.anyio


def test_its_signature_is_good_and_one_bit_more_is_not():
    key = _public_key(sample.SAMPLE_KEY)
    assert is_signed(sample.TOKEN, key, "ES384")
    head, claims, tail = sample.TOKEN.split(".")
    assert not is_signed(f"{head}.{claims[:-1]}A.{tail}", key, "ES384")
    assert take_apart(sample.TOKEN)[1]["jti"] == sample.JTI


@pytest.mark.parametrize("demo", [True, False])
async def test_it_is_long_lived_and_its_key_is_everybodys(demo):
    """Where the key is trusted only its life is too long; in production nobody is proven by it at all."""
    site = a_site()
    trust = site.file.trust[0].model_copy(update={"iss": sample.ISSUER, "jwks_url": sample.KEYS})
    object.__setattr__(site, "file", site.file.model_copy(update={"trust": (trust,)}))
    answer = httpx.Response(200, json={"keys": [sample.SAMPLE_KEY]})
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: answer)) as http:
        keys = KeySets(client=lambda _: http, clock=lambda: 0.0, trust_public_sandbox=demo)
        now = datetime.fromtimestamp(sample.EXPIRES - 60, UTC)
        verify = Verify(keys=keys, replay=Replay(), now=lambda: now)
        call = Call(
            site=site.name,
            service_id="some-service",
            url=sample.AUDIENCE,
            bearer=sample.TOKEN,
            body=None,
            received=now,
            deadline=0.0,
        )
        with pytest.raises(NotTrusted, match="lifetime" if demo else "unknown_kid"):
            await verify(call, site)
