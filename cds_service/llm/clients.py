"""Makes the model client that the settings name, behind the gate."""

from datetime import date
from importlib.util import find_spec
from typing import Any

import anthropic

from cds_service.domain.errors import Misconfigured
from cds_service.llm.attest import Attestation, Endpoint, check_attested
from cds_service.llm.claude import READ_S, TELEMETRY, Claude, http_client
from cds_service.settings import Settings


def attestation(settings: Settings) -> Attestation | None:
    """Return what the operator attests; None unless all four parts are given. Raises for a part of it."""
    parts = {
        "CDS_MODEL_BAA_BY": settings.model_baa_by,
        "CDS_MODEL_BAA_DATE": settings.model_baa_date,
        "CDS_MODEL_BAA_REFERENCE": settings.model_baa_reference,
        "CDS_MODEL_BAA_REGION": settings.model_baa_region,
    }
    missing = [name for name, value in parts.items() if not value]
    if len(missing) == len(parts):
        return None
    if missing or settings.model_baa_date is None:
        raise Misconfigured(f"The attestation of the agreement lacks {', '.join(missing)}.")
    return Attestation(
        by=settings.model_baa_by,
        signed=settings.model_baa_date,
        reference=settings.model_baa_reference,
        region=settings.model_baa_region,
    )


def endpoint(settings: Settings) -> Endpoint:
    """Return where the model is asked. Ours, never the environment's `ANTHROPIC_BASE_URL` or its like.

    Sources: the SDK's platform clients, each with the address that it makes of region, project or resource.
    """
    region, project = settings.model_region, settings.model_project
    own = {
        "anthropic": "https://api.anthropic.com",
        "bedrock": f"https://bedrock-runtime.{region}.amazonaws.com",
        "vertex": _VERTEX.get(region, f"https://{region}-aiplatform.googleapis.com/v1"),
        "foundry": f"https://{project}.services.ai.azure.com/anthropic/",
    }
    return Endpoint(url=settings.model_base_url or own[settings.model_provider], region=region)


_VERTEX = {
    "global": "https://aiplatform.googleapis.com/v1",
    "us": "https://aiplatform.us.rep.googleapis.com/v1",
    "eu": "https://aiplatform.eu.rep.googleapis.com/v1",
}


def claude(settings: Settings, *, today: date) -> Claude | None:
    """Return the model of the settings, None where no key is set; see `check_attested` for what it refuses."""
    provider = settings.model_provider
    if provider in _KEYED and not settings.model_key.get_secret_value():
        return None
    if provider != "anthropic":
        _check_named(settings)
    where, attested = endpoint(settings), attestation(settings)
    check_attested(where, attested, demo=settings.is_demo, today=today)
    region = where.region or (attested.region if attested else "")
    return Claude(
        _client(settings, where),
        model=settings.model_id,
        geo=region if provider == "anthropic" else "",  # elsewhere the address says it
        effort=settings.model_effort,
    )


_KEYED = frozenset({"anthropic", "foundry"})
_NEEDS = {
    "bedrock": ("model_region",),
    "vertex": ("model_region", "model_project"),
    "foundry": (),
}
_EXTRAS = {"bedrock": "boto3", "vertex": "google.auth"}
"""What signs the requests of a platform; without it the first call would fail, not the start."""


def _check_named(settings: Settings) -> None:
    needs = _NEEDS[settings.model_provider]
    if settings.model_provider == "foundry" and not settings.model_base_url:
        needs = ("model_project",)
    for name in needs:
        if not getattr(settings, name):
            raise Misconfigured(
                f"CDS_{name.upper()} is not set: {settings.model_provider} needs it."
            )
    extra = _EXTRAS.get(settings.model_provider)
    if extra and not _is_installed(extra):
        raise Misconfigured(
            f"CDS_MODEL_PROVIDER={settings.model_provider} needs: pip install"
            f" 'cds-service[{settings.model_provider}]'."
        )


def _is_installed(module: str) -> bool:
    """Return whether a module is there; `google` alone is a name that others share."""
    package, _, _ = module.partition(".")
    return find_spec(package) is not None and find_spec(module) is not None


def _client(settings: Settings, where: Endpoint) -> Any:  # noqa: ANN401  # four clients of one shape
    """Return the SDK's client. Whatever it would take from the environment is given instead."""
    common: dict[str, Any] = {
        "base_url": where.url,
        "max_retries": 0,
        "timeout": READ_S,
        "open_telemetry": TELEMETRY,
        "http_client": http_client(where.host),
    }
    key = settings.model_key.get_secret_value()
    match settings.model_provider:
        case "anthropic":
            return anthropic.AsyncAnthropic(api_key=key, **common)
        case "bedrock":
            return anthropic.AsyncAnthropicBedrock(aws_region=where.region, **common)
        case "vertex":
            project = settings.model_project
            return anthropic.AsyncAnthropicVertex(
                region=where.region, project_id=project, **common
            )
        case "foundry":
            return anthropic.AsyncAnthropicFoundry(api_key=key, **common)
