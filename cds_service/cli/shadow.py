"""`cds-service site shadow`: what a site in shadow mode would have shown."""

import argparse
import asyncio
import json
from collections import Counter
from typing import Any

from cds_service.cli.stored import check_site, opened
from cds_service.cli.terminal import counted
from cds_service.settings import read_settings
from cds_service.storage.entries import newest_entries, topics


def add(group: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = group.add_parser("shadow", help="what a site in shadow mode would have shown")
    parser.add_argument("site", metavar="SITE", help="the site's name")
    parser.add_argument("--json", action="store_true", help="print JSON for a program")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the report: counts by service and by the topic of cards, and the time that answers took."""
    settings = read_settings()
    check_site(settings, args.site)
    told = asyncio.run(_told(args.site))
    if args.json:
        print(json.dumps(told))
        return 0
    calls, cards = counted(told["calls"], "call"), counted(told["cards"], "card")
    print(f"{args.site}: {calls} answered in shadow, {cards} would have been shown")
    if not told["calls"]:
        return 0
    for topic, count in told["topics"].items():
        print(f"  {count:>6}  {topic}")
    print(
        f"  without a card: {told['empty']}; with gaps: {told['gaps']}; slowest: {told['slowest_ms']} ms"
    )
    print("  One of them: cds-service explain HOOK_INSTANCE")
    return 0


async def _told(site: str) -> dict[str, Any]:
    async with opened(read_settings()) as database:
        rows = await newest_entries(database, site=site) or ()
        calls = [r for r in rows if r["action"] == "answer" and r["outcome"] == "ok"]
        facts = [r["facts"] for r in calls if r["facts"].get("mode") == "shadow"]
        shown = [card for each in facts for card in each.get("card_ids", ())]
        return {
            "site": site,
            "calls": len(facts),
            "cards": len(shown),
            "topics": dict(Counter(await topics(database, shown)).most_common()),
            "empty": sum(not each.get("cards") for each in facts),
            "gaps": sum(bool(each.get("gaps")) for each in facts),
            "slowest_ms": max((each.get("took_ms", 0) for each in facts), default=0),
        }
