"""What an EHR's admins do to register us, as data: screens in the vendor's own words, steps, limits and risks.

One file for each vendor beside the profiles, and `any.toml` for what is true everywhere. Values hold placeholders in
braces (`{endpoint}`), which the packet fills from the site; nothing here is typed twice.
"""

import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import resources
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

Part = Literal["hooks", "read", "launch", "write", "feed", "on-premise"]
"""What a site may want of us. `read`: with a client of our own, ahead of a visit."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    parts: tuple[Part, ...] = ()
    """Needed when the site wants one of these; empty: always."""
    source: str


class Row(BaseModel):
    """One field of a screen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    field: str
    value: str
    note: str = ""


class Screen(_Record):
    """One place of the EHR where something is typed."""

    title: str
    where: str
    who: str
    each: Literal["site", "service"] = "site"
    rows: tuple[Row, ...]


class Step(_Record):
    """Something that a person has to do or approve."""

    what: str
    who: str
    lead: str = ""


class Limit(_Record):
    """What cannot be had, and the nearest thing that can."""

    what: str
    instead: str


class Risk(_Record):
    """What goes wrong, and what is done about it."""

    what: str
    do: str


class Version(BaseModel):
    """A value of the profile that was another one before a version of the product."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    before: str
    """Year and month, `2024-08`."""
    name: str
    value: Any
    source: str


class Registration(BaseModel):
    """All that is known of registering with one vendor."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: tuple[Step, ...] = ()
    screen: tuple[Screen, ...] = ()
    limit: tuple[Limit, ...] = ()
    risk: tuple[Risk, ...] = ()
    version: tuple[Version, ...] = ()


R = TypeVar("R", bound=_Record)


def applying(records: Iterable[R], parts: frozenset[Part]) -> Iterator[R]:
    """Yield the records that concern what a site wants."""
    for record in records:
        if not record.parts or parts & frozenset(record.parts):
            yield record


@cache
def registration_for(vendor: str) -> Registration:
    """Return what is known of a vendor, with what is true everywhere at the end."""
    own, everywhere = _read(vendor), _read("any")
    return own.model_copy(
        update={
            "step": own.step + everywhere.step,
            "limit": own.limit + everywhere.limit,
            "risk": own.risk + everywhere.risk,
        }
    )


def _read(name: str) -> Registration:
    file = resources.files(__package__).joinpath("registration", f"{name}.toml")
    return Registration.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
