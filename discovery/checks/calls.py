"""Checks of the calls already seen: what an EHR sends tells where its registration differs from the packet."""

from collections.abc import Iterator
from difflib import get_close_matches

from cds_service.vendors import queries
from discovery.checks.verdict import (
    EHR_ADMIN,
    NETWORK,
    OPERATOR,
    Check,
    Subject,
    Verdict,
    fail,
    listed,
    passed,
    side_by_side,
    skip,
    warn,
    was,
)

_NONE_YET = "no call was seen yet"
_ENOUGH = 20
"""So many calls say something about what never came."""


def seen(subject: Subject) -> Verdict:
    """Judge whether the EHR has called at all."""
    calls = subject.calls
    refused = sum(calls.refused.values())
    if not calls.answered and not refused:
        return warn(
            "the EHR has not called yet",
            f"open a test patient's chart; the address is {subject.base}/{_first(subject)}",
            EHR_ADMIN,
        )
    if not calls.answered:
        most = max(calls.refused, key=lambda each: calls.refused[each])
        return fail(
            f"{refused} call(s) came and none was accepted, most because of `{most}`",
            "mend what the checks below name",
            EHR_ADMIN,
        )
    return passed(f"{calls.answered} call(s) accepted, {refused} refused")


def _first(subject: Subject) -> str:
    """Return the service that is called when a chart opens, the first one where there is none such."""
    at_charts = (s.id for s in subject.services if s.hook == "patient-view")
    return next(at_charts, subject.services[0].id if subject.services else "<service>")


def stripped(subject: Subject) -> Verdict:
    """Judge whether calls arrive with their context."""
    if subject.calls.stripped:
        return was(
            "stripped",
            subject,
            f"{subject.calls.stripped} call(s) came without context, or with neither token nor prefetch",
            f"register exactly {subject.base}/{_first(subject)} as the endpoint: a slash more is another address",
            EHR_ADMIN,
        )
    return passed("calls come with their context") if _any(subject) else skip(_NONE_YET)


def audience(subject: Subject) -> Verdict:
    """Judge whether tokens are made for the address that is called."""
    ours = tuple(f"{subject.base}/{service.id}" for service in subject.services)
    return _differs(subject, "aud", ours, "set the audience at the EHR to exactly our address")


def caller(subject: Subject) -> Verdict:
    """Judge whether calls name an issuer of the site file."""
    ours = tuple(trust.iss for trust in subject.site.file.trust)
    return _differs(subject, "iss", ours, "write trust.iss as the EHR sends it, if it is this EHR")


def key_address(subject: Subject) -> Verdict:
    """Judge whether calls name the key set of the site file."""
    ours = tuple(str(trust.jwks_url) for trust in subject.site.file.trust)
    return _differs(
        subject, "jku", ours, "write jwks_url as the EHR sends it, if it is this EHR's"
    )


def algorithm(subject: Subject) -> Verdict:
    """Judge whether calls are signed with an algorithm that we accept."""
    named = (t.algorithms or subject.site.profile.jwt.algorithms for t in subject.site.file.trust)
    ours = tuple(dict.fromkeys(each for algorithms in named for each in algorithms))
    return _differs(
        subject, "alg", ours, "set one of ours at the EHR, or add it to [[trust]] algorithms"
    )


def client(subject: Subject) -> Verdict:
    """Judge whether calls name us by the client id of the site file."""
    ours = tuple(trust.client_id or "" for trust in subject.site.file.trust)
    return _differs(subject, "sub", ours, "write client_id as the EHR has it, if it is ours")


def _differs(subject: Subject, claim: str, ours: tuple[str, ...], do: str) -> Verdict:
    found = next((d for d in subject.calls.differs if d.claim == claim), None)
    if found is None:
        return passed(f"every call's `{claim}` is right") if _any(subject) else skip(_NONE_YET)
    says = "\n".join(side_by_side(claim, found.theirs, ours, found.count))
    return was(found.reason, subject, says, do, EHR_ADMIN)


def signatures(subject: Subject) -> Verdict:
    """Judge whether signatures are good."""
    bad = subject.calls.refused.get("signature", 0)
    if bad:
        return was(
            "signature",
            subject,
            f"{bad} call(s) had a signature that the key with their `kid` did not make",
            "publish the key that signs: two keys share one `kid`, or something changes tokens on the way",
            EHR_ADMIN,
        )
    return passed("every signature is good") if _any(subject) else skip(_NONE_YET)


def times(subject: Subject) -> Verdict:
    """Judge whether tokens arrive within their life."""
    refused = subject.calls.refused
    late = {
        k: refused[k] for k in ("expired", "issued_in_future", "not_yet_valid") if refused.get(k)
    }
    if late:
        return was(
            next(iter(late)),
            subject,
            f"tokens were refused by their times ({listed(f'{k}: {n}' for k, n in late.items())})",
            "set both clocks by NTP, and let the EHR make a token for each call",
            NETWORK,
        )
    if refused.get("lifetime"):
        return was(
            "lifetime",
            subject,
            f"{refused['lifetime']} call(s) had a token that lives longer than this vendor's usual"
            f" {subject.site.profile.jwt.max_lifetime_s} s",
            "shorten it at the EHR, or set max_lifetime_s in [[trust]]",
            EHR_ADMIN,
        )
    if refused.get("replayed"):
        return warn(
            f"{refused['replayed']} call(s) used a token a second time",
            "let the EHR make a token for each call; a proxy that repeats requests does this too",
            EHR_ADMIN,
        )
    return passed("tokens come fresh and within their life") if _any(subject) else skip(_NONE_YET)


