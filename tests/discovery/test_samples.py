"""The sample sites are what `site new` writes, and their packets are what an admin is given: both are in every diff.

To write them anew, delete them and run this test.
"""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from cds_service.card import OVERRIDE_REASONS
from cds_service.catalog import load_catalog
from cds_service.sites import Smart, load_site, load_sites
from cds_service.vendors import vendor_names
from discovery.packet import Ours, packet
from discovery.page import html, markdown, text
from discovery.plan import Wish, make_plan
from discovery.site_file import Given, site_file

SITES = Path(__file__).parents[2] / "deploy" / "sites"
CATALOG = load_catalog(["hooks"])
SERVICES = CATALOG.by_id
OURS_ALONE = ("appointment-book-brief", "patient-view-brief")
"""The services of this product: a folder of hooks that somebody adds changes no sample."""
OURS = Ours(
    public_url="https://cds.example.org",
    override_reasons=tuple((r.code, r.system, r.display) for r in OVERRIDE_REASONS),
    intents=CATALOG.intents,
)
ON_PREMISE = {"meditech", "nextgen", "veradigm"}
BASES = {
    "athenaone": "https://api.platform.athenahealth.com/fhir/r4",
    "epic": "https://epic.example.org/interconnect/api/FHIR/R4",
    "oracle-millennium": "https://fhir-ehr.cerner.com/r4/00000000-0000-0000-0000-000000000000",
}
KEYS = {
    "epic": "https://epic.example.org/interconnect/api/epic/2019/Security/Open/PublicKeys/530013/530013",
    "oracle-millennium": "https://authorization.cerner.com/jwk",
}
ISSUERS = {
    "epic": "https://epic.example.org/interconnect/api/FHIR/R4",
    "oracle-millennium": "https://cds-hooks.cerner.com",
}


def plan_of(vendor):
    writes = vendor in {"epic", "generic-r4"}
    services = OURS_ALONE if vendor == "generic-r4" else ("patient-view-brief",)
    wish = Wish(vendor=vendor, write=writes, on_premise=vendor in ON_PREMISE, services=services)
    return make_plan(wish, SERVICES.values())


def given(vendor):
    return Given(
        title=f"Sample Hospital ({vendor})",
        timezone="America/Chicago",
        fhir_base=BASES.get(vendor, f"https://{vendor}.example.org/r4"),
        iss=ISSUERS.get(vendor, f"https://{vendor}.example.org"),
        jwks_url=KEYS.get(vendor, f"https://{vendor}.example.org/jwks.json"),
        client_id="your-client-id",
        params={"ah-practice": "Organization/a-1.Practice-195900"},
        allow=("10.20.0.0/16",) if vendor in ON_PREMISE else (),
    )


def same(file, text):
    if not file.exists():
        file.write_text(text, encoding="utf-8")
        pytest.fail(f"{file.name} was written: review it")
    assert file.read_text("utf-8") == text, "delete the file, run this test and review the change"


@pytest.mark.parametrize("vendor", vendor_names())
def test_a_sample_site_is_what_site_new_writes(vendor):
    same(SITES / f"{vendor}.toml", site_file(plan_of(vendor), given(vendor)))


def test_all_sample_sites_load_together():
    assert set(load_sites(SITES, services=frozenset(SERVICES)).by_name) == set(vendor_names())


@pytest.mark.parametrize("vendor", vendor_names())
def test_a_packet_is_what_was_reviewed(vendor):
    site = load_site(SITES / f"{vendor}.toml", services=frozenset(SERVICES))
    same(SITES / f"{vendor}.md", markdown(packet(site, SERVICES.values(), OURS)))


