"""Vendors are data: every fact says where it comes from, and no code asks for a vendor by name."""

import re
from datetime import date
from pathlib import Path

import pytest

import cds_service
from cds_service.domain.errors import Misconfigured
from cds_service.vendors import facts, load_profile, vendor_names
from tests.ground import TODAY

FACTS = [(vendor, fact) for vendor in vendor_names() for fact in facts(vendor)]


@pytest.mark.parametrize(
    ("vendor", "fact"), FACTS, ids=[f"{vendor}-{fact.name}" for vendor, fact in FACTS]
)
def test_a_fact_has_a_source_and_the_date_when_it_was_checked(vendor, fact):
    assert len(fact.source.split()) >= 3
    assert date.fromisoformat(fact.as_of) <= TODAY
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", fact.as_of)


@pytest.mark.parametrize("vendor", vendor_names())
def test_no_fact_is_said_twice(vendor):
    names = [fact.name for fact in facts(vendor)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("vendor", "fact"), FACTS, ids=[f"{vendor}-{fact.name}" for vendor, fact in FACTS]
)
def test_what_we_are_not_sure_of_is_to_be_confirmed_or_the_careful_choice(vendor, fact):
    """A weak fact either asks the site to confirm it, or switches something off."""
    weak = fact.confidence in {"low", "none found"}
    assert not weak or fact.verify or fact.value is False or fact.value == []


@pytest.mark.parametrize("vendor", vendor_names())
def test_a_profile_is_complete(vendor):
    profile = load_profile(vendor)
    assert profile.title
    assert profile.jwt.algorithms
    assert not {"none", "HS256", "HS384", "HS512"} & set(profile.jwt.algorithms)
    assert profile.search.page_size <= 100, "what every vendor's largest page allows"


def test_the_vendors_of_the_contract_that_have_a_profile():
    assert set(vendor_names()) >= {
        "epic",
        "oracle-millennium",
        "oracle-ai-suite",
        "athenaone",
        "meditech",
        "nextgen",
        "veradigm",
        "generic-r4",
    }


def test_an_unknown_vendor_is_told_which_there_are():
    with pytest.raises(Misconfigured, match=r"'epik' is unknown; it is one of .*epic"):
        load_profile("epik")


def test_no_code_asks_for_a_vendor_by_name():
    root = Path(cds_service.__file__).parent
    code = [
        file
        for file in root.rglob("*.py")
        if not {"simulator", "cli"} & set(file.relative_to(root).parts)
    ]
    named = [
        f"{file.relative_to(root)}: {line.strip()}"
        for file in code
        for line in file.read_text(encoding="utf-8").split("\n")
        if re.search(r"vendor\s*(==|!=|in)\s*[\"'({]", line)
    ]
    assert named == []
