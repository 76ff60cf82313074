"""What the deploy tests share: Debian's programs, a certificate for loopback, and the service as its own process."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cds_service.simulator.keys import public_jwk

from .parts import run

DEPLOY = Path(__file__).parents[2] / "deploy"
PEM = serialization.Encoding.PEM
ISSUER = "https://ehr.example.org"


def program(name: str, package: str) -> str:
    """Return a program of Debian's, installing its package when it is missing."""
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if found is None:
        for command in (["apt-get", "update"], ["apt-get", "install", "-y", package]):
            run(package, command, needs="Debian's package archive, and to be root")
        found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    assert found
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def certificate(folder: Path) -> None:
    """Write `certificate.pem` and `key.pem` for `localhost`, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=9))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    (folder / "certificate.pem").write_bytes(made.public_bytes(PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, plain)
    )


class Caller:
    """An EHR that signs with a key that the site file has as a file."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP384R1())

    def jwks(self) -> dict[str, object]:
        return {"keys": [public_jwk(self.key, kid="k", algorithm="ES384")]}

    def bearer(self, url: str, jti: str) -> str:
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": url, "iat": now, "exp": now + 200, "jti": jti}
        return jwt.encode(claims, self.key, algorithm="ES384", headers={"kid": "k"})


@contextmanager
def process(
    command: list[str], *, log: Path, **environment: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program until the end of the block; its output goes to a file."""
    with log.open("wb") as out:
        started = subprocess.Popen(
            command, stdout=out, stderr=subprocess.STDOUT, env={**os.environ, **environment}
        )
        try:
            yield started
        finally:
            started.terminate()
            started.wait(20)


def service(*words: str) -> list[str]:
    return [sys.executable, "-m", "cds_service.cli", *words]


def wait_for(url: str, *, log: Path, verify: object = True) -> None:
    """Wait until something answers at an address, whatever it says."""
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        try:
            httpx.get(url, verify=verify, timeout=5, trust_env=False)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"nothing answers at {url}:\n{log.read_text('utf-8')[-2000:]}")
