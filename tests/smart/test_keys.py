"""Our signing keys: published before they sign, kept after they signed, and never shown."""

import json
import shutil
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.cli import main
from cds_service.domain.errors import Misconfigured
from cds_service.smart.keys import (
    KEPT,
    LEAD,
    KeyFile,
    SigningKey,
    load,
    published,
    rotated,
    signing,
)
from tests.ground import Clock
from tests.smart.conftest import MAKE_KEY

HOUR = timedelta(hours=1)


@pytest.fixture
def clock():
    return Clock(datetime(2026, 11, 23, 9, 0, tzinfo=UTC))


@pytest.fixture
def file(tmp_path, signing_keys, clock):
    path = tmp_path / "signing-keys.json"
    shutil.copy(signing_keys, path)
    return KeyFile(path=path, now=clock, clock=lambda: clock().timestamp(), make_key=MAKE_KEY)


def kids(file):
    return [key["kid"] for key in file.key_set()["keys"]]


def test_a_new_key_signs_only_once_every_cache_has_seen_it(file, clock):
    old = file.signing("ES384").kid
    file.rotate()
    assert file.signing("ES384").kid == old
    clock.move(hours=29)  # the longest known cache of an EHR
    assert file.signing("ES384").kid == old
    clock.move(hours=1)
    assert file.signing("ES384").kid != old


def test_old_and_new_key_stand_side_by_side_through_a_rotation(file, clock):
    before = set(kids(file))
    file.rotate()
    both = set(kids(file))
    assert before < both
    assert len(both) == 4
    clock.moment += LEAD + KEPT - HOUR
    assert set(kids(file)) == both
    clock.moment += HOUR
    assert set(kids(file)) == both - before


@given(st.lists(st.integers(0, 60), min_size=1, max_size=30), st.sampled_from([0, 1, 30]))
def test_whatever_signs_is_published_however_often_one_rotates(pauses, lead):
    now = datetime(2026, 11, 23, tzinfo=UTC)
    keys = (a_key(now, now),)
    for hours in pauses:
        now += hours * HOUR
        assert signing(keys, "ES384", now) in published(keys, now)
        keys = rotated(keys, (a_key(now, now + lead * HOUR),), now=now)
        assert signing(keys, "ES384", now) in published(keys, now)


def a_key(created, signs_from):
    return SigningKey(f"{created}{signs_from}", "ES384", created, signs_from, None, private=None)


def test_a_running_process_sees_a_rotation_within_a_second(file, clock):
    assert len(kids(file)) == 2
    KeyFile(path=file.path, now=clock, clock=lambda: 0.0, make_key=MAKE_KEY).rotate()
    clock.move(seconds=1)
    assert len(kids(file)) == 4


def test_a_stolen_key_is_withdrawn_at_once(file):
    stolen = set(kids(file))
    with file.revoking():
        pass
    assert not stolen & set(kids(file))
    assert file.signing("RS384").kid in kids(file)


def test_only_public_members_are_published(file):
    for key in file.key_set()["keys"]:
        wanted = {"crv", "x", "y"} if key["kty"] == "EC" else {"n", "e"}
        assert set(key) == {"kty", "kid", "alg", "use"} | wanted
        assert key["use"] == "sig"
        jwt.PyJWK(dict(key))


def test_no_private_key_is_shown_by_repr(file):
    assert "private" not in repr(file.keys())


def test_the_file_is_its_owners_alone(file):
    assert file.path.stat().st_mode & 0o777 == 0o600
    file.path.chmod(0o640)
    with pytest.raises(Misconfigured, match="chmod 600"):
        load(file.path)


@pytest.mark.parametrize("text", ["", "{}", '{"keys": [{"kid": "a"}]}', '{"keys": 7}', "\x00"])
def test_a_broken_file_is_a_sentence(file, text):
    file.path.write_text(text)
    with pytest.raises(Misconfigured, match="not a file of signing keys"):
        file.keys()


def test_keys_that_were_good_serve_on_while_the_file_cannot_be_read(file, clock, caplog):
    known = kids(file)
    file.path.unlink()
    clock.move(seconds=2)
    assert kids(file) == known
    assert "keys rotate" in caplog.text


def test_a_missing_file_says_what_to_do(tmp_path, clock):
    file = KeyFile(path=tmp_path / "none.json", now=clock, clock=lambda: 0.0)
    with pytest.raises(Misconfigured, match="cds-service keys rotate"):
        file.keys()


def test_the_command_shows_a_key_set_and_says_what_each_key_does(file, monkeypatch, capsys):
    monkeypatch.setenv("CDS_SIGNING_KEYS", str(file.path))
    assert main(["keys", "rotate"]) == 0
    capsys.readouterr()
    assert main(["keys", "show"]) == 0
    shown = capsys.readouterr()
    assert len(json.loads(shown.out)["keys"]) == 4
    assert shown.err.count("signs now, published until") == 2
    assert shown.err.count("published, signs from") == 2


def test_the_command_makes_the_first_keys_where_there_are_none(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CDS_SIGNING_KEYS", str(tmp_path / "new" / "keys.json"))
    assert main(["keys", "show"]) == 1
    assert "cds-service keys rotate" in capsys.readouterr().err
    assert main(["keys", "rotate"]) == 0
    told = capsys.readouterr().err
    assert told.count("signs now") == 2
    assert "no audit tells of these keys" in told
