"""Checks of tokens of our own: the SMART configuration, the backend client, the launch, and where a note goes."""

from typing import Any

from cds_service.vendors import apis, scopes_for
from discovery.checks.scopes import covered
from discovery.checks.verdict import (
    EHR_ADMIN,
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
)

_OAUTH = {
    "invalid_client": (
        "does not know our client, or cannot verify our key",
        "register our client id with our key set address; a changed key set may take a day to be read again",
    ),
    "unauthorized_client": (
        "knows our client and gives it no access",
        "map the client to a background user, and wait until the change has spread",
    ),
    "invalid_scope": ("refuses the scopes", "register exactly the scopes that the packet lists"),
    "unsupported_grant_type": (
        "gives no tokens to backend services",
        "ask the vendor whether backend services are granted: advertised is not granted",
    ),
    "invalid_request": (
        "refuses the request",
        "compare the token address with the SMART configuration",
    ),
}
_RENEW_MARGIN_S = 60


def configuration(subject: Subject) -> Verdict:
    """Judge whether the SMART configuration can be read."""
    answer = subject.seen.smart
    if answer is None:
        return skip("not looked at")
    wants = subject.site.file.backend or subject.site.file.smart
    if answer.is_good and answer.body.get("token_endpoint"):
        return passed("the SMART configuration names a token endpoint")
    if not wants:
        return skip("neither [backend] nor [smart] is there")
    if is_away(answer) and is_away(subject.seen.metadata):
        return skip("the FHIR server cannot be reached")
    what = "names no token endpoint" if answer.is_good else f"cannot be had: {unreachable(answer)}"
    return fail(
        f"the SMART configuration below {subject.site.file.fhir.base_url} {what}",
        "let the server publish /.well-known/smart-configuration below its FHIR base",
        EHR_ADMIN,
    )


def endpoints(subject: Subject) -> Verdict:
    """Judge whether the endpoints are https addresses."""
    if (body := _body(subject)) is None:
        return skip("no SMART configuration")
    names = ("token_endpoint", "authorization_endpoint", "jwks_uri")
    plain = [n for n in names if str(body.get(n, "")).startswith("http://")]
    if plain and subject.site.file.fhir.base_url.startswith("https://"):
        return fail(
            f"{plain[0]} is {body[plain[0]]}, which is not https",
            "let the authorization server publish https addresses: its proxy hides them now",
            EHR_ADMIN,
        )
    return passed("the endpoints that are told can be used")


def launch(subject: Subject) -> Verdict:
    """Judge whether an EHR launch is offered."""
    if subject.site.file.smart is None:
        return skip("the site file has no [smart]")
    if (body := _body(subject)) is None:
        return skip("no SMART configuration")
    if not body.get("authorization_endpoint"):
        return fail(
            "no authorization endpoint is told", "enable EHR launch for our app", EHR_ADMIN
        )
    capabilities = body.get("capabilities")
    if isinstance(capabilities, list) and "launch-ehr" not in capabilities:
        return warn(
            "launch-ehr is not among the capabilities",
            "confirm that EHR launch is enabled",
            EHR_ADMIN,
        )
    return passed("EHR launch is offered")


def pkce(subject: Subject) -> Verdict:
    """Judge whether PKCE with S256 is offered."""
    if subject.site.file.smart is None:
        return skip("the site file has no [smart]")
    if (body := _body(subject)) is None:
        return skip("no SMART configuration")
    methods = body.get("code_challenge_methods_supported")
    if isinstance(methods, list) and "S256" not in methods:
        return fail(
            "PKCE with S256 is not offered",
            "enable it: the launch is refused without it",
            EHR_ADMIN,
        )
    return (
        passed("PKCE with S256 is offered")
        if methods
        else warn(
            "the server does not say whether it takes PKCE",
            "try one launch with a test patient",
            SITE_ADMIN,
        )
    )


def links(subject: Subject) -> Verdict:
    """Judge whether a card may link to the app."""
    if subject.site.file.smart is None:
        return warn(
            "the site file has no [smart], so that cards carry no link and nothing can be reviewed",
            "add [smart] when the app is registered",
            SITE_ADMIN,
        )
    if not subject.site.profile.card.links:
        return skip("this vendor strips links")
    return passed("cards carry a link to the app")


def issuer(subject: Subject) -> Verdict:
    """Judge whether the issuer that the server tells is the one of the site file, where both name people's tokens."""
    if (body := _body(subject)) is None or not isinstance(body.get("issuer"), str):
        return skip("the SMART configuration names no issuer")
    told, trusted = str(body["issuer"]), [t.iss for t in subject.site.file.trust]
    near = [iss for iss in trusted if iss.rstrip("/") == told.rstrip("/") and iss != told]
    if near:
        return fail(
            f"the server's issuer is `{told}`, the site file's `{near[0]}`: a slash differs",
            "write trust.iss exactly as the server tells it",
            SITE_ADMIN,
        )
    return passed(f"people sign in at {told}")


def syntax(subject: Subject) -> Verdict:
    """Judge whether the server understands scopes as we write them."""
    if (body := _body(subject)) is None:
        return skip("no SMART configuration")
    wanted = f"permission-{subject.site.profile.oauth.scope_syntax}"
    told = body.get("capabilities")
    other = "v1" if wanted.endswith("v2") else "v2"
    if isinstance(told, list) and wanted not in told and f"permission-{other}" in told:
        return fail(
            f"the server knows SMART {other} scopes only",
            f'set [vendor_overrides.oauth] scope_syntax = "{other}", and print the packet again',
            SITE_ADMIN,
        )
    return passed(f"scopes are written as SMART {subject.site.profile.oauth.scope_syntax}")


