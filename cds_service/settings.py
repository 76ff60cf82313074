"""Every operator setting, once, read from the environment at start (prefix `CDS_`)."""

import os
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from cds_service.domain.errors import Misconfigured
from cds_service.domain.prices import Prices


class Settings(BaseSettings):
    """The operator's settings. A field's description is its documentation."""

    model_config = SettingsConfigDict(env_prefix="CDS_", frozen=True, extra="ignore")

    profile: Annotated[
        Literal["production", "demo"],
        Field(
            description="`production`, or `demo`, which relaxes http, self-made keys,"
            " CORS from any origin without credentials, and the public sandbox's key where a site names it."
        ),
    ] = "production"
    data_dir: Annotated[Path, Field(description="Embedded databases and demo keys live here.")] = (
        Path(".data")
    )
    public_url: Annotated[
        str,
        Field(
            description="Our address as the EHR sees it, without a trailing slash. Tokens are checked"
            " against it, never against the `Host` header."
        ),
    ] = ""
    sites: Annotated[Path, Field(description="Folder of site files, one `<site>.toml` each.")] = (
        Path("sites")
    )
    database_url: Annotated[
        str,
        Field(
            description="`postgresql://USER@HOST/DATABASE`, which several processes may share;"
            " empty means a SQLite file in the data folder, for one process.",
            repr=False,
        ),
    ] = ""
    engine_url: Annotated[
        str,
        Field(
            description="Where durable work is kept: `sqlite:///FILE` or `postgresql://USER@HOST/DATABASE`;"
            " empty means beside the database.",
            repr=False,
        ),
    ] = ""
    role: Annotated[
        Literal["all", "api", "worker"],
        Field(
            description="`api` answers and leaves work ahead to processes of `cds-service worker`;"
            " `all` does both."
        ),
    ] = "all"
    keyring: Annotated[
        str,
        Field(
            description="Where the key ring is: a file of mode 0600, or `command:PROGRAM ARGUMENTS`, which prints it;"
            " or `kms:PROGRAM ARGUMENTS`, which has each data key wrapped where the wrapping keys are.",
        ),
    ] = ""
    signing_keys: Annotated[
        Path | None,
        Field(
            description="File of the keys that prove us to EHRs; mode 0600; empty means `signing-keys.json`"
            " in the data folder. Processes on several machines share it."
        ),
    ] = None
    operator_token: Annotated[
        SecretStr | None,
        Field(
            min_length=20,
            description="Opens the operator's pages (`/{site}/registration`) as a bearer token; 20 characters or more."
            " Ten wrong ones a minute close the pages for that minute.",
        ),
    ] = None
    keep_days: Annotated[
        int,
        Field(
            ge=1,
            description="Days that answers and feedback are kept; the audit is kept for good.",
        ),
    ] = 90
    keep_decided_days: Annotated[
        int,
        Field(
            ge=1,
            description="Days that a brief is kept that somebody worked on, with edits, reasons and approvals."
            " Six years, as HIPAA has it for its own documentation; a state's law may ask for more.",
        ),
    ] = 2192
    keep_run_days: Annotated[
        int,
        Field(
            ge=1,
            description="Days that the record of an agent's run is kept, sealed: what a model was asked and answered.",
        ),
    ] = 30
    hook_packages: Annotated[
        tuple[str, ...],
        Field(description="Packages that are scanned for CDS services, as a JSON list."),
    ] = ("hooks",)
    max_body_bytes: Annotated[
        int, Field(ge=1024, description="Largest request body; larger ones get 413.")
    ] = 10 * 1024 * 1024
    max_in_flight: Annotated[
        int, Field(ge=1, description="Hook calls answered at once; more get 503 with Retry-After.")
    ] = 64
    model_provider: Annotated[
        Literal["anthropic", "bedrock", "vertex", "foundry"],
        Field(
            description="Who serves the model. It is asked only for sites with `[agent] enabled`."
        ),
    ] = "anthropic"
    model_id: Annotated[str, Field(description="The model, as its provider names it.")] = (
        "claude-sonnet-5-5"
    )
    model_key: Annotated[
        SecretStr,
        Field(
            validation_alias="ANTHROPIC_API_KEY",
            description="The key of `anthropic` and `foundry`; `bedrock` and `vertex` use the machine's identity."
            " Without it, rules write every brief.",
        ),
    ] = SecretStr("")
    model_base_url: Annotated[
        str,
        Field(
            description="Where the model is asked instead of the provider's own address: a gateway."
        ),
    ] = ""
    model_region: Annotated[
        str,
        Field(description="Where inference may happen; `bedrock` and `vertex` need it."),
    ] = ""
    model_project: Annotated[
        str, Field(description="The project of `vertex`, or the resource of `foundry`.")
    ] = ""
    model_effort: Annotated[
        Literal["", "low", "medium", "high", "xhigh", "max"],
        Field(description="How hard the model thinks; empty leaves it to the provider."),
    ] = ""
    model_baa_by: Annotated[
        str, Field(description="Who attests that an agreement covers what the model is sent.")
    ] = ""
    model_baa_date: Annotated[
        date | None, Field(description="When that agreement was signed, as 2026-01-31.")
    ] = None
    model_baa_reference: Annotated[str, Field(description="Where that agreement is filed.")] = ""
    model_baa_region: Annotated[
        str,
        Field(description="Where it allows inference; must be `CDS_MODEL_REGION` if that is set."),
    ] = ""
    model_seconds: Annotated[
        float, Field(gt=0, le=600, description="Seconds that one run of the agent may take.")
    ] = 40.0
    model_tokens: Annotated[
        int,
        Field(ge=1_000, description="Tokens that one run may use, in and out, cached ones too."),
    ] = 200_000

    model_cost: Annotated[
        float,
        Field(
            ge=0,
            description="What one run may cost, in the currency of `CDS_MODEL_PRICES`: with so much spent, nothing more"
            " is asked. 0: tokens alone bound it.",
        ),
    ] = 0.0
    model_prices: Annotated[
        Prices | None,
        Field(
            description="What a million tokens cost by your contract, as JSON:"
            ' `{"input": 3, "output": 15, "cache_read": 0.3, "cache_write": 3.75}` is the form, not the price.'
        ),
    ] = None

    otlp_url: Annotated[
        str,
        Field(
            description="An OpenTelemetry collector's OTLP/HTTP address, e.g. http://127.0.0.1:4318; empty sends"
            " no traces or metrics. They hold ids, counts and names on a list, never chart content."
        ),
    ] = ""

    @property
    def is_demo(self) -> bool:
        """Return whether the demo's relaxations are on."""
        return self.profile == "demo"

    @property
    def signing_keys_file(self) -> Path:
        """Return where our signing keys live."""
        return self.signing_keys or self.data_dir / "signing-keys.json"


