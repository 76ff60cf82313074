"""The whole way in Chromium: a chart opens in the EHR, its card leads to the app, the approved note is in the chart.

Once in a tab of its own over http, as the demo is; once over https in a frame of an EHR on another site, in a browser
that takes no cookies of third parties but partitioned ones.
"""

from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cds_service.app import build
from cds_service.settings import Settings
from cds_service.simulator.app import create_app
from cds_service.simulator.config import SimulatorConfig
from cds_service.simulator.config import Site as EhrSite
from cds_service.simulator.keys import reused_keys
from tests.review.stage import PATIENT, OnePatient

from .browser import browsing, free_port, serving

pytestmark = pytest.mark.anyio
SITE = """
title = "General Hospital"
vendor = "generic-r4"
environment = "test"
timezone = "America/Chicago"
services = ["patient-view-brief"]
hook_budget_ms = 5000

[fhir]
base_url = "{ehr}/r4"

[[trust]]
iss = "{ehr}"
jwks_url = "{ehr}/cds/jwks.json"
algorithms = ["ES384"]
client_id = "cds-brief"

[backend]
client_id = "cds-brief"

[prepare]
requests_per_second = 500

[smart]
client_id = "cds-brief"
scopes = ["launch", "openid", "fhirUser", "offline_access", "user/*.rs", "user/DocumentReference.cu"]
frame_ancestors = ["{ehr}"]

[write]
route = "fhir"
"""


@pytest.fixture
def anyio_backend():
    return "asyncio"


@dataclass
class Hospital:
    """An EHR and the service, each on a port of its own."""

    ehr: str
    app: str
    simulator: object

    def notes(self):
        """Return the notes of ours in the chart."""
        held = self.simulator.ehr("general").store.all("DocumentReference", patient=PATIENT)
        return [each for each in held if each.get("description", "").startswith("Pre-visit")]


@asynccontextmanager
async def hospital(folder, *, secure):
    """Run both; `secure`: the app speaks https, on another site than the EHR's."""
    port = free_port()
    name = "localhost" if secure else "127.0.0.1"
    ehr = f"http://{name}:{port}"
    own = free_port()
    app = f"{'https' if secure else 'http'}://127.0.0.1:{own}"
    (folder / "sites").mkdir()
    (folder / "sites" / "general.toml").write_text(SITE.format(ehr=ehr), encoding="utf-8")
    service = build(
        Settings(profile="demo", data_dir=folder / "data", public_url=app, sites=folder / "sites")
    )
    registered = EhrSite(
        "generic",
        f"{app}/general/cds-services",
        "cds-brief",
        jwks_url=f"{app}/.well-known/jwks.json",
        redirect_uris=(f"{app}/general/smart/callback",),
    )
    simulated = create_app(
        SimulatorConfig(
            origin=ehr,
            anchor=datetime.now(UTC).date(),
            service_base_by_site={"general": registered},
            clock=lambda: datetime.now(UTC),
            patients=OnePatient(),
            make_key=reused_keys(),
        )
    )
    pair = _self_signed(folder) if secure else {}
    async with (
        httpx.AsyncClient(verify=False, timeout=20) as trusting,  # our own, just made
        serving(simulated, port),
        serving(service.asgi, own, **pair),
    ):
        simulated.state.simulator.http = trusting
        yield Hospital(ehr, app, simulated.state.simulator)


def _self_signed(folder):
    """Write a certificate of 127.0.0.1 that nobody else signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    files = {"ssl_certfile": folder / "cert.pem", "ssl_keyfile": folder / "key.pem"}
    pem = serialization.Encoding.PEM
    files["ssl_certfile"].write_bytes(certificate.public_bytes(pem))
    files["ssl_keyfile"].write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return {name: str(file) for name, file in files.items()}


async def _chart(page, here):
    """Open the chart until its card comes from a prepared brief."""
    for _ in range(60):
        await page.goto(f"{here.ehr}/chart/{PATIENT}?site=general")
        if "Prepared" in await page.inner_text("body"):
            return
        await page.wait_for_timeout(500)
    raise AssertionError("no brief was prepared")


async def _reviewed(place):
    """Read, edit and approve a brief in a tab or a frame, until it says that the note is in the chart."""
    await place.wait_for_selector("text=Review the note…", timeout=15_000)
    await place.click("#s-attention + ul li:first-child .source summary")
    await place.wait_for_selector("#s-attention + ul li:first-child .resource dl")
    await place.click("[id='problems.0'] .edit")
    await place.fill("textarea", "Discussed at the door")
    await place.click("text=Save the annotation")
    await place.click("text=Review the note…")
    await place.wait_for_selector("pre.exact")
    await place.click("text=Approve and file")
    await place.wait_for_selector("text=Filed and read back.", timeout=20_000)


async def test_from_the_chart_through_the_launch_to_the_filed_note(tmp_path):
    async with hospital(tmp_path, secure=False) as here, browsing() as browser:
        context = await browser.new_context()
        page = await context.new_page()
        await _chart(page, here)
        async with context.expect_page() as opened:
            await page.click("text=Open the pre-visit brief >> nth=0")
        await _reviewed(await opened.value)
        [note] = here.notes()
        assert note["docStatus"] == "preliminary"
        await _chart(page, here)
        assert "approved, filed and read back" in await page.inner_text("body")


async def test_over_https_in_a_frame_of_an_ehr_on_another_site(tmp_path):
    blocked = ["--test-third-party-cookie-phaseout"]
    async with hospital(tmp_path, secure=True) as here, browsing(blocked) as browser:
        context = await browser.new_context(ignore_https_errors=True)
        page = await context.new_page()
        await _chart(page, here)
        await page.click("text=Beside the chart >> nth=0")
        await page.wait_for_selector("iframe")
        frame = page.frames[1]
        await _reviewed(frame)
        assert frame.url.startswith(f"{here.app}/general/briefs/")
        assert len(here.notes()) == 1
        [cookie] = [each for each in await context.cookies() if "brief-" in each["name"]]
        assert cookie["name"].startswith("__Host-brief-")
        assert (cookie["sameSite"], cookie["secure"], cookie["httpOnly"]) == ("None", True, True)
        assert cookie["partitionKey"].startswith("http://localhost")
        alone = await context.new_page()
        answer = await alone.goto(frame.url)
        assert answer.status == 401
