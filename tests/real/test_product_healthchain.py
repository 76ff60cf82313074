"""A CDS client that others wrote calls the product, through a proxy that signs for it."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from .cds_client import Report, healthchain
from .population import Resource, searchset
from .product import SMART, Product, patient_view, product_running
from .signing_proxy import Signer, signing_proxy

FHIR = "http://127.0.0.1:9/fhir"
SITES = {
    "bare": "[vendor_overrides.card]\ndraft_note = false\n",
    "drafts": "[vendor_overrides.card]\ndraft_note = true\n",
    "links": SMART + "[vendor_overrides.card]\ndraft_note = false\n",
}
"""What a site's cards carry beside text: nothing, a draft note, a link."""


@pytest.fixture(scope="module", params=SITES)
def kind(request: pytest.FixtureRequest) -> str:
    """Go through the sites."""
    return str(request.param)


@pytest.fixture(scope="module")
def product(
    kind: str, signer_now: Signer, moment: datetime, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Product]:
    """Run the product at one of the sites."""
    folder = tmp_path_factory.mktemp(kind)
    with product_running(folder, signer_now, fhir=FHIR, moment=moment, more=SITES[kind]) as one:
        yield one


@pytest.fixture(scope="module")
def report(product: Product, chart: list[Resource]) -> Report:
    """Have the chart opened once."""
    patient = next(r for r in chart if r["resourceType"] == "Patient")
    types = {"problems": "Condition", "allergies": "AllergyIntolerance"}
    prefetch: dict[str, Any] = {key: searchset(chart, kind) for key, kind in types.items()}
    request = patient_view(str(patient["id"]), fhir=FHIR, prefetch=prefetch | {"patient": patient})
    path = "/real/cds-services/patient-view-brief"
    with signing_proxy(product.base_url, product.signer) as proxy:
        found = healthchain(url=proxy.base_url + path, request=request)
        assert [each.status for each in proxy.exchanges] == [200]
    return found


def test_its_call_is_answered_with_cards(report: Report) -> None:
    """Its request, without an encounter, is one that we read."""
    assert report.errors == ()
    (answer,) = report.answers
    assert "Pre-visit brief" in answer["cards"][0]["summary"]


def test_its_model_takes_what_it_can_take(kind: str, report: Report) -> None:
    """It refuses a link without its own spelling of `autolaunchable`, and a suggestion without `isRecommended`."""
    expected = {
        "bare": set(),
        "drafts": {"cards.0.suggestions.0.isRecommended"},
        "links": {"cards.0.links.0.autoLaunchable"},
    }
    (refused,) = report.refusals
    assert {line.split(": ")[0] for line in refused} == expected[kind]
