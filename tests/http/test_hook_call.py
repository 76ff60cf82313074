"""A hook call at the wire: addresses, methods, media types and bodies; what is refused, and how."""

import json

import pytest

from tests.ground import CDS
from tests.http.wire import (
    SERVICE,
    body,
    post,
    problem,
    tells,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def ground(shared):
    return shared


@pytest.mark.spec("R-1", "R-7", "A-1", "H-200", "T-2", "P-12", "K-1")
async def test_a_call_with_prefetch_is_answered_with_what_the_chart_holds(ground):
    tells(await post(ground, body()))


@pytest.mark.spec("R-10", "H-404")
@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/general/cds-services/nothing", "unknown_service"),
        ("/general/cds-services/patient-view-brief-2", "unknown_service"),
        ("/riverside/cds-services/appointment-book-brief", "unknown_service"),
        ("/riverside/cds-services/nothing/feedback", "unknown_service"),
    ],
)
async def test_a_service_that_is_unknown_or_not_enabled_is_404(ground, path, code):
    problem(await post(ground, body() | {"feedback": []}, path=path), 404, code)


@pytest.mark.spec("H-404")
@pytest.mark.parametrize(
    "path",
    ["/elsewhere/cds-services/patient-view-brief", f"{SERVICE}/more/still", "/", "/general"],
)
async def test_an_address_that_does_not_exist_is_404(ground, path):
    problem(await ground.http.post(path, json=body()), 404, "unknown_site")


@pytest.mark.spec("S-1", "H-401")
async def test_a_caller_without_a_token_learns_nothing_about_services(ground):
    known = await ground.http.post(SERVICE, json=body())
    unknown = await ground.http.post("/general/cds-services/nothing", json=body())
    problem(known, 401, "not_trusted")
    assert known.headers["www-authenticate"] == "Bearer"
    assert known.content == unknown.content


@pytest.mark.spec("R-10", "H-405")
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", [SERVICE, f"{SERVICE}/feedback"])
async def test_another_method_is_405_and_says_which_one_is_right(ground, method, path):
    response = await ground.http.request(method, path)
    problem(response, 405, "wrong_method")
    assert response.headers["allow"] == "POST"


@pytest.mark.spec("T-7")
@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "APPLICATION/JSON ; CHARSET=utf-8",
        "application/fhir+json",
        "application/fhir+json; fhirVersion=4.0",
    ],
)
@pytest.mark.parametrize("name", ["Content-Type", "content-type", "CONTENT-TYPE"])
async def test_any_spelling_of_a_json_media_type_is_taken(ground, name, kind):
    token = ground.client().bearer(f"{CDS}{SERVICE}")
    headers = {"Authorization": f"Bearer {token}", name: kind}
    answer = await ground.http.post(SERVICE, content=json.dumps(body()), headers=headers)
    tells(answer)


@pytest.mark.spec("T-7")
async def test_a_body_without_a_media_type_is_taken_for_json(ground):
    token = ground.client().bearer(f"{CDS}{SERVICE}")
    headers = {"Authorization": f"Bearer {token}"}
    tells(await ground.http.post(SERVICE, content=json.dumps(body()), headers=headers))


@pytest.mark.spec("R-10", "H-415")
@pytest.mark.parametrize(
    "kind", ["text/plain", "application/xml", "multipart/form-data", "json", "", "*/*"]
)
async def test_another_media_type_is_415(ground, kind):
    answer = await post(ground, body(), headers={"Content-Type": kind})
    problem(answer, 415, "wrong_media_type")


@pytest.mark.spec("T-11")
@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate"])
async def test_a_compressed_body_is_415(ground, encoding):
    answer = await post(ground, body(), headers={"Content-Encoding": encoding})
    problem(answer, 415, "wrong_media_type")


@pytest.mark.spec("H-400", "T-2", "T-11")
@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"{",
        b'{"hook":"patient-view","context":{"patientId":"canary',
        b"canary",
        b'{"hook":"patient-view",}',
        b'{"hook": "patient-view" /* canary */}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"hook":"\xff\xfe"}',
        '{"hook":"patient-view"}'.encode("utf-16"),
        b'{"hook":NaN}',
        b"\x00",
        b"{} {}",
    ],
)
async def test_what_is_not_json_is_400(ground, sent):
    words = problem(await post(ground, sent), 400, "not_json")
    assert "canary" not in words


@pytest.mark.spec("H-400")
@pytest.mark.parametrize("sent", [None, True, 7, "canary", [], [{"hook": "patient-view"}], 1.5])
async def test_json_that_is_no_object_is_400(ground, sent):
    assert problem(await post(ground, sent), 400, "bad_call") == "the body must be a JSON object."


@pytest.mark.spec("D-21", "R-13")
@pytest.mark.parametrize(
    "path", [f"{SERVICE}/", "/general/cds-services//patient-view-brief", f"/{SERVICE}//"]
)
async def test_a_post_with_slashes_too_many_is_answered_without_a_redirect(ground, path):
    """The token names the address as it was called: the public sandbox signs it like that."""
    token = ground.client().bearer(f"{CDS}{path}")
    headers = {"Authorization": f"Bearer {token}"}
    answer = await ground.http.post(f"{CDS}{path}", json=body(), headers=headers)
    assert answer.history == []
    tells(answer)
