"""Which model helps here, if any: made behind its gate, its attestation in the audit, what its operator says of it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import inf
from typing import TYPE_CHECKING

from cds_service.agent.limits import Limits
from cds_service.agent.prompts import system_prompt
from cds_service.agent.run import Agent
from cds_service.audit import Audit
from cds_service.brief.why import WORDS
from cds_service.domain.errors import Misconfigured
from cds_service.domain.evidence import Context
from cds_service.flow.write_brief import Status, WithAgent, Written, by_rules
from cds_service.llm import ModelFailed
from cds_service.settings import Settings
from cds_service.sites import Site, Sites

if TYPE_CHECKING:
    from cds_service.llm.claude import Claude

_FACTS_S = 5.0
_FOR_OPERATORS: frozenset[Status] = frozenset({"rejected", "spend_limit", "unavailable"})
"""Endings that a key, a contract or a network has to do with."""


@dataclass(slots=True, kw_only=True)
class Helper:
    """What writes briefs. A model stands behind it from when a site first wants one; its SDK is loaded only then."""

    settings: Settings
    audit: Audit
    is_off: Callable[[str], bool]
    now: Callable[[], datetime]
    clock: Callable[[], float]
    model: "Claude | None" = field(default=None, repr=False)
    problem: str = ""
    """What the model's service said of the model at the start."""
    refusal: str = ""
    """How the last run ended, where an operator can do something about it."""
    _with_agent: WithAgent | None = field(default=None, repr=False)
    _attested: Mapping[str, str] = field(default_factory=dict)
    """Who attests the agreement, when it was signed, where it is filed, for which region, for which host."""
    _told: set[str] = field(default_factory=set)
    """Sites whose audit has the attestation of this process."""

    def check(self, site: Site) -> None:
        """Make the model that a site wants, where a key for one is there.

        Raises `Misconfigured`, saying how to attest, where a model is configured that chart content may not be sent to,
        and for a cap in money without prices.
        """
        if site.file.agent.enabled and self.model is None:
            self._make()

    def _make(self) -> None:
        from cds_service.llm.clients import attestation, claude, endpoint

        model = claude(self.settings, today=self.now().date())
        if model is None:
            return
        agent = Agent(
            model=model,
            prompt=system_prompt(WORDS),
            limits=limits(self.settings),
            clock=self.clock,
        )
        attested = attestation(self.settings)
        told = {"host": endpoint(self.settings).host, "prompt": agent.prompt.hash}
        self._attested = {**told, **(attested.facts() if attested else {})}
        self._with_agent = WithAgent(agent=agent, is_off=self.is_off)
        self.model = model

    async def write_brief(self, context: Context, site: Site) -> Written:
        """Write a brief, with the model where the site wants it and its audit has the attestation."""
        if self._with_agent is None or not site.file.agent.enabled:
            return await by_rules(context, site)
        await self._attest(site)
        written = await self._with_agent(context, site)
        self.refusal = ""
        if written.status in _FOR_OPERATORS:
            self.refusal = f"{written.status} ({written.facts['detail']})"
        return written

    async def begin(self, sites: Iterable[Site]) -> None:
        """Put the attestation into the audit of each site that a model helps, and ask what there is to know of it."""
        wanting = [site for site in sites if site.file.agent.enabled]
        if self.model is None or not wanting:
            return
        for site in wanting:
            await self._attest(site)
        await self._look(self.model)

    async def _attest(self, site: Site) -> None:
        if self.model is None or site.name in self._told:
            return
        async with self.audit.writer.database.transaction() as connection:
            await self.audit.append(
                connection,
                site=site.name,
                action="model",
                outcome="attested" if "by" in self._attested else "stand_in",
                facts={"model": self.model.id, **self._attested},
            )
        self._told.add(site.name)

    async def _look(self, model: "Claude") -> None:
        """Keep what an admin should know: a model that is not there, or that is about to go."""
        try:
            facts = await model.facts(seconds=_FACTS_S)
        except ModelFailed as failed:
            self.problem = f"{model.id} could not be looked up ({failed.code})"
            return
        if facts.get("lifecycle", "active") != "active":
            ends = facts.get("retires") or "an unknown day"
            self.problem = f"{model.id} is {facts['lifecycle']} and ends on {ends}: choose another"

    def notes(self, sites: Sites) -> Iterator[str]:
        """Yield what an admin should know of the model."""
        if self.problem:
            yield f"model: {self.problem}"
        if self.refusal:
            yield f"model: its last run ended as {self.refusal}; rules wrote that brief"
        for name, site in sites.by_name.items():
            if site.file.agent.enabled and self.model is None:
                yield f"site {name}: [agent] is enabled, but no model is configured; rules write its briefs"

    async def close(self) -> None:
        """Give the model's connections back."""
        if self.model is not None:
            await self.model.close()


def limits(settings: Settings) -> Limits:
    """Return what a run may take. Raises `Misconfigured` for a cap in money without prices."""
    if settings.model_cost and settings.model_prices is None:
        raise Misconfigured("CDS_MODEL_COST needs CDS_MODEL_PRICES: what a million tokens cost.")
    return Limits(
        seconds=settings.model_seconds,
        tokens=settings.model_tokens,
        cost=settings.model_cost or inf,
        prices=settings.model_prices,
    )
