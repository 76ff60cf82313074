"""A reverse proxy that signs; this will turn a client that knows no tokens into a CDS Client with a key.

It stands on loopback in front of a CDS service, adds `Authorization: Bearer <JWT>` to each call, and keeps every
exchange for the test to look at. The token says what CDS Hooks 2.0 asks for: `iss`, `aud` (the URL that is really
called), `iat`, `exp`, `jti`; header `alg`, `kid`, `typ`, and `jku` where one is given.
"""

import itertools
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from typing_extensions import override

# Said by the hop, not by the party behind it.
HOP_HEADERS = frozenset(
    {
        "authorization",
        "connection",
        "content-encoding",
        "content-length",
        "date",
        "host",
        "server",
        "transfer-encoding",
    }
)
LIFETIME_S = 300
UPSTREAM_TIMEOUT_S = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Whose tokens these are: a P-384 key and its `kid`, the issuer, and the clock (seconds since 1970)."""

    private_key: EllipticCurvePrivateKey
    kid: str
    issuer: str
    now: Callable[[], float]
    jku: str | None = None
    serial: Iterator[int] = field(default_factory=itertools.count)

    def token(self, audience: str, **claims: object) -> str:
        """Sign a fresh token for one URL; this will have a `jti` of its own. `claims` replace or add."""
        issued = int(self.now())
        plain = {
            "iss": self.issuer,
            "aud": audience,
            "iat": issued,
            "exp": issued + LIFETIME_S,
            "jti": f"{self.kid}-{issued}-{next(self.serial)}",
        }
        headers = {"kid": self.kid} | ({"jku": self.jku} if self.jku else {})
        return jwt.encode(plain | claims, self.private_key, algorithm="ES384", headers=headers)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call that went through: what the client sent, and what the service answered."""

    method: str
    url: str
    sent_headers: Mapping[str, str]
    sent: bytes
    status: int
    answer: bytes


@dataclass(frozen=True, slots=True)
class SigningProxy:
    """A running proxy: the URL to give to the client, and the exchanges so far."""

    base_url: str
    exchanges: list[Exchange]


@contextmanager
def signing_proxy(
    upstream: str, signer: Signer, *, audience: str | None = None
) -> Iterator[SigningProxy]:
    """Put a proxy in front of a service; this will forward until left.

    `upstream` is the service's base URL. `audience` is the base that goes into `aud` where the service knows itself by
    another name than the one it is reached by. The query string is forwarded but is not part of `aud`.
    """
    exchanges: list[Exchange] = []
    with httpx.Client(timeout=UPSTREAM_TIMEOUT_S) as client:
        handler = _handler(
            client, upstream.rstrip("/"), signer, exchanges, (audience or upstream).rstrip("/")
        )
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield SigningProxy(f"http://127.0.0.1:{server.server_port}", exchanges)
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def _handler(
    client: httpx.Client, upstream: str, signer: Signer, exchanges: list[Exchange], audience: str
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def forward(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {k: v for k, v in self.headers.items() if k.lower() not in HOP_HEADERS}
            token = signer.token(audience + urlsplit(self.path).path)
            answer = client.request(
                self.command,
                upstream + self.path,
                headers=headers | {"Authorization": f"Bearer {token}"},
                content=sent,
            )
            exchanges.append(
                Exchange(
                    self.command,
                    str(answer.url),
                    headers,
                    sent,
                    answer.status_code,
                    answer.content,
                )
            )
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                if name not in HOP_HEADERS:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = do_OPTIONS = forward  # noqa: N815 - the names http.server looks for

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Stay silent: the bodies are patients."""

    return Handler
