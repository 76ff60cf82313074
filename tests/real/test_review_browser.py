"""The review app in headless Chromium: read, edit, approve, by mouse and by keyboard, in a frame and at 380 pixels."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route

from cds_service.storage.tables import BRIEF
from tests.agent.scripted import calls
from tests.review.stage import staged
from tests.review.test_made import CHOSEN, LABS, record
from tests.review.test_page import XSS, _poisoned

from .browser import browsing, free_port, serving
from .parts import axe

pytestmark = pytest.mark.anyio
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 380, "height": 800}
STANDARD = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


class Desk:
    """A stage with its pages on loopback, and a browser before it."""

    def __init__(self, stage, url, browser, origin):
        self.stage, self.url, self.browser, self.origin = stage, url, browser, origin

    @asynccontextmanager
    async def tab(self, brief=None, *, size=WIDE, session=None, script=True):
        """Open a brief in a browser context of its own; this will be its page and its session."""
        brief = brief or await self.stage.brief(model=True)
        session = session or self.stage.session(brief)
        context = await self.browser.new_context(viewport=size, java_script_enabled=script)
        await context.add_cookies([{"name": "session", "value": session.id, "url": self.url}])
        page = await context.new_page()
        page.said = []
        page.on("console", lambda message: page.said.append(message.text))
        page.on("pageerror", lambda error: page.said.append(str(error)))
        page.on("dialog", lambda dialog: page.said.append(f"dialog {dialog.message}"))
        page.brief, page.session = brief, session
        page.address = f"{self.url}/general/briefs/{brief}"
        await page.goto(page.address)
        yield page
        await context.close()


@asynccontextmanager
async def desk_standing(folder):
    origin = f"http://127.0.0.1:{free_port()}"
    more = f'\n[cors]\norigins = ["{origin}"]\n'

    def framed(site):
        smart = site.file.smart.model_copy(update={"frame_ancestors": (origin,)})
        file = site.file.model_copy(update={"smart": smart})
        return replace(site, file=file)

    async with (
        staged(folder, more=more, change_site=framed) as stage,
        serving(stage.app) as url,
        browsing() as browser,
    ):
        stage.at_work = True
        yield Desk(stage, url, browser, origin)


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
async def desk(tmp_path_factory):
    async with desk_standing(tmp_path_factory.mktemp("desk")) as standing:
        yield standing


async def settled(page):
    await page.wait_for_load_state("networkidle")


async def test_a_clinician_reads_edits_and_approves_and_sees_the_note_filed(desk):
    async with desk.tab() as page:
        await settled(page)
        assert "nothing that this brief is about has changed" in await page.inner_text("#changes")
        await page.click("#s-attention + ul li:first-child .source summary")
        await page.wait_for_selector("#s-attention + ul li:first-child .resource dl")
        await page.click("text=As the EHR sent it (JSON) >> nth=0")
        await page.wait_for_selector("pre.json")
        await page.click("[id='problems.6'] .edit")
        await page.click("text=Leave out")
        await page.click("[id='problems.0'] .edit")
        await page.fill("textarea", "Stable since spring")
        await page.click("text=Save the annotation")
        await page.click("text=Add a line to Allergies")
        await page.fill("textarea", "Asked today: no new reactions")
        await page.click("button:has-text('Add the line')")
        await page.click("text=Review the note…")
        note = await page.inner_text("pre.exact")
        assert "[reviewer: Stable since spring]" in note
        assert "Asked today: no new reactions (added by the reviewer)" in note
        await page.click("text=Approve and file")
        await page.wait_for_selector("text=Filed and read back.", timeout=15_000)
        assert page.said == []
    assert len(desk.stage.notes(page.brief)) == 1


async def test_a_double_click_files_one_note(desk):
    async with desk.tab() as page:
        await page.click("text=Review the note…")
        await page.dblclick("text=Approve and file")
        await page.wait_for_selector("text=Filed and read back.", timeout=15_000)
    assert len(desk.stage.notes(page.brief)) == 1


async def test_two_tabs_do_not_overwrite_each_other(desk):
    async with desk.tab() as one, desk.tab(one.brief, session=one.session) as two:
        await one.click("text=Review the note…")
        await two.click("[id='visit.0'] .edit")
        await two.click("text=Leave out")
        await one.click("text=Approve and file")
        assert "changed after you opened this page" in await one.inner_text("main")
        await one.click("text=Read the brief as it is now")
        assert "Left out" in await one.inner_text("[id='visit.0']")


async def test_a_sign_in_that_ended_shows_the_way_back(desk):
    async with desk.tab() as page:
        desk.stage.sessions.pop(page.session.id)
        await page.click("text=Review the note…")
        assert "Open the brief again from the patient's chart" in await page.inner_text("main")


async def test_the_whole_way_by_keyboard_alone(desk):
    async with desk.tab() as page:
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.className") == "skip"
        await _tab_to(page, "Edit line: 71 years old, female")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("form.panel")
        assert await page.evaluate("document.activeElement.value") == "drop"
        await page.keyboard.press("Enter")
        await page.wait_for_selector("text=Left out")
        await _tab_to(page, "Review the note…")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("pre.exact")
        await _tab_to(page, "Approve and file")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("text=Filed and read back.", timeout=15_000)


async def _tab_to(page, words):
    said = "(document.activeElement.innerText || document.activeElement.textContent || '').trim()"
    for _ in range(400):
        found = await page.evaluate(f"{said}.replace(/\\s+/g, ' ')")
        if found.startswith(words):
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"no way by keyboard to {words!r}")


async def test_without_scripts_everything_can_be_done(desk):
    async with desk.tab(script=False) as page:
        await page.click("[id='visit.0'] .edit")
        await page.click("text=Leave out")
        await page.click("text=Review the note…")
        await page.click("text=Approve and file")
        for _ in range(50):
            if "Filed and read back." in await page.inner_text("main"):
                break
            await asyncio.sleep(0.2)
            await page.reload()
        assert "Filed and read back." in await page.inner_text("main")


@pytest.mark.parametrize("width", [320, 380])
async def test_a_side_panel_never_scrolls_sideways(desk, width):
    async with desk.tab(size={"width": width, "height": 800}) as page:
        for path in (
            "",
            "/note",
            "?edit=visit.1",
            "?add=problems",
            "?ask=reject",
            "/sources/0,1,2",
        ):
            await page.goto(page.address + path)
            wide = await page.evaluate("document.scrollingElement.scrollWidth")
            assert wide <= width, path


async def _violations(page):
    await page.evaluate(axe().read_text("utf-8"))
    found = await page.evaluate(
        "tags => axe.run(document, {runOnly: {type: 'tag', values: tags}})", STANDARD
    )
    return [(each["id"], each["nodes"][0]["html"][:120]) for each in found["violations"]]


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
async def test_no_page_breaks_wcag(desk, size):
    async with desk.tab(size=size) as page:
        found = {}
        for path in ("", "/note", "?edit=visit.1", "?add=problems", "?ask=reject", "/sources/0,1"):
            await page.goto(page.address + path)
            await settled(page)
            found[path] = await _violations(page)
        await page.goto(page.address)
        await page.click("#s-attention + ul li:first-child .source summary")
        await page.wait_for_selector(".resource dl")
        found["source"] = await _violations(page)
        await page.goto(page.address + "/note")
        await page.click("text=Approve and file")
        await page.wait_for_selector("text=Filed and read back.", timeout=15_000)
        found["filed"] = await _violations(page)
        desk.stage.sessions.pop(page.session.id)
        await page.reload()
        found["refused"] = await _violations(page)
    assert {path: each for path, each in found.items() if each} == {}


async def test_how_a_brief_was_made_breaks_no_rule_and_fits_a_side_panel(desk, tmp_path):
    brief = await desk.stage.brief(run=await record(tmp_path, calls(LABS), CHOSEN))
    for size in (WIDE, NARROW):
        async with desk.tab(brief, size=size) as page:
            await page.click("text=How it was made")
            await page.click("details summary >> nth=-1")
            assert await page.is_visible("details[open] pre")
            assert await _violations(page) == []
            wide = await page.evaluate("document.scrollingElement.scrollWidth")
            assert wide <= size["width"]


async def test_a_page_that_waits_breaks_no_rule_and_shows_the_brief_when_it_is_ready(desk):
    async with desk.tab() as page:
        table, where = BRIEF, BRIEF.c.id == page.brief
        async with desk.stage.reviews.database.transaction() as connection:
            await connection.execute(table.update().where(where).values(state="preparing"))
        await page.reload()
        assert "The brief is being prepared" in await page.inner_text("main")
        assert await _violations(page) == []
        async with desk.stage.reviews.database.transaction() as connection:
            await connection.execute(table.update().where(where).values(state="ready"))
        await page.wait_for_selector("text=Review the note…", timeout=10_000)


async def test_markup_in_a_chart_never_runs(desk):
    brief = await desk.stage.brief(change=_poisoned)
    session = desk.stage.session(brief, name=XSS)
    async with desk.tab(brief, session=session) as page:
        await page.click("[id='visit.0'] .edit")
        await page.fill("textarea", XSS)
        await page.click("text=Save the annotation")
        await settled(page)
        await page.goto(page.address + "/note")
        await settled(page)
        assert page.said == []


async def _framed(desk, origin, address, context):
    async def ehr(_request):
        return HTMLResponse(f'<iframe src="{address}" width="900" height="700"></iframe>')

    app = Starlette(routes=[Route("/", ehr)])
    async with serving(app, int(origin.rpartition(":")[2])):
        page = await context.new_page()
        await page.goto(origin)
        await settled(page)
        return await page.frames[1].content()


async def test_the_page_shows_in_the_frames_of_its_ehr_and_nowhere_else(desk):
    async with desk.tab() as page:
        inside = await _framed(desk, desk.origin, page.address, page.context)
        assert "Beatrice Okonkwo" in inside
        elsewhere = f"http://127.0.0.1:{free_port()}"
        refused = await _framed(desk, elsewhere, page.address, page.context)
        assert "Okonkwo" not in refused
