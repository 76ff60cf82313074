"""The ring that wraps the data keys: a file for its owner only, or what a command prints."""

import json
import stat
from base64 import b64encode

import pytest

from cds_service.domain.errors import Misconfigured
from cds_service.storage.keyring import KeyRing, RingPlace, load_key_ring

RING = KeyRing({"k0000001": b"1" * 32, "k0000002": b"2" * 32}, "k0000002")
PLACE = "data_key|wrapped|d0000001|seal|2026Q4|general"


def test_a_wrapped_key_comes_back_at_its_place_only():
    wrapped = RING.wrap(b"x" * 32, place=PLACE)
    assert b"xxxx" not in wrapped
    assert RING.unwrap(wrapped, kid="k0000002", place=PLACE) == b"x" * 32
    with pytest.raises(Misconfigured, match="is not the one"):
        RING.unwrap(wrapped, kid="k0000002", place=PLACE.replace("general", "riverside"))
    with pytest.raises(Misconfigured, match="is not the one"):
        RING.unwrap(wrapped, kid="k0000001", place=PLACE)
    with pytest.raises(Misconfigured, match="lacks the key k0000009"):
        RING.unwrap(wrapped, kid="k0000009", place=PLACE)


def test_a_new_key_wraps_and_the_old_ones_still_unwrap():
    turned = RING.with_new_key()
    assert turned.newest not in RING.keys
    assert turned.unwrap(RING.wrap(b"x", place=PLACE), kid="k0000002", place=PLACE) == b"x"
    assert set(turned.without(frozenset(turned.keys)).keys) == {turned.newest}


def test_the_keys_are_in_no_repr():
    assert "1111" not in repr(RING)


# The file


def written(path, mode=0o600, **changes):
    ring = {"newest": "k0000001", "keys": {"k0000001": b64encode(b"1" * 32).decode()}} | changes
    path.write_text(json.dumps(ring), encoding="ascii")
    path.chmod(mode)
    return path


def load(path, data_dir=None):
    return load_key_ring(str(path), data_dir=data_dir or path.parent, demo=False)


def test_a_key_ring_is_read_from_its_file(tmp_path):
    assert load(written(tmp_path / "ring.json")).newest == "k0000001"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610, 0o777])
def test_a_key_ring_that_others_can_read_stops_the_start(tmp_path, mode):
    with pytest.raises(Misconfigured, match="mode 0600"):
        load(written(tmp_path / "ring.json", mode))


def test_without_a_key_ring_production_does_not_start(tmp_path):
    with pytest.raises(Misconfigured, match="CDS_KEYRING"):
        load(tmp_path / "missing.json")


def test_the_demo_makes_its_own_once_and_for_its_owner_only(tmp_path):
    data_dir = tmp_path / "new" / "data"
    made = load_key_ring("", data_dir=data_dir, demo=True)
    file = data_dir / "keyring.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert load_key_ring("", data_dir=data_dir, demo=True) == made


BROKEN = {
    "no keys": {"keys": {}},
    "keys that are a list": {"keys": []},
    "a newest that is not there": {"newest": "k0000009"},
    "a short key": {"keys": {"k0000001": b64encode(b"1" * 16).decode()}},
    "a short kid": {"newest": "k1", "keys": {"k1": b64encode(b"1" * 32).decode()}},
    "a key that is no base64": {"keys": {"k0000001": "!" * 44}},
    "a key that is a number": {"keys": {"k0000001": 7}},
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_key_ring_with_is_refused(tmp_path, what):
    with pytest.raises(Misconfigured, match=r"ring\.json: ") as stop:
        load(written(tmp_path / "ring.json", **BROKEN[what]))
    assert b64encode(b"1" * 16).decode()[:8] not in stop.value.detail


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"{", b"\xff", b'"x"', b"{}"])
def test_a_file_that_is_no_key_ring_is_refused(tmp_path, content):
    file = tmp_path / "ring.json"
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(Misconfigured, match="not a key ring"):
        load(file)


def test_a_saved_ring_is_its_owners_and_takes_the_old_ones_place_at_once(tmp_path):
    place = RingPlace(str(written(tmp_path / "ring.json")))
    turned = place.load().with_new_key()
    place.save(turned)
    assert place.load() == turned
    assert stat.S_IMODE((tmp_path / "ring.json").stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["ring.json"]


# The command


def test_a_command_prints_the_ring(tmp_path):
    file = written(tmp_path / "ring.json")
    assert load(f"command:cat {file}", data_dir=tmp_path).newest == "k0000001"


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("exit 3", "CalledProcessError"),
        ("no-such-program-of-ours", "CalledProcessError"),
        ("echo '{}'", "not a key ring"),
        ("true", "not a key ring"),
    ],
)
def test_a_command_that_gives_no_ring_stops_the_start(tmp_path, command, told):
    with pytest.raises(Misconfigured, match=told):
        load(f"command:{command}", data_dir=tmp_path)


def test_a_ring_from_a_command_is_changed_where_it_is_kept():
    with pytest.raises(Misconfigured, match="where the ring is kept"):
        RingPlace("command:true").save(RING)
