"""What the booking cards say of a brief: what can still be acted on, five lines each, and no value of the chart."""

from cds_service.brief import rule_brief
from cds_service.domain.evidence import Gap
from hooks.appointment_book.cards import cards
from tests.brief.charts import booked, context, lab, plain, searched
from tests.brief.test_purpose import waiting


def draft(reason="", start="2026-12-01T15:00:00Z", end="2026-12-01T15:30:00Z"):
    made = {"resourceType": "Appointment", "status": "proposed", "start": start, "end": end}
    return {**made, "reasonCode": [{"text": reason}]} if reason else made


def said(*resources, proposed=None, **more):
    made = context(*resources, proposed=(proposed or draft("Skin rash"),), **more)
    return {card.topic: card for card in cards(rule_brief(made))}


def lines(card):
    return [each for part in card.detail for each in part.lines]


def test_nothing_to_say_is_no_card():
    assert said() == {}
    assert said(lab("8.1", "2026-10-02"), booked(), proposed=draft("Skin rash")) == {}


def test_a_clash_warns_and_a_second_visit_for_one_reason_informs():
    there = booked("2026-12-01T09:00:00-06:00", end="2026-12-01T09:30:00-06:00")
    clash = said(there, proposed=draft("Skin rash"))
    assert {topic: card.indicator for topic, card in clash.items()} == {"booking-clash": "warning"}
    again = said(booked(), proposed=draft("Diabetes follow-up"))
    assert again["booking-again"].indicator == "info"
    assert "booking-clash" not in again


def test_orders_of_the_reason_come_first_even_young_ones_and_five_lines_are_the_most():
    old = [waiting(f"Study{n}", f"x{n}") for n in range(1, 8)]
    young = waiting("Retinal photography", "y", "2026-11-10")
    seen_then = plain(
        "Encounter",
        "e1",
        status="finished",
        period={"start": "2026-11-10"},
        **{"class": {"code": "AMB"}},
    )
    card = said(*old, young, seen_then, proposed=draft("Retinal check"))["booking-open-orders"]
    assert card.summary == "Before this visit: 8 orders without a result"
    shown = lines(card)
    assert "Retinal photography" in shown[0]
    assert (len(shown), shown[-1]) == (6, "and 3 more")
    assert said(young, seen_then) == {}


def test_results_that_are_not_final_are_named():
    pending = plain(
        "DiagnosticReport",
        "d1",
        status="preliminary",
        code={"text": "Biopsy"},
        issued="2026-11-20",
    )
    card = said(pending)["booking-open-orders"]
    assert card.summary == "Before this visit: 1 result not final"
    assert "Biopsy" in lines(card)[0]


def test_old_and_missing_results_are_named_without_a_value():
    [card] = said(lab("8.1", "2026-01-02"), proposed=draft("Diabetes")).values()
    assert card.topic == "booking-missing-results"
    assert "8.1" not in " ".join(lines(card))
    read = searched()
    assert [c.topic for c in cards(rule_brief(read))] == []


def test_a_visit_without_a_reason_is_told_once():
    made = searched(dropped=(Gap(need="appointment", reason="not_given", count=1),))
    assert [c.topic for c in cards(rule_brief(made))] == ["booking-no-reason"]
