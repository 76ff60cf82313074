"""A word planted in every text of a chart turns up nowhere but in the chart's own answers, whatever goes wrong.

Played on one running service: every example of every hook, the whole way from a booking to the filed note, and then
calls, bookings and launches with every fault that the simulated EHR knows. Looked for in logs, spans, metrics, the
bodies of refusals, and in every byte or row that was stored, the workflow engine's among them.
"""

import json
import logging
import re
import shutil

import psycopg
import pytest

from cds_service.simulator.faults import CONTENT, TOKEN, TRANSPORT, Fault
from cds_service.simulator.prefetch import Offer
from cds_service.storage.tables import APPROVAL, BRIEF, DECISION, EDIT, SESSION
from tests.flow.planted import NAMES, PATIENTS, WORD, PlantedPatients, planted
from tests.ground import CDS, GENERAL, RIVERSIDE, standing
from tests.hooks.test_examples import REQUESTS
from tests.prepare.conftest import AHEAD, _signing_keys, until
from tests.smart.browser import Browser, briefed
from tests.telemetry.stage import receiving

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
BEATRICE = PATIENTS[0]
SCOPES = 'scopes = ["launch", "openid", "fhirUser", "user/*.rs", "user/DocumentReference.c"]'
HASTY = GENERAL.replace("= 5000", "= 400").replace("[smart]", f"[smart]\n{SCOPES}")
SITES = {
    "general": f'{HASTY}{AHEAD}\n[write]\nroute = "fhir"\n',
    "riverside": RIVERSIDE.replace("= 5000", "= 400") + AHEAD,
}
FAULTS = [
    *(("fhir", kind) for kind in sorted(TRANSPORT | CONTENT)),
    *(("token", kind) for kind in sorted(TRANSPORT | TOKEN)),
    *(("jwks", kind) for kind in sorted(TRANSPORT)),
    *(("cds", kind) for kind in sorted(CONTENT)),
]


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
async def shared(tmp_path_factory, database_url):
    folder, received = tmp_path_factory.mktemp("planted"), receiving()
    shutil.copy(_signing_keys(), folder / "signing-keys.json")
    async with standing(
        folder,
        sites=SITES,
        patients=PlantedPatients(),
        telemetry=received.telemetry,
        database_url=database_url,
    ) as running:
        running.received = received
        yield running


@pytest.fixture
def ground(shared, caplog):
    shared.simulator.faults.clear()
    caplog.set_level(logging.DEBUG)
    return shared


async def stored(ground):
    """Return whatever lies in the data folder and in the database, by place."""
    await ground.service.writer.flush()
    found = {f.name: f.read_bytes() for f in ground.data_dir.rglob("*") if f.is_file()}
    engine = ground.service.database.engine
    if engine.dialect.name == "postgresql":
        url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        found |= rows(url)
    return found


def rows(url):
    """Return every row of every table as PostgreSQL prints it; bytes are printed in hexadecimal."""
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname !~ '^(pg_|information)'"
        ).fetchall()
        found = {}
        for schema, table in tables:
            read = f'SELECT t::text FROM "{schema}"."{table}" t'.encode()
            text = "\n".join(row for (row,) in connection.execute(read))
            found[f"{schema}.{table}"] = text.encode()
            found[f"{schema}.{table}, decoded"] = b"".join(
                bytes.fromhex(each) for each in re.findall(r"\\x((?:[0-9a-f]{2})+)", text)
            )
        return found


def told(log):
    return "\n".join(f"{one.name} {one.getMessage()} {one.exc_text or ''}" for one in log.records)


async def check(ground, log, *refusals, tokens=()):
    """Check that no name and no token is where it does not belong."""
    places = {"the log": told(log).encode(), "telemetry": ground.received.text().encode()}
    places |= {f"refusal {n}": text.encode() for n, text in enumerate(refusals)}
    places |= await stored(ground)
    for place, content in places.items():
        lowered = content.lower()
        for name in (*NAMES, *tokens):
            assert name.lower().encode() not in lowered, f"{name} in {place}"
    ground.received.exporter.clear()  # each test looks through its own


@pytest.mark.parametrize("file", REQUESTS, ids=lambda f: f"{f.parts[-4]}/{f.parts[-2]}")
async def test_of_no_example_of_a_hook(ground, caplog, file):
    body = planted(json.loads(file.read_text("utf-8")))
    service = {"patient-view": "patient-view-brief", "appointment-book": "appointment-book-brief"}
    answer = await ground.call(body, service=service[body["hook"]])
    assert answer.status_code == 200
    assert WORD in answer.text, "the chart's own answer shows what the chart says"
    await check(ground, caplog)


