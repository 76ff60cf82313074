"""Which model helps here, if any: made behind its gate, its attestation in the audit, what its operator says of it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from cds_service.agent.limits import Limits
from cds_service.agent.prompts import system_prompt
from cds_service.agent.run import Agent
from cds_service.audit import Audit
from cds_service.brief.why import WORDS
from cds_service.flow.write_brief import WithAgent, WriteBrief, by_rules
from cds_service.llm import ModelFailed
from cds_service.settings import Settings
from cds_service.sites import Sites

if TYPE_CHECKING:
    from cds_service.llm.claude import Claude

_FACTS_S = 5.0


@dataclass(slots=True, kw_only=True)
class Helper:
    """What writes briefs, and the model behind it where there is one."""

    write_brief: WriteBrief
    model: "Claude | None" = field(default=None, repr=False)
    attested: Mapping[str, str] = field(default_factory=dict)
    """Who attests the agreement, when it was signed, where it is filed, for which region, for which host."""
    problem: str = ""

    async def begin(self, audit: Audit, sites: Sites) -> None:
        """Put the attestation into the audit of each site that a model helps, and ask what there is to know of it."""
        if self.model is None:
            return
        async with audit.writer.database.transaction() as connection:
            for name, site in sites.by_name.items():
                if site.file.agent.enabled:
                    await audit.append(
                        connection,
                        site=name,
                        action="model",
                        outcome="attested" if "by" in self.attested else "stand_in",
                        facts={"model": self.model.id, **self.attested},
                    )
        await self._look()

    async def _look(self) -> None:
        """Keep what an admin should know: a model that is not there, or that is about to go."""
        if self.model is None:
            return
        try:
            facts = await self.model.facts(seconds=_FACTS_S)
        except ModelFailed as failed:
            self.problem = f"{self.model.id} could not be looked up ({failed.code})"
            return
        if facts.get("lifecycle", "active") != "active":
            ends = facts.get("retires") or "an unknown day"
            self.problem = (
                f"{self.model.id} is {facts['lifecycle']} and ends on {ends}: choose another"
            )

    def notes(self, sites: Sites) -> Iterator[str]:
        """Yield what an admin should know of the model."""
        if self.problem:
            yield f"model: {self.problem}"
        for name, site in sites.by_name.items():
            if site.file.agent.enabled and self.model is None:
                yield f"site {name}: [agent] is enabled, but no model is configured; rules write its briefs"

    async def close(self) -> None:
        """Give the model's connections back."""
        if self.model is not None:
            await self.model.close()


def helper(
    settings: Settings,
    *,
    sites: Sites,
    is_off: Callable[[str], bool],
    now: Callable[[], datetime],
    clock: Callable[[], float],
) -> Helper:
    """Return what writes briefs. The model's SDK is loaded only where a site wants a model and a key is there.

    Raises `Misconfigured`, saying how to attest, where a model is configured that chart content may not be sent to.
    """
    if not any(site.file.agent.enabled for site in sites.by_name.values()):
        return Helper(write_brief=by_rules)
    from cds_service.llm.clients import attestation, claude, endpoint

    model = claude(settings, today=now().date())
    if model is None:
        return Helper(write_brief=by_rules)
    agent = Agent(
        model=model,
        prompt=system_prompt(WORDS),
        limits=Limits(seconds=settings.model_seconds, tokens=settings.model_tokens),
        clock=clock,
    )
    attested = attestation(settings)
    told = {"host": endpoint(settings).host, "prompt": agent.prompt.hash}
    return Helper(
        write_brief=WithAgent(agent=agent, is_off=is_off),
        model=model,
        attested={**told, **(attested.facts() if attested else {})},
    )
