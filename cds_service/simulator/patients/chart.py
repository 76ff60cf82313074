"""Keep one patient's chart while its case history is written: ids, dates, versions, references.

Events are recorded by the functions in `visits`, `results`, `medicines` and `summary`, which all
take the chart first.
"""

import datetime as dt
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from . import clock
from .terms import EHR, US_CORE, Json, coding, concept, hl7, reference

# what is recorded up to so many days after a visit belongs to it
_GRACE_DAYS = 3


@dataclass(frozen=True, slots=True)
class Person:
    """Who the patient is: id, name, gender, age in years on the anchor, birthday, address line."""

    id: str
    given: str
    family: str
    gender: str
    age: int
    birthday: tuple[int, int]
    mrn: str
    street: str
    race: tuple[str, str] = ("2106-3", "White")
    ethnicity: tuple[str, str] = ("2186-5", "Not Hispanic or Latino")
    language: tuple[str, str] = ("en-US", "English")
    extra: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Visit:
    """One encounter that has been recorded: its reference, first and last day, start, clinician's key."""

    reference: str
    day: dt.date
    last_day: dt.date
    start: str
    by: str


@dataclass(slots=True)
class Chart:
    """A chart in the making; `resources` is in the order in which things were recorded."""

    person: Person
    anchor: dt.date
    chance: random.Random
    resources: list[Json] = field(default_factory=list)
    visits: list[Visit] = field(default_factory=list)
    heights: dict[dt.date, float] = field(default_factory=dict)
    _names: Counter[str] = field(default_factory=Counter)

    @property
    def birth(self) -> dt.date:
        """Return the date of birth: the stated birthday, at the stated age on the anchor."""
        day = dt.date(self.anchor.year - self.person.age, *self.person.birthday)
        return clock.back(day, years=int(clock.age(day, self.anchor) < self.person.age))

    def ago(self, *, years: int = 0, months: int = 0, days: int = 0) -> dt.date:
        """Return the weekday that long before the anchor; the same arguments give the same day."""
        return clock.weekday(clock.back(self.anchor, years=years, months=months, days=days))

    def last(self, month: int, day: int, *, years: int = 0) -> dt.date:
        """Return the latest such day of the year before the anchor, or that many years earlier."""
        return clock.last(clock.back(self.anchor, years=years), month, day)

    def patient(self) -> Json:
        """Return a Reference to this patient."""
        return reference(f"Patient/{self.person.id}", f"{self.person.given} {self.person.family}")

    def height(self, day: dt.date) -> float | None:
        """Return the height in cm that was last recorded by that day, if any was."""
        known = [each for each in self.heights if each <= day]
        return self.heights[max(known)] if known else None

    def visit_on(self, day: dt.date) -> Visit | None:
        """Return the visit on that day or in the three days before it, if there was one."""
        grace = dt.timedelta(days=_GRACE_DAYS)
        near = [each for each in self.visits if each.day <= day <= each.last_day + grace]
        return max(near, key=lambda each: each.day, default=None)

    def encounter(self, day: dt.date) -> Json:
        """Return {"encounter": Reference} for the visit of that day, or nothing."""
        visit = self.visit_on(day)
        return {"encounter": reference(visit.reference)} if visit else {}

    def clinician(self, day: dt.date, default: str = "adler") -> str:
        """Return the key of the clinician whose visit that day was, else the default."""
        visit = self.visit_on(day)
        return visit.by if visit else default

    def add(self, kind: str, name: str, body: Json, *, at: str, version: int = 1) -> str:
        """Record a resource and return its reference; a repeated name gets the next number."""
        stem = f"{self.person.id}-{name}"
        self._names[stem] += 1
        count = self._names[stem]
        ident = stem if count == 1 else f"{stem}-{count}"
        meta: Json = {"versionId": str(version), "lastUpdated": at}
        self.resources.append({"resourceType": kind, "id": ident, "meta": meta, **body})
        return f"{kind}/{ident}"

    def put(self, kind: str, name: str, body: Json, meta: Json | None = None) -> None:
        """Record a resource as it stands, without meta where none is given."""
        head: Json = {"resourceType": kind, "id": f"{self.person.id}-{name}"}
        self.resources.append({**head, **({"meta": meta} if meta else {}), **body})


@dataclass(frozen=True, slots=True)
class Case:
    """One case history: the person, the line for the patient list, and what writes the chart."""

    person: Person
    synopsis: str
    build: Callable[[Chart], None]


def _us_core(name: str, pair: tuple[str, str]) -> Json:
    system = "urn:oid:2.16.840.1.113883.6.238"
    return {
        "url": f"{US_CORE}/StructureDefinition/us-core-{name}",
        "extension": [
            {"url": "ombCategory", "valueCoding": coding(system, *pair)},
            {"url": "text", "valueString": pair[1]},
        ],
    }


def add_patient(chart: Chart) -> None:
    """Record the Patient resource itself, from the person of the chart."""
    who = chart.person
    number = chart.chance.randrange(100, 200)
    mrn = {"use": "usual", "type": hl7("v2-0203", "MR"), "system": f"{EHR}/mrn", "value": who.mrn}
    body: Json = {
        "extension": [_us_core("race", who.race), _us_core("ethnicity", who.ethnicity)],
        "identifier": [mrn],
        "active": True,
        "name": [{"use": "official", "family": who.family, "given": [who.given]}],
        "telecom": [{"system": "phone", "value": f"555-0{number}", "use": "home"}],
        "gender": who.gender,
        "birthDate": chart.birth.isoformat(),
        "address": [
            {
                "use": "home",
                "line": [who.street],
                "city": "Exampleville",
                "state": "MN",
                "postalCode": "55999",
                "country": "US",
            }
        ],
        "communication": [
            {"language": concept("urn:ietf:bcp:47", *who.language), "preferred": True}
        ],
        **who.extra,
    }
    at = clock.instant(chart.ago(months=11), 8, 12)
    meta: Json = {"versionId": "3", "lastUpdated": at}
    chart.resources.append({"resourceType": "Patient", "id": who.id, "meta": meta, **body})
