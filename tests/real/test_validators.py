"""Two validators of what we write: together they catch what neither does alone, and what neither catches is named."""

from typing import Any

import pytest

from .validators import FhirCheck, model_issues

NOTE: dict[str, Any] = {
    "resourceType": "DocumentReference",
    "status": "current",
    "docStatus": "preliminary",
    "type": {"coding": [{"system": "http://loinc.org", "code": "11506-3"}]},
    "subject": {"reference": "Patient/1"},
    "author": [{"reference": "Practitioner/1"}],
    "date": "2026-01-01T10:00:00Z",
    "content": [{"attachment": {"contentType": "text/plain", "data": "aGVsbG8="}}],
    "context": {"encounter": [{"reference": "Encounter/1"}]},
}
TEXT = {"contentType": "text/plain"}

ONLY_DEFINITIONS: dict[str, dict[str, Any]] = {
    "docStatus is no such code": {"docStatus": "draft"},
    "status is no such code": {"status": "final"},
    "relation is no such code": {
        "relatesTo": [{"code": "amends", "target": {"reference": "DocumentReference/2"}}]
    },
    "subject is an Organization": {"subject": {"reference": "Organization/1"}},
    "author is a Condition": {"author": [{"reference": "Condition/1"}]},
    "encounter is a Patient": {"context": {"encounter": [{"reference": "Patient/1"}]}},
    "replaces a Patient": {
        "relatesTo": [{"code": "replaces", "target": {"reference": "Patient/1"}}]
    },
    "subject is no reference": {"subject": {"reference": "nonsense"}},
    "content is an empty list": {"content": []},
    "subject is empty": {"subject": {}},
    "description is null": {"description": None},
    "size is a string": {"content": [{"attachment": TEXT | {"size": "12"}}]},
    "period ends before it starts": {
        "context": {"period": {"start": "2026-02-01", "end": "2026-01-01"}}
    },
    "narrative is not XHTML": {"text": {"status": "generated", "div": "<p>hello</p>"}},
    "contained but not used": {"contained": [{"resourceType": "Practitioner", "id": "a"}]},
}
ONLY_MODEL: dict[str, dict[str, Any]] = {
    "unknown element in the attachment": {"content": [{"attachment": TEXT | {"author": "me"}}]},
    "content is no list": {"content": {"attachment": TEXT}},
    "size is negative": {"content": [{"attachment": TEXT | {"size": -1}}]},
    "description is empty": {"description": ""},
}
BOTH: dict[str, dict[str, Any]] = {
    "content has no attachment": {"content": [{"format": {"code": "x"}}]},
    "unknown element": {"note": "x"},
    "element of R5": {"modality": [{"text": "x"}]},
    "data is not base64": {"content": [{"attachment": TEXT | {"data": "not base64!"}}]},
    "date has no time zone": {"date": "2026-01-01T10:00:00"},
    "relation without target": {"relatesTo": [{"code": "replaces"}]},
    "id has a blank": {"id": "a b"},
}
NEITHER: dict[str, dict[str, Any]] = {
    "data without content type (att-1)": {"content": [{"attachment": {"data": "aGVsbG8="}}]},
    "content type is no MIME type": {"content": [{"attachment": {"contentType": "nonsense"}}]},
    "language is no language": {"content": [{"attachment": TEXT | {"language": "xx-klingon_"}}]},
}


def cases(table: dict[str, dict[str, Any]]) -> pytest.MarkDecorator:
    """Run a test for each row; this will name it after what is wrong with the note."""
    return pytest.mark.parametrize("change", table.values(), ids=table)


def test_a_sound_note_passes_both(fhircheck: FhirCheck) -> None:
    """Nothing to say about the note that every case below spoils in one place."""
    assert fhircheck.validate(NOTE) == []
    assert model_issues(NOTE) == []


@cases(ONLY_DEFINITIONS)
def test_only_the_definitions_catch(fhircheck: FhirCheck, change: dict[str, Any]) -> None:
    """Codes, reference targets and invariants are invisible to the model."""
    assert fhircheck.validate(NOTE | change)
    assert model_issues(NOTE | change) == []


@cases(ONLY_MODEL)
def test_only_the_model_catches(fhircheck: FhirCheck, change: dict[str, Any]) -> None:
    """The inside of data types and JSON shape are not looked at by the definitions' validator."""
    assert fhircheck.validate(NOTE | change) == []
    assert model_issues(NOTE | change)


@cases(BOTH)
def test_both_catch(fhircheck: FhirCheck, change: dict[str, Any]) -> None:
    """Where they overlap they agree."""
    assert fhircheck.validate(NOTE | change)
    assert model_issues(NOTE | change)


@cases(NEITHER)
def test_neither_catches(fhircheck: FhirCheck, change: dict[str, Any]) -> None:
    """What a test of our own must look at; a newer validator that sees one of these fails here and may be trusted."""
    assert fhircheck.validate(NOTE | change) == []
    assert model_issues(NOTE | change) == []


@pytest.mark.parametrize("resource_type", ["AuditEvent", "Provenance"])
def test_the_definitions_of_all_we_write_are_loaded(
    fhircheck: FhirCheck, resource_type: str
) -> None:
    """A resource with nothing in it misses what its definition requires."""
    missing = fhircheck.validate({"resourceType": resource_type})
    assert {"agent", "recorded"} <= {issue.path.split(".")[-1] for issue in missing}
