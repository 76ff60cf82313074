"""The page: who may see it, what it shows, and what a form may change."""

import base64
import re
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest

from cds_service.domain.session import Clinician
from cds_service.storage.tables import BRIEF
from tests.review.stage import PATIENT, staged
from tests.storage.databases import unaudited

pytestmark = pytest.mark.anyio
XSS = "<script>alert(1)</script><img src=x onerror=alert(2)>'\"&"


class Visitor:
    """One browser tab of one session."""

    def __init__(self, stage, brief, session):
        self.stage, self.brief, self.session = stage, brief, session
        self.base = f"/general/briefs/{brief}"

    async def get(self, path="", **headers):
        cookies = {"Cookie": f"session={self.session.id}"} if self.session else {}
        return await self.stage.web.get(self.base + path, headers=cookies | headers)

    async def post(self, path, **fields):
        form = {"csrf": self.session.csrf} | fields
        cookies = {"Cookie": f"session={self.session.id}"}
        return await self.stage.web.post(self.base + path, data=form, headers=cookies)

    async def screen(self):
        """Return the fields of the form that approves what is on the screen."""
        shown = (await self.get("/note")).text
        return dict(re.findall(r'name="(digest|at)" value="([^"]+)"', shown))

    async def edit(self, kind, line, text=""):
        answer = await self.post("/edits", kind=kind, line=line, text=text)
        assert answer.status_code == 303, answer.text
        return answer


async def visit(stage, **changes):
    brief = changes.pop("brief", None) or await stage.brief()
    return Visitor(stage, brief, stage.session(brief, **changes))


def words(answer):
    """Return what a page says, without its markup."""
    return " ".join(unescape(re.sub(r"<[^>]*>", "", answer.text)).split())


def refused(answer, status):
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    return unescape(answer.text)


async def test_without_a_session_the_page_is_refused_with_the_way_back_through_the_chart(stage):
    stranger = Visitor(stage, await stage.brief(), None)
    said = refused(await stranger.get(), 401)
    assert "Open the brief again from the patient's chart" in said


@pytest.mark.parametrize("change", [{"brief": "other"}, {"patient": "other"}, {"site": "other"}])
async def test_a_session_of_another_chart_sees_nothing(stage, change):
    one = await visit(stage)
    one.session = stage.session(one.brief, **change)
    said = refused(await one.get(), 403)
    assert "Okonkwo" not in said


async def refusals(stage):
    stage.sign.audit.tell_refusals(everything=True)
    await stage.sign.audit.writer.flush()
    return [each for each in await stage.audited() if each[0] == "review"]


async def told(stage, refusal):
    """Return what the audit says of refusals, first ones and counts, while something is refused."""
    before = len(await refusals(stage))
    answer = await refusal
    return answer, (await refusals(stage))[before:]


async def test_whoever_is_refused_a_page_stands_in_the_audit(stage):
    one = await visit(stage)
    stranger = Visitor(stage, one.brief, None)
    assert (await told(stage, stranger.get()))[1] == [("review", "not_trusted")]
    assert (await told(stage, one.post("/approve", csrf="x")))[1] == [("review", "not_allowed")]
    one.session = stage.session(one.brief, patient="other")
    for path in ("", "/sources/0", "/changes", "/made", "/state"):
        answer, entries = await told(stage, one.get(path))
        assert (answer.status_code, entries) == (403, [("review", "not_allowed")])


async def test_a_flood_of_refused_readers_is_one_entry_and_a_count(stage):
    stranger = Visitor(stage, await stage.brief(), None)

    async def flood():
        for _ in range(30):
            await stranger.get()

    assert (await told(stage, flood()))[1] == [("review", "not_trusted")] * 2


async def test_the_page_says_who_which_visit_as_of_when_and_that_nobody_reviewed_it(stage):
    one = await visit(stage, brief=await stage.brief(model=True))
    shown = words(await one.get())
    for part in ("Beatrice Okonkwo", "born 1955-09-02", "MRN1002", "Booked 2026-11-23 14:00"):
        assert part in shown
    assert "2026-11-23 09:00 CST" in shown
    assert "AI-assisted, not yet reviewed" in shown
    assert "Chosen by the model" in shown
    assert "By rule" in shown


async def test_what_is_critical_stands_above_the_fold_and_leads_to_its_line(stage):
    one = await visit(stage)
    shown = unescape((await one.get()).text)
    [first] = re.findall(r'<ul class="first".*?</ul>', shown, re.DOTALL)
    assert "Potassium 6.3 mmol/L" in first
    assert shown.index("Potassium 6.3") < shown.index("<main")
    [key] = re.findall(r'href="#([^"]+)"', first)
    assert f'<li id="{key}" class="critical">' in shown


