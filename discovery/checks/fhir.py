"""Checks of the EHR's FHIR server: its metadata, and each record need as a real, bounded search."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from cds_service.domain.observed import Searched
from cds_service.hook import NEEDS, NeedName
from discovery.checks.verdict import (
    EHR_ADMIN,
    NETWORK,
    SITE_ADMIN,
    Check,
    Subject,
    Verdict,
    fail,
    listed,
    passed,
    skip,
    unreachable,
    warn,
)

_SKEW_WARN_S = 5.0
_SLOW_MS = 400.0
_RATE = ("ratelimit", "rate-limit", "quota", "retry-after")
_FORBIDDEN, _UNAUTHORIZED, _NOT_FOUND, _TOO_MANY = 403, 401, 404, 429


def metadata(subject: Subject) -> Verdict:
    """Judge whether the FHIR base answers with a CapabilityStatement."""
    answer = subject.seen.metadata
    if answer is None:
        return skip("not looked at")
    if answer.fault == "dns":
        return fail(
            f"{answer.url} cannot be reached: {unreachable(answer)}",
            "correct fhir.base_url; when it is right, let the network team make the name known to our host",
            SITE_ADMIN,
        )
    if answer.status == 0:
        return fail(
            f"{answer.url} cannot be reached: {unreachable(answer)}",
            "correct fhir.base_url, or open the way from our host to it",
            NETWORK,
        )
    if not answer.is_json:
        return fail(
            f"{answer.url} answers {answer.content_type or 'without a type'} with status {answer.status},"
            " which is not FHIR",
            "fhir.base_url must be the FHIR R4 base: a portal, a login page or a proxy answers now",
            SITE_ADMIN,
        )
    if not answer.is_good or answer.body.get("resourceType") != "CapabilityStatement":
        return fail(
            f"{answer.url} answers with status {answer.status} and no CapabilityStatement",
            "correct fhir.base_url: it is the address in front of /metadata",
            SITE_ADMIN,
        )
    return passed(f"{answer.url} answers")


def version(subject: Subject) -> Verdict:
    """Judge the FHIR version."""
    if (body := _statement(subject)) is None:
        return skip("no metadata")
    told = str(body.get("fhirVersion", ""))
    if told.startswith("4.0"):
        return passed(f"FHIR {told}")
    return fail(
        f"the server speaks FHIR {told or 'of an unknown version'}",
        "give the base URL of its R4 server",
        SITE_ADMIN,
    )


def base_url(subject: Subject) -> Verdict:
    """Judge whether the server calls itself what the site file calls it."""
    if (body := _statement(subject)) is None:
        return skip("no metadata")
    implementation = body.get("implementation")
    told = implementation.get("url") if isinstance(implementation, dict) else None
    if not isinstance(told, str):
        return skip("the server does not say its own address")
    if told.rstrip("/") == subject.site.file.fhir.base_url:
        return passed("the server calls itself what the site file calls it")
    return warn(
        f"the server calls itself {told}, the site file {subject.site.file.fhir.base_url}",
        "write the address that its calls send as `fhirServer`, else no call's token is used",
        SITE_ADMIN,
    )


def types(subject: Subject) -> Verdict:
    """Judge whether the server has every resource type that the services read."""
    if (body := _statement(subject)) is None:
        return skip("no metadata")
    have = _resources(body)
    missing = sorted(
        {NEEDS[n].type for n in subject.needs if subject.site.profile.rule(n).available}
        - have.keys()
    )
    if missing:
        return warn(
            f"the server does not list {listed(missing)}",
            "expect the gaps on every card, or ask for these APIs",
            EHR_ADMIN,
        )
    return passed("every resource type that is read is listed")


def parameters(subject: Subject) -> Verdict:
    """Judge whether the searches that we send are made of parameters that the server lists."""
    if (body := _statement(subject)) is None:
        return skip("no metadata")
    have = _resources(body)
    odd = [
        f"{NEEDS[need].type}.{name}"
        for need in subject.needs
        if (listed_ := _parameters(have.get(NEEDS[need].type, {})))
        for name in _sent(need, subject)
        if name not in listed_
    ]
    if odd:
        return warn(
            f"the server does not list the search parameters {listed(dict.fromkeys(odd))}",
            "see whether the searches below fail; if so, correct them under [vendor_overrides.need]",
            SITE_ADMIN,
        )
    return passed("every search parameter that we send is listed")


def _sent(need: NeedName, subject: Subject) -> Iterator[str]:
    rule = subject.site.profile.rule(need)
    if NEEDS[need].read or not rule.available:
        return
    yield "patient"
    yield from (name for name, _ in NEEDS[need].params if name not in rule.without)
    yield from rule.params
    yield from rule.split


def _statement(subject: Subject) -> dict[str, Any] | None:
    answer = subject.seen.metadata
    if answer is None or not answer.is_good:
        return None
    return dict(answer.body) if answer.body.get("resourceType") == "CapabilityStatement" else None


def _resources(body: dict[str, Any]) -> dict[str, dict[str, Any]]:
    rest = body.get("rest")
    first = rest[0] if isinstance(rest, list) and rest and isinstance(rest[0], dict) else {}
    rows = first.get("resource")
    return {
        str(row.get("type")): row
        for row in (rows if isinstance(rows, list) else ())
        if isinstance(row, dict)
    }


def _parameters(row: dict[str, Any]) -> set[str]:
    rows = row.get("searchParam")
    return {
        str(p.get("name")) for p in (rows if isinstance(rows, list) else ()) if isinstance(p, dict)
    }


def clock(subject: Subject) -> Verdict:
    """Judge the difference between the EHR's clock and ours."""
    known = [
        a for a in (subject.seen.metadata, *subject.seen.key_sets) if a and a.skew_s is not None
    ]
    if not known:
        return skip("the EHR sends no Date header")
    skew = max(abs(a.skew_s or 0.0) for a in known)
    limit = subject.site.profile.jwt.skew_s
    if skew > limit:
        return fail(
            f"the EHR's clock and ours differ by {skew:.0f} s; {limit} s are forgiven",
            "set both clocks by NTP: tokens are refused as expired or not yet valid",
            NETWORK,
        )
    if skew > _SKEW_WARN_S:
        return warn(
            f"the EHR's clock and ours differ by {skew:.0f} s", "set both clocks by NTP", NETWORK
        )
    return passed("the EHR's clock and ours agree")


