"""CDS Hooks 2.0.1 request bodies, read leniently: 1.0 and 2.0.0 habits and unknown members are welcome.

Only what we cannot do without is refused (400), and the sentence names the member, never its value.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from cds_service.domain.call import FhirAuthorization, HookRequest
from cds_service.domain.errors import BadCall, NotJson
from cds_service.domain.feedback import Feedback
from cds_service.domain.json import BOM, EMPTY, NOT_JSON, JsonObject, decode
from cds_service.domain.prefetch import Prefetch, Seen

_FHIR_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_REFERENCE = re.compile(r"[A-Za-z]+/[A-Za-z0-9\-.]{1,64}")
_NO_CLINICIAN = re.compile(r"\b(?:Patient|RelatedPerson)\b")
_UUID = re.compile(r"[\w.:-]{1,128}")
_MAX_INSTANCE = 256
_MAX_COMMENT = 10_000
MAX_FEEDBACK = 1000


class _Said(msgspec.Struct):
    """A call as it is read at once: all of it but the prefetch."""

    hook: object = None
    hookInstance: object = None  # noqa: N815  # CDS Hooks' spelling, here and below
    context: object = None
    fhirServer: object = None  # noqa: N815
    fhirAuthorization: object = None  # noqa: N815
    extension: object = None


class _Usual(_Said):
    """A call whose prefetch is resources, Bundles of them and nulls: what is seen of them comes along."""

    prefetch: dict[str, Seen | None] | None = None


class _Odd(_Said):
    prefetch: dict[str, msgspec.Raw] | None = None


_usual = msgspec.json.Decoder(_Usual, float_hook=Decimal)
_odd = msgspec.json.Decoder(_Odd, float_hook=Decimal)


def read_request(body: bytes) -> HookRequest:
    """Read a hook call; its prefetch is decoded where it is read. Raises `NotJson` or `BadCall`."""
    body = body.removeprefix(BOM)
    data = _read(body)
    context = _object(data.context, "context")
    return HookRequest(
        hook=_text(data.hook, "hook"),
        hook_instance=_text(data.hookInstance, "hookInstance")[:_MAX_INSTANCE],
        patient_id=_id(context.get("patientId"), "Patient", "context.patientId"),
        encounter_id=_optional_id(context.get("encounterId"), "Encounter", "context.encounterId"),
        user=_user(context.get("userId")),
        fhir_server=_optional_text(data.fhirServer),
        authorization=_authorization(data.fhirAuthorization),
        context=context,
        prefetch=Prefetch(data.prefetch)
        if isinstance(data, _Odd)
        else Prefetch(seen=data.prefetch or {}, body=body),
        extension=_extension(data.extension),
    )


def _read(body: bytes) -> _Usual | _Odd:
    try:
        return _usual.decode(body)
    except msgspec.ValidationError:
        return _read_odd(body)
    except NOT_JSON:
        raise NotJson from None


def _read_odd(body: bytes) -> _Odd:
    try:
        return _odd.decode(body)
    except msgspec.ValidationError:
        _object(decode(body), "the body")
        raise BadCall("prefetch must be a JSON object.") from None
    except NOT_JSON:
        raise NotJson from None


def _object(value: object, name: str) -> JsonObject:
    if not isinstance(value, dict):
        raise BadCall(f"{name} must be a JSON object.")
    return value


def _extension(value: object) -> JsonObject:
    """Return the root extension; one that is no object says nothing to us, and is not vital."""
    return value if isinstance(value, dict) else EMPTY


def _text(value: object, name: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise BadCall(f"{name} must be a string.")
    return value


def _optional_text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _id(value: object, kind: str, name: str) -> str:
    """Return a bare id; older clients send `Patient/123`."""
    bare = value.removeprefix(f"{kind}/") if isinstance(value, str) else ""
    if not _FHIR_ID.fullmatch(bare) or bare in {".", ".."}:
        raise BadCall(f"{name} must be a FHIR id: 1 to 64 letters, digits, '-' and '.'.")
    return bare


def _optional_id(value: object, kind: str, name: str) -> str | None:
    return _id(value, kind, name) if value not in (None, "") else None


def _user(value: object) -> str:
    """Return who uses the EHR as `Type/id`; "" when nobody is named or nobody can be read.

    One that cannot be read but speaks of a patient or relative is taken for one: they get no clinical card.
    """
    if isinstance(value, str) and _REFERENCE.fullmatch(value):
        return value
    spoken_of = _NO_CLINICIAN.search(str(value))
    return f"{spoken_of[0]}/unreadable" if spoken_of else ""


def _authorization(value: object) -> FhirAuthorization | None:
    """Return the offered token; None when there is none or it lacks what makes it usable."""
    if not isinstance(value, dict):
        return None
    token, kind = value.get("access_token"), value.get("token_type")
    expires = value.get("expires_in")
    usable = (
        isinstance(token, str) and token.isascii() and token.isprintable() and " " not in token
    )
    if not usable or not token or str(kind).lower() != "bearer":
        return None
    patient = _optional_text(value.get("patient"))
    return FhirAuthorization(
        access_token=str(token),
        expires_in=expires if isinstance(expires, int) and not isinstance(expires, bool) else 0,
        scope=_optional_text(value.get("scope")) or "",
        subject=_optional_text(value.get("subject")) or "",
        patient=patient.removeprefix("Patient/") if patient else None,
    )


def read_feedback(body: bytes) -> tuple[tuple[Feedback, ...], int]:
    """Read a feedback batch: (the valid items without repetitions, how many were not usable).

    Epic spells `overrideReason` in the plural and may put the reason into an extension; both are read.
    Raises `NotJson` or `BadCall` when the envelope itself is malformed.
    """
    data = _object(decode(body), "the body")
    items = data.get("feedback")
    if not isinstance(items, list) or len(items) > MAX_FEEDBACK:
        raise BadCall(f"feedback must be an array of at most {MAX_FEEDBACK} items.")
    found: dict[tuple[str, ...], Feedback] = {}
    refused = 0
    for item in items:
        try:
            feedback = _feedback(_object(item, "feedback"))
        except BadCall:
            refused += 1
        else:
            found.setdefault(feedback.key, feedback)
    return tuple(found.values()), refused


def _feedback(item: JsonObject) -> Feedback:
    card, outcome = _text(item.get("card"), "card"), _text(item.get("outcome"), "outcome")
    if not _UUID.fullmatch(card):
        raise BadCall("card must be a card's uuid.")
    at = _instant(_text(item.get("outcomeTimestamp"), "outcomeTimestamp"))
    if outcome == "accepted":
        accepted = tuple(_accepted(item.get("acceptedSuggestions")))
        return Feedback(card=card, outcome="accepted", at=at, accepted=accepted)
    if outcome != "overridden":
        raise BadCall("outcome must be accepted or overridden.")
    override = _override(item)
    return Feedback(
        card=card,
        outcome="overridden",
        at=at,
        reason=_reason(override),
        comment=(_optional_text(override.get("userComment")) or "")[:_MAX_COMMENT],
    )


def _instant(value: str) -> datetime:
    """Return an RFC 3339 time; one without an offset is UTC, as the specification says."""
    try:
        parsed = datetime.fromisoformat(value)
        return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise BadCall("outcomeTimestamp must be an RFC 3339 time.") from None


def _accepted(value: object) -> Iterator[str]:
    for item in value if isinstance(value, list) else ():
        identity = item.get("id") if isinstance(item, dict) else None
        if isinstance(identity, str) and _UUID.fullmatch(identity):
            yield identity


def _override(item: JsonObject) -> JsonObject:
    for name in ("overrideReason", "overrideReasons"):
        value = item.get(name)
        first = value[0] if isinstance(value, list) and value else value
        if isinstance(first, dict):
            return first
    return item if "userComment" in item else EMPTY


_EPIC_REASON = "com.epic.cdshooks.feedback.overrideReason."


def _reason(override: JsonObject) -> str:
    coding = override.get("reason")
    if not isinstance(coding, dict):
        coding = override if "code" in override else _from_extension(override.get("extension"))
    code, system = coding.get("code"), coding.get("system")
    if not isinstance(code, str):
        return ""
    return f"{system if isinstance(system, str) else ''}|{code}"[:512]


def _from_extension(extension: object) -> JsonObject:
    if not isinstance(extension, dict):
        return EMPTY
    return {
        key.removeprefix(_EPIC_REASON): value
        for key, value in extension.items()
        if key.startswith(_EPIC_REASON)
    }
