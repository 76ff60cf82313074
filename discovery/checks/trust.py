"""Checks of who may call: the EHR's key sets, and what the site file says of its callers."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from cds_service.domain.observed import Answer
from cds_service.sites import unfilled
from discovery.checks.verdict import (
    EHR_ADMIN,
    OPERATOR,
    SITE_ADMIN,
    Check,
    Subject,
    Verdict,
    fail,
    is_away,
    listed,
    passed,
    skip,
    unreachable,
    warn,
    was,
)

_PUBLIC_SANDBOX = frozenset({"example-kid", "44823f3d-0b01-4a6c-a80e-b9d3e8a7226f"})
_FITS = {"EC": ("ES",), "RSA": ("RS", "PS")}
_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
_MIN_MODULUS_CHARS = 342
"""2048 bits in base64url."""


def _keys(answer: Answer) -> Iterator[dict[str, Any]]:
    keys = answer.body.get("keys") if answer.is_good else None
    for key in keys if isinstance(keys, list) else ():
        if isinstance(key, dict):
            yield key


def reachable(subject: Subject) -> Verdict:
    """Judge whether each key set can be had from where the site file says."""
    for answer in subject.seen.key_sets:
        if 300 <= answer.status < 400:  # noqa: PLR2004  # RFC 9110 section 15.4
            return fail(
                f"the key set {answer.url} is redirected to {answer.location}, which we do not follow",
                "write the address that answers itself as jwks_url",
                SITE_ADMIN,
            )
        if is_away(answer) and is_away(subject.seen.metadata) and _beside(answer, subject):
            return skip("the EHR cannot be reached")
        if not answer.is_good:
            what = "is no JSON" if answer.status == 200 else unreachable(answer)  # noqa: PLR2004
            return fail(
                f"the key set {answer.url} cannot be had: {what}",
                "correct jwks_url, or open the way from our host to it",
                SITE_ADMIN,
            )
    return (
        passed(f"{len(subject.seen.key_sets)} key set(s) answer")
        if subject.seen.key_sets
        else skip("not looked at")
    )


def _beside(answer: Answer, subject: Subject) -> bool:
    """Return whether a key set stands at the FHIR server's own host: what keeps us from one keeps us from both."""
    return urlsplit(answer.url).netloc == urlsplit(subject.site.file.fhir.base_url).netloc


def usable(subject: Subject) -> Verdict:
    """Judge whether each key set has a key for an algorithm that we accept."""
    for answer, trust in zip(subject.seen.key_sets, subject.site.file.trust, strict=False):
        allowed = trust.algorithms or subject.site.profile.jwt.algorithms
        keys = list(_keys(answer))
        if answer.is_good and not any(_fits(key, name) for key in keys for name in allowed):
            have = (
                listed(sorted({f"{k.get('kty')} {k.get('crv', '')}".strip() for k in keys}))
                or "none"
            )
            return fail(
                f"no key of {answer.url} can sign with {listed(allowed)}; it holds {have}",
                "agree on an algorithm: set it at the EHR, or name it under [[trust]] algorithms",
                EHR_ADMIN,
            )
    return _of_sets(subject, "each key set has a key that we accept")


def _fits(key: dict[str, Any], algorithm: str) -> bool:
    if key.get("kid") is None or not algorithm.startswith(_FITS.get(str(key.get("kty")), ("-",))):
        return False
    if key["kty"] == "EC":
        return bool(key.get("crv") == _CURVES.get(algorithm))
    return len(str(key.get("n", ""))) >= _MIN_MODULUS_CHARS


def _of_sets(subject: Subject, says: str) -> Verdict:
    return (
        passed(says)
        if any(a.is_good for a in subject.seen.key_sets)
        else skip("no key set could be read")
    )


def named(subject: Subject) -> Verdict:
    """Judge whether each key has an id of its own: a call names its key by it."""
    for answer in subject.seen.key_sets:
        kids = [key.get("kid") for key in _keys(answer)]
        if None in kids or len(set(kids)) < len(kids):
            return fail(
                f"a key of {answer.url} has no `kid`, or shares one",
                "publish each key with a `kid` of its own",
                EHR_ADMIN,
            )
    return _of_sets(subject, "each key has an id of its own")


def rotation(subject: Subject) -> Verdict:
    """Judge whether a rotation will go unnoticed: the old key stands beside the new one for a time."""
    unknown = subject.calls.refused.get("unknown_kid", 0)
    if unknown:
        kids = next((d.theirs for d in subject.calls.differs if d.claim == "kid"), "?")
        known = [str(k.get("kid")) for a in subject.seen.key_sets for k in _keys(a)]
        if kids in known:
            return warn(
                f"{unknown} call(s) were signed with key `{kids}` before the key set had it",
                "nothing now; at the next rotation publish the new key before it signs",
                EHR_ADMIN,
            )
        return was(
            "unknown_kid",
            subject,
            f"{unknown} call(s) were signed with key `{kids}`, which the key set does not hold; it has {listed(known)}",
            "publish the key that signs in the key set of jwks_url, or correct jwks_url",
            EHR_ADMIN,
        )
    return (
        passed("every call's key was in the key set")
        if subject.calls.answered
        else skip("no call was seen yet")
    )


def sandbox(subject: Subject) -> Verdict:
    """Judge whether a key whose private half is public is trusted."""
    found = [
        k["kid"]
        for a in subject.seen.key_sets
        for k in _keys(a)
        if k.get("kid") in _PUBLIC_SANDBOX
    ]
    if found:
        return fail(
            f"the key `{found[0]}` is the public sandbox's: everybody can sign with it",
            "trust a key set of the EHR itself",
            SITE_ADMIN,
        )
    return _of_sets(subject, "no key of a public sandbox is trusted")


