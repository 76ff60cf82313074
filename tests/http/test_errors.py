"""A failure has our shape, its own code and none of the caller's values; it never looks like an empty answer."""

import asyncio
import json
import sys

import httpx
import pytest

from cds_service.http.problems import STATUS
from tests.ground import CDS, GENERAL, standing
from tests.http.conftest import FewPatients
from tests.http.wire import FEEDBACK, SERVICE, body, context, post, problem, tells

pytestmark = pytest.mark.anyio

CANARY = "canary-4711"
SPOILT = body(context=context(patientId=f"{CANARY}/x"), hookInstance=CANARY)

BROKEN = """
from cds_service.domain.errors import Misconfigured
from cds_service.hook import HookService

def cards(brief):
    raise {error}("canary-4711: what a chart says")

SERVICE = HookService(
    id="{name}", hook="patient-view", title="Broken", description="Fails.", needs=("patient",), cards=cards
)
"""


@pytest.fixture
async def fragile(tmp_path, monkeypatch):
    """A service with a hook that crashes; errors reach the caller as they would through a server."""
    package = tmp_path / "packages" / "fragile_hooks"
    for name, error in (("broken", "RuntimeError"), ("misconfigured", "Misconfigured")):
        folder = package / name
        folder.mkdir(parents=True)
        (folder / "__init__.py").touch()
        text = BROKEN.format(name=name, error=error)
        (folder / "service.py").write_text(text, encoding="utf-8")
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path / "packages")
    for name in [name for name in sys.modules if name.startswith("fragile_hooks")]:
        monkeypatch.delitem(sys.modules, name)
    site = GENERAL.replace('services = ["', 'services = ["broken", "misconfigured", "')
    packages = ("hooks", "fragile_hooks")
    async with standing(
        tmp_path, patients=FewPatients(), sites={"general": site}, hook_packages=packages
    ) as ground:
        transport = httpx.ASGITransport(ground.service.asgi, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=CDS) as ground.http:
            yield ground


@pytest.mark.spec("H-500", "A-4", "A-5")
async def test_a_crash_is_500_and_tells_nothing(fragile):
    answer = await post(fragile, body(), path="/general/cds-services/broken")
    assert problem(answer, 500, "error") == "The service could not answer."
    assert CANARY not in answer.text
    (entry,) = await fragile.audited()
    assert entry["outcome"] == "crashed"
    assert CANARY not in str(entry)


@pytest.mark.spec("H-500")
async def test_an_operators_mistake_is_500_and_its_sentence_is_not_for_the_caller(fragile):
    answer = await post(fragile, body(), path="/general/cds-services/misconfigured")
    assert problem(answer, 500, "misconfigured") == "The configuration is wrong."


@pytest.mark.spec("C-5", "H-500")
async def test_a_browser_may_read_a_crash(fragile):
    headers = {"Origin": "https://ehr.example.org"}
    answer = await post(fragile, body(), path="/general/cds-services/broken", headers=headers)
    assert answer.status_code == 500
    assert answer.headers.get_list("access-control-allow-origin") == ["*"]


@pytest.mark.spec("H-500")
async def test_a_storage_that_fails_is_500(fragile):
    async with fragile.service.database.engine.begin() as connection:
        await connection.exec_driver_sql(
            "CREATE TRIGGER broken BEFORE INSERT ON feedback BEGIN SELECT RAISE(ABORT, 'x'); END"
        )
    told = fragile.client().accepted("c-1", "s-1")
    problem(await post(fragile, {"feedback": [told]}, path=FEEDBACK), 500, "error")


@pytest.mark.spec("H-200")
async def test_a_service_beside_a_broken_one_answers(fragile):
    assert (await post(fragile, body())).json()["cards"]


@pytest.mark.spec("H-413", "T-11")
async def test_a_declared_length_over_the_limit_is_413(tmp_path):
    async with standing(tmp_path, patients=FewPatients(), max_body_bytes=2048) as ground:
        problem(await post(ground, b" " * 2049), 413, "too_large")


@pytest.mark.parametrize("length", ["9" * 19, "9" * 5000])
async def test_a_declared_length_that_is_no_number_of_this_world_is_413(ground, length):
    problem(await post(ground, body(), headers={"Content-Length": length}), 413, "too_large")


