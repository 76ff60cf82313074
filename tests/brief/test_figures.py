"""The figures of the brief that need nothing but Python: on generated, simulated and damaged charts none is bad."""

from tests.brief.oracle import judge
from tests.brief.planted import NOW, ZONE, as_json, chart
from tests.brief.test_truth import _chart, _context
from tests.soak import charts


def test_every_figure_meets_its_target():
    figures = charts.run(1, short=True)
    assert [each for each in figures if each.met is False] == []
    assert sum(each.met is True for each in figures) == len(charts.ROWS) + 1


def test_the_judge_sees_what_is_wrong():
    """Each kind of wrong that the figures count is made once, and counted."""
    from dataclasses import replace

    from cds_service.brief import rule_brief
    from cds_service.domain.brief import Line, Section, Statement

    found = _context(_chart("frank-delacroix"))
    brief = rule_brief(found)
    assert not [name for name, n in judge(found, brief).items() if name.endswith("wrong") and n]
    empty = replace(brief, sections=())
    wrong = judge(found, empty)
    for name in ("must show", "allergies", "problems", "medications"):
        assert wrong[f"{name} wrong"] == wrong[f"{name} seen"] > 0
    result = brief.section("results")[0].statement
    lines = (
        Line(statement=Statement(kind="result", refs=("Observation/gone",)), text="x"),
        Line(statement=result, text="Potassium 987.65"),
        Line(statement=Statement(kind="absence", refs=(), needs=("problems",)), text="none"),
    )
    section = Section(id="results", title="Results", lines=lines)
    bent = judge(found, replace(brief, sections=(*brief.sections, section)))
    for name in ("references", "numbers", "absences"):
        assert bent[f"{name} wrong"] == 1, name


def test_a_chart_of_a_seed_is_always_the_same():
    assert as_json(chart(7).bundle) == as_json(chart(7).bundle) != as_json(chart(8).bundle)
    assert NOW.tzinfo is ZONE
