import re

import pytest

from cds_service.domain.states import FIRST, SHOWN, STARTS, TRANSITIONS, can_move, diagram
from tests.architecture.source import ROOT

PAGE = ROOT / "docs" / "reference" / "states.md"


def reached(start, without=frozenset()):
    found, waiting = set(), [start]
    while waiting:
        state = waiting.pop()
        if state not in found and state not in without:
            found.add(state)
            waiting += TRANSITIONS[state]
    return found


def test_every_target_is_a_state_and_none_leads_to_itself():
    targets = {(origin, target) for origin, all_ in TRANSITIONS.items() for target in all_}
    assert {target for _, target in targets} <= TRANSITIONS.keys()
    assert [pair for pair in targets if pair[0] == pair[1]] == []


def test_every_state_can_be_reached():
    assert set().union(*(reached(each) for each in FIRST)) == TRANSITIONS.keys()


@pytest.mark.parametrize("state", ["writing", "written", "verified"])
def test_nothing_is_written_without_a_persons_approval(state):
    assert state not in set().union(*(reached(each, {"approved"}) for each in FIRST))


def test_an_approval_comes_from_a_review_alone():
    assert {origin for origin, to in TRANSITIONS.items() if "approved" in to} == {
        "in_review",
        "failed",
    }


@pytest.mark.parametrize("state", ["approved", "writing", "written", "verified", "unknown"])
def test_what_a_person_approved_is_neither_cancelled_nor_expired_by_a_clock(state):
    assert TRANSITIONS[state].isdisjoint({"cancelled", "expired"})


@pytest.mark.parametrize("state", ["rejected", "withdrawn", "cancelled", "expired"])
def test_an_end_is_an_end(state):
    assert TRANSITIONS[state] == frozenset()
    assert state not in SHOWN | STARTS.keys()


def test_a_lost_answer_is_unknown_until_the_chart_was_searched():
    assert can_move("writing", "unknown")
    assert can_move("unknown", "written")
    assert not can_move("unknown", "approved")


def test_the_diagram_in_the_docs_is_the_table():
    drawn = re.search(r"```mermaid\n(.*?)\n```", PAGE.read_text("utf-8"), re.DOTALL)
    assert drawn is not None
    assert drawn[1] == "\n".join(diagram())
