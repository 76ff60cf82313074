"""A card that breaks a rule of CDS Hooks cannot be built."""

import pytest
from pydantic import ValidationError

from cds_service.card.wire import SUMMARY_MAX, Action, Card, Coding, Link, Source, Suggestion

SOURCE = {"label": "General Hospital"}
CARD = {"uuid": "c-1", "summary": "One thing to note", "indicator": "info", "source": SOURCE}
NOTE = {
    "type": "create",
    "description": "Draft note",
    "resource": {"resourceType": "DocumentReference", "status": "current"},
}
SUGGESTION = {"label": "File it", "uuid": "s-1", "actions": [NOTE]}
SMART = {"label": "Open", "url": "https://cds.example.org/launch", "type": "smart"}
REASON = {"code": "no", "system": "urn:reasons", "display": "Does not apply"}


def refused(model, good, **change):
    """Check that the good form is taken and the changed one is not."""
    model.model_validate(good)
    with pytest.raises(ValidationError):
        model.model_validate(good | change)


@pytest.mark.spec("A-11")
@pytest.mark.parametrize("summary", ["", "x" * (SUMMARY_MAX + 1), "one\ntwo", None, 5])
def test_a_summary_is_one_line_of_at_most_139_characters(summary):
    refused(Card, CARD, summary=summary)
    assert SUMMARY_MAX == 139


@pytest.mark.spec("A-11")
def test_the_length_of_a_summary_counts_code_points():
    assert Card.model_validate(CARD | {"summary": "\U0001f48a" * 139})
    refused(Card, CARD, summary="\U0001f48a" * 140)


@pytest.mark.spec("A-14")
@pytest.mark.parametrize("indicator", ["hard-stop", "INFO", "", None])
def test_an_indicator_is_one_of_three(indicator):
    refused(Card, CARD, indicator=indicator)


@pytest.mark.spec("A-15", "A-30")
@pytest.mark.parametrize("source", [None, {}, {"label": ""}, {"url": "https://x.example"}])
def test_a_card_names_its_source(source):
    refused(Card, CARD, source=source)


@pytest.mark.spec("A-17")
def test_suggestions_and_their_selection_behavior_go_together():
    good = CARD | {"suggestions": [SUGGESTION], "selectionBehavior": "at-most-one"}
    refused(Card, good, selectionBehavior=None)
    refused(Card, good, suggestions=None)
    refused(Card, good, selectionBehavior="exactly-one")


@pytest.mark.spec("A-43")
def test_more_than_one_recommended_suggestion_needs_any():
    two = [SUGGESTION | {"isRecommended": True, "uuid": uuid} for uuid in ("s-1", "s-2")]
    good = CARD | {"suggestions": two, "selectionBehavior": "any"}
    refused(Card, good, selectionBehavior="at-most-one")


@pytest.mark.spec("T-3")
@pytest.mark.parametrize("name", ["suggestions", "overrideReasons", "links", "detail", "uuid"])
def test_a_list_or_text_of_a_card_is_left_out_rather_than_empty(name):
    refused(Card, CARD, **{name: "" if name in {"detail", "uuid"} else []})


@pytest.mark.spec("A-19")
@pytest.mark.parametrize("member", ["code", "system", "display"])
def test_an_override_reason_is_a_whole_coding(member):
    good = CARD | {"overrideReasons": [REASON]}
    refused(Card, good, overrideReasons=[REASON | {member: ""}])
    refused(Card, good, overrideReasons=[{k: v for k, v in REASON.items() if k != member}])
    refused(Coding, REASON, **{member: None})


@pytest.mark.spec("A-40", "A-41", "A-44")
def test_a_suggestion_has_a_label_a_uuid_and_an_action():
    for change in ({"label": ""}, {"uuid": ""}, {"actions": []}, {"label": None}):
        refused(Suggestion, SUGGESTION, **change)


@pytest.mark.spec("A-50", "A-51", "A-52")
def test_an_action_creates_one_described_resource():
    for change in (
        {"type": "replace"},
        {"description": ""},
        {"resource": None},
        {"resource": {}},
        {"resource": {"status": "current"}},
    ):
        refused(Action, NOTE, **change)


@pytest.mark.spec("A-60", "A-62")
@pytest.mark.parametrize("change", [{"label": ""}, {"type": "launch"}, {"type": None}])
def test_a_link_has_a_label_and_one_of_two_types(change):
    refused(Link, SMART, **change)


@pytest.mark.spec("A-61")
@pytest.mark.parametrize(
    "url", ["", "javascript:alert(1)", "data:text/html,x", "/launch", "ftp://x.example/", "x"]
)
def test_a_link_is_a_web_address(url):
    refused(Link, SMART, url=url)


@pytest.mark.spec("A-63", "A-64")
def test_only_a_smart_link_carries_a_context_and_that_is_text():
    good = SMART | {"appContext": '{"brief":"b-1"}'}
    refused(Link, good, type="absolute")
    refused(Link, good, appContext={"brief": "b-1"})
    refused(Link, good, appContext="")


@pytest.mark.spec("A-47")
@pytest.mark.parametrize(
    ("model", "good"),
    [(Card, CARD), (Suggestion, SUGGESTION), (Link, SMART), (Source, SOURCE), (Action, NOTE)],
)
def test_a_member_that_we_do_not_know_cannot_leave(model, good):
    refused(model, good, actionSelectionBehavior="any")


@pytest.mark.spec("T-4")
def test_what_has_no_value_is_left_out():
    assert Card.model_validate(CARD).to_json() == CARD


def test_a_refusal_does_not_repeat_the_value():
    """A validation error may end up in a log."""
    with pytest.raises(ValidationError) as refusal:
        Card.model_validate(CARD | {"summary": "canary " * 40, "indicator": "canary"})
    assert "canary" not in str(refusal.value)