def need(subject: Subject, *, name: NeedName) -> Verdict:
    """Judge how the searches of one need went with the test patient."""
    if name not in subject.needs:
        return skip("no enabled service reads it")
    if not subject.site.profile.rule(name).available:
        return skip("this vendor cannot be asked for it; cards say so")
    rows = [row for row in subject.seen.searches if row.need == name]
    if not rows:
        return skip("give --patient with the id of a test patient, and a [backend] client")
    bad = next((row for row in rows if row.status != 200 or row.fault), None)  # noqa: PLR2004
    if bad is None:
        return passed(f"{sum(row.found for row in rows)} {rows[0].type} in {len(rows)} search(es)")
    return _refused(bad)


def _refused(row: Searched) -> Verdict:
    codes = f" ({listed(row.codes)})" if row.codes else ""
    if row.fault:
        return fail(f"{row.type}: {row.fault}", "see whether the server is up", EHR_ADMIN)
    if row.status == _FORBIDDEN:
        what = "an empty 403: the API is not on the client" if not row.codes else f"403{codes}"
        return fail(f"{row.type}: {what}", f"grant {row.type} to our client", EHR_ADMIN)
    if row.status == _UNAUTHORIZED:
        return fail(f"{row.type}: our token is not taken", "see the check of our token", EHR_ADMIN)
    if row.status == _NOT_FOUND and NEEDS[row.need].read:
        return fail(
            f"{row.type}: the test patient is not there", "give the id of one that is", SITE_ADMIN
        )
    if row.status == _TOO_MANY:
        return warn(
            f"{row.type}: too many requests", "lower [policy] reads_per_second", SITE_ADMIN
        )
    return fail(
        f"{row.type}: status {row.status}{codes}",
        "the search lacks what this server demands: correct it under [vendor_overrides.need]",
        SITE_ADMIN,
    )


def pages(subject: Subject) -> Verdict:
    """Judge whether results come whole: no page is cut off without a way to the next."""
    rows = _searched(subject)
    if not rows:
        return skip("no search was made")
    cut = [r for r in rows if r.total is not None and r.pages == 1 and r.page_size < r.total]
    if cut:
        return fail(
            f"{cut[0].type}: {cut[0].page_size} of {cut[0].total} came, and no link to the rest",
            "set [vendor_overrides.search] page_size or count_param to what this server takes",
            SITE_ADMIN,
        )
    asked = subject.site.profile.search.page_size
    more = [r for r in rows if r.page_size > asked]
    if more:
        return warn(
            f"{more[0].type}: a page of {more[0].page_size} came where {asked} were asked for",
            "set [vendor_overrides.search] count_param to the server's name for it",
            SITE_ADMIN,
        )
    return passed("pages are whole, or lead to the next")