async def test_a_brief_beside_which_a_note_was_filed_says_so_before_another_is(stage):
    said = "A pre-visit brief was approved, filed and read back 2026-11-23 09:00 CST."
    brief = await stage.brief(change=lambda made: made | {"receipt": said})
    shown = words(await (await visit(stage, brief=brief)).get())
    assert f"{said} Approving files another one." in shown


async def test_a_brief_without_a_model_does_not_claim_one(stage):
    shown = (await (await visit(stage)).get()).text
    assert "Made by rules from the record, not yet reviewed" in shown
    assert "AI-assisted" not in shown


async def test_a_page_is_a_page_of_its_own_and_shows_in_the_frames_of_its_ehr_alone(stage):
    headers = (await (await visit(stage)).get()).headers
    policy = headers["content-security-policy"]
    assert "frame-ancestors http://ehr.test" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert headers["cache-control"] == "no-store"


async def test_no_page_carries_a_script_or_a_style_of_its_own(stage):
    one = await visit(stage)
    for path in ("", "/note", "?edit=visit.0", "?add=problems", "?ask=reject", "/sources/0,1"):
        shown = (await one.get(path)).text
        assert re.findall(r"<script(?![^>]*\bsrc=)", shown) == []
        assert re.findall(r"<style|\sstyle=|\son[a-z]+=", shown) == []


async def test_nothing_of_the_patient_stands_in_an_address(stage):
    one = await visit(stage)
    shown = (await one.get()).text
    addresses = re.findall(r'(?:href|action|src|data-[a-z]+)="([^"]*)"', shown)
    assert len(addresses) > 50
    assert not [each for each in addresses if PATIENT in each or "okonkwo" in each.lower()]


async def test_a_source_is_for_a_person_first_and_as_sent_on_demand(stage):
    one = await visit(stage)
    shown = unescape((await one.get("/sources/0", **{"X-Fragment": "1"})).text)
    assert "Born" in shown
    assert '"resourceType"' not in shown
    raw = unescape((await one.get("/sources/0.json")).text)
    assert '"resourceType": "Patient"' in raw
    assert (await one.get("/sources/99999")).status_code == 404
    assert (await one.get("/sources/x")).status_code == 404


@pytest.mark.parametrize(
    ("path", "seen"),
    [("/sources/0", "source"), ("/sources/0.json", "source_as_sent"), ("/changes", "changes")],
)
async def test_whoever_looks_behind_the_page_stands_in_the_audit(stage, path, seen):
    one = await visit(stage)
    before = await stage.audited()
    assert (await one.get(path)).status_code == 200
    assert (await stage.audited())[len(before) :] == [("view", seen)]


async def test_what_the_audit_cannot_tell_of_is_not_shown(stage):
    one = await visit(stage)
    async with unaudited(stage.reviews.database):
        for path in ("", "/sources/0", "/sources/0.json", "/changes"):
            said = refused(await one.get(path), 503)
            assert "Not possible just now" in said
            assert "look again in a moment" in said
            assert "Okonkwo" not in said
    assert (await one.get("/sources/0")).status_code == 200


async def test_a_page_that_waits_is_no_look_at_the_chart(stage):
    one = await visit(stage)
    before = await stage.audited()
    assert (await one.get("/state")).status_code == 200
    assert await stage.audited() == before


@pytest.mark.parametrize("number", ["9" * 5000, "1" * 7, "-1", "1e3", "٣", ""])
async def test_a_number_that_leads_to_no_source_is_404(stage, number):
    one = await visit(stage)
    refused(await one.get(f"/sources/{number}.json"), 404)


async def test_a_trend_is_drawn_and_said(stage):
    shown = (await (await visit(stage)).get()).text
    assert shown.count("<polyline") > 3
    assert "Oldest to newest: 5.2 on 2026-04-14" in shown


async def test_results_of_several_things_on_one_line_draw_no_trend(stage):
    shown = (await (await visit(stage)).get()).text
    grouped = [one for one in shown.split("<li") if "by date of the newest value" in one]
    assert grouped
    assert not [one for one in grouped if "<polyline" in one]


def _poisoned(body):
    for section in body["sections"]:
        section["title"] = XSS
        for line in section["statements"]:
            line |= {"text": XSS, "why": XSS, "flags": [XSS]}
    body["gaps"] = [{"need": XSS, "reason": "denied", "text": XSS}]
    return body


