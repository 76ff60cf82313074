"""Describe the one small health system that all charts share: organizations, places and people.

Everything here has the same id and the same content in every patient's resources.
"""

from .drugs import DRUGS
from .terms import EHR, RXNORM, Json, concept, hl7, reference

_META: Json = {"versionId": "1", "lastUpdated": "2019-01-07T08:00:00-06:00"}

_ORGANIZATIONS = {
    "riverbend-health": ("Riverbend Health (synthetic)", "Healthcare Provider", "prov"),
    "riverbend-lab": ("Riverbend Reference Laboratory (synthetic)", "Healthcare Provider", "prov"),
    "prairie-health-plan": ("Prairie Health Plan (synthetic)", "Insurance Company", "ins"),
}

# key -> name, v3-RoleCode, its display
_PLACES = {
    "family-clinic": ("Riverbend Family Medicine", "PROFF", "Provider's Office"),
    "specialty-clinic": ("Riverbend Specialty Center", "PROFF", "Provider's Office"),
    "womens-clinic": ("Riverbend Women's Health", "PROFF", "Provider's Office"),
    "pediatric-clinic": ("Riverbend Pediatrics", "PEDC", "Pediatrics clinic"),
    "emergency-room": ("Riverbend Hospital Emergency Department", "ER", "Emergency room"),
    "hospital": ("Riverbend Hospital Medical Ward", "HOSP", "Hospital"),
}

# key -> family, given, suffix, gender, specialty code (NUCC), specialty, place
PEOPLE = {
    "adler": (
        "Adler",
        "Miriam",
        "MD",
        "female",
        "207R00000X",
        "Internal Medicine",
        "family-clinic",
    ),
    "okafor": (
        "Okafor",
        "Chidi",
        "MD",
        "male",
        "207RC0000X",
        "Cardiovascular Disease",
        "specialty-clinic",
    ),
    "brandt": ("Brandt", "Lena", "MD", "female", "207RN0300X", "Nephrology", "specialty-clinic"),
    "rivera": (
        "Rivera",
        "Sofia",
        "MD",
        "female",
        "207V00000X",
        "Obstetrics & Gynecology",
        "womens-clinic",
    ),
    "tanaka": ("Tanaka", "Kenji", "MD", "male", "208000000X", "Pediatrics", "pediatric-clinic"),
    "haddad": (
        "Haddad",
        "Omar",
        "MD",
        "male",
        "207RH0003X",
        "Hematology & Oncology",
        "specialty-clinic",
    ),
    "lindgren": (
        "Lindgren",
        "Eva",
        "MD",
        "female",
        "207RP1001X",
        "Pulmonary Disease",
        "specialty-clinic",
    ),
    "novak": (
        "Novak",
        "Peter",
        "MD",
        "male",
        "207P00000X",
        "Emergency Medicine",
        "emergency-room",
    ),
    "mbeki": ("Mbeki", "Thandi", "MD", "female", "208M00000X", "Hospitalist", "hospital"),
    "pierce": (
        "Pierce",
        "Dana",
        "NP",
        "female",
        "363LP0808X",
        "Psychiatric/Mental Health",
        "specialty-clinic",
    ),
    "sato": (
        "Sato",
        "Amy",
        "PharmD",
        "female",
        "1835P0018X",
        "Pharmacist Clinician",
        "family-clinic",
    ),
}


def practitioner(key: str) -> Json:
    """Return a Reference to that clinician with the name shown."""
    family, given, suffix, *_ = PEOPLE[key]
    return reference(f"Practitioner/{key}", f"{given} {family}, {suffix}")


def place(key: str) -> Json:
    """Return a Reference to the place where that clinician works."""
    where = PEOPLE[key][6]
    return reference(f"Location/{where}", _PLACES[where][0])


def organization(key: str = "riverbend-health") -> Json:
    """Return a Reference to that organization with its name shown."""
    return reference(f"Organization/{key}", _ORGANIZATIONS[key][0])


def _organizations() -> list[Json]:
    return [
        {
            "resourceType": "Organization",
            "id": key,
            "meta": _META,
            "identifier": [{"system": f"{EHR}/organization", "value": key.upper()}],
            "active": True,
            "type": [hl7("organization-type", code, kind)],
            "name": name,
        }
        for key, (name, kind, code) in _ORGANIZATIONS.items()
    ]


def _locations() -> list[Json]:
    return [
        {
            "resourceType": "Location",
            "id": key,
            "meta": _META,
            "status": "active",
            "name": name,
            "mode": "instance",
            "type": [hl7("v3-RoleCode", code, kind)],
            "managingOrganization": organization(),
        }
        for key, (name, code, kind) in _PLACES.items()
    ]


def _practitioners() -> list[Json]:
    return [
        {
            "resourceType": "Practitioner",
            "id": key,
            "meta": _META,
            "identifier": [{"system": f"{EHR}/staff", "value": f"S{number:05d}"}],
            "active": True,
            "name": [{"use": "official", "family": family, "given": [given], "suffix": [suffix]}],
            "gender": gender,
        }
        for number, (key, (family, given, suffix, gender, *_)) in enumerate(PEOPLE.items(), 101)
    ]


def _roles() -> list[Json]:
    nucc = "http://nucc.org/provider-taxonomy"
    return [
        {
            "resourceType": "PractitionerRole",
            "id": f"{key}-role",
            "meta": _META,
            "active": True,
            "practitioner": practitioner(key),
            "organization": organization(),
            "specialty": [concept(nucc, code, specialty)],
            "location": [place(key)],
        }
        for key, (_, _, _, _, code, specialty, _) in PEOPLE.items()
    ]


def _medications() -> list[Json]:
    return [
        {
            "resourceType": "Medication",
            "id": f"med-{key}",
            "meta": _META,
            "code": concept(RXNORM, drug.rxnorm, drug.display, text=drug.text),
            "status": "active",
            "ingredient": [{"itemCodeableConcept": concept(RXNORM, *drug.ingredient)}],
        }
        for key, drug in DRUGS.items()
    ]


def shared() -> dict[str, Json]:
    """Return every shared resource by its relative reference, such as "Location/hospital"."""
    made = [*_organizations(), *_locations(), *_practitioners(), *_roles(), *_medications()]
    return {f"{each['resourceType']}/{each['id']}": each for each in made}
