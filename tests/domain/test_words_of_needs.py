"""What has changed since a brief was prepared is counted in words: one, and several."""

import pytest

from cds_service.domain.needs import NEEDS

WORDS = {
    "patient": ("patient", None),
    "encounter": ("current encounter", None),
    "appointment": ("appointment", "appointments"),
    "problems": ("problem", "problems"),
    "allergies": ("allergy", "allergies"),
    "medications": ("medication order", "medication orders"),
    "medication_statements": ("reported medication", "reported medications"),
    "results": ("result", "results"),
    "vitals": ("vital sign", "vital signs"),
    "social": ("social history entry", "social history entries"),
    "encounters": ("encounter", "encounters"),
    "orders": ("order", "orders"),
    "reports": ("report", "reports"),
    "immunizations": ("immunization", "immunizations"),
    "procedures": ("procedure", "procedures"),
    "flags": ("flag", "flags"),
    "documents": ("note", "notes"),
    "care_team": ("care team", "care teams"),
    "directives": ("advance directive", "advance directives"),
    "tasks": ("task", "tasks"),
}
"""None: of what there is only one."""


@pytest.mark.parametrize("need", NEEDS)
def test_each_need_has_a_word_for_one_and_for_several(need):
    one, several = WORDS[need]
    assert NEEDS[need].counted(1) == one
    assert several is None or NEEDS[need].counted(2) == several