def never_sent(subject: Subject) -> Verdict:
    """Judge whether every prefetch key that we publish was ever sent."""
    missing = [key for s in subject.services for key in _unsent(subject, s.id)]
    if not any(subject.calls.by_service.values()):
        return skip(_NONE_YET)
    if missing:
        unknown = [k for s in subject.services for k in _unknown(subject, s.id)]
        hints = [f"`{sent}` is sent instead of `{key}`" for key, sent in _near(missing, unknown)]
        return fail(
            "; ".join([f"never sent: the prefetch key(s) {listed(missing)}", *hints]),
            "type the prefetch lines of the packet character by character",
            EHR_ADMIN,
        )
    return passed("every prefetch key was sent")


def unknown_keys(subject: Subject) -> Verdict:
    """Judge whether prefetch keys are sent that no service reads."""
    if not any(subject.calls.by_service.values()):
        return skip(_NONE_YET)
    unknown = list(dict.fromkeys(k for s in subject.services for k in _unknown(subject, s.id)))
    if unknown:
        hints = [f"`{key}` looks like `{ours}`" for key, ours in _near(unknown, _known(subject))]
        return warn(
            "; ".join([f"sent and not read: the prefetch key(s) {listed(unknown)}", *hints]),
            "correct or delete these lines: they cost the EHR a search at each call",
            EHR_ADMIN,
        )
    return passed("no prefetch key is unknown")


def _near(keys: list[str], others: list[str]) -> Iterator[tuple[str, str]]:
    """Yield each key that is spelt almost like another one, with that one."""
    for key in keys:
        for near in get_close_matches(key, others, n=1, cutoff=0.75):
            yield key, near


def _published(subject: Subject, service: str) -> list[str]:
    needs = next(s.needs for s in subject.services if s.id == service)
    return [q.key for n in needs for q in queries(n, subject.site.profile) if q.published]


def _known(subject: Subject) -> list[str]:
    return [key for s in subject.services for key in _published(subject, s.id)]


def _unsent(subject: Subject, service: str) -> list[str]:
    if not subject.calls.by_service.get(service):
        return []
    sent = subject.calls.prefetch.get(service, {})
    optional = {"encounter"}
    return [k for k in _published(subject, service) if k not in sent and k not in optional]


def _unknown(subject: Subject, service: str) -> list[str]:
    known = set(_published(subject, service))
    return [key for key in subject.calls.prefetch.get(service, {}) if key not in known]


_ACCESS = {
    "other_fhir_server": (
        "name another FHIR server than fhir.base_url",
        "write fhir.base_url as the EHR sends `fhirServer`",
    ),
    "other_subject": (
        "lend a token of another client",
        "write the client_id of [[trust]] as `fhirAuthorization.subject` has it",
    ),
    "other_patient": (
        "lend a token of another patient",
        "report it to the vendor: it is a defect of the EHR",
    ),
    "expired": ("lend a token that has no time left", "let the hook's token live longer"),
}


def access(subject: Subject) -> Verdict:
    """Judge whether the tokens that calls lend can be used."""
    told = subject.calls.access
    if not sum(told.values()):
        return skip(_NONE_YET)
    for reason, (says, do) in _ACCESS.items():
        if told.get(reason):
            return fail(
                f"{told[reason]} call(s) {says}, so nothing is read with it", do, EHR_ADMIN
            )
    if told.get("not_offered") and not told.get("granted"):
        return warn(
            "no call lends a token: what is not prefetched is missing on every card",
            "allow FHIR access for our client, or prefetch every key",
            EHR_ADMIN,
        )
    return passed(f"{told.get('granted', 0)} call(s) lent a token that can be used")


def token_life(subject: Subject) -> Verdict:
    """Judge whether the hook's token lives through the call."""
    if not subject.calls.token_s:
        return skip("no call lent a token")
    shortest, budget = min(subject.calls.token_s), subject.site.file.hook_budget_ms / 1000
    if shortest <= max(budget, 1.0):
        return fail(
            f"a hook's token lives {shortest} s, and a call may take {budget:g} s",
            "let it live 60 s or more",
            EHR_ADMIN,
        )
    if shortest < 30:  # noqa: PLR2004  # a read that waits its turn may need it
        return warn(f"a hook's token lives {shortest} s", "let it live 60 s or more", EHR_ADMIN)
    return passed(f"a hook's token lives {shortest} s or more")