def test_a_packet_says_what_each_enabled_service_is_for_and_where_its_limits_are():
    page = text(
        packet(
            load_site(SITES / "generic-r4.toml", services=frozenset(SERVICES)),
            SERVICES.values(),
            OURS,
        )
    )
    said = " ".join(page.split())
    assert set(SERVICES) >= set(OURS_ALONE)
    for words in (
        "Clinical intent. When a clinician opens",
        "Clinical intent. While a visit is being booked",
    ):
        assert words in said
    assert said.count("Limits. It ") == said.count("Owner. Clinical lead") == len(OURS_ALONE)
    assert "**" not in said


def test_a_client_that_files_notes_may_read_them_back_and_search_for_a_lost_one():
    site = load_site(SITES / "epic.toml", services=frozenset(SERVICES))
    asked = markdown(packet(site, SERVICES.values(), OURS))
    for verb in ("Create", "Read", "Search"):
        assert f"`DocumentReference.{verb} (Clinical Notes) (R4)`" in asked


@pytest.mark.parametrize("vendor", vendor_names())
def test_a_packet_leaves_no_placeholder_unfilled(vendor):
    site = load_site(SITES / f"{vendor}.toml", services=frozenset(SERVICES))
    page = markdown(packet(site, SERVICES.values(), OURS))
    assert set(re.findall(r"(?<!\{)\{\w+\}", page)) <= {"{patient}"}


HL7 = re.compile(r"HL7 v2|\b(SIU|MDM|ADT|MLLP)\b|/v1/")


@pytest.mark.parametrize("vendor", vendor_names())
def test_no_interface_is_ordered_that_this_version_does_not_have(vendor):
    site = load_site(SITES / f"{vendor}.toml", services=frozenset(SERVICES))
    for line in markdown(packet(site, SERVICES.values(), OURS)).splitlines():
        assert not HL7.search(line) or "Not in this version" in line, line


@pytest.mark.parametrize("vendor", vendor_names())
def test_only_services_whose_hook_fires_there_have_screens(vendor):
    site = load_site(SITES / f"{vendor}.toml", services=frozenset(SERVICES))
    both = replace(site, file=site.file.model_copy(update={"services": OURS_ALONE}))
    page = packet(both, SERVICES.values(), OURS)
    titles = [section.title for section in page.sections]
    shown = markdown(page)
    for name in OURS_ALONE:
        fires = SERVICES[name].hook in site.profile.hook.hooks
        assert any(title.endswith(f": {name}") for title in titles) == fires
        assert (f"/cds-services/{name}`" in shown or f"/cds-services/{name}\n" in shown) == fires
        assert (f"`{name}`: {SERVICES[name].hook} is not known to fire here" in shown) != fires


def test_a_packet_says_how_our_app_proves_itself():
    site = load_site(SITES / "generic-r4.toml", services=frozenset(SERVICES))
    for how, words in (
        ({}, "public: no secret"),
        ({"secret": "env:X"}, "confidential, symmetric"),
        ({"client_auth": "private_key_jwt"}, "confidential, asymmetric"),
    ):
        app = replace(
            site, file=site.file.model_copy(update={"smart": Smart(client_id="a", **how)})
        )
        assert f"**Client type**: `{words}" in markdown(packet(app, SERVICES.values(), OURS))


def test_a_page_of_its_own_names_nothing_as_standing_below():
    for vendor in vendor_names():
        plan = plan_of(vendor)
        for step in plan.steps:
            assert " below" not in step.what


@pytest.mark.parametrize("vendor", vendor_names())
def test_the_page_loads_nothing_and_runs_nothing(vendor):
    site = load_site(SITES / f"{vendor}.toml", services=frozenset(SERVICES))
    page = html(packet(site, SERVICES.values(), OURS))
    assert "<script" not in page
    assert "src=" not in page
    assert "<link" not in page
    assert "url(" not in page


def test_a_title_is_text_and_never_markup():
    site = load_site(SITES / "epic.toml", services=frozenset(SERVICES))
    odd = site.file.model_copy(update={"title": "<img src=x onerror=alert(1)>"})
    page = html(
        packet(type(site)(site.name, odd, site.profile, site.zone), SERVICES.values(), OURS)
    )
    assert "<img" not in page
