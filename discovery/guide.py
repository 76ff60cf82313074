"""A how-to for one vendor, made of its registration data and its profile: the same headings for each."""

from collections.abc import Iterable, Iterator

from cds_service.hook import HookService
from cds_service.vendors import Registration, Screen, registration_for
from discovery.page import Block, Items, Page, Section, Text, table
from discovery.plan import Plan, Wish, make_plan


def guide(vendor: str, services: Iterable[HookService]) -> Page:
    """Return the how-to of a vendor. Raises `Misconfigured` for an unknown one."""
    known = tuple(services)
    wish = Wish(vendor=vendor, write=True, on_premise=True, services=tuple(s.id for s in known))
    plan = make_plan(wish, known)
    return Page(
        title=f"Connect {plan.profile.title}",
        lead=(
            f'`vendor = "{vendor}"`. What follows is made from the vendor\'s profile and registration data;'
            f" [vendors](../../reference/vendors.md) has every value with its source."
            f" `cds-service site plan --vendor {vendor}` narrows it to what one site wants."
        ),
        sections=tuple(_sections(plan, registration_for(vendor))),
    )


def _sections(plan: Plan, known: Registration) -> Iterator[Section]:
    steps = tuple(
        f"{step.what} ({step.who}{f'; {step.lead}' if step.lead else ''})" for step in plan.steps
    )
    yield Section("Register", (Items(steps, boxes=True), *_screens(known.screen)))
    yield Section("Trust", (Items(tuple(_trust(plan))),))
    yield Section("Hooks", (Items(tuple(_hooks(plan))),))
    yield Section("Prefetch", (Items(tuple(_prefetch(plan))),))
    for grant in plan.grants:
        entries = ((f"`{name}`", ", ".join(why)) for name, why in grant.entries.items())
        yield from table(f"Scopes: {grant.title.lower()}", ("Exactly", "For"), entries)
    yield Section("Write-back", (Items(tuple(_writes(plan))),))
    yield Section("Test", (Items(_TEST),))
    yield Section("Go live", (Items(_LIVE),))
    limits = ((each.what, each.instead) for each in plan.limits)
    yield from table("What goes wrong: not possible here", ("Not possible", "Instead"), limits)
    risks = ((each.what, each.do) for each in plan.risks)
    yield from table("What goes wrong: risks", ("Risk", "What is done"), risks)


def _screens(screens: Iterable[Screen]) -> Iterator[Block]:
    for screen in screens:
        fields = ", ".join(row.field for row in screen.rows)
        yield Text(f"**{screen.title}** ({screen.where}; {screen.who}): {fields}.")


def _trust(plan: Plan) -> Iterator[str]:
    jwt = plan.profile.jwt
    yield f"algorithms accepted: {', '.join(jwt.algorithms)}"
    yield f"tokens may live {jwt.max_lifetime_s} s; clocks may differ by {jwt.skew_s} s"
    hours = plan.profile.oauth.jwks_cache_h
    yield f"our key set may be kept for {hours} h: a new key is shown for longer before it signs"


def _hooks(plan: Plan) -> Iterator[str]:
    rules = plan.profile.hook
    yield f"known to be fired: {', '.join(rules.hooks) or 'none'}"
    yield (
        "discovery is read"
        if rules.discovery
        else "discovery is not read: the service is registered by hand"
    )
    if rules.triggers:
        yield f"triggers answered, by `{rules.trigger_extension}`: {', '.join(rules.triggers)}"
    yield "feedback is sent" if rules.feedback else "not known to send feedback"


def _prefetch(plan: Plan) -> Iterator[str]:
    profile = plan.profile
    yield "the lines stand in discovery and in `cds-service site packet`"
    missing = [need for need, rule in profile.need.items() if not rule.available]
    dated = [need for need, rule in profile.need.items() if rule.date_required]
    if missing:
        yield f"cannot be had: {', '.join(missing)}"
    if dated:
        yield f"read, never prefetched, because a date is demanded: {', '.join(dated)}"


def _writes(plan: Plan) -> Iterator[str]:
    [route] = [each for each in plan.routes if each.purpose == "Notes in the chart"]
    yield route.way
    if plan.profile.note.route != "fhir":
        return
    yield f"an unsigned note has docStatus `{plan.profile.note.draft_status}`"
    yield f"one attachment, {plan.profile.note.content_type}"


_TEST = (
    "`cds-service site check NAME --patient ID` with a test patient, until nothing is left to mend",
    "open the test patient's chart in the EHR, then `site check` again: it judges the calls that came",
    '`mode = "shadow"` and `cds-service site shadow NAME`: what would have been shown',
)
_LIVE = (
    '`environment = "production"`, the addresses of production, and `site check` once more',
    '`mode = "live"` in the site file; a running service takes it over within two seconds',
    "try `cds-service site off NAME` and `site on NAME` with the EHR's admin beside you",
)
