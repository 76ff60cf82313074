"""Two processes of the service share one PostgreSQL: one audit, one memory of tokens, one set of keys, one mind."""

import http.client
import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass

import anyio.to_thread
import jwt
import psycopg
import pytest

from cds_service.cli.stored import attached
from cds_service.settings import Settings
from cds_service.storage.chain import verify, walk
from tests.bench.process import free_port, serving
from tests.bench.stand import PATH, PUBLIC_URL, standing
from tests.flow.canary import CANARIES, PATIENT, prefetch
from tests.processes import until

pytestmark = pytest.mark.anyio


@dataclass
class Pair:
    """Where two processes run, and what they share."""

    stand: object
    url: str

    def settings(self, name):
        ring = str(self.stand.folder / "keyring.json")
        shared = {"CDS_DATABASE_URL": self.url, "CDS_KEYRING": ring}
        return dict(self.stand.settings(name)) | shared

    @contextmanager
    def process(self, name):
        port = free_port()
        log, command = self.stand.folder / f"{name}.log", self.stand.serve(port)
        with serving(command, port=port, log=log, settings=self.settings(name)) as server:
            yield server

    def token(self):
        return self.stand.signer.token(PUBLIC_URL + PATH, sub="bench")

    def call(self, server, token):
        return self.answer(server, token)[0]

    def cards(self, server):
        """Open the chart; return how many cards came."""
        status, body = self.answer(server, self.token())
        assert status == 200, body
        return len(json.loads(body)["cards"])

    def answer(self, server, token):
        body = {
            "hook": "patient-view",
            "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
            "context": {"patientId": PATIENT, "userId": "Practitioner/1"},
            "prefetch": prefetch(),
        }
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        connection.request("POST", PATH, json.dumps(body), headers)
        try:
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def notes(self, server):
        """Return what readiness has to say."""
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        connection.request("GET", "/readyz")
        try:
            return json.loads(connection.getresponse().read())["notes"]
        finally:
            connection.close()

    def command(self, *words):
        """Run `cds-service` as an operator does, beside the processes that serve."""
        argv = [sys.executable, "-m", "cds_service.cli", *words]
        env = {**os.environ, **self.settings("a")}
        done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def edit(self, old, new):
        """Change the site file, which both processes read."""
        file = self.stand.folder / "sites" / "bench.toml"
        text = file.read_text("utf-8")
        assert old in text
        file.write_text(text.replace(old, new), "utf-8")

    async def audited(self):
        """Return the verdict on the site's chain, and its entries."""
        settings = Settings(
            profile="demo",
            public_url=PUBLIC_URL,
            database_url=self.url,
            keyring=self.settings("a")["CDS_KEYRING"],
        )
        async with attached(settings) as database, database.reading() as connection:
            verdict = await verify(database.seals, connection, "bench")
            return verdict, [dict(row) async for row in walk(connection, "bench")]


WITHIN_S = 2.0
"""The documented time in which every process follows a switch and a changed site file."""
SHOWN = 'environment = "test"'
OFF = f'mode = "off"\n{SHOWN}'