def filled(subject: Subject) -> Verdict:
    """Judge whether every value that `site new` could not know was written into the site file."""
    left = unfilled(subject.site.file)
    if left:
        return fail(
            f"the site file still says REPLACE at {listed(left)}",
            "write there what the EHR has; the packet says which screen it stands on",
            SITE_ADMIN,
        )
    return passed("no value is left to fill in")


def client_id(subject: Subject) -> Verdict:
    """Judge whether the site file says which client we are."""
    missing = [t.iss for t in subject.site.file.trust if t.client_id is None]
    if missing:
        return warn(
            f"[[trust]] of {missing[0]} names no client_id, so a token lent for another app is not told from ours",
            "add client_id, ours at this EHR",
            SITE_ADMIN,
        )
    return passed("our client id is known, and tokens for others are refused")


def replay(subject: Subject) -> Verdict:
    """Judge whether a token works once only."""
    loose = [t for t in subject.site.file.trust if t.replay != "strict"]
    if loose:
        return warn(
            f'[[trust]] replay is "{loose[0].replay}": a stolen token may work again',
            'set replay = "strict" before production',
            SITE_ADMIN,
        )
    return passed("a token works once")


def lifetime(subject: Subject) -> Verdict:
    """Judge whether the site allows longer-lived tokens than its vendor makes."""
    most = subject.site.profile.jwt.max_lifetime_s
    for trust in subject.site.file.trust:
        if trust.max_lifetime_s is not None and trust.max_lifetime_s > most:
            return warn(
                f"max_lifetime_s {trust.max_lifetime_s} is longer than the {most} s that this vendor's tokens live",
                "leave it out, or say why in the site file",
                SITE_ADMIN,
            )
    return passed(f"tokens may live {most} s at most")


def mode(subject: Subject) -> Verdict:
    """Judge whether anything can be seen at all."""
    if subject.seen.off:
        return warn(
            f"switched off: {listed(subject.seen.off)}",
            "when it may answer again: " + listed(_on(subject)),
            OPERATOR,
        )
    if subject.site.file.mode != "live":
        return warn(
            f'mode is "{subject.site.file.mode}", so no card is shown',
            'set mode = "live" when the shadow report is good',
            SITE_ADMIN,
        )
    return passed("the site is live")


def _on(subject: Subject) -> Iterator[str]:
    for what in subject.seen.off:
        part = "" if what == "everything" else f" {what}"
        yield f"`cds-service site on {subject.site.name}{part}`"


def fires(subject: Subject) -> Verdict:
    """Judge whether the vendor is known to fire the hooks that are enabled."""
    known = subject.site.profile.hook.hooks
    idle = [s for s in subject.services if s.hook not in known]
    if idle:
        return warn(
            f"{subject.site.profile.title} is not known to fire {idle[0].hook}, so {idle[0].id} may never be called",
            "confirm it with the vendor, or take the way that `cds-service site plan` names",
            SITE_ADMIN,
        )
    return passed("the vendor is known to fire the hooks of every enabled service")


def triggers(subject: Subject) -> Verdict:
    """Judge whether calls came at moments that the site does not answer."""
    named_ = subject.site.profile.hook.trigger_extension
    if not named_:
        return skip("this vendor sends no trigger")
    silent = subject.calls.triggers
    if silent and not subject.calls.cards:
        most = max(silent, key=lambda each: silent[each])
        return fail(
            f"every call came with a trigger that is not answered, most with `{most}`;"
            f" answered: {listed(subject.site.triggers)}",
            f'fire the criteria record at chart-open, or add "{most}" to triggers in the site file',
            EHR_ADMIN,
        )
    if silent:
        return warn(
            f"calls with triggers {listed(silent)} get an empty answer",
            "leave these triggers out of the criteria record",
            EHR_ADMIN,
        )
    return passed(f"triggers answered: {listed(subject.site.triggers)}")


def environment(subject: Subject) -> Verdict:
    """Judge whether a production site is on addresses of a test system."""
    urls = [subject.site.file.fhir.base_url, *(t.iss for t in subject.site.file.trust)]
    marks = ("sandbox", "preview", "-code.", "nonprod", "non-prod", "/test", "test.")
    odd = [url for url in urls if any(mark in url.lower() for mark in marks)]
    if odd and subject.site.file.environment == "production":
        return warn(
            f"a production site names {odd[0]}, which looks like a test system",
            'correct it, or set environment = "test"',
            SITE_ADMIN,
        )
    return passed(f"the addresses fit a {subject.site.file.environment} site")


CHECKS = (
    Check(id="keys-reachable", title="The EHR's key sets answer", judge=reachable, traps=("E9",)),
    Check(id="keys-usable", title="A key for an accepted algorithm", judge=usable),
    Check(id="keys-named", title="Keys have ids of their own", judge=named, traps=("E8",)),
    Check(id="keys-rotation", title="Rotated keys are found", judge=rotation, traps=("O5",)),
    Check(id="keys-sandbox", title="No public sandbox key", judge=sandbox),
    Check(id="site-file", title="The site file is filled in", judge=filled),
    Check(id="client-id", title="Our client id is known", judge=client_id),
    Check(id="replay", title="A token works once", judge=replay),
    Check(id="token-lifetime", title="Tokens are short-lived", judge=lifetime),
    Check(id="mode", title="The site is switched on", judge=mode),
    Check(id="hooks-fired", title="The hooks are fired here", judge=fires, traps=("E10",)),
    Check(
        id="triggers",
        title="Calls come at the moment that is answered",
        judge=triggers,
        traps=("E1",),
    ),
    Check(
        id="environment", title="Test and production are apart", judge=environment, traps=("E21",)
    ),
)
