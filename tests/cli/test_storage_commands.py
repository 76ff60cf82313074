"""The commands that look after the database, beside a service that runs."""

import asyncio
import json
import os
import sqlite3
import time
from contextlib import closing

import pytest
from sqlalchemy.exc import DBAPIError

from cds_service.cli import main
from cds_service.storage.chain import walk
from cds_service.storage.keyring import KeyRing, RingPlace
from cds_service.storage.seal import SHARED
from tests.flow.canary import PATIENT, body
from tests.ground import standing
from tests.storage.databases import unaudited

pytestmark = pytest.mark.anyio


@pytest.fixture
async def running(tmp_path, monkeypatch):
    """A service that answered once, and the environment of an operator beside it."""
    monkeypatch.setenv("CDS_PROFILE", "production")
    monkeypatch.setenv("CDS_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("CDS_KEYRING", str(tmp_path / "keyring.json"))
    async with standing(tmp_path) as ground:
        assert (await ground.call(body())).status_code == 200
        await ground.service.writer.flush()
        yield ground


@pytest.fixture
def command(capfd):
    async def run(*words):
        """Run a command as another process would; return its status, output and complaints."""
        capfd.readouterr()
        status = await asyncio.to_thread(main, list(words))
        told = capfd.readouterr()
        return status, told.out, told.err

    return run


def tamper(folder, *statements):
    with closing(sqlite3.connect(folder / "app.db")) as file, file:
        for trigger in ("update", "delete"):
            file.execute(f"DROP TRIGGER audit_keeps_{trigger}")
        for statement in statements:
            file.execute(statement)


async def test_an_audit_that_nobody_touched_is_proven_whole(running, command):
    status, out, err = await command("audit", "verify")
    assert (status, err) == (0, "")
    assert "site general: 2 entries, whole" in out
    _, out, _ = await command("audit", "verify", "--json", "--site", "general")
    assert json.loads(out) == [{"site": "general", "entries": 2, "whole": True}]


async def test_a_changed_entry_is_named(running, command, tmp_path):
    tamper(tmp_path, "UPDATE audit SET outcome = 'x' WHERE site = 'general' AND seq = 2")
    status, out, err = await command("audit", "verify")
    assert status == 1
    assert "site general: entry 2 (" in err
    assert "site riverside: 1 entries, whole" in out
    _, out, _ = await command("audit", "verify", "--json", "--site", "general")
    (told,) = json.loads(out)
    assert (told["whole"], told["broken"]["entry"]) == (False, 2)


async def test_a_head_kept_elsewhere_shows_what_was_cut_off(running, command, tmp_path):
    _, heads, _ = await command("audit", "head")
    kept = tmp_path / "heads.ndjson"
    kept.write_text(heads, encoding="ascii")
    assert (await command("audit", "verify", "--heads", str(kept)))[0] == 0
    tamper(tmp_path, "DELETE FROM audit WHERE site = 'general'", "DELETE FROM audit_head")
    status, _, err = await command("audit", "verify", "--heads", str(kept))
    assert (status, "site general: entry 1 is missing" in err) == (1, True)


async def test_an_entry_is_exported_as_an_audit_event_that_says_whose_chart_it_was(
    running, command
):
    status, out, _ = await command("audit", "export", "--site", "general")
    events = [json.loads(line) for line in out.splitlines()]
    (call,) = [each for each in events if each["subtype"][0]["display"] == "answer"]
    assert status == 0
    assert call["resourceType"] == "AuditEvent"
    assert call["outcome"] == "0"
    assert call["entity"][0]["what"] == {"reference": f"Patient/{PATIENT}"}
    assert call["agent"][0]["who"] == {"reference": "Practitioner/1"}
    details = {each["type"]: each["valueString"] for each in call["entity"][1]["detail"]}
    assert details["issuer"] == "http://ehr.test"
    assert json.loads(details["card_ids"])


async def test_the_rings_key_is_rotated_without_a_failed_call(running, command, tmp_path):
    before = RingPlace(str(tmp_path / "keyring.json")).load()
    status, out, _ = await command("keys", "rotate", "--sealing")
    after = RingPlace(str(tmp_path / "keyring.json")).load()
    assert status == 0
    assert after.newest in out
    assert set(after.keys) == {*before.keys, after.newest}
    await running.service.upkeep.once()
    assert running.service.database.seals.ring == after
    assert (await running.call(body())).status_code == 200


async def keys_told(running, what):
    """Return the facts of the entries that say this of signing keys."""
    async with running.service.database.reading() as connection:
        entries = [each async for each in walk(connection, SHARED) if each["outcome"] == what]
    assert {(e["action"], e["purpose"]) for e in entries} <= {("key", "HSYSADMIN")}
    return [e["facts"] for e in entries if e["facts"].get("for") == "sign"]


@pytest.mark.parametrize(
    ("words", "outcome"),
    [([], "rotated"), (["--lead-hours", "0"], "rotated"), (["--revoke"], "revoked")],
)
async def test_a_change_of_our_signing_keys_stands_in_the_audit_with_their_ids(
    running, command, words, outcome
):
    await command("keys", "rotate")
    before = len(await keys_told(running, outcome))
    status, out, _ = await command("keys", "rotate", *words)
    assert status == 0
    told = await keys_told(running, outcome)
    assert len(told) == before + 1
    assert len(told[-1]["kids"]) == 2
    assert set(told[-1]["kids"]) <= {key["kid"] for key in json.loads(out)["keys"]}
    _, verdict, _ = await command("audit", "verify")
    assert "all sites: " in verdict
    assert "whole" in verdict


async def test_signing_keys_that_the_audit_cannot_tell_of_are_not_changed(
    running, command, tmp_path
):
    await command("keys", "rotate")
    keys = (tmp_path / "signing-keys.json").read_bytes()
    async with unaudited(running.service.database):
        for words in ([], ["--revoke"]):
            with pytest.raises(DBAPIError, match="audit"):
                await command("keys", "rotate", *words)
    assert (tmp_path / "signing-keys.json").read_bytes() == keys
    assert (await command("keys", "rotate"))[0] == 0


async def test_signing_keys_that_the_demo_makes_for_itself_stand_in_the_audit(running):
    kids = {key["kid"] for key in running.service.signing.key_set()["keys"]}
    await running.service.writer.flush()
    (made,) = await keys_told(running, "made")
    assert set(made["kids"]) == kids


async def test_an_interrupted_rotation_goes_on_with_the_key_that_was_made(
    running, command, tmp_path
):
    place = RingPlace(str(tmp_path / "keyring.json"))
    place.save(place.load().with_new_key())  # and then it was killed
    newest = place.load().newest
    await command("keys", "rotate", "--sealing")
    assert place.load().newest == newest


async def test_a_key_is_retired_only_when_every_process_has_taken_the_new_one(
    running, command, tmp_path
):
    ring = tmp_path / "keyring.json"
    await command("keys", "rotate", "--sealing")
    status, _, err = await command("keys", "retire")
    assert (status, "wait" in err) == (1, True)
    long_ago = time.time() - 100
    os.utime(ring, (long_ago, long_ago))
    status, _, _ = await command("keys", "retire")
    assert status == 0
    assert len(RingPlace(str(ring)).load().keys) == 1
    await running.service.upkeep.once()
    assert (await running.call(body())).status_code == 200
    assert (await command("audit", "verify"))[0] == 0


async def test_content_is_sealed_again_beside_the_service(running, command):
    status, out, _ = await command("keys", "reseal")
    assert (status, "0 values" in out) == (0, True)


@pytest.mark.parametrize(
    ("ring", "told"),
    [
        (None, "CDS_KEYRING"),
        (KeyRing({"k0000009": b"9" * 32}, "k0000009"), "lacks the key"),
    ],
)
@pytest.mark.parametrize(
    "words", [("audit", "verify"), ("keys", "rotate", "--sealing"), ("keys", "retire")]
)
async def test_without_the_right_ring_a_command_says_so(
    running, command, tmp_path, ring, told, words
):
    file = tmp_path / "keyring.json"
    file.unlink()
    if ring is not None:
        RingPlace(str(file)).save(ring)
        os.utime(file, (0, 0))
    status, out, err = await command(*words)
    assert (status, out) == (1, "")
    assert told in err
    assert err.count("\n") == 1


async def test_the_tables_are_not_upgraded_under_a_running_service(running, command):
    status, _, err = await command("db", "upgrade")
    assert (status, "in use by another process" in err) == (1, True)


async def test_an_empty_database_is_told(command, tmp_path, monkeypatch):
    monkeypatch.setenv("CDS_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("CDS_PROFILE", "demo")
    status, out, _ = await command("db", "upgrade")
    assert (status, "was empty and is now at revision" in out) == (0, True)
    assert "is up to date" in (await command("db", "upgrade"))[1]
    assert (await command("audit", "verify"))[0] == 0


@pytest.mark.parametrize("content", ["", "{}", "x", '{"site": 1, "seq": "x"}', "[1]"])
async def test_a_file_that_holds_no_heads_is_refused(running, command, tmp_path, content):
    file = tmp_path / "heads"
    file.write_text(content, encoding="ascii")
    status, _, err = await command("audit", "verify", "--heads", str(file))
    assert status == (0 if content == "" else 1)
    assert content == "" or "audit head" in err


async def test_a_database_that_is_not_there_is_a_sentence(running, command, monkeypatch):
    monkeypatch.setenv("CDS_DATABASE_URL", "postgresql://cds:secret@127.0.0.1:1/cds")
    status, _, err = await command("audit", "verify")
    assert (status, "cannot be opened" in err) == (1, True)
    assert "secret" not in err
