"""A summary is shortened without breaking words or characters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.card.compose import shorten
from cds_service.card.wire import SUMMARY_MAX


@pytest.mark.spec("A-11")
@given(st.text(max_size=400))
def test_any_text_becomes_one_line_of_at_most_139_code_points(text):
    line = shorten(text)
    assert len(line) <= SUMMARY_MAX
    assert line == " ".join(line.split())


@given(st.text(max_size=SUMMARY_MAX))
def test_what_fits_is_kept_whole(text):
    assert shorten(text) == " ".join(text.split())


def test_what_does_not_fit_is_cut_at_a_word_and_says_so():
    words = ["potassium"] * 30
    line = shorten(" ".join(words))
    assert line.endswith("potassium…")
    assert set(line.removesuffix("…").split()) == {"potassium"}


def test_one_endless_word_is_cut_where_it_must_be():
    assert shorten("x" * 500) == "x" * (SUMMARY_MAX - 1) + "…"


def test_a_cut_leaves_no_dangling_comma():
    assert shorten("a" * 130 + ", " + "b" * 50) == "a" * 130 + "…"