def backend_offered(subject: Subject) -> Verdict:
    """Judge whether backend services are advertised with a signed assertion."""
    if subject.site.file.backend is None:
        return skip("the site file has no [backend]")
    if (body := _body(subject)) is None:
        return skip("no SMART configuration")
    grant_types, methods = (
        body.get("grant_types_supported"),
        body.get("token_endpoint_auth_methods_supported"),
    )
    if isinstance(grant_types, list) and "client_credentials" not in grant_types:
        return fail("backend services are not advertised", "ask the vendor for them", EHR_ADMIN)
    if isinstance(methods, list) and "private_key_jwt" not in methods:
        return fail(
            "no client may sign with a key", "allow private_key_jwt for our client", EHR_ADMIN
        )
    return passed("backend services with a signed assertion are advertised")


def token(subject: Subject) -> Verdict:
    """Judge whether we get a token of our own."""
    if subject.site.file.backend is None:
        return warn(
            "the site file has no [backend]: nothing is prepared ahead and the record needs cannot be tried here",
            "add [backend] when our client is registered",
            SITE_ADMIN,
        )
    got = subject.seen.token
    if got is None:
        return skip("not asked for")
    if not got.error:
        return passed("we get a token of our own")
    if got.error == "discovery_failed" and is_away(subject.seen.metadata):
        return skip("the FHIR server cannot be reached")
    says, do = _OAUTH.get(got.error, ("gives none", "see the EHR's log of token requests"))
    return fail(f"the token endpoint {says} ({got.error})", got.advice or do, EHR_ADMIN)


def granted(subject: Subject) -> Verdict:
    """Judge whether the scopes granted are those that the services need: no fewer, no more."""
    got, profile = subject.seen.token, subject.site.profile
    if got is None or got.error or subject.site.file.backend is None:
        return skip("no token")
    if profile.oauth.backend_scope == "omit":
        wanted = apis(subject.needs, profile)
        return passed(
            f"the grant is the client's list of APIs: {listed(wanted, 4)}; the reads below prove it"
        )
    needed = scopes_for(subject.needs, profile, level="system")
    missing = [s for s in needed if not covered(s, got.granted)]
    if missing:
        what = ", ".join(needed[missing[0]]).lower()
        return fail(
            f"not granted: {listed(missing, 40)}; without them there is no {what}",
            "grant exactly these scopes to our backend client",
            EHR_ADMIN,
        )
    broad = [s for s in got.granted if "*" in s]
    if broad:
        return warn(
            f"more than needed is granted: {listed(broad)}",
            "grant the exact list of the packet",
            EHR_ADMIN,
        )
    return passed(f"{len(needed)} scopes are granted, as needed")


def token_life(subject: Subject) -> Verdict:
    """Judge whether tokens live long enough to work with."""
    got = subject.seen.token
    if got is None or got.error or not got.lifetime_s:
        return skip("no token")
    if got.lifetime_s < _RENEW_MARGIN_S:
        return warn(
            f"our token lives {got.lifetime_s} s", "let it live five minutes or more", EHR_ADMIN
        )
    return passed(f"our token lives {got.lifetime_s} s and is renewed at 80 percent of that")


def ahead(subject: Subject) -> Verdict:
    """Judge whether briefs are ready before charts open."""
    file = subject.site.file
    if subject.site.profile.oauth.backend == "no":
        return skip("this vendor gives no tokens to backend services")
    missing = [
        name
        for name, table in (("[backend]", file.backend), ("[prepare]", file.prepare))
        if not table
    ]
    if missing:
        return warn(
            f"the site file has no {' and no '.join(missing)}: no brief is prepared ahead, each is made while its"
            " chart opens",
            f"add {' and '.join(missing)} when the backend client is registered",
            SITE_ADMIN,
        )
    return passed("briefs are prepared ahead of visits")


def _body(subject: Subject) -> dict[str, Any] | None:
    answer = subject.seen.smart
    return dict(answer.body) if answer is not None and answer.is_good else None


CHECKS = (
    Check(
        id="smart-configuration",
        title="The SMART configuration",
        judge=configuration,
        traps=("O2", "E9"),
    ),
    Check(id="smart-endpoints", title="Addresses of sign-in", judge=endpoints),
    Check(id="smart-issuer", title="The issuer of sign-in", judge=issuer, traps=("A8",)),
    Check(id="smart-launch", title="EHR launch", judge=launch),
    Check(id="smart-pkce", title="PKCE", judge=pkce, traps=("O15",)),
    Check(id="smart-links", title="Cards link to the app", judge=links),
    Check(id="scope-syntax", title="How scopes are written", judge=syntax),
    Check(id="backend-offered", title="Backend services are offered", judge=backend_offered),
    Check(id="backend-token", title="A token of our own", judge=token),
    Check(
        id="backend-scopes",
        title="Granted against needed",
        judge=granted,
        traps=("O3", "A5", "E15"),
    ),
    Check(
        id="backend-token-life", title="How long our token lives", judge=token_life, traps=("O4",)
    ),
    Check(id="work-ahead", title="Briefs are ready before the visit", judge=ahead),
)
