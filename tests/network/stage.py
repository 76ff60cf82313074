"""Sites, certificates and a real server on loopback for the tests of what we call."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from cds_service.sites import Site, SiteFile
from cds_service.vendors import load_profile

HOST = "ehr.example.org"


def a_site(name: str = "general", *, base: str = f"https://{HOST}", **network: object) -> Site:
    """Return a site whose FHIR server and key set stand at `base`."""
    file = SiteFile.model_validate(
        {
            "title": "General",
            "vendor": "generic-r4",
            "services": ["patient-view-brief"],
            "fhir": {"base_url": f"{base}/r4"},
            "trust": [{"iss": base, "jwks_url": f"{base}/jwks.json"}],
            "network": network,
        }
    )
    return Site(name, file, load_profile("generic-r4"), ZoneInfo("UTC"))


@dataclass
class Names:
    """A name server whose answers a test writes down, one after the other; it counts who asks."""

    answers: list[list[str]]
    asked: list[str] = field(default_factory=list)

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        return self.answers[min(len(self.asked), len(self.answers)) - 1]


class Authority:
    """A certificate authority of a test."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._signed(name, self.key.public_key(), authority=True)
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(self.certificate.public_bytes(Encoding.PEM))

    def issue(self, name: str) -> Path:
        """Return the file of a new certificate with its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._signed(name, key.public_key(), authority=False)
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file = self.folder / f"{name}-by-{self.name}.pem"
        file.write_bytes(certificate.public_bytes(Encoding.PEM) + secret)
        return file

    def _signed(self, name, public_key, *, authority):
        now = datetime.now(UTC)
        issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)])
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        identity = x509.SubjectKeyIdentifier.from_public_key(public_key)
        by = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=authority,
            crl_sign=authority,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(identity, critical=False)
            .add_extension(by, critical=False)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .sign(self.key, hashes.SHA256())
        )


@dataclass
class Server:
    """A server that answers every request with one and the same answer."""

    port: int = 0
    answer: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
    requests: list[bytes] = field(default_factory=list)
    peers: list[object] = field(default_factory=list)
    """The certificate that each client showed."""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.peers.append(writer.get_extra_info("peercert"))
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.requests.append(head)
                writer.write(self.answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(
    *, certificate: Path | None = None, clients: Path | None = None
) -> AsyncIterator[Server]:
    """Run a server on loopback: with TLS when it has a certificate, asking for one with `clients`."""
    server = Server()
    context = None
    if certificate is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=clients)
        context.load_cert_chain(certificate)
        context.verify_mode = ssl.CERT_REQUIRED if clients else ssl.CERT_NONE
    listener = await asyncio.start_server(server._serve, "127.0.0.1", 0, ssl=context)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