async def test_markup_in_a_chart_or_in_an_annotation_is_text(stage):
    one = await visit(stage, brief=await stage.brief(change=_poisoned), name=XSS)
    await one.edit("annotate", "visit.0", XSS)
    await one.edit("add", "visit", XSS)
    for path in ("", "/note", "?edit=visit.0", "?edit=" + XSS, "?add=visit"):
        shown = (await one.get(path)).text
        assert "<script>" not in shown
        assert "<img" not in shown
    assert XSS in unescape((await one.get()).text)


_TYPED = {
    "text",
    "display",
    "comment",
    "description",
    "title",
    "family",
    "valueString",
    "line",
    "city",
    "note",
}


def _typed(value, name=""):
    """Return a resource with markup wherever somebody may type."""
    if isinstance(value, dict):
        return {key: _typed(each, key) for key, each in value.items()}
    if isinstance(value, list):
        return [_typed(each, name) for each in value]
    return XSS if name in _TYPED else value


async def test_markup_in_a_cited_resource_is_text_in_its_view_and_as_sent(stage):
    one = await visit(stage, brief=await stage.brief(chart=_typed))
    met = 0
    for number in range(40):
        for path in (f"/sources/{number}", f"/sources/{number}.json"):
            answer = await one.get(path)
            assert "<script>" not in answer.text
            assert "<img" not in answer.text
            met += "alert(1)" in answer.text
    assert met > 40


async def test_a_form_without_this_sessions_token_changes_nothing(stage):
    one, other = await visit(stage), await visit(stage)
    answer = await one.post("/edits", csrf=other.session.csrf, kind="drop", line="visit.0")
    refused(answer, 403)
    assert "Left out" not in (await one.get()).text


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"csrf": "\N{LATIN SMALL LETTER E WITH ACUTE}"}, 403),
        ({"at": "2026-11-23T09:00", "digest": "0"}, 409),
        ({"at": "0001-01-01T00:00:00+14:00", "digest": "0"}, 400),
        ({"at": "9999-12-31T23:59:00-14:00", "digest": "0"}, 400),
    ],
)
async def test_a_form_that_no_page_of_ours_sends_is_refused_in_words(stage, fields, status):
    one = await visit(stage)
    refused(await one.post("/approve", **fields), status)
    assert await stage.state(one.brief) == "ready"


async def test_edits_are_kept_beside_the_brief_and_show_at_once(stage):
    one = await visit(stage)
    before = unescape((await one.get()).text)
    await one.edit("drop", "visit.0")
    await one.edit("annotate", "visit.1", "seen today")
    await one.edit("add", "problems", "Lives alone")
    await one.edit("wrong", "problems.0")
    shown = unescape((await one.get()).text)
    for part in ("Left out", "seen today", "Lives alone", "Wrong", "Added by the reviewer"):
        assert part in shown
        assert part not in before
    note = unescape((await one.get("/note")).text)
    assert "- Lives alone (added by the reviewer)" in note
    assert "2 lines left out by you" in note


@pytest.mark.parametrize(
    "edit",
    [
        {"kind": "explode", "line": "visit.0"},
        {"kind": "drop", "line": "nowhere.7"},
        {"kind": "add", "line": "visit", "text": "  "},
        {"kind": "annotate", "line": "visit.0", "text": "x" * 2001},
    ],
)
async def test_an_edit_that_does_not_exist_is_refused(stage, edit):
    refused(await (await visit(stage)).post("/edits", **edit), 400)


async def test_what_was_on_the_screen_is_what_is_filed(stage):
    one = await visit(stage)
    await one.edit("add", "problems", "Lives alone")
    shown = unescape((await one.get("/note")).text)
    text = re.search(r'<pre class="exact"[^>]*>(.*?)</pre>', shown, re.DOTALL)[1]
    answer = await one.post("/approve", **await one.screen())
    assert answer.status_code == 303
    assert await stage.file(one.brief) == "verified"
    (note,) = stage.notes(one.brief)
    assert _text(note) == text
    assert "reviewed by Lena Brandt, MD" in text
    page = unescape((await one.get()).text)
    assert "Filed and read back." in page
    assert f"DocumentReference/{note['id']}" in page


def _text(note):
    return base64.b64decode(note["content"][0]["attachment"]["data"]).decode()


async def test_a_double_click_approves_once(stage):
    one = await visit(stage)
    screen = await one.screen()
    answers = [await one.post("/approve", **screen) for _ in range(2)]
    assert [each.status_code for each in answers] == [303, 303]
    assert [a for a, _ in await stage.audited()].count("approve") >= 1
    assert await stage.file(one.brief) == "verified"
    assert len(stage.notes(one.brief)) == 1


