"""A stand-in EHR for soaks: any patient, a small record, a fixed delay, and next to no CPU.

Runs as `python -m tests.soak._ehr PORT DELAY_S`. It counts how often each Patient was read: `GET /counts`. Patients
whose id begins with `large` have a record of 50 MB in one page; one called `nobody` it does not know. A search for the
visits of a day finds three, unless it was before 2026.
"""

import asyncio
import json
import sys
from collections import Counter
from urllib.parse import parse_qs

import uvicorn

TYPES = {"Observation": 20, "Condition": 5, "MedicationRequest": 5, "AllergyIntolerance": 2}
"""How many of each a search finds."""
LARGE = 5_000
OPENED = "2026-01-01"
NARRATIVE = "y" * 10_000


def application(port: int, delay_s: float):
    """Return the ASGI application."""
    origin = f"http://127.0.0.1:{port}"
    reads: Counter[str] = Counter()

    fixed = {
        "/r4/.well-known/smart-configuration": _configuration(origin),
        "/token": {"access_token": "soak", "token_type": "bearer", "expires_in": 300},
        "/counts": reads,
    }

    def answer(path: str, query: dict[str, list[str]]) -> object:
        if path in fixed:
            return fixed[path]
        kind, _, identity = path.removeprefix("/r4/").partition("/")
        if kind == "Patient":
            reads[identity] += 1
            return {"resourceType": "Patient", "id": identity, "birthDate": "1950-01-01"}
        patient = query.get("patient", [""])[0]
        if kind == "Appointment" and not patient:
            return {"resourceType": "Bundle", "type": "searchset", "entry": _booked(query["date"])}
        return {"resourceType": "Bundle", "type": "searchset", "entry": _found(kind, patient)}

    async def ehr(scope, receive, send):
        while (await receive()).get("more_body", False):
            pass
        await asyncio.sleep(0 if scope["path"] in fixed else delay_s)
        body = json.dumps(answer(scope["path"], parse_qs(scope["query_string"].decode()))).encode()
        head = [(b"content-type", b"application/json")]
        status = 404 if scope["path"] == "/r4/Patient/nobody" else 200
        await send({"type": "http.response.start", "status": status, "headers": head})
        await send({"type": "http.response.body", "body": body})

    return ehr


def _configuration(origin: str) -> dict[str, object]:
    return {
        "token_endpoint": f"{origin}/token",
        "authorization_endpoint": f"{origin}/authorize",
        "jwks_uri": f"{origin}/jwks",
        "issuer": origin,
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["ES384", "RS384"],
        "scopes_supported": ["system/*.rs"],
        "capabilities": ["client-confidential-asymmetric"],
    }


def _found(kind: str, patient: str) -> list[dict[str, object]]:
    is_large = kind == "Observation" and patient.startswith("large")
    return [
        {
            "resource": {
                "resourceType": kind,
                "id": f"{patient}-{kind.lower()}-{number}",
                "meta": {"versionId": "1"},
                "subject": {"reference": f"Patient/{patient}"},
                "patient": {"reference": f"Patient/{patient}"},
                "code": {"text": f"{kind} {number}"},
                **({"note": [{"text": NARRATIVE}]} if is_large else {}),
            }
        }
        for number in range(LARGE if is_large else TYPES.get(kind, 0))
    ]


def _booked(dates: list[str]) -> list[dict[str, object]]:
    """Return three visits at noon, UTC, of the first day that is asked for; none before this EHR was there."""
    day = next(each for each in dates if each.startswith("ge"))[2:12]
    if day < OPENED:
        return []
    return [
        {
            "resource": {
                "resourceType": "Appointment",
                "id": f"visit-{number}",
                "status": "booked",
                "start": f"{day}T12:0{number}:00Z",
                "end": f"{day}T12:0{number}:30Z",
                "participant": [{"actor": {"reference": f"Patient/p{number}"}}],
            }
        }
        for number in range(3)
    ]


if __name__ == "__main__":
    chosen, delay = int(sys.argv[1]), float(sys.argv[2])
    uvicorn.run(
        application(chosen, delay),
        port=chosen,
        lifespan="off",
        access_log=False,
        log_level="error",
    )