async def test_of_a_call_that_is_refused(ground, caplog):
    good = planted(json.loads(REQUESTS[0].read_text("utf-8")))
    spoiled = [
        await ground.call(good | {"hook": WORD}),
        await ground.call(good | {"context": {"patientId": WORD, "userId": [WORD]}}),
        await ground.call(good | {"fhirServer": f"http://{WORD}.test/r4"}),
        await ground.call(good, token=f"{WORD}.{WORD}.{WORD}"),
        await ground.http.post(f"{CDS}/{WORD}/cds-services/x", content=b"{}"),
        await ground.http.get(f"{CDS}/general/smart/launch?iss={WORD}&launch={WORD}"),
        await ground.http.get(f"{CDS}/general/smart/callback?state={WORD}&code={WORD}"),
    ]
    assert all(answer.status_code >= 400 for answer in spoiled)
    await check(ground, caplog, *(answer.text for answer in spoiled))


async def count(ground, table, **wanted):
    async with ground.service.database.reading() as connection:
        query = table.select()
        for name, value in wanted.items():
            query = query.where(table.c[name] == value)
        return len((await connection.execute(query)).all())


class Page:
    """The review page in a browser that was launched."""

    def __init__(self, ground, browser, path):
        self.ground, self.http, self.path = ground, browser.http, path

    async def post(self, path, **fields):
        shown = (await self.http.get(self.path)).text
        csrf = re.search(r'name="csrf" value="([^"]+)"', shown)[1]
        return await self.http.post(self.path + path, data={"csrf": csrf, **fields})

    async def approve(self):
        shown = (await self.http.get(f"{self.path}/note")).text
        asked = {
            name: re.search(rf'name="{name}" value="([^"]+)"', shown)[1]
            for name in ("digest", "at")
        }
        return await self.post("/approve", **asked)


async def opened(ground, patient):
    """Let a chart be opened, its brief be prepared by the engine, and the app be launched on it."""
    await ground.client().open_chart(patient)

    async def is_ready():
        await ground.service.writer.flush()
        return await count(ground, BRIEF, source="prepare", state="ready")

    await until(is_ready)
    browser = Browser(ground)
    landed = await browser.launch(patient, app_context=await briefed(ground, patient))
    assert landed.status_code == 303, landed.text
    page = Page(ground, browser, landed.headers["location"])
    shown = await browser.http.get(page.path)
    assert WORD in shown.text
    return page


async def test_of_the_way_from_a_chart_to_its_filed_note(ground, caplog):
    page = await opened(ground, BEATRICE)
    kept = await page.post("/edits", kind="add", line="visit", text=f"Of {WORD}.")
    approved = await page.approve()
    assert (kept.status_code, approved.status_code) == (303, 303), approved.text

    async def is_filed():
        return await count(ground, BRIEF, state="verified")

    await until(is_filed)
    rejected = await opened(ground, PATIENTS[1])
    assert (await rejected.post("/reject", text=f"Because of {WORD}.")).status_code == 303
    for table in (SESSION, EDIT, APPROVAL, DECISION):
        assert await count(ground, table), f"{table.name} holds a row to look into"
    spoiled = {"csrf": WORD, "digest": WORD, "at": WORD}
    refused = await rejected.http.post(f"{rejected.path}/approve", data=spoiled)
    assert refused.status_code == 403
    await check(ground, caplog, refused.text)


@pytest.mark.parametrize(("where", "kind"), FAULTS)
async def test_of_an_ehr_that_fails(ground, caplog, where, kind):
    at = "/token" if where == "token" else ""  # the browser's own way through the EHR stays whole
    fault = Fault(where, kind, at, code=WORD, delay_ms=600, value=VALUES.get(kind, ""))
    ground.simulator.faults.add(fault)
    calls = [
        call
        for site in ("general", "riverside")
        for call in await ground.client(site).open_chart(BEATRICE, offer=Offer(prefetch="none"))
    ]
    calls += await ground.client().open_chart(BEATRICE)
    assert {call.status for call in calls} <= {200, 401, 412}
    landed = await Browser(ground).launch(PATIENTS[2])
    refused = [call.text for call in calls if call.status != 200]
    lent = {call.request["fhirAuthorization"]["access_token"] for call in calls}
    await check(ground, caplog, *refused, landed.text, tokens=lent)


VALUES = {
    "granted": f"openid {WORD}",
    "short_lived": "1",
    "id_token": json.dumps({"fhirUser": f"Practitioner/{WORD}", "name": WORD}),
    "answer": json.dumps({"scope": WORD, "patient": WORD, "encounter": WORD}),
}
