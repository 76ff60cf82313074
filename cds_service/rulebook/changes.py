"""`[brief]` of a site file: what it changes in the rules' tables, who decided it and when."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Days = Annotated[int, Field(ge=1, le=36_500)]
Count = Annotated[int, Field(ge=1, le=50)]
Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Windows(_Table):
    """How long things count, in days; None keeps the default of `windows.toml`."""

    results: Days | None = None
    result_stale: Days | None = None
    vitals: Days | None = None
    encounters: Days | None = None
    first_visit: Days | None = None
    as_one: Days | None = None
    stay_open: Days | None = None
    procedures: Days | None = None
    diagnosis_old: Days | None = None
    order_open: Days | None = None
    order_forgotten: Days | None = None
    pregnancy: Days | None = None
    immunization_season: Days | None = None
    medication_list: Days | None = None


class Counts(_Table):
    """How many of a thing a section shows; None keeps the default."""

    earlier: Count | None = None
    encounters: Count | None = None
    notes: Count | None = None
    were_out: Count | None = None
    named: Count | None = None
    listed: Count | None = None


class _Sourced(_Table):
    source: Word
    """Where it comes from: the laboratory's handbook, a formulary, a committee."""
    reviewed: date


class Limit(_Sourced):
    """Values beyond which this site calls a result critical, in one unit."""

    low: Decimal | None = None
    high: Decimal | None = None
    unit: Word

    @model_validator(mode="after")
    def _has_a_side(self) -> Self:
        if self.low is None and self.high is None:
            raise ValueError("give low, high or both")
        return self


class KnownIngredient(_Sourced):
    """An ingredient that the product does not know, or a local code and brands of one that it does."""

    rxnorm: str = ""
    names: tuple[Word, ...] = ()
    high_alert: str = ""
    """The group it belongs to; "" where it is no high-alert medicine."""


class AllergyClass(_Sourced):
    """Ingredients that share an allergy; one under a name that the product has takes its place."""

    names: Annotated[tuple[Word, ...], Field(min_length=1)]
    members: Annotated[tuple[Word, ...], Field(min_length=1)]
    by_name_only: bool = False


class ScreeningTerms(_Sourced):
    """How a screening is found: codes first, else words."""

    codes: tuple[Word, ...] = ()
    words: tuple[Word, ...] = ()


class EncounterClasses(_Table):
    """Local class codes of encounters, beside those that the product knows."""

    ambulatory: tuple[Word, ...] = ()
    emergency: tuple[Word, ...] = ()
    inpatient: tuple[Word, ...] = ()
    nonacute: tuple[Word, ...] = ()
    """Those of inpatient stays during which a clinic may see the patient: a nursing home."""
    observation: tuple[Word, ...] = ()
    elsewhere: tuple[Word, ...] = ()
    """Those of none of these kinds: at home, by video. No word is asked beside them."""


class OrderWords(_Table):
    """Words for orders that no result answers, beside those that the product knows."""

    care: tuple[Word, ...] = ()
    """A whole word for their category, or how their name begins."""
    code_status: tuple[Word, ...] = ()
    """What the name of an order of a code status holds."""
    therapy: tuple[Word, ...] = ()
    """What the name of an order of a therapist's work holds."""


class Changes(_Table):
    """A site's changes to the rules' tables; empty where it has none."""

    owner: Word | None = None
    """Who answers for these rules in care: named on the page that a clinical lead signs."""
    reviewed: date | None = None
    days: Windows = Windows()
    count: Counts = Counts()
    critical: dict[str, Limit] = {}
    """By LOINC code."""
    high_alert: dict[str, str] = {}
    """Ingredient -> group; "" takes it off the list."""
    ingredients: dict[str, KnownIngredient] = {}
    classes: dict[str, AllergyClass] = {}
    screening: dict[str, ScreeningTerms] = {}
    encounter: EncounterClasses = EncounterClasses()
    contact: dict[
        Word, Literal["no_visit", "elsewhere", "call", "visit", "by_reason", "hospice"]
    ] = {}
    """Whole name or code of a type of encounter -> whether it counts as a visit, or what else it is."""
    order: OrderWords = OrderWords()
    plain_values: tuple[Word, ...] = ()
    """Whole values in words that say nothing out of the ordinary."""
    no_known_allergy: dict[str, str] = {}
    """Whole texts that say so -> what they cover (`medication`, `food`, ...; "" for everything)."""

    @model_validator(mode="after")
    def _is_owned(self) -> Self:
        changed = self.model_fields_set - {"owner", "reviewed"}
        if changed and (self.owner is None or self.reviewed is None):
            raise ValueError(
                "a change of the rules needs owner and reviewed: who decided it, and when"
            )
        return self