def agreed(said):
    """Return whether this came to be true within the documented time, from when the change was made."""
    deadline = time.monotonic() + WITHIN_S
    while not (true := said()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return true


@pytest.fixture
def pair(postgres_url):
    with standing() as stand:
        yield Pair(stand, postgres_url)


def jti(token):
    return jwt.decode(token, options={"verify_signature": False})["jti"]


def replayed(pair, first, second):
    """Send one token to both, and then fresh ones in turn; return what was answered to the first."""
    token = pair.token()
    answers = [pair.call(server, token) for server in (first, second, first)]
    for _ in range(10):
        assert {pair.call(first, pair.token()), pair.call(second, pair.token())} == {200}
    return answers


async def test_a_token_is_good_once_in_all_processes_and_their_audit_is_one_chain(pair):
    def story():
        with pair.process("a") as first, pair.process("b") as second:
            return replayed(pair, first, second)

    assert await anyio.to_thread.run_sync(story) == [200, 401, 401]
    verdict, entries = await pair.audited()
    assert verdict.problem == ""
    outcomes = [entry["outcome"] for entry in entries if entry["action"] == "answer"]
    assert outcomes.count("ok") == 21
    reasons = {entry["facts"].get("reason") for entry in entries}
    assert "replayed" in reasons


async def test_when_one_is_killed_the_other_goes_on_with_the_same_chain(pair):
    sent = []

    def story():
        with pair.process("a") as first, pair.process("b") as second:
            for number in range(15):
                if number == 10:
                    until(lambda: answers_on_disk(pair.url) == 10, 20)
                sent.append(pair.token())
                assert pair.call(first, sent[-1]) == 200
            first.kill()
            for token in sent:
                assert pair.call(second, token) == 401, "claimed before the answer"
            before = answers_on_disk(pair.url)
            assert pair.call(second, pair.token()) == 200
            until(lambda: answers_on_disk(pair.url) > before, 20)

    await anyio.to_thread.run_sync(story)
    verdict, entries = await pair.audited()
    assert verdict.problem == ""
    known = {entry["facts"].get("jti") for entry in entries}
    lost = [token for token in sent if jti(token) not in known]
    print(f"killed: {len(lost)} of {len(sent)} entries lost")
    assert set(lost) <= set(sent[10:])


def answers_on_disk(url):
    """Return how many calls that were answered stand in the audit."""
    with psycopg.connect(url) as connection:
        query = "SELECT count(*) FROM audit WHERE action = 'answer' AND outcome = 'ok'"
        return connection.execute(query).fetchone()[0]


async def test_no_word_of_a_chart_lies_readable_in_the_database(pair):
    def story():
        with pair.process("a") as only:
            assert pair.call(only, pair.token()) == 200
        return dumped(pair.url)

    rows = await anyio.to_thread.run_sync(story)
    assert any('"answer"' in row or ",answer," in row for row in rows), "the audit is in it"
    for row in rows:
        for canary in CANARIES:
            assert canary.lower() not in row.lower()
            assert canary.encode().hex() not in row


def dumped(url):
    """Return every row of every table as PostgreSQL prints it."""
    with psycopg.connect(url) as connection:
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = [name for (name,) in names.fetchall()]
        return [
            text
            for table in tables
            for (text,) in connection.execute(f'SELECT t::text FROM "{table}" t'.encode())
        ]


async def test_all_processes_follow_a_stop_switch_within_two_seconds(pair):
    def story():
        with pair.process("a") as first, pair.process("b") as second:
            both = (first, second)
            assert all(pair.cards(each) for each in both)
            for what in ((), ("patient-view-brief",)):
                pair.command("site", "off", "bench", *what)
                assert agreed(lambda: not any(pair.cards(each) for each in both))
                pair.command("site", "on", "bench", *what)
                assert agreed(lambda: all(pair.cards(each) for each in both))

    await anyio.to_thread.run_sync(story)
    verdict, entries = await pair.audited()
    assert verdict.problem == ""
    switched = [entry["outcome"] for entry in entries if entry["action"] == "switch"]
    assert sorted(switched) == ["off", "off", "on", "on"]


async def test_all_processes_follow_a_changed_site_file_within_two_seconds(pair):
    def story():
        with pair.process("a") as first, pair.process("b") as second:
            both = (first, second)
            assert all(pair.cards(each) for each in both)
            pair.edit(SHOWN, OFF)
            assert agreed(lambda: not any(pair.cards(each) for each in both))
            pair.edit(OFF, "[[[")
            assert agreed(lambda: all("serves on" in str(pair.notes(each)) for each in both))
            assert not any(pair.cards(each) for each in both), "the last good file is in force"
            pair.edit("[[[", SHOWN)
            assert agreed(lambda: all(pair.cards(each) for each in both))
            assert "serves on" not in str([pair.notes(each) for each in both])

    await anyio.to_thread.run_sync(story)
