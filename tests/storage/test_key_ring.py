"""Chart content is sealed to its place with keys that only the operator has."""

import json
import stat
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.domain.errors import Misconfigured
from cds_service.storage.seal import KeyRing, load_key_ring

RING = KeyRing({"k0000001": b"1" * 32, "k0000002": b"2" * 32}, "k0000002")
PLACE = "brief|body|1|general"


@given(plain=st.binary(), place=st.text(max_size=20))
def test_what_was_sealed_opens_at_its_place(plain, place):
    place = place.encode("utf-8", "ignore").decode()
    sealed = RING.seal(plain, place=place)
    assert RING.open(sealed, place=place) == plain
    assert plain not in sealed or len(plain) < 4


def test_the_same_words_are_never_sealed_alike():
    assert len({RING.seal(b"penicillin", place=PLACE) for _ in range(20)}) == 20


@pytest.mark.parametrize(
    "place",
    ["brief|body|2|general", "brief|body|1|riverside", "feedback|comment|1|general", ""],
)
def test_it_does_not_open_at_another_place(place):
    with pytest.raises(Misconfigured, match="moved"):
        RING.open(RING.seal(b"x", place=PLACE), place=place)


@given(at=st.integers(0, 39), bit=st.integers(0, 7))
def test_a_single_changed_bit_is_noticed(at, bit):
    sealed = bytearray(RING.seal(b"x" * 3, place=PLACE))
    sealed[at] ^= 1 << bit
    with pytest.raises(Misconfigured):
        RING.open(bytes(sealed), place=PLACE)


@given(junk=st.binary(max_size=60))
def test_what_was_never_sealed_does_not_open(junk):
    with pytest.raises(Misconfigured):
        RING.open(junk, place=PLACE)


def test_after_a_rotation_the_new_key_seals_and_the_old_one_still_opens():
    old = KeyRing({"k0000001": RING.keys["k0000001"]}, "k0000001")
    sealed = old.seal(b"x", place=PLACE)
    assert RING.open(sealed, place=PLACE) == b"x"
    assert RING.seal(b"x", place=PLACE)[1:9] == b"k0000002"
    with pytest.raises(Misconfigured, match="lacks the key"):
        old.open(RING.seal(b"x", place=PLACE), place=PLACE)


def test_the_keys_are_in_no_repr():
    assert "1111" not in repr(RING)


# The file


def written(path, mode=0o600, **changes):
    ring = {"newest": "k0000001", "keys": {"k0000001": b64encode(b"1" * 32).decode()}} | changes
    path.write_text(json.dumps(ring), encoding="ascii")
    path.chmod(mode)
    return path


def load(path, **how):
    return load_key_ring(path, data_dir=path.parent, demo=False, **how)


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
    made = load_key_ring(None, data_dir=data_dir, demo=True)
    file = data_dir / "keyring.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert load_key_ring(None, data_dir=data_dir, demo=True) == made


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
