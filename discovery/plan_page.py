"""A plan as a page, and as JSON for a program."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from discovery.page import Items, Page, Section, Text, table
from discovery.plan import Plan

_CONFIRM = "confirm with the site"


def plan_page(plan: Plan) -> Page:
    """Return the plan for people."""
    return Page(
        title=f"Plan for {plan.profile.title}",
        lead=_lead(plan),
        sections=tuple(_sections(plan)),
    )


def plan_json(plan: Plan) -> dict[str, Any]:
    """Return the plan for a program."""
    return {
        "vendor": plan.wish.vendor,
        "version": plan.wish.version or None,
        "write": plan.wish.write,
        "on_premise": plan.wish.on_premise,
        "services": list(plan.wish.services),
        "parts": sorted(plan.parts),
        "routes": [asdict(route) for route in plan.routes],
        "grants": [
            {"title": grant.title, "entries": {k: list(v) for k, v in grant.entries.items()}}
            for grant in plan.grants
        ],
        "steps": [step.model_dump(exclude={"parts"}) for step in plan.steps],
        "limits": [limit.model_dump(exclude={"parts"}) for limit in plan.limits],
        "risks": [risk.model_dump(exclude={"parts"}) for risk in plan.risks],
        "confirm": list(plan.confirm),
    }


def _lead(plan: Plan) -> str:
    wish = plan.wish
    version = f", version {wish.version}" if wish.version else ", version not given"
    return (
        f"{plan.profile.title}{version}; {'on premise' if wish.on_premise else 'in a cloud'};"
        f" {'read and write' if wish.write else 'read only'};"
        f" services: {', '.join(wish.services) or 'none'}."
        " Each line says where it is known from; what is marked has to be confirmed before production."
    )


def _sections(plan: Plan) -> Iterator[Section]:
    routes = (
        (r.purpose, r.way, f"{r.why}; {_CONFIRM}" if r.confirm else r.why) for r in plan.routes
    )
    yield from table("Which way for what", ("Purpose", "Way", "Known from"), routes)
    for grant in plan.grants:
        entries = ((f"`{name}`", ", ".join(why)) for name, why in grant.entries.items())
        yield from table(grant.title, ("Exactly", "For"), entries)
    steps = ((s.what, s.who, s.lead, s.source) for s in plan.steps)
    yield from table("What people have to do", ("What", "Who", "How long", "Known from"), steps)
    limits = ((each.what, each.instead, each.source) for each in plan.limits)
    head = ("Not possible", "Instead", "Known from")
    yield from table("Not possible here, and what is instead", head, limits)
    risks = ((each.what, each.do, each.source) for each in plan.risks)
    yield from table("Risks", ("Risk", "What is done", "Known from"), risks)
    if plan.confirm:
        yield Section(
            "Confirm with the site before production", (Items(plan.confirm, boxes=True),)
        )
    yield Section("Next", (Text(_NEXT),))


_NEXT = (
    "`cds-service site new NAME` with the same answers writes the site file;"
    " `cds-service site packet NAME` is what the EHR's admins type in;"
    " `cds-service site check NAME` says what is still missing."
)
