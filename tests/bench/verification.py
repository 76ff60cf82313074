"""What checking a caller costs beyond the signature itself: measured in this process, both in turn."""

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from statistics import median

from cds_service.app import utc_now
from cds_service.domain.call import Call
from cds_service.sites import Site
from cds_service.verify import KeySets, Replay, Verify
from cds_service.verify.jws import is_signed
from cds_service.verify.keys import fits, key_source
from tests.bench.measure import Row, Size
from tests.bench.stand import PATH, PUBLIC_URL, Stand

MAX_BEYOND_MS = 0.15
_CALLS = 200


async def _nothing() -> bytes:
    return b""


def verification(stand: Stand, size: Size) -> Iterator[Row]:
    """Compare a whole verification, key at hand, with its signature check."""
    site = stand.site()
    whole, bare = [], []
    for _ in range(size.rounds + 1):
        rounds = asyncio.run(_round(stand, site))
        whole.append(rounds[0])
        bare.append(rounds[1])
    beyond = [w - b for w, b in zip(whole[1:], bare[1:], strict=True)]
    yield Row("verification, key at hand", median(whole[1:]), "ms", note="CPU, ES384")
    yield Row(
        "verification beyond the signature check",
        median(beyond),
        "ms",
        f"<= {MAX_BEYOND_MS:g} ms",
        median(beyond) <= MAX_BEYOND_MS,
        f"CPU; the signature check alone {median(bare[1:]):.2f} ms",
    )


async def _round(stand: Stand, site: Site) -> tuple[float, float]:
    """Return the CPU in ms of a verification, and of a signature check."""

    def no_client(_site: Site) -> object:
        raise AssertionError("the key is at hand")

    keys = KeySets(client=no_client, clock=time.monotonic)  # type: ignore[arg-type]
    verify = Verify(keys=keys, replay=Replay(), now=utc_now)
    await keys.warm([site])
    tokens = stand.tokens(_CALLS)
    calls = [_call(site, token) for token in tokens]
    began = time.process_time()
    for call in calls:
        await verify(call, site)
    whole = time.process_time() - began
    key = await keys.find(site, key_source(site.file.trust[0]), "bench")
    if not fits(key, "ES384"):
        raise RuntimeError("the stand's key is of another kind")
    began = time.process_time()
    good = [is_signed(token, key, "ES384") for token in tokens]
    bare = time.process_time() - began
    if not all(good):
        raise RuntimeError("a token of the stand is not signed by its key")
    return whole / _CALLS * 1000, bare / _CALLS * 1000


def _call(site: Site, token: str) -> Call:
    return Call(
        site=site.name,
        service_id="patient-view-brief",
        url=PUBLIC_URL + PATH,
        bearer=token,
        body=_nothing,
        received=datetime.now(UTC),
        deadline=0.0,
    )
