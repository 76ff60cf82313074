"""A launch session as bytes and back: what is stored of it, and what only the browser knows."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from cds_service.domain.session import Clinician, LaunchSession
from cds_service.sites import Site
from cds_service.smart.launch import Pending, launch_context
from cds_service.smart.tokens import Granted, Token


def hashed(secret: str) -> str:
    """Return by what a stored row is known: the hash of what only the browser holds."""
    return sha256(secret.encode()).hexdigest()


def csrf(secret: str) -> str:
    """Return what a form of the session must carry: nobody can make it who has not the cookie."""
    return sha256(f"csrf|{secret}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class BriefFor:
    """The brief that a launch opens."""

    id: str
    of_other_visit: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Lent:
    """The tokens that one launch lends us."""

    token: Token
    refresh_token: str = field(default="", repr=False)
    renewed: datetime | None = None
    """When the refresh token was used last; some servers want pauses."""


def start(
    site: Site,
    granted: Granted,
    clinician: Clinician,
    brief: BriefFor,
    *,
    secret: str,
    now: datetime,
) -> LaunchSession:
    """Return a new session of one launch. Raises `SignInFailed` where the launch has no patient."""
    context = launch_context(granted)
    hours = site.file.smart.session_hours if site.file.smart else 0
    return LaunchSession(
        id=hashed(secret),
        site=site.name,
        clinician=clinician,
        patient=context.patient,
        encounter=context.encounter,
        brief=brief.id,
        of_other_visit=brief.of_other_visit,
        scopes=granted.token.scopes,
        started=now,
        seen=now,
        ends=now + timedelta(hours=hours),
        csrf=csrf(secret),
    )


def is_over(session: LaunchSession, site: Site, now: datetime) -> bool:
    """Return whether a session has ended, by its end or by being left alone for too long."""
    smart = site.file.smart
    idle = timedelta(minutes=smart.idle_minutes if smart else 0)
    return now >= session.ends or now - session.seen >= idle


def pack(session: LaunchSession) -> bytes:
    """Return what of a session is sealed."""
    person = session.clinician
    return json.dumps(
        {
            "site": session.site,
            "brief": session.brief,
            "started": session.started.isoformat(),
            "user": person.fhir_user,
            "name": person.name,
            "roles": sorted(person.roles),
            "may_approve": person.may_approve,
            "patient": session.patient,
            "encounter": session.encounter,
            "of_other_visit": session.of_other_visit,
            "scopes": sorted(session.scopes),
        }
    ).encode()


def reopen(body: bytes, *, secret: str, seen: datetime, ends: datetime) -> LaunchSession:
    """Return a session from what `pack` made and what changes beside it."""
    told = json.loads(body)
    return LaunchSession(
        id=hashed(secret),
        site=told["site"],
        clinician=Clinician(
            fhir_user=told["user"],
            name=told["name"],
            roles=frozenset(told["roles"]),
            may_approve=told["may_approve"],
        ),
        patient=told["patient"],
        encounter=told["encounter"],
        brief=told["brief"],
        of_other_visit=told.get("of_other_visit", False),
        scopes=frozenset(told["scopes"]),
        started=datetime.fromisoformat(told["started"]),
        seen=seen,
        ends=ends,
        csrf=csrf(secret),
    )


def lent(granted: Granted, *, before: Lent | None = None, now: datetime | None = None) -> Lent:
    """Return the tokens of an answer; a refresh token that is not replaced stays good."""
    kept = before.refresh_token if before else ""
    return Lent(
        token=granted.token,
        refresh_token=granted.text("refresh_token") or kept,
        renewed=now if before else None,
    )


def pack_tokens(held: Lent) -> bytes:
    """Return what of the tokens is sealed: all of it."""
    return json.dumps(
        {
            "value": held.token.value,
            "scopes": sorted(held.token.scopes),
            "refresh_at": held.token.refresh_at.isoformat(),
            "expires": held.token.expires.isoformat(),
            "refresh_token": held.refresh_token,
            "renewed": held.renewed.isoformat() if held.renewed else None,
        }
    ).encode()


def reopen_tokens(body: bytes) -> Lent:
    """Return the tokens from what `pack_tokens` made."""
    told = json.loads(body)
    renewed = told["renewed"]
    return Lent(
        token=Token(
            value=told["value"],
            scopes=frozenset(told["scopes"]),
            refresh_at=datetime.fromisoformat(told["refresh_at"]),
            expires=datetime.fromisoformat(told["expires"]),
        ),
        refresh_token=told["refresh_token"],
        renewed=datetime.fromisoformat(renewed) if renewed else None,
    )


def pack_pending(pending: Pending) -> bytes:
    """Return what of a sign-in under way is sealed; the browser's half is kept as its hash only."""
    return json.dumps(
        {
            "nonce": pending.nonce,
            "verifier": pending.verifier,
            "browser": hashed(pending.browser),
            "begun": pending.begun.isoformat(),
        }
    ).encode()


def reopen_pending(body: bytes, *, site: str, state: str) -> Pending:
    """Return a sign-in under way; its `browser` is the hash of what the browser must show."""
    told = json.loads(body)
    return Pending(
        site=site,
        state=state,
        nonce=told["nonce"],
        verifier=told["verifier"],
        browser=told["browser"],
        begun=datetime.fromisoformat(told["begun"]),
    )
