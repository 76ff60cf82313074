"""The conformance statement says neither more nor less than what the tests prove."""

from collections import Counter

from tests.conformance.report import PAGE, marks, page, sections

ROWS = {row.id: row for section in sections() for row in section.rows}


def test_the_page_is_up_to_date():
    """Mend with `python -m tests.conformance.report`."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_mark_names_a_row_that_exists():
    assert not {row: tests for row, tests in marks().items() if row not in ROWS}


def test_every_rule_in_force_has_a_test_or_a_reason():
    due = [row for row in ROWS.values() if row.is_due]
    assert not [row.id for row in due if row.id not in marks() and not row.why]


def test_every_other_row_of_the_service_has_one_too():
    kept = [row for s in sections() if s.letter not in {"S", "K"} for row in s.rows]
    assert not [row.id for row in kept if row.id not in marks() and not row.why]


def test_every_row_stands_once():
    many = Counter(row.id for section in sections() for row in section.rows)
    assert not [row for row, times in many.items() if times > 1]
