"""TLS as it is really spoken: versions, certificates and names, on loopback."""

import asyncio
import ssl
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cds_service.flow.check import handshake

pytestmark = pytest.mark.anyio
ENDS = datetime(2099, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for `localhost` that signs itself, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(ENDS)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    file.write_bytes(
        made.public_bytes(pem)
        + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return file


@asynccontextmanager
async def serving(certificate, *, oldest=ssl.TLSVersion.TLSv1_2):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = oldest

    async def answer(_reader, writer):
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"https://localhost:{server.sockets[0].getsockname()[1]}/path"


def trusting(certificate):
    return ssl.create_default_context(cafile=certificate)


async def test_a_good_server_shows_its_version_and_until_when_it_is_good(certificate):
    async with serving(certificate) as url:
        seen = await handshake(url, trusting(certificate))
    assert (seen.version, seen.expires, seen.old_version, seen.fault) == ("TLSv1.3", ENDS, "", "")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_a_server_that_still_takes_an_old_version_is_found_out(certificate):
    async with serving(certificate, oldest=ssl.TLSVersion.TLSv1) as url:
        seen = await handshake(url, trusting(certificate))
    assert seen.old_version == "TLSv1"


async def test_a_certificate_that_nobody_vouches_for_is_a_fault(certificate):
    async with serving(certificate) as url:
        seen = await handshake(url, ssl.create_default_context())
    assert "self" in seen.fault


async def test_a_certificate_for_another_name_is_a_fault(certificate):
    async with serving(certificate) as url:
        seen = await handshake(url.replace("localhost", "127.0.0.1"), trusting(certificate))
    assert "not valid for" in seen.fault


async def test_nobody_there_is_a_fault_and_http_has_nothing_to_show():
    assert (
        await handshake("https://127.0.0.1:1", ssl.create_default_context())
    ).fault == "connection"
    assert await handshake("http://127.0.0.1:1", ssl.create_default_context()) is None
