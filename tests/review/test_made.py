"""How a brief was made is shown to who may review it, in full, and to nobody else."""

import re
from dataclasses import replace
from html import unescape
from uuid import uuid4

import pytest

from cds_service.domain.draft import CODES, ENDINGS
from cds_service.flow.trace import Trace
from cds_service.flow.write_brief import WithAgent
from cds_service.http.made_page import made_page
from cds_service.sensitive import MoreCodes, Sensitive, load_marks
from cds_service.storage.tables import BRIEF
from tests.agent.scripted import Scripted, agent_of, calls, failed, says
from tests.brief.charts import condition, context, lab
from tests.review.stage import open_site
from tests.review.test_page import XSS, Visitor, refused, visit

pytestmark = pytest.mark.anyio
LABS = ("find_results", {"loinc": ["4548-4"]})
CHOSEN = says(
    {"kind": "problem", "refs": ["Cond1"], "why": "new"},
    ("problem", "Cond1"),
    ("result", "Obs1"),
    ("result", "Obs1"),
    ("absence",),
)


async def record(tmp_path, *steps, chart=None):
    """Return the record of a run of the agent, as it is stored."""
    site = open_site(tmp_path, more="\n[agent]\nenabled = true\n")
    agent = agent_of(Scripted(list(steps)))
    chart = chart or context(condition("Gout"), lab("8.1"))
    return (await WithAgent(agent=agent)(chart, site)).record


async def page_of(stage, run, **changes):
    one = await visit(stage, brief=await stage.brief(run=run), **changes)
    return unescape((await one.get("/made")).text)


async def test_the_page_tells_turns_tools_choices_checks_versions_time_and_tokens(stage, tmp_path):
    run = await record(tmp_path, calls(LABS, input=900, output=40), CHOSEN)
    shown = await page_of(stage, run)
    assert ENDINGS["ok"] in shown
    assert "find_results" in shown
    assert "the model asked its tools" in shown
    assert "900 tokens in, 40 out" in shown
    assert CODES["duplicate"] in shown
    assert "Words of the model, not verified: new" in shown
    assert re.search(
        r"<dd>rules [0-9]+, model scripted, prompt [0-9a-f]{12}, tools 1-[0-9a-f]{8}</dd>", shown
    )
    assert re.search(r"<dd>[0-9.]+ s, 2 turns, 1 tool calls, 0 requests sent again</dd>", shown)
    assert "<dd>900 in, of them 0 from the cache; 40 out</dd>" in shown
    assert "<dd>2 entries</dd>" in shown or "<dd>3 entries</dd>" in shown


async def test_what_the_model_was_told_and_what_it_said_stands_there_word_for_word(
    stage, tmp_path
):
    shown = await page_of(stage, await record(tmp_path, calls(LABS), CHOSEN))
    assert "Cond1: Gout" in shown
    assert '{"statements": [{"kind": "problem"' in shown
    assert shown.count("The model was told") == 2


async def test_a_run_that_came_to_nothing_says_why(stage, tmp_path):
    run = await record(tmp_path, failed(retryable=False))
    shown = await page_of(stage, run)
    assert ENDINGS["unavailable"] in shown
    assert "529 overloaded_error" in shown


async def test_a_brief_without_a_run_says_so(stage):
    assert "No model's run is kept with this brief" in await page_of(stage, None)


async def test_the_brief_of_a_card_has_the_run_of_the_prepared_one(stage, tmp_path):
    prepared = await stage.brief(run=await record(tmp_path, calls(LABS), CHOSEN))
    database, shown = stage.reviews.database, str(uuid4())
    async with database.transaction() as connection:
        query = BRIEF.select().where(BRIEF.c.id == prepared)
        row = dict((await connection.execute(query)).mappings().one())
        body = await database.open(row["body"], place=f"brief|body|{prepared}|general")
        row |= {"id": shown, "sources": None, "versions": {"prepared": prepared}}
        row |= {"body": database.seal(body, place=f"brief|body|{shown}|general")}
        await connection.execute(BRIEF.insert().values(row))
    one = await visit(stage, brief=shown)
    assert ENDINGS["ok"] in unescape((await one.get("/made")).text)


@pytest.mark.parametrize("change", [{"brief": "other"}, {"patient": "other"}, {"site": "other"}])
async def test_nobody_sees_it_without_the_session_of_this_patients_brief(stage, tmp_path, change):
    brief = await stage.brief(run=await record(tmp_path, calls(LABS), CHOSEN))
    said = refused(await Visitor(stage, brief, None).get("/made"), 401)
    assert "Gout" not in said
    stranger = Visitor(stage, brief, stage.session(brief, **change))
    assert "Gout" not in refused(await stranger.get("/made"), 403)


async def test_what_holds_restricted_entries_is_not_shown_to_whoever_may_open_the_chart(
    stage, tmp_path
):
    label = {"meta": {"versionId": "1", "security": [{"code": "HIV"}]}}
    chart = context(condition("Gout"), condition("Secretia", "c2", **label))
    told = says({"kind": "problem", "refs": ["Cond2"], "why": "related to secretia"})
    run = await record(tmp_path, calls(LABS), told, chart=chart)
    assert b"Secretia" in run
    shown = await page_of(stage, run)
    assert "labelled as restricted" in shown
    assert "find_results" in shown
    assert "secretia" not in shown.casefold()
    assert "Gout" not in shown


async def test_what_a_site_hides_now_is_not_read_in_what_a_model_was_told_before(stage, tmp_path):
    brief = await stage.brief(run=await record(tmp_path, calls(LABS), CHOSEN))
    session = stage.session(brief)
    site = replace(stage.site, marks=load_marks(Sensitive(genetic="hide"), MoreCodes()))
    opened = await stage.sign.glance(session, site, brief)
    data = made_page(opened, await Trace(reviews=stage.reviews, audit=stage.sign.audit)(opened))
    assert "this site hides more now" in data["closed"]
    assert (data["messages"], data["choices"]) == ([], [])
    assert data["steps"]


async def test_who_looked_stands_in_the_audit(stage, tmp_path):
    before = (await stage.audited()).count(("view", "run"))
    await page_of(stage, await record(tmp_path, calls(LABS), CHOSEN))
    assert (await stage.audited()).count(("view", "run")) == before + 1


async def test_markup_in_a_chart_or_in_an_answer_is_text(stage, tmp_path):
    poisoned = says({"kind": "problem", "refs": [XSS], "why": XSS})
    chart = context(condition(XSS))
    run = await record(tmp_path, poisoned, chart=chart)
    one = await visit(stage, brief=await stage.brief(run=run))
    shown = (await one.get("/made")).text
    assert re.findall(r"<script(?![^>]*\bsrc=)|<img", shown) == []
    assert "&lt;script&gt;" in shown


async def test_an_answer_that_is_no_json_is_shown_as_it_came(stage, tmp_path):
    prose = says()
    prose = type(prose)(
        content=({"type": "text", "text": "The patient is well."},),
        stop="end_turn",
        usage=prose.usage,
        model="scripted",
    )
    shown = await page_of(stage, await record(tmp_path, prose, prose))
    assert ENDINGS["invalid_output"] in shown
    assert "The patient is well." in shown


async def test_the_page_of_the_brief_leads_there(stage):
    one = await visit(stage)
    assert f'href="{one.base}/made"' in (await one.get()).text
