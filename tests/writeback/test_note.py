"""One note model, rendered by each vendor's rules."""

import base64
from importlib.resources import files
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.domain.note import NoteSection, note_identifier
from cds_service.fhir.note import content, plain, shown, to_document_reference
from cds_service.vendors import load_profile
from tests.writeback.notes import AT, BRIEF, document, note

VENDORS = sorted(
    each.name.removesuffix(".toml")
    for each in files("cds_service.vendors").iterdir()
    if each.name.endswith(".toml")
)


def test_the_first_note_of_a_brief_has_the_briefs_own_identifier():
    assert note_identifier(BRIEF) == f"urn:uuid:{BRIEF}"


def test_each_correction_has_an_identifier_of_its_own_that_does_not_change():
    identifiers = [note_identifier(BRIEF, n) for n in (1, 2, 3)]
    assert len(set(identifiers)) == 3
    assert identifiers == [note_identifier(BRIEF, n) for n in (1, 2, 3)]


def test_equal_notes_are_equal_bytes():
    assert document() == document()


def test_the_text_says_who_drafted_and_who_reviewed():
    assert "AI-assisted draft, reviewed by Lena Brandt, MD" in plain(note())


def test_epic_gets_plain_text_unsigned_with_the_encounter_and_no_author():
    found = document("epic")
    (attached,) = found["content"]
    assert attached["attachment"]["contentType"] == "text/plain"
    assert found["docStatus"] == "preliminary"
    assert found["context"] == {"encounter": [{"reference": "Encounter/e-1"}]}
    assert "author" not in found
    assert "category" not in found


def test_millennium_gets_a_charset_a_period_with_a_time_and_the_signed_in_author():
    found = document("oracle-millennium")
    assert found["content"][0]["attachment"]["contentType"] == "text/plain;charset=utf-8"
    assert found["docStatus"] == "final"
    assert found["context"]["period"] == {"end": AT.isoformat()}
    assert found["author"] == [{"reference": "Practitioner/sim-clinician"}]


def test_what_is_shown_for_a_vendor_that_converts_notes_has_none_of_our_line_breaks():
    long = note(sections=(NoteSection(title="Problems", lines=("word " * 60,)),))
    assert "\n  word" in plain(long)
    assert "\n  word" not in shown(long, load_profile("oracle-millennium").note)
    assert shown(long, load_profile("epic").note) == plain(long)


def test_a_correction_names_the_note_that_it_replaces():
    found = document(revision=2, relation="replaces", relates_to="DocumentReference/9")
    target = {"reference": "DocumentReference/9"}
    assert found["relatesTo"] == [{"code": "replaces", "target": target}]


def test_a_vendor_without_relates_to_gets_none():
    changes = {"revision": 2, "relation": "replaces", "relates_to": "DocumentReference/9"}
    assert "relatesTo" not in document("epic", **changes)


def test_a_sites_doc_status_is_the_notes():
    rules = load_profile("generic-r4").note
    assert to_document_reference(note(), rules, doc_status="final")["docStatus"] == "final"


@pytest.mark.parametrize("media", ["text/html;charset=utf-8", "application/xhtml+xml"])
@given(words=st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=80))
def test_markup_of_a_chart_is_text_in_a_note_of_markup(media, words):
    rules = load_profile("generic-r4", {"note": {"content_type": media}}).note
    told = note(sections=(NoteSection(title="Notes", lines=(f"<script>{words}</script>",)),))
    tree = ET.fromstring(content(told, rules))  # our own markup
    assert not [each for each in tree.iter() if each.tag.endswith("script")]
    assert f"<script>{words}</script>" in "".join(tree.itertext())


def test_the_attachment_is_the_text():
    data = document()["content"][0]["attachment"]["data"]
    assert base64.b64decode(data).decode() == plain(note())


@given(words=st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=400))
def test_no_line_of_plain_text_is_wider_than_its_columns(words):
    told = note(sections=(NoteSection(title="Notes", lines=(words,)),))
    assert max(map(len, plain(told).split("\n"))) <= 100


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_vendors_note_is_what_the_model_takes(vendor):
    assert document(vendor)["resourceType"] == "DocumentReference"