async def test_an_edit_in_another_tab_makes_the_approval_a_conflict(stage):
    one = await visit(stage)
    screen = await one.screen()
    await one.edit("drop", "problems.1")
    said = refused(await one.post("/approve", **screen), 409)
    assert "The brief changed after you opened this page" in said
    assert await stage.state(one.brief) == "in_review"


async def test_a_second_approver_is_told_that_somebody_was_faster(stage):
    one = await visit(stage)
    two = Visitor(stage, one.brief, stage.session(one.brief, user="another", name="A. Nother"))
    mine, theirs = await one.screen(), await two.screen()
    assert (await one.post("/approve", **mine)).status_code == 303
    said = refused(await two.post("/approve", **theirs), 409)
    assert "Somebody has approved this brief already" in said


async def test_a_person_cannot_approve_what_another_saw(stage):
    one = await visit(stage)
    two = Visitor(stage, one.brief, stage.session(one.brief, user="another", name="A. Nother"))
    refused(await two.post("/approve", **await one.screen()), 409)


async def test_a_chart_that_changed_is_a_conflict_that_says_so(stage):
    one = await visit(stage)
    screen = await one.screen()
    store = stage.simulator.ehr("general").store
    opened = await stage.sign.glance(one.session, stage.site, one.brief)
    line = next(each for each in opened.sheet.lines() if each.key == "problems.0")
    first = store.read(*line.refs[0].split("/")).resource
    store.put({**first, "note": [{"text": "changed"}]})
    assert "The chart changed" in (await one.get("/changes")).text
    said = refused(await one.post("/approve", **screen), 409)
    assert "chart changed" in said


async def test_a_page_that_stood_open_too_long_is_read_again(stage):
    one = await visit(stage)
    screen = await one.screen()
    old = {**screen, "at": (stage.now() - timedelta(hours=2)).isoformat()}
    assert "too old to approve" in refused(await one.post("/approve", **old), 409)


async def test_whom_the_site_does_not_let_approve_may_read_and_nothing_else(stage):
    nurse = Clinician(fhir_user="Practitioner/nurse", may_approve=False)
    one = await visit(stage, clinician=nurse)
    shown = (await one.get()).text
    assert "Okonkwo" in shown
    assert "Review the note" not in shown
    assert "?edit=" not in shown
    refused(await one.post("/edits", kind="drop", line="visit.0"), 403)
    refused(await one.post("/reject", text="no"), 403)
    assert await stage.state(one.brief) == "ready"


async def test_a_rejection_needs_a_reason_and_is_the_end(stage):
    one = await visit(stage)
    assert "Say why" in refused(await one.post("/reject", text=" "), 400)
    assert (await one.post("/reject", text="Wrong visit")).status_code == 303
    assert "This brief was rejected" in (await one.get()).text
    refused(await one.post("/approve", digest="0" * 64, at=stage.now().isoformat()), 409)


async def test_an_approval_can_be_withdrawn_before_the_write(stage):
    one = await visit(stage)
    await one.post("/approve", **await one.screen())
    assert (await one.post("/withdraw")).status_code == 303
    assert await stage.file(one.brief) == "withdrawn"
    assert stage.notes(one.brief) == []


async def test_a_correction_is_a_new_note_that_replaces_the_first(stage):
    one = await visit(stage)
    await one.post("/approve", **await one.screen())
    await stage.file(one.brief)
    (first,) = stage.notes(one.brief)
    await one.edit("add", "problems", "Lives alone")
    note = await one.get("/note")
    assert f"DocumentReference/{first['id']}" in note.text
    assert (await one.post("/approve", **await one.screen())).status_code == 303
    assert await stage.file(one.brief) == "verified"
    row = await stage.row(one.brief)
    kind, _, key = row["location"].partition("/")
    second = stage.simulator.ehr("general").store.read(kind, key).resource
    target = {"reference": f"DocumentReference/{first['id']}"}
    assert second["relatesTo"] == [{"code": "replaces", "target": target}]
    assert second["identifier"] != first["identifier"]


async def test_a_newer_brief_is_asked_for_where_the_site_prepares_any(stage, tmp_path):
    one = await visit(stage)
    assert "Ask for a newer brief" not in (await one.get()).text
    assert "open the chart again" in refused(await one.post("/edits", kind="refresh"), 400)
    assert stage.renewed == []
    ahead = '[backend]\nclient_id = "cds-brief"\n[prepare]\n'
    (tmp_path / "ahead").mkdir()
    async with staged(tmp_path / "ahead", more=ahead) as preparing:
        one = await visit(preparing)
        assert "Ask for a newer brief" in (await one.get()).text
        await one.edit("refresh", "")
        assert preparing.renewed == [one.brief]
        assert "A newer brief was asked for" in (await one.get()).text


