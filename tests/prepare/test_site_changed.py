"""A site file that changes while briefs wait: what was gathered and made under the one before is not used."""

import json

import pytest

from cds_service.domain.steps import Temporary
from cds_service.simulator.faults import Fault
from cds_service.simulator.prefetch import Offer
from tests.ground import EHR
from tests.prepare.test_ready import CHART, forget
from tests.prepare.test_schedule import store
from tests.prepare.test_since_then import HIDDEN, of

pytestmark = pytest.mark.anyio
BARE = Offer(prefetch="none", fhir_server=False, authorization=False)
"""Whoever brings nothing is shown what was prepared, or nothing."""
HIDES = '\n[policy.sensitive]\nhiv = "hide"\n'
HERE = f'"{EHR}/r4"'
ALSO_HERE = f'"{EHR}:80/r4"'
"""Another address, as far as anybody can tell another EHR, at which the same server answers."""
GONE = f'"{EHR}/r4-production"'


async def change_file(works, change, name="general"):
    """Change a site file as an admin does, and have the service take it up."""
    file = works.ground.data_dir / "sites" / f"{name}.toml"
    before = file.read_text("utf-8")
    file.write_text(change(before), "utf-8")
    [site] = works.ground.service.reload.look()
    await works.ground.service.reload.warm(site)
    await forget(works)


async def move(works, origin, target):
    await change_file(
        works, lambda text: text.replace(f"base_url = {origin}", f"base_url = {target}")
    )
    assert f'"{works.site().file.fhir.base_url}"' == target


async def told(works):
    await forget(works)
    [answer] = await works.ground.client().open_chart(CHART, offer=BARE)
    return json.dumps(answer.body)


async def test_what_a_policy_hides_since_a_chart_was_read_is_in_no_brief_of_it(works):
    store(works).put(of(works, "Condition", "Proteinuria") | HIDDEN["hiv"])
    brief = await works.ask()
    assert await works.prepare.begin(brief)
    assert await works.prepare.gather(brief) is False
    await change_file(works, lambda text: text + HIDES)
    await works.prepare.write(brief, False)
    row = await works.row(brief)
    assert (row.state, row.reason, row.due) == (
        "requested",
        "site_changed",
        works.ground.clock(),
    )
    assert (await works.run(brief)).state == "ready"
    shown = await told(works)
    assert "Prepared" in shown
    assert "Proteinuria" not in shown


async def test_a_brief_of_the_ehr_that_a_site_had_before_is_not_served(works):
    await works.prepared()
    assert "Prepared" in await told(works)
    await move(works, HERE, GONE)
    assert "Prepared" not in await told(works)
    await move(works, GONE, HERE)
    assert "Prepared" in await told(works)


async def test_a_chart_of_the_ehr_that_a_site_had_before_is_made_no_brief_of(works):
    brief = await works.ask()
    assert await works.prepare.begin(brief)
    await works.prepare.gather(brief)
    await move(works, HERE, GONE)
    await works.prepare.write(brief, False)
    row = await works.row(brief)
    assert (row.state, row.reason) == ("requested", "site_changed")


async def test_what_was_read_so_far_of_another_ehrs_chart_is_read_anew(works):
    works.ground.simulator.faults.add(Fault("fhir", "status", "Immunization", status=503))
    brief = await works.ask()
    assert await works.prepare.begin(brief)
    with pytest.raises(Temporary, match="reads_failed"):
        await works.prepare.gather(brief)
    works.ground.simulator.faults.clear()
    works.ground.simulator.faults.seen.clear()
    await move(works, HERE, ALSO_HERE)
    await works.prepare.gather(brief)
    assert [e.path for e in works.ground.simulator.faults.seen if "Condition" in e.path]


async def test_a_site_of_which_something_else_changes_goes_on_with_what_it_has(works):
    await works.prepared()
    works.ground.clock.move(seconds=1)
    brief = await works.ask()
    assert await works.prepare.begin(brief)
    await works.prepare.gather(brief)
    await change_file(works, lambda text: text.replace("General Hospital", "General"))
    await works.prepare.write(brief, False)
    assert (await works.row(brief)).state == "ready"
    assert "Prepared" in await told(works)


async def test_a_chart_is_not_asked_for_twice_by_hand_while_it_waits_to_be_written(works):
    brief = await works.ask()
    assert await works.prepare.begin(brief)
    await works.prepare.gather(brief)
    works.ground.clock.move(seconds=1)
    assert await works.ask() == brief