@pytest.mark.spec("H-413", "T-11")
async def test_a_stream_over_the_limit_is_413_and_not_read_to_its_end(tmp_path):
    sent = []

    async def endless():
        while len(sent) < 10_000:
            sent.append(1)
            yield b" " * 512

    async with standing(tmp_path, patients=FewPatients(), max_body_bytes=2048) as ground:
        token = ground.client().bearer(f"{CDS}{SERVICE}")
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        answer = await ground.http.post(SERVICE, content=endless(), headers=headers)
    problem(answer, 413, "too_large")


@pytest.mark.spec("T-11")
async def test_a_body_of_exactly_the_limit_is_read(tmp_path):
    async with standing(tmp_path, patients=FewPatients(), max_body_bytes=2048) as ground:
        problem(await post(ground, b" " * 2048), 400, "not_json")


@pytest.mark.spec("T-11")
async def test_a_body_of_several_megabytes_is_answered(ground):
    """Prefetch of a long history is that large."""
    answer = await post(ground, body(extension={"com.example.long": "x" * 8_000_000}))
    assert answer.json()["cards"]


@pytest.mark.spec("H-503")
async def test_more_calls_at_once_than_we_take_are_503_with_a_time_to_wait(tmp_path):
    async with standing(tmp_path, patients=FewPatients(), max_in_flight=1) as ground:
        entry = await ground.entry()
        request = ground.client().patient_view_request("gregory-nwosu", service=entry)
        request.pop("prefetch")
        answers = await asyncio.gather(*(post(ground, request) for _ in range(3)))
        afterwards = await post(ground, body())
        entries = await ground.audited()
    assert sorted(answer.status_code for answer in answers) == [200, 503, 503]
    refused = next(answer for answer in answers if answer.status_code == 503)
    problem(refused, 503, "overloaded")
    assert refused.headers["retry-after"] == "1"
    assert afterwards.status_code == 200
    told = [entry for entry in entries if entry["outcome"] == "overloaded"]
    assert [entry["facts"].get("count", 1) for entry in told] == [1, 1], "none is lost"


@pytest.mark.spec("H-403", "S-13")
async def test_a_verified_caller_of_another_tenant_is_403(tmp_path):
    site = GENERAL.replace("[[trust]]", '[[trust]]\ntenant = "north"')
    async with standing(tmp_path, patients=FewPatients(), sites={"general": site}) as ground:
        token = ground.client().bearer(f"{CDS}{SERVICE}", claims={"tenant": CANARY})
        answer = await post(ground, SPOILT, token=token)
        problem(answer, 403, "not_allowed")
        assert CANARY not in answer.text


@pytest.mark.spec("A-4", "A-5", "H-400", "H-401", "H-404", "H-405", "H-412", "H-413", "H-415")
async def test_every_error_has_its_code_and_no_value_of_the_request(tmp_path):
    async with standing(tmp_path, patients=FewPatients(), max_body_bytes=4096) as ground:
        known = ground.http
        answers = {
            "not_json": await post(ground, f'{{"hook": "{CANARY}'.encode()),
            "bad_call": await post(ground, SPOILT),
            "not_trusted": await post(ground, SPOILT, token=f"{CANARY}.x.y"),
            "unknown_site": await known.post(f"/{CANARY}/cds-services/x", json=SPOILT),
            "unknown_service": await post(
                ground, body(hookInstance=CANARY), path=f"/general/cds-services/{CANARY}"
            ),
            "missing_context": await post(
                ground, body(prefetch={}, context=context(patientId=CANARY))
            ),
            "too_large": await post(ground, CANARY.encode() * 500),
            "wrong_media_type": await post(
                ground, SPOILT, headers={"Content-Type": f"text/{CANARY}"}
            ),
            "wrong_method": await known.put(SERVICE, json=SPOILT),
        }
    for code, answer in answers.items():
        assert CANARY not in problem(answer, answer.status_code, code)
        assert CANARY not in str(answer.headers)
    statuses = {kind.code: status for kind, (status, _) in STATUS.items()} | {"wrong_method": 405}
    assert {code: a.status_code for code, a in answers.items()} == {
        c: statuses[c] for c in answers
    }
    elsewhere = {"too_slow", "not_allowed", "overloaded", "error", "misconfigured", "conflict"} | {
        "storage_away",
        "no_token",
        "sign_in_failed",
    }
    assert set(answers) | elsewhere == set(statuses)


