"""Messy charts that know the truth: facts are planted under invented names, and so are lies that must stay out.

Everything of a chart follows from its seed. A fact names the section that has to hold its words; a lie is a word
that stands in the Bundle and may stand in no line: another patient's, refuted, in error, or an older version.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("America/Chicago")
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=ZONE)
TODAY = NOW.date()
LAST_VISIT = TODAY - timedelta(days=60)
BASE = "https://ehr.example.org/fhir"
_ICD = "http://hl7.org/fhir/sid/icd-10-cm"
_ONSETS = [
    "b",
    "br",
    "c",
    "cl",
    "d",
    "dr",
    "f",
    "fl",
    "g",
    "gr",
    "k",
    "kl",
    "l",
    "m",
    "n",
    "p",
    "pl",
    "qu",
    "r",
    "s",
    "st",
    "t",
    "tr",
    "v",
    "w",
    "z",
]
_MIDDLES = ["a", "e", "i", "o", "u", "au", "ei", "ou"]
_ENDS = [
    "b",
    "d",
    "f",
    "g",
    "k",
    "l",
    "m",
    "n",
    "p",
    "r",
    "s",
    "t",
    "v",
    "x",
    "z",
    "nd",
    "rk",
    "lt",
    "mp",
]
KINDS = ("collection", "transaction", "batch", "searchset", "history", "document")

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fact:
    """Words that one line of a section has to hold, all of them."""

    section: str
    words: tuple[str, ...]
    must_show: bool = False


@dataclass(slots=True)
class Planted:
    """A Bundle and what is true of it."""

    bundle: Resource
    patient: str
    facts: list[Fact] = field(default_factory=list)
    lies: list[str] = field(default_factory=list)


def chart(seed: int) -> Planted:
    """Return the chart of a seed."""
    return _Planter(Random(seed)).chart()  # the point of a seed is that it is known


class _Planter:
    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.names: set[str] = set()
        self.planted = Planted({}, "p1")
        self.resources: list[Resource] = []
        self.patient_url = f"urn:uuid:{self.uuid()}"
        self.kind = chance.choice(KINDS)

    def uuid(self) -> UUID:
        return UUID(int=self.chance.getrandbits(128), version=4)

    def name(self) -> str:
        """Return a word that is no other word of this chart, nor of medicine."""
        while True:
            made = "".join(
                self.chance.choice(part)
                for part in (_ONSETS, _MIDDLES, _ENDS, _ONSETS, _MIDDLES, _ENDS)
            ).capitalize()
            if made not in self.names and not any(
                made in other or other in made for other in self.names
            ):
                self.names.add(made)
                return made

    def day(self, least: int, most: int) -> str:
        """Return a date of so many days ago, at some precision or other."""
        day = TODAY - timedelta(days=self.chance.randint(least, most))
        clock = f"T{self.chance.randint(0, 23):02}:15:00"
        return self.chance.choice(
            [day.isoformat(), f"{day}{clock}-06:00", f"{day}{clock}Z", f"{day}{clock}.123+01:00"]
        )

    def subject(self) -> Resource:
        """Return the patient as charts name them."""
        return self.chance.choice(
            [
                {"reference": "Patient/p1"},
                {"reference": self.patient_url},
                {"reference": "Patient/p1", "display": "Somebody Else"},
                {"reference": "Patient?identifier=urn:mrn|77"},
                {"type": "Patient", "identifier": {"system": "urn:mrn", "value": "77"}},
                {"reference": "Patient/p1/_history/3"},
            ]
        )

    def concept(self, words: str, code: str = "") -> Resource:
        """Return a name as charts write one: text alone, a local code, a display, or both."""
        local = {"system": "urn:local", "code": code or f"L-{len(self.names)}"}
        return self.chance.choice(
            [
                {"text": words},
                {"coding": [{**local, "display": words}]},
                {"text": words, "coding": [{**local, "display": f"{words} (local)"}]},
                {"coding": [local], "text": words},
                {"coding": {**local, "display": words}},
            ]
        )

    def add(self, kind: str, **more: Any) -> Resource:
        """Put a resource into the chart, under an id or under the uuid of its fullUrl alone."""
        whose = "patient" if kind == "AllergyIntolerance" else "subject"
        made = {"resourceType": kind, whose: self.subject(), **more}
        if "id" not in made and self.chance.random() < 0.8:
            made["id"] = f"{kind.lower()[:6]}-{len(self.resources)}"
        self.resources.append(made)
        return made

    def fact(self, section: str, *words: str, must_show: bool = False) -> None:
        self.planted.facts.append(Fact(section, words, must_show))

    def chart(self) -> Planted:
        """Plant, surround with junk, shuffle and wrap."""
        sowers = [self.allergies, self.problems, self.medicines, self.results, self.odd_values]
        sowers += [self.orders, self.flags, self.visits, self.others, self.versions, self.reports]
        sowers += [self.new_medicines, self.changed_medicines, self.stopped_medicines]
        sowers += [self.pregnancies, self.contradictions]
        for sow in sowers:
            for _ in range(self.chance.randint(1, 3)):
                sow()
        entries = [*map(self.entry, self.resources), *self.junk(), self.person()]
        self.chance.shuffle(entries)
        self.planted.bundle = {"resourceType": "Bundle", "type": self.kind, "entry": entries}
        return self.planted

    def person(self) -> Resource:
        return {
            "fullUrl": self.patient_url,
            "resource": {
                "resourceType": "Patient",
                "id": "p1",
                "identifier": [{"system": "urn:mrn", "value": "77"}],
                "gender": "female",
                "birthDate": "1961-04",
            },
        }

    def entry(self, resource: Resource) -> Resource:
        """Return an entry as its kind of Bundle carries it."""
        made: Resource = {"resource": resource}
        if "id" not in resource or self.chance.random() < 0.4:
            made["fullUrl"] = f"urn:uuid:{self.uuid()}"
        if self.kind in {"transaction", "batch"}:
            made["request"] = {"method": "POST", "url": resource["resourceType"]}
        if self.kind == "searchset":
            made["search"] = {"mode": "match"}
        return made

    def junk(self) -> Iterator[Any]:
        """Yield what stands in Bundles and is nothing."""
        yield from self.chance.sample(
            [
                None,
                "x",
                {},
                {"resource": None},
                {"resource": {"resourceType": "Observation"}},
                {"resource": {"resourceType": "OperationOutcome", "issue": []}},
                {"request": {"method": "DELETE", "url": "Observation/9"}},
                {"resource": {"resourceType": "Basic", "id": "b", "subject": self.subject()}},
                {"resource": {"id": "no-type", "status": "final"}},
                {"resource": {"resourceType": "Observation", "id": "../x", "status": "final"}},
            ],
            k=self.chance.randint(0, 6),
        )

    # what stands, and what does not

    def allergies(self) -> None:
        name, reaction = self.name(), self.name()
        severe = self.chance.random() < 0.5
        more: Resource = {"reaction": [{"manifestation": [self.concept(reaction)]}]}
        if severe:
            more["criticality"] = "high"
        if self.chance.random() < 0.7:
            more["clinicalStatus"] = {"coding": [{"code": "active"}]}
        if self.chance.random() < 0.3:
            more["reaction"][0]["substance"] = self.concept(name)
        else:
            more["code"] = self.concept(name)
        self.add("AllergyIntolerance", **more)
        self.fact("allergies", name, reaction)
        if severe:
            self.fact("attention", name, must_show=True)
        self.untrue("AllergyIntolerance", "code")

    def untrue(self, kind: str, member: str, **more: Any) -> None:
        """Plant the same kind of thing under a name that may stand nowhere."""
        lie = self.name()
        why = self.chance.choice(["refuted", "error", "theirs"])
        made = {
            **more,
            member: self.concept(lie),
            "clinicalStatus": {"coding": [{"code": "active"}]},
        }
        if why == "theirs":
            key = "patient" if kind == "AllergyIntolerance" else "subject"
            made[key] = {"reference": self.chance.choice(["Patient/p2", f"{BASE}/Patient/p9"])}
        elif why == "refuted" and kind in {"AllergyIntolerance", "Condition"}:
            made["verificationStatus"] = {"coding": [{"code": "refuted"}]}
        else:
            made["verificationStatus"] = {"coding": [{"code": "entered-in-error"}]}
            made["status"] = "entered-in-error"
        self.add(kind, **made)
        self.planted.lies.append(lie)

    def problems(self) -> None:
        name = self.name()
        more: Resource = {"code": self.concept(name)}
        status = self.chance.choice(["active", "recurrence", "relapse", "remission", ""])
        if status:
            more["clinicalStatus"] = {"coding": [{"code": status}]}
        category = self.chance.choice(["problem-list-item", "encounter-diagnosis", ""])
        if category:
            more["category"] = [{"coding": [{"code": category}]}]
        if self.chance.random() < 0.8:
            more["onsetDateTime"] = self.chance.choice(["1998", "2011-05", self.day(1, 4000)])
        self.add("Condition", **more)
        self.fact("problems", name)
        self.untrue("Condition", "code")

    def medicines(self) -> None:
        name, dose = self.name(), f"{self.chance.randint(2, 98)} drops at {self.name().lower()}"
        order = self.chance.random() < 0.7
        kind = "MedicationRequest" if order else "MedicationStatement"
        more: Resource = {
            "status": self.chance.choice(["active", "on-hold", "unknown"]),
            ("dosageInstruction" if order else "dosage"): [{"text": dose}],
        }
        if order:
            more["intent"] = "order"
        if self.chance.random() < 0.8:
            more["authoredOn" if order else "dateAsserted"] = self.day(1, 5000)
        self._drug(more, name)
        self.add(kind, **more)
        self.fact("medications", name, dose)
        self.untrue(kind, "medicationCodeableConcept", status="active", intent="order")

    def new_medicines(self) -> None:
        """Plant one that was first ordered after the last visit."""
        name = self.name()
        more: Resource = {"status": "active", "intent": "order", "authoredOn": self.day(2, 55)}
        self._drug(more, name)
        self.add("MedicationRequest", **more)
        self.fact("attention", name, must_show=True)

    def changed_medicines(self) -> None:
        """Plant one that has gone on in another dose since the last visit."""
        name, before, now = self.name(), self.name().lower(), self.name().lower()
        for status, ages, dose in (("completed", (100, 700), before), ("active", (2, 55), now)):
            more: Resource = {"status": status, "intent": "order", "authoredOn": self.day(*ages)}
            more["dosageInstruction"] = [{"text": f"{self.chance.randint(2, 98)} drops {dose}"}]
            self._drug(more, name)
            self.add("MedicationRequest", **more)
        self.fact("attention", name, must_show=True)
        self.fact("changes", name, before, now)

    def stopped_medicines(self) -> None:
        """Plant one whose order was ended since the last visit."""
        name = self.name()
        status = self.chance.choice(["stopped", "cancelled", "completed"])
        more: Resource = {"intent": "order", "status": status, "authoredOn": self.day(100, 700)}
        more["dispenseRequest"] = {"validityPeriod": {"end": self.day(2, 55)}}
        self._drug(more, name)
        self.add("MedicationRequest", **more)
        self.fact("attention", name, must_show=True)
        self.fact("changes", f"{status.capitalize()}: {name}", "ended")

    def contradictions(self) -> None:
        """Plant a problem that one entry calls active and a later one resolved."""
        name = self.name()
        for status, ages in (("active", (400, 4000)), ("resolved", (1, 300))):
            self.add(
                "Condition",
                code=self.concept(name),
                clinicalStatus={"coding": [{"code": status}]},
                onsetDateTime=self.day(*ages),
            )
        self.fact("attention", name, "resolved", must_show=True)

    def pregnancies(self) -> None:
        """Plant one that is known by its code alone, each under another code so that none is merged."""
        name = self.name()
        coding = {"system": _ICD, "code": f"Z34.{len(self.resources)}", "display": name}
        active = {"coding": [{"code": "active"}]}
        self.add("Condition", code={"coding": [coding]}, clinicalStatus=active)
        self.fact("attention", name, must_show=True)

    def _drug(self, more: Resource, name: str) -> None:
        """Name a drug by a code, by a contained Medication, by one beside it, or by a display alone."""
        way = self.chance.choice(["code", "contained", "beside", "display"])
        if way == "code":
            more["medicationCodeableConcept"] = self.concept(name)
        elif way == "contained":
            inside = {"resourceType": "Medication", "id": "in", "code": self.concept(name)}
            more["contained"] = [inside]
            more["medicationReference"] = {"reference": "#in"}
        elif way == "beside":
            identity = f"med-{len(self.resources)}"
            beside = {"resourceType": "Medication", "id": identity, "code": self.concept(name)}
            self.resources.append(beside)
            more["medicationReference"] = {"reference": f"Medication/{identity}"}
        else:
            more["medicationReference"] = {"reference": "Medication/gone", "display": name}

    def results(self) -> None:
        name, unit, code = self.name(), self.name().lower(), f"R-{len(self.resources)}"
        concept = {"coding": [{"system": "urn:local", "code": code, "display": name}]}
        values = [
            f"{self.chance.randint(1, 900)}.{self.chance.randint(10, 99)}0" for _ in range(4)
        ]
        ages = sorted(self.chance.sample(range(1, 600), 4))
        critical = self.chance.random() < 0.3
        for place, (value, age) in enumerate(zip(values, ages, strict=True)):
            self.add(
                "Observation",
                status="final",
                code=concept,
                category=[{"coding": [{"code": "laboratory"}]}],
                effectiveDateTime=(TODAY - timedelta(days=age)).isoformat(),
                valueQuantity={"value": _Raw(value), "unit": unit},
                **({"interpretation": [_code("HH")]} if critical and not place else {}),
            )
        newest = f"{name} {values[0]} {unit}"
        self.fact("results", newest, f"{values[1]} (", str(TODAY - timedelta(days=ages[0])))
        if critical:
            self.fact("attention", newest, "HH critical", must_show=True)

    def odd_values(self) -> None:
        name, word, low = self.name(), self.name(), self.chance.randint(1, 40)
        value, shown = self.chance.choice(
            [
                ({"valueString": f"{word} seen"}, f"{name}: {word} seen"),
                ({"valueCodeableConcept": self.concept(word)}, f"{name}: {word}"),
                ({"valueBoolean": False}, f"{name}: no"),
                ({"valueInteger": low}, f"{name}: {low}"),
                (
                    {"valueRange": {"low": {"value": low}, "high": {"value": low + 2}}},
                    f"{name}: {low}-{low + 2}",
                ),
                (
                    {"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": low}}},
                    f"{name}: 1 : {low}",
                ),
                (
                    {"valueQuantity": {"value": low, "comparator": "<", "unit": word}},
                    f"{name} <{low} {word}",
                ),
                (
                    {"component": [{"code": {"text": word}, "valueInteger": low}]},
                    f"{name}: {word} {low}",
                ),
                ({"dataAbsentReason": _code("not-performed")}, "no value (not performed)"),
            ]
        )
        self.add(
            "Observation",
            status=self.chance.choice(["final", "amended", "corrected"]),
            code={"text": name},
            category=[_code("laboratory")],
            effectiveDateTime=self.day(1, 600),
            **value,
        )
        self.fact("results", name, shown)
        early, lower = self.name(), self.chance.randint(100, 200)
        self.add(
            "Observation",
            status="preliminary",
            code={"text": early},
            category=[_code("laboratory")],
            effectiveDateTime=self.day(1, 20),
            valueQuantity={"value": lower, "unit": "u"},
        )
        self.fact("results", f"{early} {lower} u", "preliminary")

    def orders(self) -> None:
        waiting, done = self.name(), self.name()
        more = {"status": "active", "intent": "order"}
        self.add(
            "ServiceRequest", code=self.concept(waiting), authoredOn=self.day(40, 700), **more
        )
        self.fact("open_loops", waiting)
        self.fact("attention", waiting, must_show=True)
        identity = f"done-{len(self.resources)}"
        self.add(
            "ServiceRequest",
            id=identity,
            code={"text": done},
            authoredOn=self.day(40, 700),
            **more,
        )
        self.add(
            "DiagnosticReport",
            status="final",
            code={"text": self.name()},
            basedOn=[{"reference": f"ServiceRequest/{identity}"}],
            issued=self.day(1, 30),
        )
        self.planted.lies.append(done)

    def flags(self) -> None:
        standing, over = self.name(), self.name()
        self.add("Flag", status="active", code=self.concept(standing))
        self.fact("attention", standing, must_show=True)
        self.add(
            "Flag",
            status=self.chance.choice(["inactive", "entered-in-error"]),
            code={"text": over},
        )
        self.planted.lies.append(over)

    def visits(self) -> None:
        seen, acute, planned = self.name(), self.name(), self.name()
        clinic = {"class": {"code": "AMB"}, "status": "finished"}
        when = LAST_VISIT.isoformat()
        self.add("Encounter", type=[{"text": seen}], period={"start": when, "end": when}, **clinic)
        self.add(
            "Encounter",
            type=[{"text": acute}],
            status=self.chance.choice(["finished", "in-progress"]),
            period={"start": self.day(1, 50)},
            **{"class": {"code": self.chance.choice(["EMER", "IMP"])}},
        )
        self.fact("changes", acute, must_show=True)
        self.fact("encounters", acute)
        start = NOW + timedelta(days=self.chance.randint(1, 60))
        self.add(
            "Appointment",
            status="cancelled",
            start=start.isoformat(),
            reasonCode=[{"text": planned}],
            participant=[{"actor": {"reference": "Patient/p1"}}],
        )
        self.planted.lies.append(planned)

    def others(self) -> None:
        """Plant another patient, their chart, and what names nobody that can be found."""
        self.resources.append({"resourceType": "Patient", "id": "p2", "gender": "male"})
        for kind in ("Observation", "Procedure", "Immunization", "CarePlan", "Goal"):
            lie = self.name()
            self.add(kind, status="final", code={"text": lie}, description={"text": lie})
            self.resources[-1] |= {"vaccineCode": {"text": lie}, "title": lie}
            for whose in ("subject", "patient"):
                self.resources[-1][whose] = {
                    "reference": self.chance.choice(
                        ["Patient/p2", "Patient?identifier=urn:mrn|99"]
                    )
                }
            self.planted.lies.append(lie)

    def versions(self) -> None:
        """Plant one resource twice: only its newest version may be told."""
        name, old, new = self.name(), self.name(), self.name()
        identity = f"twice-{len(self.resources)}"
        for version, word in (("9", old), ("10", new)):
            self.add(
                "Observation",
                id=identity,
                meta={"versionId": version},
                status="final",
                code={"text": name},
                effectiveDateTime="2026-10-01",
                valueString=word,
            )
        self.fact("results", name, new)
        self.planted.lies.append(old)

    def reports(self) -> None:
        name, found, dose = self.name(), self.name(), self.name()
        self.add(
            "DiagnosticReport",
            status="final",
            code={"text": name},
            effectiveDateTime=self.day(1, 600),
            conclusion=f"{found}, no change.",
        )
        self.fact("results", name, found)
        self.add(
            "Procedure", status="completed", code={"text": found}, performedString="last year"
        )
        self.fact("procedures", found)
        self.add("Immunization", status="completed", vaccineCode=self.concept(dose), patient=None)
        del self.resources[-1]["patient"]
        self.fact("prevention", dose)


def _code(value: str) -> Resource:
    return {"coding": [{"code": value}]}


class _Raw(str):
    """A number as it is to stand in JSON, trailing zeros and all."""

    __slots__ = ()


def as_json(bundle: Resource) -> bytes:
    """Return a Bundle as bytes, with planted numbers at their precision."""
    return _write(bundle).encode()


def _write(value: object) -> str:
    from json import dumps

    if isinstance(value, _Raw):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{dumps(k)}:{_write(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_write, value)) + "]"
    return dumps(value)
