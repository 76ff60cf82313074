"""What a site hides now is not shown in briefs that were made before, on any page, nor filed."""

from dataclasses import replace

import pytest

from cds_service.domain.errors import Conflict
from cds_service.fhir.elements import codings, obj
from cds_service.sensitive import MoreCodes, Sensitive, load_marks
from tests.review.stage import open_site

pytestmark = pytest.mark.anyio


async def opened(stage, site, brief_id=None):
    brief_id = brief_id or await stage.brief()
    return await stage.sign.open(stage.session(brief_id), site, brief_id)


@pytest.fixture
async def before(stage):
    """A brief, opened while nothing was hidden."""
    return await opened(stage, stage.site)


@pytest.fixture
def condition(before):
    """One of the conditions that the brief cites."""
    cited = [ref for line in before.sheet.lines() for ref in line.refs]
    return next(ref for ref in cited if ref.startswith("Condition/"))


def hiding(site, before, condition):
    """Return the site as it hides what this condition is coded with."""
    [(system, value), *_] = codings(obj(before.ledger.evidence[condition].resource, "code"))
    more = MoreCodes(genetic=(f"{system}|{value}",))
    return replace(site, marks=load_marks(Sensitive(genetic="hide"), more))


def lines(screen):
    return {line for section in screen.note.sections for line in section.lines}


async def test_a_line_and_its_source_are_gone_and_counted(stage, before, condition):
    site = hiding(stage.site, before, condition)
    now = await opened(stage, site, before.brief.id)
    assert condition in before.sheet.refs
    assert condition not in now.sheet.refs
    assert condition not in now.ledger.evidence
    assert any("withheld by policy" in gap for gap in now.sheet.gaps)
    others = [line.key for line in before.sheet.lines() if condition not in line.refs]
    kept = [line.key for line in now.sheet.lines()]
    assert set(kept) <= set(others), "no other line took the place of a hidden one"
    assert len(kept) > len(others) / 2


async def test_the_note_says_nothing_of_it(stage, before, condition):
    told = [line.filed for line in before.sheet.lines() if condition in line.refs]
    site = hiding(stage.site, before, condition)
    now = await opened(stage, site, before.brief.id)
    at = stage.now().replace(microsecond=0)
    assert set(told) <= lines(before.screen(at))
    assert lines(now.screen(at)).isdisjoint(told)


async def test_what_was_on_the_screen_before_cannot_be_approved(stage, before, condition):
    at = stage.now().replace(microsecond=0)
    digest = before.screen(at).digest
    now = await opened(stage, hiding(stage.site, before, condition), before.brief.id)
    with pytest.raises(Conflict):
        await stage.sign.approve(now, digest=digest, at=at)


async def test_where_the_sources_were_not_kept_all_that_cites_them_is_hidden(
    stage, before, condition
):
    """Whether they are of the category can no longer be told."""
    site = hiding(stage.site, before, condition)
    bare = replace(before, brief=replace(before.brief, sources=None), site=site)
    assert set(bare.sheet.refs) <= {bare.ledger.patient}


async def test_a_brief_of_the_same_policy_is_shown_whole(stage, before, condition):
    site = hiding(stage.site, before, condition)
    versions = {**before.brief.versions, "policy": site.policy_version}
    same = replace(before, brief=replace(before.brief, versions=versions, sources=None), site=site)
    assert same.sheet == before.sheet


def test_our_own_lists_are_a_part_of_the_policy(tmp_path):
    site = open_site(tmp_path)
    other = replace(site, marks=load_marks(site.file.policy.sensitive, MoreCodes(hiv=("x|1",))))
    assert other.file.policy == site.file.policy
    hiv = replace(site, marks=load_marks(Sensitive(hiv="hide"), MoreCodes()))
    wider = replace(site, marks=load_marks(Sensitive(hiv="hide"), MoreCodes(hiv=("x|1",))))
    assert len({each.policy_version for each in (site, hiv, wider)}) == 3
