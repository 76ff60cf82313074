"""`[policy.sensitive]` and `[policy.codes]` of a site file: what is done with each category, and what else is of it."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

Action = Literal[
    "allow",  # like everything else
    "local_only",  # shown to clinicians, never given to a model
    "hide",  # dropped before any rule sees it, and counted
]
Code = Annotated[str, StringConstraints(pattern=r"^[^|\s]+\|[^|*\s]+\*?$", max_length=200)]
"""`system|code`; a star at the end stands for whatever follows."""


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Sensitive(_Table):
    """What is done with each category; where several fit, the strictest.

    The defaults keep from a model what is labelled as restricted, what 42 CFR Part 2 is about, and psychotherapy
    notes, which 45 CFR 164.501 sets apart.
    """

    restricted: Action = "local_only"
    substance_use: Action = "local_only"
    psychotherapy: Action = "local_only"
    mental_health: Action = "allow"
    hiv: Action = "allow"
    sexually_transmitted: Action = "allow"
    reproductive: Action = "allow"
    gender: Action = "allow"
    genetic: Action = "allow"
    violence: Action = "allow"


class MoreCodes(_Table):
    """What a site counts as of a category beyond our lists."""

    restricted: tuple[Code, ...] = ()
    substance_use: tuple[Code, ...] = ()
    psychotherapy: tuple[Code, ...] = ()
    mental_health: tuple[Code, ...] = ()
    hiv: tuple[Code, ...] = ()
    sexually_transmitted: tuple[Code, ...] = ()
    reproductive: tuple[Code, ...] = ()
    gender: tuple[Code, ...] = ()
    genetic: tuple[Code, ...] = ()
    violence: tuple[Code, ...] = ()
