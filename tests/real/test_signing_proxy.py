"""The signing proxy says about itself what a CDS Client must, and changes nothing else."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import jwt
import pytest
from typing_extensions import override

from .cds_client import healthchain
from .population import Resource
from .signing_proxy import Signer, signing_proxy

SERVICE = "/cds-services/prep"
CARD = {"summary": "One thing to know", "indicator": "info", "source": {"label": "A service"}}


class Service(BaseHTTPRequestHandler):
    """A service with one card for everybody; its server keeps the tokens it was shown."""

    tokens: list[str]

    def do_POST(self) -> None:
        """Read the call, keep its token, answer."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.tokens.append(self.headers["Authorization"].removeprefix("Bearer "))
        body = json.dumps({"cards": [CARD]}).encode()
        status = 200 if self.path == SERVICE else 404
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""


@pytest.fixture
def service() -> Iterator[tuple[str, list[str]]]:
    """Serve on loopback; this will be the base URL and the tokens seen so far."""
    tokens: list[str] = []
    server = HTTPServer(("127.0.0.1", 0), type("OneService", (Service,), {"tokens": tokens}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", tokens
    server.shutdown()
    thread.join()
    server.server_close()


def claims_of(token: str, signer: Signer, audience: str) -> dict[str, Any]:
    """Verify a token as a CDS service would; this will be its claims."""
    public = signer.private_key.public_key()
    required = ["iss", "aud", "iat", "exp", "jti"]
    return jwt.decode(
        token, public, algorithms=["ES384"], audience=audience, options={"require": required}
    )


def test_each_call_carries_a_fresh_token_for_the_real_url(
    service: tuple[str, list[str]], signer: Signer
) -> None:
    """The audience is the service's URL, not the proxy's, and no token is used twice."""
    base, tokens = service
    with signing_proxy(base, signer) as proxy:
        for _ in range(2):
            answer = httpx.post(proxy.base_url + SERVICE, json={"hook": "patient-view"})
            assert answer.json() == {"cards": [CARD]}
    first, second = (claims_of(token, signer, base + SERVICE) for token in tokens)
    assert first["jti"] != second["jti"]
    assert jwt.get_unverified_header(tokens[0]) == {"alg": "ES384", "kid": "real-1", "typ": "JWT"}
    assert [exchange.status for exchange in proxy.exchanges] == [200, 200]


def test_the_audience_can_be_the_public_name(
    service: tuple[str, list[str]], signer: Signer
) -> None:
    """A service that is known by another name than its socket gets that name in `aud`."""
    base, tokens = service
    with signing_proxy(base, signer, audience="https://cds.example/") as proxy:
        httpx.post(proxy.base_url + SERVICE, json={})
    assert claims_of(tokens[0], signer, "https://cds.example" + SERVICE)["iss"] == signer.issuer


def test_healthchain_reads_a_card_through_the_proxy(
    service: tuple[str, list[str]], signer: Signer, patients: list[Resource]
) -> None:
    """HealthChain calls the URL it is given, once, without discovery, and its model accepts a plain card."""
    base, tokens = service
    with signing_proxy(base, signer) as proxy:
        report = healthchain(
            url=proxy.base_url + SERVICE,
            bundle=patients[0],
            resource_types=["Patient", "Condition"],
        )
    assert report.answers == ({"cards": [CARD]},)
    assert report.refusals == ([],)
    assert report.errors == ()
    assert len(tokens) == len(proxy.exchanges) == 1
    body = json.loads(proxy.exchanges[0].sent)
    assert body == report.sent[0]
    assert body.keys() == {"hook", "hookInstance", "context", "prefetch"}
    assert {key: value["type"] for key, value in body["prefetch"].items()} == {
        "patient": "collection",
        "condition": "collection",
    }


def test_healthchain_turns_an_http_error_into_an_empty_answer(
    service: tuple[str, list[str]], signer: Signer
) -> None:
    """The status is only in its log."""
    base, _ = service
    with signing_proxy(base, signer) as proxy:
        report = healthchain(url=f"{proxy.base_url}/nowhere", synthetic=1)
    assert report.answers == ({},)
    assert "404" in report.errors[0]


def test_healthchain_invents_a_patient_who_is_not_the_one_in_context(
    service: tuple[str, list[str]], signer: Signer
) -> None:
    """Its own request names one patient and sends another, and spells `Encounter.class` as Python has to."""
    base, _ = service
    with signing_proxy(base, signer) as proxy:
        (body,) = healthchain(url=proxy.base_url + SERVICE, synthetic=3).sent
    assert set(body["prefetch"]) == {"patient", "encounter", "condition"}
    assert body["prefetch"]["patient"]["id"] != body["context"]["patientId"]
    assert body["prefetch"]["condition"]["resourceType"] == "Condition"
    assert "class_fhir" in body["prefetch"]["encounter"]
