"""A CDS service of a few lines, to be called by the simulator in its own tests."""

from __future__ import annotations

from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Json = dict[str, Any]

SERVICES = [
    {
        "id": "view",
        "hook": "patient-view",
        "title": "Brief <i>",
        "prefetch": {
            "patient": "Patient/{{context.patientId}}",
            "labs": "Observation?patient={{context.patientId}}&category=laboratory&_sort=-date",
            "nolabs": "Observation?patient={{context.patientId}}&category=vital-signs",
            "allergies": "AllergyIntolerance?patient={{context.patientId}}",
            "observations": "Observation?patient={{context.patientId}}",
            "encounter": "Encounter/{{context.encounterId}}",
            "user": "{{context.userId}}",
            "me": "Practitioner/{{userPractitionerId}}",
        },
    },
    {"id": "book", "hook": "appointment-book", "prefetch": {}},
]

NOTE = {
    "resourceType": "DocumentReference",
    "status": "current",
    "docStatus": "preliminary",
    "type": {"text": "Pre-visit brief"},
    "subject": {"reference": "Patient/alba"},
    "content": [{"attachment": {"contentType": "text/plain", "data": "SGVsbG8="}}],
}

CARD = {
    "uuid": "card-1",
    "summary": "Potassium <img src=x onerror=alert(1)>",
    "detail": "**4.30** mmol/L\n\n- <script>alert(2)</script>\n- second",
    "indicator": "warning",
    "source": {"label": "Rules", "url": "javascript:alert(3)"},
    "selectionBehavior": "any",
    "suggestions": [
        {
            "label": "File the note",
            "uuid": "s-1",
            "actions": [{"type": "create", "description": "Files a draft", "resource": NOTE}],
        }
    ],
    "links": [
        {
            "label": "Review",
            "url": "http://cds.test/general/smart/launch",
            "type": "smart",
            "appContext": '{"brief":"b1"}',
        }
    ],
    "overrideReasons": [{"code": "seen", "system": "http://r", "display": "Already seen"}],
}


class TinyService:
    """Answers every hook with one card and remembers what it was sent."""

    def __init__(self, jwks: Json) -> None:
        self.calls: list[Json] = []
        self.feedback: list[Json] = []
        self.tokens: list[str] = []
        self.status = 200
        self._jwks = jwks
        self.app = Starlette(
            routes=[
                Route("/.well-known/jwks.json", self._keys),
                Route("/{site}/cds-services", self._discovery),
                Route("/{site}/cds-services/{id}", self._call, methods=["POST"]),
                Route("/{site}/cds-services/{id}/feedback", self._feedback, methods=["POST"]),
            ]
        )

    async def _keys(self, _: Request) -> Response:
        return JSONResponse(self._jwks)

    async def _discovery(self, _: Request) -> Response:
        return JSONResponse({"services": SERVICES})

    async def _call(self, request: Request) -> Response:
        self.tokens.append(request.headers["authorization"].removeprefix("Bearer "))
        self.calls.append(await request.json())
        if self.status != 200:
            issue = {"severity": "error", "code": "processing", "diagnostics": "No <data>"}
            outcome = {"resourceType": "OperationOutcome", "issue": [issue]}
            return JSONResponse(outcome, self.status)
        return JSONResponse({"cards": [CARD]})

    async def _feedback(self, request: Request) -> Response:
        self.feedback.append(await request.json())
        return JSONResponse({})
