"""The one table from our errors to status codes, and the one shape that an error has on the wire.

Every answer outside 2xx carries an OperationOutcome. Its words are ours and constant, or name a member of
the request: never a value. A failure never looks like an empty list of cards.
"""

from collections.abc import Mapping

from cds_service.domain import errors
from cds_service.domain.errors import CdsError
from cds_service.domain.json import encode

STATUS: Mapping[type[CdsError], tuple[int, str]] = {
    errors.NotJson: (400, "structure"),
    errors.BadCall: (400, "invalid"),
    errors.NotTrusted: (401, "login"),
    errors.NotAllowed: (403, "forbidden"),
    errors.SignInFailed: (403, "login"),
    errors.UnknownSite: (404, "not-found"),
    errors.UnknownService: (404, "not-found"),
    errors.TooSlow: (408, "timeout"),
    errors.Conflict: (409, "conflict"),
    errors.MissingContext: (412, "incomplete"),
    errors.TooLarge: (413, "too-long"),
    errors.WrongMediaType: (415, "not-supported"),
    errors.Overloaded: (503, "throttled"),
    errors.StorageAway: (503, "transient"),
    errors.NoToken: (503, "transient"),
    errors.Misconfigured: (500, "exception"),
    CdsError: (500, "exception"),
}
"""Error to (HTTP status, FHIR issue type)."""

_SPEAKS = (errors.BadCall,)
"""Errors whose detail names a member of the request and may be told to the caller."""


def status(problem: CdsError) -> int:
    """Return the HTTP status of an error."""
    return _row(problem)[0]


def outcome(problem: CdsError) -> bytes:
    """Return an error as a FHIR OperationOutcome; the 401 says the same whatever the reason."""
    _, issue_type = _row(problem)
    said = problem.detail if isinstance(problem, _SPEAKS) and problem.detail else problem.advice
    return encode(
        {
            "resourceType": "OperationOutcome",
            "issue": [
                {
                    "severity": "error",
                    "code": issue_type,
                    "details": {
                        "coding": [{"system": "urn:cds-service:error", "code": problem.code}],
                        "text": said,
                    },
                }
            ],
        }
    )


def headers(problem: CdsError) -> dict[str, str]:
    """Return the headers that go with an error."""
    if isinstance(problem, errors.Overloaded | errors.StorageAway):
        return {"Retry-After": "1"}
    if isinstance(problem, errors.NotTrusted):
        return {"WWW-Authenticate": "Bearer"}
    return {}


def _row(problem: CdsError) -> tuple[int, str]:
    for kind in type(problem).__mro__:
        if kind in STATUS:
            return STATUS[kind]
    return STATUS[CdsError]