async def test_missing_scopes_stop_the_approval_with_a_sentence_for_the_admin(stage):
    one = await visit(stage, scopes=frozenset({"user/Patient.rs"}))
    shown = unescape((await one.get("/note")).text)
    assert "The app was not granted writing of notes (DocumentReference.c)" in shown
    assert "Approve and file" not in shown
    refused(await one.post("/approve", **await one.screen()), 409)


@pytest.mark.slow
async def test_a_note_of_two_megabytes_is_stopped_before_anything_is_sent(stage):
    def swollen(made):
        made["sections"][0]["statements"][0]["text"] = "word " * 400_000
        return made

    one = await visit(stage, brief=await stage.brief(change=swollen))
    stage.simulator.faults.seen.clear()
    shown = unescape((await one.get("/note")).text)
    assert "this EHR takes 1,000,000: drop some lines" in shown
    assert "Approve and file" not in shown
    refused(await one.post("/approve", **await one.screen()), 409)
    assert [each for each in stage.simulator.faults.seen if each.method == "POST"] == []
    await one.edit("drop", "visit.0")
    assert "Approve and file" in (await one.get("/note")).text


async def test_a_vendor_that_knows_no_relation_gets_a_correction_that_says_what_it_corrects(
    tmp_path,
):
    async with staged(tmp_path, vendor="epic", personality="epic") as stage:
        one = await visit(stage)
        await one.post("/approve", **await one.screen())
        assert await stage.file(one.brief) == "verified"
        (first,) = stage.notes(one.brief)
        await one.edit("add", "problems", "Lives alone")
        await one.post("/approve", **await one.screen())
        assert await stage.file(one.brief) == "verified"
        key = (await stage.row(one.brief))["location"].partition("/")[2]
        second = stage.simulator.ehr("general").store.read("DocumentReference", key).resource
        assert "relatesTo" not in second
        text = base64.b64decode(second["content"][0]["attachment"]["data"]).decode()
        assert f"Replaces the note filed before ({first['id']})." in text


async def test_a_site_that_files_nothing_says_who_can_change_that(tmp_path):
    def off(site):
        write = site.file.write.model_copy(update={"route": "none"})
        file = site.file.model_copy(update={"write": write})
        return replace(site, file=file)

    async with staged(tmp_path, change_site=off) as stage:
        one = await visit(stage)
        shown = unescape((await one.get("/note")).text)
        assert "an administrator sets [write] route" in shown
        assert "Approve and file" not in shown


async def test_epic_wants_an_encounter(tmp_path):
    async with staged(tmp_path, vendor="epic", personality="epic") as stage:
        one = await visit(stage, encounter=None)
        assert "open the app from the visit" in unescape((await one.get("/note")).text)


async def test_where_approving_is_signing_the_page_says_so(tmp_path):
    async with staged(tmp_path, vendor="oracle-millennium") as stage:
        shown = unescape((await (await visit(stage)).get("/note")).text)
        assert "Approving is signing." in shown
        assert "Sign and file" in shown
        assert "rich text" in shown


async def test_a_brief_that_is_being_prepared_says_so(stage):
    one = await visit(stage)
    async with stage.reviews.database.transaction() as connection:
        where = BRIEF.c.id == one.brief
        values = {"state": "preparing", "body": None, "sources": None}
        await connection.execute(BRIEF.update().where(where).values(values))
    assert "The brief is being prepared" in (await one.get()).text
    assert (await one.get("/state")).json() == {"state": "preparing"}


async def test_what_a_person_wrote_is_not_readable_on_disk(stage):
    one = await visit(stage)
    await one.edit("annotate", "visit.0", "ZEBEDEE was here")
    await one.post("/reject", text="ZEBEDEE again")
    assert b"ZEBEDEE" not in _on_disk(stage.reviews.database.engine.url.database)


def _on_disk(path):
    return b"".join(Path(f"{path}{end}").read_bytes() for end in ("", "-wal"))


async def test_a_page_is_small(stage):
    one = await visit(stage)
    total = len((await one.get()).content)
    total += len((await one.get("/changes")).content)
    for name in ("review.css", "review.js", "icon.svg"):
        total += len((await stage.web.get(f"/assets/{name}")).content)
    assert total < 150_000


async def test_a_note_that_leaves_the_clinic_says_by_whose_clock_its_times_are(stage):
    brief_id = await stage.brief()
    opened = await stage.sign.open(stage.session(brief_id), stage.site, brief_id)
    assert "Times are by the clock of America/Chicago." in opened.screen(stage.now()).text