def load_data_dir() -> Path:
    """Read where data lives, for commands that need no other setting."""
    return read_settings().data_dir


def load_signing_keys() -> Path:
    """Read where our signing keys live, for commands that need no other setting."""
    return read_settings().signing_keys_file


def read_secret(reference: str) -> str:
    """Return the secret that a site file refers to (`env:NAME` or `file:PATH`).

    Raises `Misconfigured`, which names the reference and never the secret.
    """
    kind, _, name = reference.partition(":")
    try:
        secret = os.environ[name] if kind == "env" else Path(name).read_text(encoding="utf-8")  # noqa: TID251
    except (KeyError, OSError, UnicodeDecodeError):
        raise Misconfigured(
            f"{reference}: there is no such secret, or it cannot be read."
        ) from None
    if not secret.strip():
        raise Misconfigured(f"{reference}: the secret is empty.")
    return secret.strip()


def read_settings() -> Settings:
    """Read the environment, for commands that serve nobody and so need no public address."""
    try:
        return Settings()
    except ValidationError as problem:
        first = problem.errors(include_input=False)[0]
        name = "CDS_" + "_".join(str(part) for part in first["loc"]).upper()
        raise Misconfigured(f"{name}: {first['msg']}.") from None
    except SettingsError:
        raise Misconfigured(
            "CDS_HOOK_PACKAGES must be a JSON list, e.g. CDS_HOOK_PACKAGES='[\"hooks\"]'."
        ) from None


def load_settings() -> Settings:
    """Read the environment. Raises `Misconfigured` naming the variable that is missing or wrong."""
    settings = read_settings()
    if not settings.public_url:
        raise Misconfigured(
            "CDS_PUBLIC_URL is not set: give our address as the EHR sees it, e.g. https://cds.example.org."
        )
    if not settings.is_demo and not settings.public_url.startswith("https://"):
        raise Misconfigured("CDS_PUBLIC_URL must begin with https:// in the production profile.")
    return settings
