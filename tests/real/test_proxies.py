"""nginx and Caddy, as deploy/ configures them, in front of the running service: nothing of a call is changed."""

import json
import socket
import ssl
from dataclasses import dataclass

import httpx
import pytest

from tests.http.wire import body

from .deploying import DEPLOY, Caller, certificate, free_port, process, program, service, wait_for

pytestmark = pytest.mark.real
SITE = """
title = "General Hospital"
vendor = "generic-r4"
environment = "test"
services = ["patient-view-brief"]
hook_budget_ms = 5000
[fhir]
base_url = "https://127.0.0.1:1/r4"
[[trust]]
iss = "https://ehr.example.org"
jwks_file = "{keys}"
algorithms = ["ES384"]
"""


@dataclass
class Front:
    """A proxy in front of the service."""

    url: str
    caller: Caller
    trusted: ssl.SSLContext
    port: int

    def client(self):
        return httpx.Client(base_url=self.url, verify=self.trusted, timeout=20, trust_env=False)


def configured(name, folder, port, upstream):
    """Return a configuration of deploy/proxy with the names and ports of this test, and the command that runs it."""
    if name == "caddy":
        text = (DEPLOY / "proxy" / "Caddyfile").read_text("utf-8")
        text = text.replace(
            "https://cds.example.org {", f"https://localhost:{port} {{\n\tbind 127.0.0.1"
        )
        file = folder / "Caddyfile"
        command = [
            program("caddy", "caddy"),
            "run",
            "--config",
            str(file),
            "--adapter",
            "caddyfile",
        ]
    else:
        text = (DEPLOY / "proxy" / "nginx.conf").read_text("utf-8")
        text = text.replace("listen 443 ssl", f"listen 127.0.0.1:{port} ssl")
        text = text.replace("server_name cds.example.org", "server_name localhost")
        text = text.replace("/var/log/nginx", str(folder))
        text = (
            f"daemon off; user root; pid {folder}/pid; error_log {folder}/error.log; events {{}} http {{\n"
            + "".join(
                f"{kind}_temp_path {folder}/{kind};\n"
                for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
            )
            + text
            + "\n}"
        )
        file = folder / "nginx.conf"
        command = [
            program("nginx", "nginx-light"),
            "-p",
            str(folder),
            "-c",
            str(file),
            "-e",
            "stderr",
        ]
    text = text.replace("127.0.0.1:8000", f"127.0.0.1:{upstream}")
    file.write_text(text.replace("/etc/cds-service/tls", str(folder)), "utf-8")
    return command


@pytest.fixture(scope="module", params=["nginx", "caddy"])
def front(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    certificate(folder)
    caller = Caller()
    (folder / "keys.json").write_text(json.dumps(caller.jwks()), "utf-8")
    (folder / "sites").mkdir()
    site = SITE.replace("{keys}", str(folder / "keys.json"))
    (folder / "sites" / "general.toml").write_text(site, "utf-8")
    port, upstream = free_port(), free_port()
    command = configured(request.param, folder, port, upstream)
    settings = {
        "CDS_PROFILE": "demo",  # a key ring and signing keys are made by itself
        "CDS_PUBLIC_URL": f"https://localhost:{port}",
        "CDS_SITES": str(folder / "sites"),
        "CDS_DATA_DIR": str(folder / "data"),
    }
    home = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    trusted = ssl.create_default_context(cafile=folder / "certificate.pem")
    serving = service("serve", "--port", str(upstream))
    with (
        process(serving, log=folder / "service.log", **settings),
        process(command, log=folder / "proxy.log", **home),
    ):
        wait_for(f"http://127.0.0.1:{upstream}/healthz", log=folder / "service.log")
        wait_for(f"https://localhost:{port}/healthz", log=folder / "proxy.log", verify=trusted)
        yield Front(f"https://localhost:{port}", caller, trusted, port)


PATH = "/general/cds-services/patient-view-brief"


def called(front, path, jti, **changes):
    headers = {"Authorization": f"Bearer {front.caller.bearer(front.url + PATH, jti)}"}
    with front.client() as client:
        return client.post(path, json=body(**changes), headers=headers)


def test_a_signed_call_reaches_the_service_unchanged(front):
    answer = called(front, PATH, "j-1")
    assert answer.status_code == 200
    assert answer.json()["cards"]


@pytest.mark.parametrize("path", [f"{PATH}/", PATH.replace("/cds", "//cds")])
def test_a_slash_more_is_passed_on_and_not_redirected(front, path):
    assert called(front, path, f"j-{path}").status_code == 200


def test_the_services_own_refusal_comes_through(front):
    with front.client() as client:
        answer = client.post(PATH, json=body())
    assert (answer.status_code, answer.json()["resourceType"]) == (401, "OperationOutcome")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_what_is_too_large_is_said_by_the_service(front):
    large = {"padding": "x" * (10 * 1024 * 1024 + 1000)}
    answer = called(front, PATH, "j-large", extension=large)
    assert answer.status_code == 413
    assert answer.json()["issue"][0]["details"]["coding"][0]["code"] == "too_large"


def test_our_key_set_and_discovery_are_served_without_a_redirect(front):
    with front.client() as client:
        keys = client.get("/.well-known/jwks.json")
        discovery = client.get("/general/cds-services")
    assert (keys.status_code, "keys" in keys.json()) == (200, True)
    assert discovery.json()["services"][0]["id"] == "patient-view-brief"


def test_browsers_are_told_to_stay_with_https_and_not_what_runs_here(front):
    with front.client() as client:
        told = client.get("/healthz").headers
    assert told["strict-transport-security"] == "max-age=31536000"
    assert not any(each.isdigit() for each in told.get("server", ""))


def test_nothing_below_tls_1_2_is_spoken(front):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSVersion"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.warns(DeprecationWarning, match="TLSVersion"):
        context.minimum_version = ssl.TLSVersion.TLSv1
    with (
        socket.create_connection(("127.0.0.1", front.port)) as plain,
        pytest.raises(OSError, match=r"(?i)ssl|tls|reset"),
    ):
        context.wrap_socket(plain, server_hostname="localhost")


def test_plain_http_is_not_redirected(front):
    with socket.create_connection(("127.0.0.1", front.port)) as plain:
        plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b" 200 " not in plain.recv(200)
