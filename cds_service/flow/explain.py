"""Why a call gave these cards or none: what its audit entry knows, in sentences. Metadata only."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cds_service.domain.brief import made_by_words

Row = Mapping[str, Any]

WHY: Mapping[str, str] = {
    "site_off": 'the site file says mode = "off"',
    "switched_off": "it is switched off: `cds-service site on` lets it answer again",
    "user_is_no_clinician": "the user is a patient or relative, who gets no clinical card",
    "trigger_not_answered": "the vendor's trigger is none that the site answers (`triggers`)",
    "not_trusted": "the caller could not be authenticated",
    "not_allowed": "the caller's tenant is another",
    "missing_context": "the patient was neither prefetched nor readable",
    "bad_call": "the request lacks a member, or it has the wrong type",
    "not_json": "the body is not JSON",
    "unknown_service": "this site did not enable the service",
    "too_large": "the body is larger than CDS_MAX_BODY_BYTES",
    "too_slow": "the body did not arrive in time",
    "wrong_media_type": "the body was not declared as JSON",
    "overloaded": "more calls were in flight than are answered at once",
    "crashed": "the service has a defect: its log has the place",
}
"""Outcomes and reasons, and what they mean to an admin."""
_STAGES = ("verify", "gather", "brief")


def explained(row: Row, cards: Sequence[Row]) -> Iterator[str]:
    """Yield the lines about one entry of the audit; `cards` are those of its brief."""
    facts = row["facts"]
    service = facts.get("service", "")
    yield f"{row['at']:%Y-%m-%d %H:%M:%S} UTC  {row['site']}  {service}  {row['action']}: {row['outcome']}"
    if "turns" in facts:
        yield from _run(facts)
        return
    if row["action"] != "answer":
        told = ", ".join(f"{name} {value}" for name, value in facts.items() if name != "service")
        yield f"  {told}" if told else "  nothing more is known"
        return
    yield f"  cards:    {_cards(row)}"
    yield from (
        f"            {card['topic']} ({card['outcome'] or 'no feedback'}), {card['uuid']}"
        for card in cards
    )
    yield f"  came:     {_came(facts)}"
    if facts.get("missing"):
        yield f"  missing:  {', '.join(facts['missing'])}"
    if facts.get("access"):
        yield f"  access:   {facts['access']}; {facts.get('resources', 0)} resources"
    yield f"  made by:  {made_by_words(facts) or 'nothing'}"
    yield f"  time:     {_time(facts)}"


def _run(facts: Mapping[str, Any]) -> Iterator[str]:
    """Yield how a brief came about that a model was asked for; what was said stands on the brief's own page."""
    detail = f" ({facts['detail']})" if facts.get("detail") else ""
    cost = f"; cost {facts['cost']}" if "cost" in facts else ""
    used, checks = facts.get("tools_used"), facts.get("checks")
    yield f"  model:    {facts['agent']}{detail}; {made_by_words(facts)}"
    yield (
        f"  run:      {facts['turns']} turns, {facts['seconds']} s, {facts['retries']} requests sent again;"
        f" tools: {', '.join(used) if used else 'none'}"
    )
    yield (
        f"  tokens:   {facts['tokens_in']} in, of them {facts['tokens_cached']} from the cache;"
        f" {facts['tokens_out']} out{cost}"
    )
    yield f"  checks:   {', '.join(checks) if checks else 'none fired'}; {facts['dropped']} choices left out"
    yield f"  kept:     {facts['withheld']} entries and {facts['notes_kept_back']} notes were not sent"


def _cards(row: Row) -> str:
    facts, outcome = row["facts"], row["outcome"]
    if outcome != "ok":
        reason = str(facts.get("reason", ""))
        known = WHY.get(reason) or WHY.get(outcome, outcome)
        return f"none, because {known}" + (f" [{reason}]" if reason and reason not in WHY else "")
    if facts.get("mode") == "shadow":
        return f"none was shown (shadow); {facts.get('cards', 0)} would have been"
    if not facts.get("cards"):
        return "none: the rules found nothing to say"
    return f"{facts['cards']}"


def _came(facts: Mapping[str, Any]) -> str:
    keys = str(facts.get("prefetch", "")).split()
    parts = [f"prefetch {', '.join(keys)}" if keys else "no prefetch"]
    parts.append(f"a token for {facts['token_s']} s" if "token_s" in facts else "no token")
    if "trigger" in facts:
        parts.append(f"trigger {facts['trigger']}")
    return "; ".join(parts)


def _time(facts: Mapping[str, Any]) -> str:
    spent = [f"{stage} {facts[f'{stage}_ms']} ms" for stage in _STAGES if f"{stage}_ms" in facts]
    return ", ".join([f"{facts.get('took_ms', 0)} ms in all", *spent])
