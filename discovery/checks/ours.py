"""Checks of our own address, as the EHR sees it: where a proxy, a certificate or a slash breaks everything."""

from collections.abc import Mapping
from datetime import timedelta
from json import loads
from typing import Any
from urllib.parse import urlsplit

from cds_service.domain.observed import Answer, Tls
from discovery.checks.verdict import (
    NETWORK,
    OPERATOR,
    Check,
    Subject,
    Verdict,
    fail,
    is_away,
    passed,
    skip,
    unreachable,
    warn,
)

_SOON = timedelta(days=30)
_UNAUTHORIZED = 401
_FIRST_REDIRECT, _FIRST_ERROR = 300, 400
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "k"})


def address(subject: Subject) -> Verdict:
    """Judge the form of CDS_PUBLIC_URL."""
    url = urlsplit(subject.public_url)
    if url.scheme != "https":
        return warn(
            f"our public address {subject.public_url} is not https",
            "put a proxy that speaks TLS in front, and set CDS_PUBLIC_URL to its https address",
            OPERATOR,
        )
    if url.path or url.query:
        return warn(
            f"our public address has a path, {url.path or url.query}",
            "make sure that the proxy passes it on unchanged, or give us a host name of our own",
            OPERATOR,
        )
    return passed(f"{subject.public_url} has the right form")


def reachable(subject: Subject) -> Verdict:
    """Judge whether our discovery document can be read from the public address."""
    answer = subject.seen.discovery
    if answer is None:
        return skip("not looked at")
    if answer.is_good:
        return passed(f"{answer.url} answers")
    if answer.status == _UNAUTHORIZED and subject.site.file.discovery_auth:
        return passed("discovery asks for a token, as the site file wants it")
    return fail(*_unreached(answer, subject))


def _unreached(answer: Answer, subject: Subject) -> tuple[str, str, str]:
    if answer.status == 0:
        return (
            f"{answer.url} cannot be reached: {unreachable(answer)}",
            "start the service, or open the way to it (DNS, proxy, firewall)",
            NETWORK,
        )
    if _FIRST_REDIRECT <= answer.status < _FIRST_ERROR:
        return (
            f"{answer.url} is redirected to {answer.location}",
            "let the proxy answer at the address itself: an EHR does not follow redirects",
            NETWORK,
        )
    if not answer.is_json:
        return (
            f"{answer.url} answers {answer.content_type or 'no type'}, which is not ours",
            "point the proxy at the service; a page of the proxy or of a firewall answers now",
            NETWORK,
        )
    return (
        f"{answer.url} answers with status {answer.status}",
        f"see that the running service has {subject.site.name}.toml, and that the proxy adds no prefix",
        OPERATOR,
    )


def document(subject: Subject) -> Verdict:
    """Judge whether what the public address publishes is what this configuration publishes."""
    answer = subject.seen.discovery
    if answer is None or not answer.is_good:
        return skip("discovery could not be read")
    expected = loads(subject.seen.expected_discovery or b"{}")
    if answer.body == expected:
        return passed("discovery says what the registration packet says")
    ours, theirs = _ids(expected), _ids(answer.body)
    what = (
        f"services {theirs} instead of {ours}"
        if ours != theirs
        else "other prefetch lines or words"
    )
    return fail(
        f"the running service publishes something else than this configuration: {what}",
        "run the same version and site files everywhere, then print the packet again",
        OPERATOR,
    )


def _ids(body: Mapping[str, Any]) -> list[str]:
    services = body.get("services")
    rows = services if isinstance(services, list) else []
    return sorted(str(row.get("id")) for row in rows if isinstance(row, dict))


def post(subject: Subject) -> Verdict:
    """Judge whether a call reaches us unchanged: without a token our own 401 must come back."""
    answer = subject.seen.post
    if answer is None:
        return skip("not looked at")
    if answer.status == 0:
        return skip("the address cannot be reached")
    if _FIRST_REDIRECT <= answer.status < _FIRST_ERROR:
        return fail(
            f"a call to {answer.url} is redirected to {answer.location}",
            "let the proxy pass calls on without a redirect: a redirected POST loses its body",
            NETWORK,
        )
    ours = answer.body.get("resourceType") == "OperationOutcome"
    if answer.status == _UNAUTHORIZED and ours:
        return passed("a call reaches the service, which asks for a token")
    return fail(
        f"a call to {answer.url} gets status {answer.status}"
        + ("" if ours else ", and not from us"),
        "let the proxy pass path, body and Authorization on unchanged, without a prefix or a slash",
        NETWORK,
    )