def in_time(subject: Subject) -> Verdict:
    """Judge whether answers leave within the budget."""
    if not subject.calls.took_ms:
        return skip(_NONE_YET)
    ordered = sorted(subject.calls.took_ms)
    slow = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    budget = subject.site.file.hook_budget_ms
    if slow > budget:
        return warn(
            f"one answer in twenty takes {slow:.0f} ms or more of {budget} ms",
            "prefetch more, so that less is read inside a call",
            EHR_ADMIN,
        )
    return passed(f"nineteen answers in twenty leave within {slow:.0f} ms")


def links(subject: Subject) -> Verdict:
    """Judge whether the links on cards lead to launches."""
    calls = subject.calls
    if subject.site.file.smart is None:
        return skip("the site file has no [smart]")
    if calls.launches:
        return passed(f"{calls.launches} launch(es) from {calls.links} card(s) with a link")
    if calls.links < _ENOUGH:
        return skip(f"{calls.links} card(s) with a link were shown so far")
    return warn(
        f"{calls.links} cards with a link were shown and the app was never opened",
        "put the launch address of the packet on the EHR's list of allowed links: others are stripped",
        EHR_ADMIN,
    )


def sign_in(subject: Subject) -> Verdict:
    """Judge whether clinicians get the scopes that the app asks for."""
    calls = subject.calls
    if not calls.launches:
        return skip("the app was not opened yet")
    if calls.ungranted:
        return fail(
            f"not granted to clinicians: {listed(sorted(calls.ungranted), 40)}",
            "grant exactly the scopes of the packet to the app, and to the roles that use it",
            EHR_ADMIN,
        )
    return passed(f"{calls.launches} sign-in(s) got every scope")


def feedback(subject: Subject) -> Verdict:
    """Judge whether feedback comes back."""
    calls = subject.calls
    if calls.feedback:
        return passed(f"feedback on {calls.feedback} card(s) was received")
    if calls.cards < _ENOUGH:
        return skip(f"{calls.cards} card(s) were shown so far")
    if not subject.site.profile.hook.feedback:
        return skip("this vendor is not known to send feedback")
    return warn(
        f"{calls.cards} cards were shown and no feedback came",
        f"set the feedback address to {subject.base}/{_first(subject)}/feedback",
        EHR_ADMIN,
    )


def stopped(subject: Subject) -> Verdict:
    """Judge what happened to calls after they were verified."""
    odd = {k: n for k, n in subject.calls.issues.items() if k in _STOPPED}
    if odd:
        most = max(odd, key=lambda each: odd[each])
        return fail(
            f"{odd[most]} call(s) ended with `{most}`: {_STOPPED[most][0]}", *_STOPPED[most][1:]
        )
    return passed("no verified call was stopped") if subject.calls.answered else skip(_NONE_YET)


_STOPPED = {
    "missing_context": (
        "the patient was neither prefetched nor readable",
        "prefetch `patient`, or lend a token that may read it",
        EHR_ADMIN,
    ),
    "unknown_service": (
        "the address names a service that this site did not enable",
        "correct the address, or add the service to `services`",
        EHR_ADMIN,
    ),
    "overloaded": ("more calls came than are answered at once", "add processes", OPERATOR),
    "not_allowed": ("the tenant is another", "correct `tenant` in [[trust]]", EHR_ADMIN),
    "crashed": ("the service has a defect", "send us the log lines of that time", OPERATOR),
    "too_slow": ("the body did not arrive in time", "look for a slow proxy", NETWORK),
}


def _any(subject: Subject) -> bool:
    return bool(subject.calls.answered or subject.calls.refused)


CHECKS = (
    Check(id="calls-seen", title="The EHR calls", judge=seen),
    Check(
        id="calls-context", title="Calls come with their context", judge=stripped, traps=("E2",)
    ),
    Check(id="calls-audience", title="The audience of tokens", judge=audience),
    Check(id="calls-issuer", title="The issuer of calls", judge=caller),
    Check(id="calls-key-address", title="The key address of calls", judge=key_address),
    Check(id="calls-algorithm", title="The algorithm of calls", judge=algorithm),
    Check(id="calls-client", title="The client that calls name", judge=client),
    Check(id="calls-signature", title="Signatures", judge=signatures),
    Check(id="calls-times", title="Tokens within their life", judge=times),
    Check(id="prefetch-never-sent", title="Prefetch keys that never came", judge=never_sent),
    Check(id="prefetch-unknown", title="Prefetch keys that nobody reads", judge=unknown_keys),
    Check(id="calls-access", title="Tokens that calls lend", judge=access, traps=("E6",)),
    Check(
        id="calls-token-life",
        title="How long a hook's token lives",
        judge=token_life,
        traps=("E7",),
    ),
    Check(id="calls-in-time", title="Answers in time", judge=in_time),
    Check(id="calls-stopped", title="Verified calls that were stopped", judge=stopped),
    Check(id="links-opened", title="Links lead to the app", judge=links),
    Check(id="sign-in-scopes", title="Scopes of clinicians", judge=sign_in, traps=("O3",)),
    Check(id="feedback", title="Feedback comes back", judge=feedback),
)
