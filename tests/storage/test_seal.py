"""Chart content is sealed to its place, with keys of its site and quarter."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.domain.errors import Misconfigured
from cds_service.storage.keyring import KeyRing
from cds_service.storage.seal import CHAIN, INDEX, SEAL, SHARED, Seals, new_key, quarter

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
PLACE = "brief|body|1|general"
FIRST_RELEASE = bytes.fromhex(
    "016b303030303030316e6e6e6e6e6e6e6e6e6e6e6e"
    "c23ba44c39680ddeca5ea6b003b74b567f74b6e0cc19d14dba36"
)
"""`Penicillin`, sealed by 0.1.0 at PLACE with the ring below."""


def filled():
    seals = Seals(KeyRing({"k0000001": b"1" * 32}, "k0000001"))
    made_once = [new_key(purpose, site=SHARED, begins=NOW) for purpose in (INDEX, CHAIN)]
    of_sites = [new_key(SEAL, site=site, begins=NOW) for site in ("general", "riverside")]
    seals.add([*made_once, *of_sites], now=NOW)
    return seals


SEALS = filled()


@given(plain=st.binary(), row=st.text(max_size=20))
def test_what_was_sealed_opens_at_its_place(plain, row):
    place = f"brief|body|{row}|general".encode("utf-8", "ignore").decode()
    sealed = SEALS.seal(plain, place=place)
    assert SEALS.open(sealed, place=place) == plain
    assert plain not in sealed or len(plain) < 4


def test_the_same_words_are_never_sealed_alike():
    assert len({SEALS.seal(b"penicillin", place=PLACE) for _ in range(20)}) == 20


@pytest.mark.parametrize(
    "place",
    [
        "brief|body|2|general",
        "brief|sources|1|general",
        "feedback|comment|1|general",
        "brief|body|1|riverside",
        "",
    ],
)
def test_it_does_not_open_at_another_place(place):
    with pytest.raises(Misconfigured, match="moved"):
        SEALS.open(SEALS.seal(b"x", place=PLACE), place=place)


@given(at=st.integers(0, 39), bit=st.integers(0, 7))
def test_a_single_changed_bit_is_noticed(at, bit):
    sealed = bytearray(SEALS.seal(b"x" * 3, place=PLACE))
    sealed[at] ^= 1 << bit
    with pytest.raises(Misconfigured):
        SEALS.open(bytes(sealed), place=PLACE)


@given(junk=st.binary(max_size=60))
def test_what_was_never_sealed_does_not_open(junk):
    with pytest.raises(Misconfigured):
        SEALS.open(junk, place=PLACE)


def test_what_the_first_release_sealed_still_opens():
    assert SEALS.open(FIRST_RELEASE, place=PLACE) == b"Penicillin"
    with pytest.raises(Misconfigured, match="moved"):
        SEALS.open(FIRST_RELEASE, place="brief|body|2|general")


def test_each_site_has_a_key_of_its_own():
    kids = {SEALS.seal(b"x", place=f"a|b|c|{site}")[1:9] for site in ("general", "riverside")}
    assert len(kids) == 2


def test_a_site_that_has_no_key_yet_gets_one_that_waits_to_be_stored():
    seals = filled()
    sealed = seals.seal(b"x", place="a|b|c|new-site")
    (key,) = seals.unsaved
    assert (key.site, key.quarter) == ("new-site", "2026Q4")
    assert seals.open(sealed, place="a|b|c|new-site") == b"x"
    seals.saved([key])
    seals.seal(b"y", place="a|b|c|new-site")
    assert seals.unsaved == []


def test_a_key_seals_from_the_moment_when_it_begins_and_the_one_before_still_opens():
    seals = filled()
    before = seals.seal(b"x", place=PLACE)
    later = new_key(SEAL, site="general", begins=NOW + timedelta(days=40))
    seals.add([later], now=NOW)
    assert seals.seal(b"x", place=PLACE)[1:9] == before[1:9]
    seals.turn(later.begins)
    assert seals.seal(b"x", place=PLACE)[1:9] == later.kid.encode()
    assert seals.open(before, place=PLACE) == b"x"
    assert later.quarter == "2027Q1"


@pytest.mark.parametrize(
    ("month", "name"), [(1, "2026Q1"), (3, "2026Q1"), (4, "2026Q2"), (9, "2026Q3"), (12, "2026Q4")]
)
def test_quarters(month, name):
    assert quarter(NOW.replace(month=month, day=1)) == name


def test_the_index_and_the_chains_keep_their_first_key():
    seals = filled()
    index, link = seals.blind("Patient/p1", site="general"), seals.chain(b"x")
    seals.add(
        [new_key(p, site=SHARED, begins=NOW + timedelta(1)) for p in (INDEX, CHAIN)], now=NOW
    )
    seals.turn(NOW + timedelta(2))
    assert (seals.blind("Patient/p1", site="general"), seals.chain(b"x")) == (index, link)


def test_without_its_keys_it_seals_nothing():
    empty = Seals(KeyRing({"k0000001": b"1" * 32}, "k0000001"))
    for use in (
        lambda: empty.seal(b"x", place=PLACE),
        lambda: empty.blind("x", site="general"),
        lambda: empty.chain(b"x"),
    ):
        with pytest.raises(Misconfigured, match="not been loaded"):
            use()


def test_the_keys_are_in_no_repr():
    secret = next(iter(SEALS.keys.values())).secret
    assert repr(secret) not in repr(SEALS)
    assert "1111" not in repr(SEALS)
