"""A changed site file is taken into service as a whole within seconds; a bad one leaves its site as it was."""

import asyncio
import selectors
import time

import pytest

from cds_service.network import Network
from cds_service.reload import Reload
from cds_service.sites import OfSite, load_sites
from tests.sites.test_site_files import GOOD, SERVICES

pytestmark = pytest.mark.anyio
OTHER = GOOD.replace("ehr.example.org", "other.example.org").replace(
    "fhir.example.org", "fhir.other.example.org"
)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "general.toml").write_text(GOOD, "utf-8")
    (tmp_path / "north.toml").write_text(OTHER, "utf-8")
    return tmp_path


@pytest.fixture
def warmed():
    return []


@pytest.fixture
def reload(folder, warmed):
    async def warm(site):
        warmed.append(site.name)

    sites = load_sites(folder, services=SERVICES)
    return Reload(
        sites=sites,
        folder=folder,
        services=SERVICES,
        demo=False,
        check=Network().client,
        warm=warm,
    )


def edit(folder, name, *changes):
    file = folder / f"{name}.toml"
    text = file.read_text("utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    file.write_text(text, "utf-8")


OFF = ('vendor = "generic-r4"', 'vendor = "generic-r4"\nmode = "off"')


def test_a_changed_file_is_in_force_and_its_neighbour_is_the_same_object(reload, folder):
    before = dict(reload.sites.by_name)
    edit(folder, "general", OFF)
    assert [site.name for site in reload.look()] == ["general"]
    assert reload.sites.find("general").file.mode == "off"
    assert reload.sites.find("north") is before["north"]
    assert reload.look() == []


@pytest.mark.parametrize(
    "text", ["[[[", GOOD.replace("title", "titel"), GOOD.replace("https://fhir", "http://fhir")]
)
def test_a_bad_file_keeps_the_old_one_and_says_so(reload, folder, text, caplog):
    before = reload.sites.find("general")
    (folder / "general.toml").write_text(text, "utf-8")
    assert reload.look() == []
    assert reload.sites.find("general") is before
    assert "serves on" in reload.sites.refused["general"]
    assert reload.sites.refused["general"] in caplog.text


def test_a_new_file_that_is_bad_is_not_said_to_have_a_form_before_it(reload, folder, caplog):
    (folder / "third.toml").write_text("[[[", "utf-8")
    reload.look()
    assert reload.sites.refused["third"].endswith("The site is not in service.")
    assert "serves on" not in caplog.text


def test_a_site_in_preparation_is_told_and_comes_into_service_when_it_is_filled_in(reload, folder):
    filled = OTHER.replace("other.example.org", "third.example.org")
    open_ = filled.replace("https://third.example.org", "https://REPLACE", 1)
    open_ = open_.replace("services", 'mode = "shadow"\nservices')
    assert "REPLACE" in open_
    (folder / "third.toml").write_text(open_, "utf-8")
    assert reload.look() == []
    assert "still says REPLACE at trust.iss" in reload.sites.refused["third"]
    assert "third" not in reload.sites.by_name
    (folder / "third.toml").write_text(filled, "utf-8")
    assert [site.name for site in reload.look()] == ["third"]
    assert reload.sites.refused == {}


def test_a_site_in_service_keeps_its_form_while_the_new_one_is_not_filled_in(reload, folder):
    before = reload.sites.find("general")
    edit(folder, "general", ('iss = "https://ehr.example.org"', 'iss = "https://REPLACE"'))
    assert reload.look() == []
    assert reload.sites.find("general") is before
    assert reload.sites.refused["general"].endswith("The form before it serves on.")


def test_certificates_that_are_not_there_keep_the_old_file(reload, folder):
    before = reload.sites.find("general")
    edit(folder, "general", ("[fhir]", '[network]\nca_file = "/nowhere.pem"\n\n[fhir]'))
    assert reload.look() == []
    assert reload.sites.find("general") is before
    assert "ca_file" in reload.sites.refused["general"]


def test_a_bad_file_does_not_hold_up_another_that_is_switched_off(reload, folder):
    (folder / "general.toml").write_text("[[[", "utf-8")
    edit(folder, "north", OFF)
    assert [site.name for site in reload.look()] == ["north"]
    assert reload.sites.find("north").file.mode == "off"


def test_a_mended_file_is_no_longer_told_of(reload, folder):
    (folder / "general.toml").write_text("[[[", "utf-8")
    reload.look()
    (folder / "general.toml").write_text(GOOD, "utf-8")
    reload.look()
    assert reload.sites.refused == {}


def test_a_new_file_that_shares_an_issuer_is_not_taken(reload, folder):
    same = GOOD.replace("fhir.example.org", "fhir.third.example.org")
    (folder / "third.toml").write_text(same, "utf-8")
    assert reload.look() == []
    assert "third" not in reload.sites.by_name
    assert "tenant" in reload.sites.refused["third"]


def test_a_removed_file_removes_its_site(reload, folder):
    (folder / "north.toml").unlink()
    reload.look()
    assert list(reload.sites.by_name) == ["general"]


def test_an_empty_folder_is_taken_for_one_that_is_not_there(reload, folder):
    for file in folder.glob("*.toml"):
        file.unlink()
    reload.look()
    assert set(reload.sites.by_name) == {"general", "north"}
    assert reload.sites.refused


class OwnTime(asyncio.SelectorEventLoop):
    """An event loop on whose clock count what its process works and means to wait, and nothing that others take of it.

    What is promised within seconds is promised of a process that has its core. A wait is over at once, but for that
    for a thread, which works as long as it does.
    """

    def __init__(self):
        self.waited, self.threads = 0.0, 0
        loop = self

        class Waiting(selectors.DefaultSelector):
            def select(self, timeout=None):
                if timeout is None or (timeout and loop.threads):
                    return super().select(None)
                loop.waited += timeout
                return super().select(0)

        super().__init__(Waiting())

    def time(self):
        return time.process_time() + self.waited

    def run_in_executor(self, executor, func, *args):
        self.threads += 1
        working = super().run_in_executor(executor, func, *args)
        working.add_done_callback(self._left)
        return working

    def _left(self, _working):
        self.threads -= 1


@pytest.mark.parametrize(
    "anyio_backend", [("asyncio", {"loop_factory": OwnTime})], ids=["own time"]
)
async def test_a_watching_process_sees_a_change_within_two_seconds(reload, folder, warmed):
    watching = asyncio.create_task(reload.run())
    try:
        edit(folder, "general", OFF)
        async with asyncio.timeout(2.0):
            while reload.sites.find("general").file.mode != "off" or not warmed:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    finally:
        watching.cancel()
    assert warmed == ["general"]


def test_what_is_derived_from_a_site_is_made_again_when_it_changes(reload, folder):
    made = []
    of_site = OfSite(lambda site: made.append(site.name) or len(made))
    assert of_site(reload.sites.find("general")) == of_site(reload.sites.find("general")) == 1
    edit(folder, "general", OFF)
    reload.look()
    assert of_site(reload.sites.find("general")) == 2


async def test_a_call_is_answered_by_the_file_that_is_in_force(ground):
    assert len((await ground.client().open_chart("beatrice-okonkwo"))[0].cards()) > 0
    edit(ground.data_dir / "sites", "general", OFF)
    ground.service.reload.look()
    [answer] = await ground.client().open_chart("beatrice-okonkwo")
    assert (answer.status, answer.cards()) == (200, [])
    (ground.data_dir / "sites" / "general.toml").write_text("[[[", "utf-8")
    ground.service.reload.look()
    ready = (await ground.http.get("/readyz")).json()
    assert any("site general" in note and "serves on" in note for note in ready["notes"])


async def test_what_is_not_in_force_is_told_once_and_as_it_is(ground):
    sites = ground.data_dir / "sites"
    (sites / "north.toml").write_text("[[[", "utf-8")
    (sites / "general.toml").write_text("[[[", "utf-8")
    ground.service.reload.look()
    notes = (await ground.http.get("/readyz")).json()["notes"]
    [north] = [note for note in notes if note.startswith("site north: ")]
    [general] = [note for note in notes if note.startswith("site general: ")]
    assert "serves on" not in north
    assert general.count("The form before it serves on.") == 1
