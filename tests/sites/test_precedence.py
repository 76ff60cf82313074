"""What a site says wins over what its vendor's file says, and that over our defaults."""

import pytest

from cds_service.domain.errors import Misconfigured
from cds_service.sites import load_site
from cds_service.vendors import load_profile
from tests.sites.test_site_files import GOOD, SERVICES


def overridden(tmp_path, vendor, overrides):
    file = tmp_path / "general.toml"
    text = GOOD.replace("generic-r4", vendor).replace("[fhir]", f"{overrides}\n\n[fhir]")
    file.write_text(text, encoding="utf-8")
    return load_site(file, services=SERVICES).profile


def test_our_default_stands_where_nobody_says_otherwise(tmp_path):
    profile = overridden(tmp_path, "epic", "")
    assert (profile.search.max_pages, profile.jwt.skew_s) == (3, 60)


def test_the_vendors_value_wins_over_our_default(tmp_path):
    assert load_profile("generic-r4").card.selection_behavior == "at-most-one"
    assert overridden(tmp_path, "epic", "").card.selection_behavior == "any"


def test_the_sites_value_wins_over_the_vendors_and_leaves_its_neighbours(tmp_path):
    table = '[vendor_overrides.card]\nselection_behavior = "at-most-one"'
    profile = overridden(tmp_path, "epic", table)
    assert profile.card.selection_behavior == "at-most-one"
    assert profile.card.actions_per_suggestion == 1
    assert profile.search.empty_codes == ("4101",)


def test_a_dotted_name_says_the_same_as_a_table(tmp_path):
    dotted = overridden(tmp_path, "epic", '[vendor_overrides]\n"search.page_size" = 20')
    table = overridden(tmp_path, "epic", "[vendor_overrides.search]\npage_size = 20")
    assert dotted == table
    assert dotted.search.page_size == 20


def test_a_list_is_replaced_as_a_whole(tmp_path):
    table = '[vendor_overrides.need.problems]\nsplit = { category = ["problem-list-item"] }'
    assert overridden(tmp_path, "epic", table).rule("problems").split == {
        "category": ("problem-list-item",)
    }


WRONG = {
    "[vendor_overrides.search]\npage_sise = 20": "vendor_overrides.search.page_sise",
    "[vendor_overrides.serach]\npage_size = 20": "vendor_overrides.serach",
    '[vendor_overrides.search]\npage_size = "many"': "vendor_overrides.search.page_size",
    "[vendor_overrides.search]\npage_size = 0": "vendor_overrides.search.page_size",
    "[vendor_overrides.need.alergies]\navailable = false": "vendor_overrides.need.alergies",
    "[vendor_overrides]\nsearch = 1": "vendor_overrides.search",
}


@pytest.mark.parametrize("table", WRONG)
def test_an_override_that_does_not_exist_or_fit_is_named(tmp_path, table):
    with pytest.raises(Misconfigured) as stop:
        overridden(tmp_path, "epic", table)
    assert stop.value.detail.startswith(f"general.toml: {WRONG[table]}")
    assert stop.value.detail.endswith((".", "?"))


def test_an_unknown_override_names_the_nearest_one(tmp_path):
    with pytest.raises(Misconfigured, match="did you mean 'page_size'"):
        overridden(tmp_path, "epic", "[vendor_overrides.search]\npage_sise = 20")
    with pytest.raises(Misconfigured, match="did you mean 'search'"):
        overridden(tmp_path, "epic", "[vendor_overrides.serach]\npage_size = 20")
    with pytest.raises(Misconfigured, match="did you mean 'available'"):
        overridden(tmp_path, "epic", "[vendor_overrides.need.problems]\navailible = false")


def test_athena_cannot_be_served_without_its_practice(tmp_path):
    with pytest.raises(Misconfigured, match="ah-practice"):
        overridden(tmp_path, "athenaone", "")
    table = '[vendor_overrides.search.extra_params]\nah-practice = "Organization/a-1.Practice-7"'
    profile = overridden(tmp_path, "athenaone", table)
    assert profile.search.extra_params == {"ah-practice": "Organization/a-1.Practice-7"}