@pytest.mark.spec("S-22")
async def test_every_bad_token_gets_the_same_answer(ground):
    client, url = ground.client(), f"{CDS}{SERVICE}"
    tokens = (
        "x",
        client.bearer(url, rogue=True),
        client.bearer(url, claims={"iss": "https://nobody.example"}),
        client.bearer(url, claims={"aud": f"{CDS}/general/cds-services"}),
        client.bearer(url, claims={"exp": 1}),
        client.bearer(url, header={"kid": "unheard-of"}),
    )
    answers = [await post(ground, body(), token=token) for token in tokens]
    assert {answer.status_code for answer in answers} == {401}
    assert len({(answer.content, str(answer.headers)) for answer in answers}) == 1


async def test_two_sites_of_two_vendors_never_mix(ground):
    """One process, one chart on each side, and each caller gets its own site's only."""
    general, riverside = ground.client("general"), ground.client("riverside")
    for caller, path in (
        (general, "/riverside/cds-services/patient-view-brief"),
        (riverside, SERVICE),
    ):
        answer = await post(ground, body(), path=path, token=caller.bearer(f"{CDS}{path}"))
        problem(answer, 401, "not_trusted")
    paths = [SERVICE, "/riverside/cds-services/patient-view-brief"] * 5
    answers = await asyncio.gather(*(post(ground, body(), path=path) for path in paths))
    ours = [card for answer in answers[::2] for card in answer.json()["cards"]]
    theirs = [card for answer in answers[1::2] for card in answer.json()["cards"]]
    assert {card["source"]["label"] for card in ours} == {"General Hospital"}
    assert {card["source"]["label"] for card in theirs} == {"Riverside Clinic"}
    assert "/riverside/" not in str(ours)
    assert "/general/" not in str(theirs)
    assert {row["site"] for row in await ground.audited()} == {"general", "riverside"}


async def test_a_token_is_good_for_one_site_even_where_both_trust_the_same_issuer(tmp_path):
    twin = GENERAL.replace("General Hospital", "Twin Hospital")
    async with standing(
        tmp_path, patients=FewPatients(), sites={"general": GENERAL, "twin": twin}
    ) as ground:
        token = ground.client().bearer(f"{CDS}{SERVICE}")
        path = "/twin/cds-services/patient-view-brief"
        problem(await post(ground, body(), path=path, token=token), 401, "not_trusted")


async def _half_a_body():
    yield b'{"hook": '
    await asyncio.Event().wait()


@pytest.mark.spec("T-11")
async def test_a_body_that_does_not_arrive_is_408_and_gives_its_place_back(tmp_path):
    hasty = GENERAL.replace("hook_budget_ms = 5000", "hook_budget_ms = 50")
    async with standing(
        tmp_path, sites={"general": hasty}, patients=FewPatients(), max_in_flight=1
    ) as ground:
        bearer = ground.client().bearer(f"{CDS}{SERVICE}")
        headers = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/json"}
        slow = await ground.http.post(SERVICE, content=_half_a_body(), headers=headers)
        problem(slow, 408, "too_slow")
        assert (await post(ground, {})).status_code == 400


async def test_a_body_that_comes_after_the_budget_is_answered_from(tmp_path):
    """In a busy moment it is we who read late; a late answer says more than none."""

    async def late():
        sent = json.dumps(body()).encode()
        yield sent[:100]
        await asyncio.sleep(0.3)
        yield sent[100:]

    hasty = GENERAL.replace("hook_budget_ms = 5000", "hook_budget_ms = 50")
    async with standing(tmp_path, sites={"general": hasty}, patients=FewPatients()) as ground:
        bearer = ground.client().bearer(f"{CDS}{SERVICE}")
        headers = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/json"}
        tells(await ground.http.post(SERVICE, content=late(), headers=headers))


async def test_without_a_good_token_no_byte_of_a_body_is_awaited(ground):
    headers = {"Content-Type": "application/json"}
    async with asyncio.timeout(2):
        answer = await ground.http.post(SERVICE, content=_half_a_body(), headers=headers)
    problem(answer, 401, "not_trusted")
