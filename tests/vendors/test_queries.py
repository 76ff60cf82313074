"""What each vendor is asked: the templates that we publish and the reads that we send.

The golden files are what an EHR's administrator sees of us: a change to one shows up in review. To write them
anew, delete them and run this test.
"""

import re
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from cds_service.catalog import load_catalog
from cds_service.domain.needs import NEEDS
from cds_service.sites import Site, SiteFile
from cds_service.vendors import load_profile, queries, vendor_names
from discovery.document import prefetch

GOLDEN = Path(__file__).parent / "golden"
DAY = date(2026, 11, 23)
IDS = {"patientId": "p1", "encounterId": "e1"}
PRACTICE = {"search": {"extra_params": {"ah-practice": "Organization/a-1.Practice-7"}}}
CATALOG = load_catalog(["hooks"]).by_id
SERVICES = sorted(CATALOG)


def profile_of(vendor):
    return load_profile(vendor, PRACTICE if vendor == "athenaone" else None)


def a_site(vendor):
    parsed = SiteFile.model_validate(
        {
            "title": "t",
            "vendor": vendor,
            "services": SERVICES,
            "fhir": {"base_url": "https://ehr.example.org/r4"},
            "trust": [{"iss": "i", "jwks_file": "jwks.json"}],
        }
    )
    return Site("general", parsed, profile_of(vendor), ZoneInfo("UTC"))


def reads(vendor, service):
    profile = profile_of(vendor)
    return {
        query.key: query.path(IDS, DAY)
        for need in CATALOG[service].needs
        for query in queries(need, profile)
    }


def rendered(vendor):
    site, lines = a_site(vendor), []
    for service in SERVICES:
        for title, rows in (
            ("prefetch templates", prefetch(CATALOG[service], site)),
            (f"reads on {DAY}", reads(vendor, service)),
        ):
            lines += [
                f"# {service}: {title}",
                *(f"{key}: {said}" for key, said in rows.items()),
                "",
            ]
    return "\n".join(lines)


@pytest.mark.spec("PT-20")
@pytest.mark.parametrize("vendor", vendor_names())
def test_what_a_vendor_is_asked_is_what_was_reviewed(vendor):
    file = GOLDEN / f"{vendor}.txt"
    if not file.exists():
        file.write_text(rendered(vendor), encoding="utf-8")
        pytest.fail(f"{file.name} was written: review it")
    assert rendered(vendor) == file.read_text(encoding="utf-8")


TEMPLATE = re.compile(
    r"[A-Z][A-Za-z]+(/\{\{context\.\w+\}\}|\?patient=\{\{context\.patientId\}\}(&.+)?)"
)


@pytest.mark.spec(
    "PT-1", "PT-2", "PT-3", "PT-4", "PT-7", "PT-8", "PT-9", "PT-10", "PT-11", "PT-13"
)
@pytest.mark.spec("PT-19", "D-20")
@pytest.mark.parametrize("vendor", vendor_names())
@pytest.mark.parametrize("service", SERVICES)
def test_a_template_stays_in_the_small_subset_of_cds_hooks(vendor, service):
    templates = prefetch(CATALOG[service], a_site(vendor))
    assert templates
    for template in templates.values():
        assert TEMPLATE.fullmatch(template), template
        names = [part.partition("=")[0] for part in template.partition("?")[2].split("&")]
        assert len(names) == len(set(names)), "a repeated parameter becomes a comma list somewhere"
        assert not any(":" in name for name in names)
        assert "sort:" not in template


@pytest.mark.parametrize("vendor", vendor_names())
@pytest.mark.parametrize("service", SERVICES)
def test_every_key_is_read_when_it_was_not_prefetched(vendor, service):
    assert set(prefetch(CATALOG[service], a_site(vendor))) <= set(reads(vendor, service))


@pytest.mark.parametrize("vendor", vendor_names())
def test_a_date_window_is_read_and_never_published(vendor):
    """`today` is no token of CDS Hooks 2.0.1, so that a template cannot hold a date."""
    site = a_site(vendor)
    for service in SERVICES:
        assert not any("date=" in text for text in prefetch(CATALOG[service], site).values())
    if load_profile(vendor).rule("appointment").available:
        path = reads(vendor, "patient-view-brief")["appointment"]
        assert "date=ge2026-11-22&date=lt2027-02-21" in path


def test_oracle_gets_no_appointment_template_because_its_search_demands_a_date():
    site = a_site("oracle-millennium")
    for service in SERVICES:
        assert "appointment" not in prefetch(CATALOG[service], site)
        assert "&date=ge" in reads("oracle-millennium", service)["appointment"]


def test_athena_is_asked_for_a_practice_each_time_and_never_for_appointments():
    site = a_site("athenaone")
    for service in SERVICES:
        asked = prefetch(CATALOG[service], site) | reads("athenaone", service)
        assert "appointment" not in asked
        searches = [path for path in asked.values() if "?" in path]
        assert all("ah-practice=Organization/a-1.Practice-7" in path for path in searches)
        assert not any("_sort" in path for path in searches)
    assert "intent=order" in asked.get(
        "medications", reads("athenaone", SERVICES[1])["medications"]
    )


def test_epic_is_asked_for_conditions_once_for_each_category():
    asked = prefetch(CATALOG["patient-view-brief"], a_site("epic"))
    assert {key: text for key, text in asked.items() if text.startswith("Condition")} == {
        f"problems_{category.replace('-', '_')}": (
            f"Condition?patient={{{{context.patientId}}}}&category={category}&_count=100"
        )
        for category in ("problem-list-item", "encounter-diagnosis", "health-concern")
    }


@pytest.mark.parametrize("vendor", vendor_names())
@pytest.mark.parametrize("need", NEEDS)
def test_each_need_has_queries_of_its_own_type_with_keys_of_their_own(vendor, need):
    found = queries(need, profile_of(vendor))
    assert {query.type for query in found} <= {NEEDS[need].type}
    assert len({query.key for query in found}) == len(found)


def test_a_read_without_its_id_in_the_context_is_not_sent():
    (query,) = queries("encounter", load_profile("generic-r4"))
    assert query.path({"patientId": "p1", "encounterId": ""}, DAY) is None


def test_values_are_quoted_and_cannot_add_parameters():
    profile = load_profile("generic-r4", {"need.problems.params": {"category": "a&b=c d#e"}})
    (query,) = queries("problems", profile)
    assert query.path(IDS, DAY) == "Condition?patient=p1&category=a%26b%3Dc%20d%23e&_count=100"
