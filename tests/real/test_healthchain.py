"""What HealthChain's CDS Hooks client sends and accepts, shown without any service of ours."""

from typing import Any

import pytest

from .cds_client import healthchain

CARD: dict[str, Any] = {"summary": "x", "indicator": "info", "source": {"label": "y"}}
LINK = {"label": "Open", "url": "https://app.example/launch", "type": "smart"}
SUGGESTION = {"label": "Add the note", "uuid": "u1"}

ACCEPTED: dict[str, dict[str, Any]] = {
    "plain card": {},
    "summary of 140": {"summary": "s" * 140},
    "uuid, detail, extension": {"uuid": "u", "detail": "**x**", "extension": {"org.example": 1}},
    "reason with system": {"overrideReasons": [{"code": "a", "system": "s", "display": "A"}]},
    "suggestion that says if it is recommended": {
        "suggestions": [SUGGESTION | {"isRecommended": False}],
        "selectionBehavior": "any",
    },
}
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "summary of 141": ({"summary": "s" * 141}, "cards.0.summary"),
    "link as the specification spells it": (
        {"links": [LINK | {"autolaunchable": False}]},
        "cards.0.links.0.autoLaunchable",
    ),
    "suggestion without isRecommended": (
        {"suggestions": [SUGGESTION], "selectionBehavior": "any"},
        "cards.0.suggestions.0.isRecommended",
    ),
    "suggestions without selectionBehavior": (
        {"suggestions": [SUGGESTION | {"isRecommended": False}]},
        "cards",
    ),
    "reason without system": (
        {"overrideReasons": [{"code": "a", "display": "A"}]},
        "cards.0.overrideReasons.0.system",
    ),
    "context for a link that is not smart": (
        {"links": [LINK | {"type": "absolute", "appContext": "x", "autoLaunchable": False}]},
        "cards.0.links.0",
    ),
}


@pytest.fixture(scope="module")
def refused_paths() -> dict[str, list[str]]:
    """Have every card of both tables read in one go; this will be the refused paths, by what the card is."""
    rows = ACCEPTED | {name: change for name, (change, _) in REFUSED.items()}
    report = healthchain(responses=[{"cards": [CARD | change]} for change in rows.values()])
    return {
        name: [line.split(": ")[0] for line in lines]
        for name, lines in zip(rows, report.refusals, strict=True)
    }


@pytest.mark.parametrize("name", ACCEPTED)
def test_its_model_accepts(refused_paths: dict[str, list[str]], name: str) -> None:
    """Cards like these come through whole, less what the model does not know."""
    assert refused_paths[name] == []


@pytest.mark.parametrize("name", REFUSED)
def test_its_model_refuses(refused_paths: dict[str, list[str]], name: str) -> None:
    """Cards like these are refused; the client then hands on the raw answer without a word."""
    assert refused_paths[name] == [REFUSED[name][1]]


def test_it_needs_no_cards() -> None:
    """An empty list is an answer."""
    assert healthchain(responses=[{"cards": []}]).refusals == ([],)


def test_it_drops_the_encounter_from_the_context() -> None:
    """Its request model keeps only the user and the patient of a context; a null prefetch value is sent as null."""
    request = {
        "hook": "patient-view",
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "fhirServer": "http://127.0.0.1:9/fhir",
        "fhirAuthorization": {
            "access_token": "t",
            "token_type": "Bearer",
            "expires_in": 300,
            "scope": "patient/*.rs",
            "subject": "app",
        },
        "context": {"userId": "Practitioner/1", "patientId": "p", "encounterId": "e"},
        "prefetch": {"patient": {"resourceType": "Patient", "id": "p"}, "coverage": None},
    }
    report = healthchain(url="http://127.0.0.1:9/cds-services/prep", request=request)
    assert report.sent == (request | {"context": {"userId": "Practitioner/1", "patientId": "p"}},)
    assert report.answers == ({},)
    assert "error occurred" in report.errors[0]
