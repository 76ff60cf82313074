"""The simulated EHR as a process, unruly by plan: what it does to a note is set by the note's identifier.

Runs as `python -m tests.soak._chart PORT`. `POST /plan` takes `{identifier: [faults of its first POST, of its second,
...]}`, `GET /chart` gives every note that it holds, `POST /grant/SITE` lends a clinician's token.
"""

import json
import sys
from base64 import b64decode
from datetime import UTC, datetime
from hashlib import sha256

import uvicorn

from cds_service.simulator.app import create_app
from cds_service.simulator.config import SimulatorConfig
from cds_service.simulator.config import Site as EhrSite
from cds_service.simulator.faults import Fault
from cds_service.simulator.keys import reused_keys
from tests.review.stage import OnePatient

CLIENT = "cds-brief"
PERSONALITIES = {"general": "generic", "riverside": "epic"}
"""By site."""


class Unruly:
    """The simulator behind a plan. A planned fault strikes the request that it was planned for."""

    def __init__(self, port: int):
        self.planned: dict[str, list[list[dict]]] = {}
        self.app = create_app(
            SimulatorConfig(
                origin=f"http://127.0.0.1:{port}",
                anchor=datetime.now(UTC).date(),
                service_base_by_site={
                    name: EhrSite(kind, "http://127.0.0.1:1", CLIENT)
                    for name, kind in PERSONALITIES.items()
                },
                clock=lambda: datetime.now(UTC),
                patients=OnePatient(),
                make_key=reused_keys(),
            )
        )
        self.simulator = self.app.state.simulator
        self.simulator.warm_up()

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http" or scope["method"] != "POST":
            await (
                _told(send, self.chart())
                if scope["path"] == "/chart"
                else self.app(scope, receive, send)
            )
            return
        body = await _body(receive)
        if scope["path"] == "/plan":
            self.planned |= json.loads(body)
            await _told(send, {})
        elif scope["path"].startswith("/grant/"):
            ehr = self.simulator.ehr(scope["path"].rpartition("/")[2])
            grant = ehr.grants.issue(CLIENT, "user/*.cruds", lifetime_s=3600)
            await _told(send, {"token": grant.token})
        else:
            if scope["path"].endswith("/DocumentReference"):
                # Nothing waits between this and the simulator's taking of it.
                self.simulator.faults.add(*self._faults(json.loads(body)))
            await self.app(scope, _again(body, receive), send)

    def _faults(self, note):
        planned = self.planned.get(note["identifier"][0]["value"])
        return [Fault(**row) for row in planned.pop(0)] if planned else []

    def chart(self):
        """Return every note of ours: site, identifier, hash of its text, and status."""
        return [
            [site, each["identifier"][0]["value"], _hash(each), each["docStatus"]]
            for site in PERSONALITIES
            for each in self.simulator.ehr(site).store.all("DocumentReference")
            if each.get("identifier") and each["content"][0]["attachment"].get("data")
        ]


def _hash(note) -> str:
    return sha256(b64decode(note["content"][0]["attachment"]["data"])).hexdigest()


async def _body(receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return body


def _again(body: bytes, receive):
    held = [{"type": "http.request", "body": body, "more_body": False}]

    async def once_more():
        return held.pop() if held else await receive()

    return once_more


async def _told(send, value):
    head = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": json.dumps(value).encode()})


if __name__ == "__main__":
    chosen = int(sys.argv[1])
    uvicorn.run(Unruly(chosen), port=chosen, lifespan="off", access_log=False, log_level="error")
