"""The gate: chart content goes only to an endpoint for which the operator attested an agreement.

In the United States a model's operator is a business associate (45 CFR 160.103), and what it may be sent hangs on
a signed agreement. We cannot see one, so somebody says who signed it, when, under which reference and for which
region; the words stand in the audit.
"""

from dataclasses import dataclass
from datetime import date
from urllib.parse import urlsplit

from cds_service.domain.errors import Misconfigured

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
HOW = (
    "set CDS_MODEL_BAA_BY (who attests), CDS_MODEL_BAA_DATE (when it was signed), CDS_MODEL_BAA_REFERENCE"
    " (the contract) and CDS_MODEL_BAA_REGION (where it allows inference)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attestation:
    """That an agreement covers what is sent to a model."""

    by: str
    signed: date
    reference: str
    region: str

    def facts(self) -> dict[str, str]:
        """Return it for the audit."""
        return {
            "by": self.by,
            "signed": self.signed.isoformat(),
            "reference": self.reference,
            "region": self.region,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a model is asked."""

    url: str
    region: str
    """Of inference, as the operator configured it; "" where the contract names none."""

    @property
    def host(self) -> str:
        """Return the one host that may be asked."""
        return urlsplit(self.url).hostname or ""

    @property
    def is_loopback(self) -> bool:
        """Return whether it is on this machine."""
        return self.host in _LOOPBACK


def check_attested(
    endpoint: Endpoint, attested: Attestation | None, *, demo: bool, today: date
) -> None:
    """Raise `Misconfigured`, saying how to attest, unless chart content may be sent to an endpoint.

    The demo's synthetic patients may go to a stand-in on this machine, and nowhere else without a word.
    """
    if demo and endpoint.is_loopback:
        return
    if urlsplit(endpoint.url).scheme != "https":
        raise Misconfigured("CDS_MODEL_BASE_URL must begin with https://.")
    if attested is None:
        raise Misconfigured(
            f"A model is configured, but nobody attests that an agreement covers {endpoint.host}: {HOW}."
        )
    if attested.signed > today:
        raise Misconfigured("CDS_MODEL_BAA_DATE lies in the future.")
    if endpoint.region and attested.region != endpoint.region:
        raise Misconfigured(
            f"CDS_MODEL_REGION is {endpoint.region}, but the agreement is attested for {attested.region}:"
            " make them agree."
        )
