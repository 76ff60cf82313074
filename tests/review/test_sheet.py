"""Edits are kept beside the brief; both versions can be had at any time."""

from hypothesis import given
from hypothesis import strategies as st

from cds_service.review.sheet import EDIT_KINDS, Edit, edited, read_sheet

BODY = {
    "as_of": "2026-11-23T14:00:00Z",
    "rules_version": "1",
    "sections": [
        {
            "id": "problems",
            "title": "Problems",
            "statements": [
                {"kind": "problem", "text": name, "refs": [f"Condition/{name}"], "flags": []}
                for name in ("one", "two", "three")
            ],
        },
        {"id": "allergies", "title": "Allergies", "statements": []},
    ],
    "gaps": [{"need": "notes", "reason": "denied", "text": "Notes: not read"}],
}
SHEET = read_sheet(BODY)


def texts(*edits, section="problems"):
    told = [Edit(seq=n, **each) for n, each in enumerate(edits, 1)]
    part = next(p for p in edited(SHEET, told).sections if p.id == section)
    return [line.filed for line in part.lines if line.is_kept]


def test_a_dropped_line_is_left_out_and_comes_back():
    assert texts({"kind": "drop", "line": "problems.1"}) == ["one", "three"]
    assert texts(
        {"kind": "drop", "line": "problems.1"}, {"kind": "restore", "line": "problems.1"}
    ) == ["one", "two", "three"]


def test_a_wrong_line_is_left_out():
    assert texts({"kind": "wrong", "line": "problems.0"}) == ["two", "three"]


def test_a_line_moves_within_its_section():
    assert texts({"kind": "down", "line": "problems.0"}) == ["two", "one", "three"]
    assert texts({"kind": "up", "line": "problems.0"}) == ["one", "two", "three"]


def test_an_annotation_stands_beside_its_line():
    assert texts({"kind": "annotate", "line": "problems.0", "text": "since\nMay"})[0] == (
        "one [reviewer: since May]"
    )


def test_a_line_of_ones_own_says_that_it_is():
    edit = {"kind": "add", "line": "allergies", "text": "Asked: none"}
    assert texts(edit, section="allergies") == ["Asked: none (added by the reviewer)"]


def test_the_stored_brief_stays_as_it_was():
    before = read_sheet(BODY)
    edited(SHEET, [Edit(seq=1, kind="drop", line="problems.0")])
    assert before == SHEET


@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(EDIT_KINDS)),
            st.sampled_from(["problems.0", "problems.2", "own.1", "allergies", "nowhere.9", ""]),
            st.text(max_size=20),
        ),
        max_size=12,
    )
)
def test_no_series_of_edits_loses_a_line(series):
    told = [Edit(seq=n, kind=k, line=at, text=t) for n, (k, at, t) in enumerate(series, 1)]
    after = edited(SHEET, told)
    assert {line.key for line in SHEET.lines()} <= {line.key for line in after.lines()}
    assert edited(SHEET, reversed(told)) == after