def next_links(subject: Subject) -> Verdict:
    """Judge whether `next` links stay on the site's base."""
    rows = _searched(subject)
    foreign = [r for r in rows if r.foreign_next]
    if foreign:
        return fail(
            f"{foreign[0].type}: the link to the next page leads off {subject.site.file.fhir.base_url}",
            "give the base URL that the links have, or let the EHR's proxy rewrite them: we follow no other",
            EHR_ADMIN,
        )
    return (
        passed("links to further pages stay on the base") if rows else skip("no search was made")
    )


def repeated(subject: Subject) -> Verdict:
    """Judge whether ids repeat from page to page."""
    rows = [r for r in _searched(subject) if r.pages > 1]
    twice = [r for r in rows if r.repeated]
    if twice:
        return warn(
            f"{twice[0].type}: {twice[0].repeated} id(s) came on more than one page",
            "nothing: each is counted once",
            "nobody",
        )
    return passed("no id came twice") if rows else skip("no search had a second page")


def strangers(subject: Subject) -> Verdict:
    """Judge whether a search by patient brings other patients' resources."""
    rows = [r for r in _searched(subject) if r.others]
    if rows:
        return fail(
            f"{rows[0].type}: {rows[0].others} resource(s) of another patient came back",
            "do not go live: the server ignores `patient`; name the right parameter in [vendor_overrides.need]",
            EHR_ADMIN,
        )
    return (
        passed("searches bring this patient's resources only")
        if _searched(subject)
        else skip("no search was made")
    )


def identifiers(subject: Subject) -> Verdict:
    """Judge whether the patient's identifiers say whose they are."""
    rows = [r for r in _searched(subject) if r.type == "Patient"]
    if not rows:
        return skip("the test patient was not read")
    if not rows[0].systems:
        return warn(
            "the test patient's identifiers name no system, so they cannot be matched with those of another route",
            "agree the system of the medical record number, for test and for production",
            EHR_ADMIN,
        )
    return passed(f"identifier systems: {listed(rows[0].systems)}")


def speed(subject: Subject) -> Verdict:
    """Judge whether reads fit into a hook's budget."""
    rows = _searched(subject)
    if not rows:
        return skip("no search was made")
    slow = max(rows, key=lambda r: r.took_ms)
    if slow.took_ms > min(_SLOW_MS, subject.site.file.hook_budget_ms):
        return warn(
            f"{slow.type} took {slow.took_ms:.0f} ms of a budget of {subject.site.file.hook_budget_ms} ms",
            "let the EHR prefetch it: what is read inside a call may come too late",
            EHR_ADMIN,
        )
    return passed(f"the slowest search took {slow.took_ms:.0f} ms")


def limits(subject: Subject) -> Verdict:
    """Tell which limits the server names, and whether one was hit."""
    if not subject.seen.searches:
        return skip("no search was made")
    told = {
        f"{name}: {value}"
        for row in subject.seen.searches
        for name, value in row.headers.items()
        if any(mark in name for mark in _RATE)
    }
    if any(row.status == _TOO_MANY for row in subject.seen.searches):
        return warn(
            f"the server limited us ({listed(sorted(told)) or 'it says no figure'})",
            "lower [policy] reads_per_second and concurrent_reads",
            SITE_ADMIN,
        )
    return passed(f"limits told: {listed(sorted(told)) or 'none'}")


def _searched(subject: Subject) -> list[Searched]:
    return [row for row in subject.seen.searches if row.status == 200]  # noqa: PLR2004


CHECKS = (
    Check(id="fhir-metadata", title="The FHIR server answers", judge=metadata),
    Check(id="fhir-version", title="The FHIR version", judge=version),
    Check(id="fhir-base", title="The FHIR server's own address", judge=base_url, traps=("O1",)),
    Check(id="fhir-types", title="The resource types that are read", judge=types),
    Check(
        id="fhir-parameters",
        title="The search parameters that are sent",
        judge=parameters,
        traps=("O15",),
    ),
    Check(id="clock", title="The clocks agree", judge=clock),
)
READS = (
    *(
        Check(
            id=f"need-{name}",
            title=f"Read: {NEEDS[name].title.lower()}",
            judge=partial(need, name=name),
        )
        for name in NEEDS
        if NEEDS[name].read != "encounterId"  # only a call names the encounter
    ),
    Check(id="pages", title="Pages are whole", judge=pages, traps=("O13",)),
    Check(id="next-links", title="Links to further pages", judge=next_links),
    Check(id="repeated-ids", title="Ids on several pages", judge=repeated, traps=("O10",)),
    Check(id="strangers", title="Only this patient's record", judge=strangers),
    Check(id="identifiers", title="Identifiers name their system", judge=identifiers),
    Check(id="read-speed", title="Reads fit into a call", judge=speed),
    Check(id="rate-limits", title="Limits that the server names", judge=limits, traps=("A6",)),
)
