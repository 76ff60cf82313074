"""Every card of every chart in the simulator keeps the rules of CDS Hooks 2.0.1."""

import base64
import json
from urllib.parse import urlsplit

import pytest
from fhir.resources.R4B.documentreference import DocumentReference

from cds_service.simulator.patients import patient_ids
from tests.ground import CDS, GENERAL, TODAY, standing
from tests.http.wire import BOOKING, body, cards, chart, context, post, searchset

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("anyio_backend")]

MEMBERS = {
    "uuid",
    "summary",
    "detail",
    "indicator",
    "source",
    "suggestions",
    "selectionBehavior",
    "overrideReasons",
    "links",
}
REQUIRED = {"uuid", "summary", "indicator", "source"}


@pytest.fixture(scope="module")
async def answers(tmp_path_factory):
    """Every chart opened at both sites: (site, patient, answer)."""
    async with standing(tmp_path_factory.mktemp("answers")) as ground:
        yield [
            (site, patient, answer)
            for site in ("general", "riverside")
            for patient in patient_ids()
            for answer in await ground.client(site).open_chart(patient, encounter_id=None)
        ]


@pytest.fixture
def shown(answers):
    return [card for _, _, answer in answers for card in answer.cards()]


def members(value, name=""):
    """Yield (name, value) of every member at every depth."""
    yield name, value
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from members(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from members(inner, name)


@pytest.mark.spec("A-1", "A-3", "H-200", "T-6")
def test_every_chart_is_answered_with_cards_and_nothing_else(answers):
    for site, patient, answer in answers:
        assert answer.status == 200, (site, patient, answer.text)
        assert list(answer.body) == ["cards"]
        assert answer.cards(), patient


@pytest.mark.spec("T-3", "T-4", "A-47")
def test_no_member_is_empty_at_any_depth_and_none_is_of_another_version(shown):
    for card in shown:
        assert set(card) >= REQUIRED
        assert set(card) <= MEMBERS
        for name, value in members(card):
            assert value not in (None, "", [], {}), name


@pytest.mark.spec("A-10")
def test_no_uuid_of_a_card_or_suggestion_is_used_twice(shown):
    uuids = [value for card in shown for name, value in members(card) if name == "uuid"]
    assert len(uuids) == len(set(uuids)) >= len(shown)


@pytest.mark.spec("A-11")
def test_a_summary_is_one_line_below_140_characters(shown):
    for card in shown:
        assert 0 < len(card["summary"]) < 140
        assert card["summary"] == " ".join(card["summary"].split())


@pytest.mark.spec("A-14")
def test_an_indicator_is_one_of_three(shown):
    assert {card["indicator"] for card in shown} <= {"info", "warning", "critical"}


@pytest.mark.spec("A-15", "A-30", "A-35", "A-36")
def test_the_source_is_the_hospital_whose_record_it_is(answers):
    titles = {"general": "General Hospital", "riverside": "Riverside Clinic"}
    for site, _, answer in answers:
        for card in answer.cards():
            assert set(card["source"]) == {"label", "topic"}
            assert card["source"]["label"] == titles[site]
            assert set(card["source"]["topic"]) == {"code", "system", "display"}


@pytest.mark.spec("A-35")
def test_a_topic_is_one_of_few_constants_and_never_a_patients(shown):
    """EHRs remember a dismissal by it."""
    assert {card["source"]["topic"]["code"] for card in shown} <= {
        "pre-visit-brief",
        "critical-result",
    }


@pytest.mark.spec("A-16", "A-17", "A-40", "A-41", "A-44")
def test_suggestions_have_what_the_client_needs(answers):
    for site, patient, answer in answers:
        for card in answer.cards():
            assert ("suggestions" in card) == ("selectionBehavior" in card)
            assert site == "general" or "suggestions" not in card
            assert card.get("selectionBehavior", "any") in {"at-most-one", "any"}
            for suggestion in card.get("suggestions", ()):
                assert set(suggestion) == {"label", "uuid", "actions"}, patient
                assert all(isinstance(suggestion[name], str) for name in ("label", "uuid"))


@pytest.mark.spec("A-18", "A-19")
def test_override_reasons_are_whole_codings(shown):
    reasons = [reason for card in shown for reason in card.get("overrideReasons", ())]
    assert reasons
    for reason in reasons:
        assert set(reason) == {"code", "system", "display"}
        assert all(isinstance(value, str) for value in reason.values())


@pytest.mark.spec("A-20", "A-60", "A-61", "A-62", "S-30")
def test_a_link_is_ours_and_names_no_patient(answers):
    for site, patient, answer in answers:
        for card in answer.cards():
            for link in card["links"]:
                url = urlsplit(link["url"])
                assert link["label"]
                assert link["type"] == "smart"
                assert f"{url.scheme}://{url.netloc}" == CDS
                assert url.path == f"/{site}/smart/launch"
                assert patient not in json.dumps(link)


@pytest.mark.spec("A-63", "A-64")
def test_the_context_for_the_app_is_text_and_on_smart_links_only(shown):
    contexts = [link for card in shown for link in card["links"] if "appContext" in link]
    assert contexts
    for link in contexts:
        assert link["type"] == "smart"
        assert isinstance(link["appContext"], str)
        assert set(json.loads(link["appContext"])) == {"brief"}


@pytest.mark.spec("A-50", "A-51", "A-52", "T-5")
def test_the_draft_note_is_a_valid_r4_document_that_nobody_signed(answers):
    notes = [
        (patient, action)
        for site, patient, answer in answers
        for card in answer.cards()
        for suggestion in card.get("suggestions", ())
        for action in suggestion["actions"]
        if site == "general"
    ]
    offered = set(patient_ids()) - {"daniel-whitlock"}  # his chart holds restricted entries
    assert sorted(patient for patient, _ in notes) == sorted(offered)
    for patient, action in notes:
        assert set(action) == {"type", "description", "resource"}
        assert action["type"] == "create"
        note = action["resource"]
        DocumentReference.model_validate(note)
        assert "id" not in note
        assert (note["status"], note["docStatus"]) == ("current", "preliminary")
        assert note["subject"] == {"reference": f"Patient/{patient}"}
        (content,) = note["content"]
        assert content["attachment"]["contentType"].partition(";")[0] == "text/plain"
        text = base64.b64decode(content["attachment"]["data"], validate=True).decode()
        assert "not reviewed" in text


@pytest.mark.spec("A-20", "A-16")
def test_epic_gets_a_link_only_and_the_detail_says_what_it_does(answers):
    """Epic shows no labels and files no note from a card."""
    for site, _, answer in answers:
        for card in answer.cards() if site == "riverside" else ():
            assert "suggestions" not in card
            (link,) = card["links"]
            assert link["label"] in card["detail"]


async def test_the_encounter_of_the_call_is_the_notes(ground):
    (brief,) = cards(await post(ground, body(context=context(encounterId="Encounter/e-1"))))
    note = brief["suggestions"][0]["actions"][0]["resource"]
    assert note["context"]["encounter"] == [{"reference": "Encounter/e-1"}]


@pytest.mark.spec("A-20")
async def test_without_a_smart_client_there_is_no_link(tmp_path):
    bare = GENERAL.replace('[smart]\nclient_id = "cds-brief"\n', "")
    async with standing(tmp_path, sites={"general": bare}) as ground:
        (brief,) = cards(await post(ground, body()))
        assert "links" not in brief


@pytest.mark.spec("A-17")
async def test_a_site_may_change_what_its_vendor_does_with_a_card(tmp_path):
    wanted = '[vendor_overrides.card]\nselection_behavior = "any"\noverride_reasons = false\n'
    async with standing(tmp_path, sites={"general": GENERAL + wanted}) as ground:
        (brief,) = cards(await post(ground, body()))
        assert brief["selectionBehavior"] == "any"
        assert "overrideReasons" not in brief


@pytest.mark.spec("A-2", "H-200", "K-7")
async def test_a_booking_without_anything_to_say_is_an_empty_list(ground):
    full = body(
        hook="appointment-book",
        context=context(appointments=searchset()),
        prefetch={"patient": chart()["patient"]},
    )
    answer = await post(ground, full, path=BOOKING)
    assert (answer.status_code, answer.content) == (200, b'{"cards":[]}')


@pytest.mark.spec("K-7", "R-12")
async def test_a_booking_at_a_taken_time_is_a_warning(ground):
    def at(status, **more):
        start = f"{TODAY.isoformat()}T20:00:00Z"
        end = f"{TODAY.isoformat()}T20:30:00Z"
        who = [{"actor": {"reference": "Patient/p-1"}, "status": "accepted"}]
        plain = {"resourceType": "Appointment", "status": status, "participant": who}
        return plain | {"start": start, "end": end} | more

    full = body(
        hook="appointment-book",
        context=context(
            appointments={"entry": [{"resource": at("proposed", description="Rash")}]}
        ),
        prefetch={
            "patient": chart()["patient"],
            "appointment": searchset(at("booked", id="ap-1")),
        },
    )
    (clash,) = cards(await post(ground, full, path=BOOKING))
    assert clash["indicator"] == "warning"
    assert set(clash) <= MEMBERS
