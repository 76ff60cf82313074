"""What an EHR reads of us: always there, the same bytes every time, and only templates that it can resolve."""

import re

import pytest

from tests.ground import CDS, GENERAL, standing
from tests.http.wire import problem

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
async def ground(tmp_path_factory):
    """One pair for all: no test here leaves anything behind that another would notice."""
    async with standing(tmp_path_factory.mktemp("shared")) as running:
        yield running


DISCOVERY = "/general/cds-services"
TEMPLATE = re.compile(
    r"(?P<type>[A-Z][A-Za-z]+)(?:/(?P<read>\{\{context\.\w+\}\})|\?(?P<query>[^?#\s]+))"
)
TOKENS = {"patientId", "userId", "encounterId"}
"""The fields of both hooks' contexts that their definitions mark as prefetch tokens."""
SUBSET = re.compile(r"_count=\d+|_sort=-?[a-z-]+|[a-z-]+=[A-Za-z0-9:|,/._~-]+")


async def documents(ground):
    for site in ("general", "riverside"):
        response = await ground.http.get(f"/{site}/cds-services")
        assert response.status_code == 200
        yield response.json()


async def templates(ground):
    return [
        template
        async for document in documents(ground)
        for entry in document["services"]
        for template in entry["prefetch"].values()
    ]


@pytest.mark.spec("D-1", "D-2", "H-200", "T-2")
async def test_discovery_needs_no_token(ground):
    response = await ground.http.get(DISCOVERY)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    assert list(response.json()) == ["services"]


@pytest.mark.spec("D-4", "D-5", "D-6", "D-7", "D-8", "D-9", "T-3", "T-4")
async def test_an_entry_has_its_members_and_no_empty_one(ground):
    async for document in documents(ground):
        for entry in document["services"]:
            assert {"hook", "title", "description", "id", "prefetch"} <= set(entry)
            assert set(entry) <= {
                "hook",
                "title",
                "description",
                "id",
                "prefetch",
                "usageRequirements",
            }
            assert all(entry.values())
            assert re.fullmatch(r"[a-z0-9-]+", entry["id"])
            assert all(isinstance(t, str) and t for t in entry["prefetch"].values())


@pytest.mark.spec("D-7", "R-1")
async def test_an_id_is_the_last_segment_of_an_address_that_answers(ground):
    async for document in documents(ground):
        for entry in document["services"]:
            response = await ground.http.post(f"{DISCOVERY}/{entry['id']}", json={})
            assert response.status_code == 401


@pytest.mark.spec("D-3")
async def test_a_site_without_services_has_an_empty_list(tmp_path):
    bare = {"general": GENERAL.replace('["patient-view-brief", "appointment-book-brief"]', "[]")}
    async with standing(tmp_path, sites=bare) as ground:
        response = await ground.http.get(DISCOVERY)
        assert (response.status_code, response.content) == (200, b'{"services":[]}')


async def test_a_service_that_the_site_did_not_enable_is_not_listed(ground):
    response = await ground.http.get("/riverside/cds-services")
    assert [entry["id"] for entry in response.json()["services"]] == ["patient-view-brief"]


@pytest.mark.spec("PT-1", "PT-2", "PT-8", "PT-9")
async def test_a_template_is_a_relative_read_or_search(ground):
    for template in await templates(ground):
        assert TEMPLATE.fullmatch(template), template


@pytest.mark.spec("PT-3", "PT-4", "PT-10", "PT-18", "D-20")
async def test_a_template_uses_only_tokens_that_its_hook_allows(ground):
    """No FHIRPath, no today(), no other key: a client of 2.0.1 resolves each of them."""
    for template in await templates(ground):
        tokens = re.findall(r"\{\{(.*?)\}\}", template)
        assert tokens
        assert {token.removeprefix("context.") for token in tokens} <= TOKENS
        assert all(token.startswith("context.") for token in tokens)


@pytest.mark.spec("PT-7", "PT-11", "PT-13")
async def test_a_search_stays_in_the_small_subset(ground):
    for template in await templates(ground):
        _, _, query = template.partition("?")
        for part in query.split("&") if query else ():
            assert part == "patient={{context.patientId}}" or SUBSET.fullmatch(part), template


@pytest.mark.spec("PT-19")
async def test_no_parameter_stands_twice_in_a_template(ground):
    """The public sandbox joins repeats with a comma, which turns AND into OR."""
    for template in await templates(ground):
        names = [part.partition("=")[0] for part in template.partition("?")[2].split("&")]
        assert len(names) == len(set(names)), template


@pytest.mark.spec("D-19")
async def test_the_bytes_are_the_same_in_every_process(ground, tmp_path):
    first = await ground.http.get(DISCOVERY)
    async with standing(tmp_path / "again") as other:
        again = await other.http.get(DISCOVERY)
    assert again.content == first.content
    assert again.headers["etag"] == first.headers["etag"]


@pytest.mark.spec("D-19")
async def test_a_client_that_knows_the_document_gets_304(ground):
    first = await ground.http.get(DISCOVERY)
    assert first.headers["cache-control"] == "max-age=300"
    tag = first.headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}'):
        again = await ground.http.get(DISCOVERY, headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
    other = await ground.http.get(DISCOVERY, headers={"If-None-Match": '"other"'})
    assert other.status_code == 200


@pytest.mark.spec("D-21")
@pytest.mark.parametrize("path", [f"{DISCOVERY}/", f"{DISCOVERY}//", "//general//cds-services"])
async def test_slashes_too_many_are_forgiven_without_a_redirect(ground, path):
    response = await ground.http.get(f"{CDS}{path}")
    assert (response.status_code, response.history) == (200, [])
    assert response.json()["services"]


async def test_an_unknown_site_is_404(ground):
    problem(await ground.http.get("/elsewhere/cds-services"), 404, "unknown_site")


class TestWhereASiteWantsDiscoveryAuthenticated:
    @pytest.fixture
    async def closed(self, tmp_path):
        site = GENERAL.replace("hook_budget_ms", "discovery_auth = true\nhook_budget_ms")
        async with standing(tmp_path, sites={"general": site}) as ground:
            yield ground

    @pytest.mark.spec("D-15", "H-401")
    async def test_a_call_without_a_token_is_401(self, closed):
        problem(await closed.http.get(DISCOVERY), 401, "not_trusted")

    @pytest.mark.spec("D-16", "S-2")
    @pytest.mark.parametrize("path", [DISCOVERY, f"{DISCOVERY}/"])
    async def test_a_token_for_the_discovery_address_opens_it(self, closed, path):
        token = closed.client().bearer(f"{CDS}{path}")
        response = await closed.http.get(path, headers={"Authorization": f"Bearer {token}"})
        assert response.status_code == 200
        assert response.headers["cache-control"] == "private, max-age=300"

    @pytest.mark.spec("D-16", "S-9")
    async def test_a_token_for_a_service_does_not(self, closed):
        token = closed.client().bearer(f"{CDS}{DISCOVERY}/patient-view-brief")
        response = await closed.http.get(DISCOVERY, headers={"Authorization": f"Bearer {token}"})
        problem(response, 401, "not_trusted")

    async def test_knowing_the_tag_does_not_replace_the_token(self, closed):
        token = closed.client().bearer(f"{CDS}{DISCOVERY}")
        first = await closed.http.get(DISCOVERY, headers={"Authorization": f"Bearer {token}"})
        again = await closed.http.get(DISCOVERY, headers={"If-None-Match": first.headers["etag"]})
        problem(again, 401, "not_trusted")