def tls_version(subject: Subject) -> Verdict:
    """Judge the TLS versions of our address."""
    return _version(subject.seen.ours_tls, NETWORK)


def tls_expiry(subject: Subject) -> Verdict:
    """Judge until when our certificate is good."""
    return _expiry(subject.seen.ours_tls, subject, NETWORK)


def ehr_tls_version(subject: Subject) -> Verdict:
    """Judge the TLS versions of the EHR's FHIR server."""
    return _version(subject.seen.ehr_tls, "the EHR's network team")


def ehr_tls_expiry(subject: Subject) -> Verdict:
    """Judge until when the certificate of the EHR's FHIR server is good."""
    return _expiry(subject.seen.ehr_tls, subject, "the EHR's network team")


def _version(tls: Tls | None, who: str) -> Verdict:
    if tls is None:
        return skip("the address is not https")
    if is_away(tls):
        return skip(f"{tls.host} cannot be reached: {unreachable(tls)}")
    if tls.fault:
        return fail(
            f"{tls.host}: no TLS connection that we trust: {unreachable(tls)}",
            "install a certificate for this very name with its whole chain, and speak TLS 1.2 or 1.3",
            who,
        )
    if tls.old_version:
        return fail(
            f"{tls.host} still takes {tls.old_version}",
            "switch off everything below TLS 1.2",
            who,
        )
    return passed(f"{tls.host} speaks {tls.version}")


def _expiry(tls: Tls | None, subject: Subject, who: str) -> Verdict:
    if tls is None or tls.expires is None:
        return skip("no certificate was seen")
    left = tls.expires - subject.seen.now
    if left < timedelta():
        return fail(f"the certificate of {tls.host} ran out", "renew it now", who)
    if left < _SOON:
        return warn(f"the certificate of {tls.host} ends in {left.days} days", "renew it", who)
    return passed(f"the certificate of {tls.host} is good for {left.days} days")


def key_set(subject: Subject) -> Verdict:
    """Judge whether our own key set is public and served without a redirect."""
    answer = subject.seen.jwks
    if answer is None:
        return skip("not looked at")
    wants = subject.site.file.backend or subject.site.file.smart
    if _FIRST_REDIRECT <= answer.status < _FIRST_ERROR:
        return fail(
            f"our key set is redirected to {answer.location}",
            f"serve {answer.url} directly: an EHR follows no redirect there",
            NETWORK,
        )
    keys = answer.body.get("keys")
    if answer.is_good and isinstance(keys, list) and keys:
        return passed(f"our key set is public and holds {len(keys)} key(s)")
    if not wants:
        return skip("neither [backend] nor [smart] is there, so nobody needs our keys")
    return fail(
        f"our key set cannot be read at {answer.url}: {unreachable(answer)}",
        "make it readable from the EHR without a login",
        NETWORK,
    )


def private_keys(subject: Subject) -> Verdict:
    """Judge whether our public key set holds private parts."""
    answer = subject.seen.jwks
    keys = answer.body.get("keys") if answer is not None and answer.is_good else None
    if not isinstance(keys, list) or not keys:
        return skip("our key set could not be read")
    if any(_PRIVATE & key.keys() for key in keys if isinstance(key, dict)):
        return fail(
            "our key set shows a private key to everybody",
            "take it down, rotate the keys (`cds-service keys rotate`) and tell the EHR",
            OPERATOR,
        )
    return passed("our key set holds public parts only")


CHECKS = (
    Check(id="public-address", title="The form of our public address", judge=address),
    Check(id="public-reachable", title="Our public address answers", judge=reachable),
    Check(id="public-document", title="Discovery says what the packet says", judge=document),
    Check(id="public-calls", title="Calls reach us unchanged", judge=post, traps=("E2",)),
    Check(id="public-tls", title="TLS versions of our address", judge=tls_version),
    Check(id="public-certificate", title="Our certificate", judge=tls_expiry),
    Check(id="our-keys", title="Our key set is public", judge=key_set, traps=("E19",)),
    Check(id="our-keys-public-only", title="Our key set is public parts only", judge=private_keys),
)
EHR_TLS = (
    Check(id="ehr-tls", title="TLS versions of the EHR", judge=ehr_tls_version),
    Check(id="ehr-certificate", title="The EHR's certificate", judge=ehr_tls_expiry),
)
