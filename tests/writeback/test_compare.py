"""What was read back against what was approved: a difference is expected, or a person looks."""

import base64
import time

import pytest

from cds_service.vendors import load_profile
from cds_service.writeback.compare import _words, compare, holds
from tests.writeback.notes import BRIEF, document, note

RULES = load_profile("generic-r4").note


def with_text(resource, text):
    (content,) = resource["content"]
    data = base64.b64encode(text.encode()).decode()
    return {**resource, "content": [{"attachment": {**content["attachment"], "data": data}}]}


def text_of(resource):
    return base64.b64decode(resource["content"][0]["attachment"]["data"]).decode()


def unexpected(sent, stored, rules=RULES):
    return [each.element for each in compare(sent, stored, rules) if not each.expected]


def test_a_note_kept_as_it_was_sent_does_not_differ():
    sent = document()
    stored = {**sent, "id": "7", "meta": {"versionId": "1"}, "text": {"status": "generated"}}
    assert compare(sent, stored, RULES) == ()


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: " ".join(text.split()),
        lambda text: "<html><body><p>" + text.replace("\n", "<br/>") + "</p></body></html>",
        lambda text: r"{\rtf1\ansi " + text.replace("\n", r"\par ") + "}",
    ],
    ids=["line ends", "one line", "html", "rich text"],
)
def test_another_layout_of_the_same_words_is_expected(change):
    sent = document()
    (found,) = compare(sent, with_text(sent, change(text_of(sent))), RULES)
    assert (found.element, found.expected) == ("content", True)


@pytest.mark.parametrize(
    ("element", "stored"),
    [
        ("content", lambda sent: with_text(sent, text_of(sent)[:-40])),
        ("content", lambda sent: with_text(sent, text_of(sent).replace("Penicillin", "None"))),
        ("content", lambda sent: {**sent, "content": []}),
        ("docStatus", lambda sent: {**sent, "docStatus": "final"}),
        ("status", lambda sent: {**sent, "status": "superseded"}),
        ("subject", lambda sent: {**sent, "subject": {"reference": "Patient/other"}}),
        ("context.encounter", lambda sent: {**sent, "context": {}}),
        ("type", lambda sent: {**sent, "type": {"coding": []}}),
    ],
)
def test_what_no_rendering_explains_is_not_expected(element, stored):
    sent = document()
    assert element in unexpected(sent, stored(sent))


def test_an_absolute_reference_to_the_same_patient_is_the_same():
    sent = document()
    stored = {**sent, "subject": {"reference": "https://ehr.example/r4/Patient/alba"}}
    assert unexpected(sent, stored) == []


def test_a_lost_identifier_matters_only_where_the_vendor_is_searched_by_it():
    sent = document("epic")
    stored = {name: value for name, value in sent.items() if name != "identifier"}
    assert unexpected(sent, stored, load_profile("epic").note) == []
    assert unexpected(sent, stored) == ["identifier"]


def test_a_note_is_recognised_by_the_last_line_of_its_text():
    stored = {name: value for name, value in document().items() if name != "identifier"}
    assert holds(stored, note().identifier)
    assert not holds(stored, note(revision=2).identifier)
    assert BRIEF in text_of(stored)


@pytest.mark.parametrize("begun", ["<head>", "<", "<style "])
def test_markup_that_never_ends_is_compared_in_no_time(begun):
    began = time.process_time()
    assert _words("<p>" + begun * 50_000) is not None
    assert time.process_time() - began < 1


def test_what_a_page_does_not_show_is_no_word_of_the_note():
    page = (
        "<html><head><title>x</title></head><style>p {}</style><p>Brief</p> of <b>today</b></html>"
    )
    assert _words(page) == ["brief", "of", "today"]
