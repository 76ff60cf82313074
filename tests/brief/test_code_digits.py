"""Every code of the data files has its system's form and check digit, so that a slip of the hand is found."""

import re
from collections.abc import Callable, Iterator

import pytest

from cds_service.rulebook.load import data


def _snomed(code: str) -> bool:
    """SNOMED CT: 6 to 18 digits, a concept's partition before the last one, which is Verhoeff's."""
    return bool(re.fullmatch(r"[1-9]\d{2,14}[01]0\d", code)) and _verhoeff(code) == 0


def _verhoeff(digits: str) -> int:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit)
        for _ in range(place % 8):
            value = int("1576283094"[value])
        total = _turned(total, value)
    return total


def _turned(a: int, b: int) -> int:
    """Multiply in the group of a pentagon's turns (0 to 4) and flips (5 to 9)."""
    if a < 5:
        return (a + b) % 5 + (5 if b >= 5 else 0)
    return (a - b) % 5 + (5 if b < 5 else 0)


def _loinc(code: str) -> bool:
    """LOINC: a number and its check digit modulo 10, every other digit from the right counted twice."""
    if not re.fullmatch(r"[1-9]\d{0,5}-\d", code):
        return False
    number, check = code.split("-")
    counted = (int(d) * (2 - place % 2) for place, d in enumerate(reversed(number)))
    return (sum(n // 10 + n % 10 for n in counted) + int(check)) % 10 == 0


def _icd_10_cm(code: str) -> bool:
    return bool(re.fullmatch(r"[A-TV-Z]\d[\dAB](\.[\dA-Z]{1,4})?", code))


def _answer(code: str) -> bool:
    return bool(re.fullmatch(r"LA[1-9]\d*-\d", code))


def _cpt(code: str) -> bool:
    return bool(re.fullmatch(r"\d{5}", code))


def _rxnorm(code: str) -> bool:
    return bool(re.fullmatch(r"[1-9]\d{1,6}", code))


def _of(code: str) -> Callable[[str], bool]:
    """Return what holds for a code of a list where several systems stand together."""
    if code.startswith("LA"):
        return _answer
    if "-" in code:
        return _loinc
    return _cpt if len(code) == 5 else _snomed


def _codes() -> Iterator[tuple[str, str, Callable[[str], bool]]]:
    """Yield each code with its table and what has to hold for it; FHIR's own code words are left out."""
    terms = data("terms")
    pregnancy, finding, diabetes = terms["pregnancy"], terms["finding"], terms["diabetes"]
    lists = {
        "no_known_allergy": [c for c in terms["no_known_allergy"] if c.isdigit()],
        "none": [c for codes in terms["none"].values() for c in codes if c.isdigit()],
        "contact": [c for c in terms["contact"] if c.isdigit()],
        **{each["name"]: each["codes"] for each in terms["screening"]},
        "order": [*terms["order"]["code_status_codes"], *terms["order"]["therapy_codes"]],
        "pregnant_values": pregnancy["pregnant_values"],
    }
    yield from ((table, c, _of(c)) for table, codes in lists.items() for c in codes)
    for table, codes in (
        ("pregnancy", [*pregnancy["conditions"], *pregnancy["week_codes"]]),
        ("finding", [*finding["codes"], *finding["told_codes"]]),
        ("diabetes", diabetes["snomed"]),
    ):
        yield from ((table, c, _snomed) for c in codes)
    loinc = data("loinc")
    for table, codes in (
        ("pregnancy status", pregnancy["status_codes"]),
        ("due date", pregnancy["due_date_codes"]),
        ("survey", terms["survey"]["codes"]),
        ("groups", [c for g in loinc["group"] for e in g["entries"] for c in e["codes"]]),
        (
            "pressure",
            [*loinc["pressure"]["panel"], *map(loinc["pressure"].get, ("systolic", "diastolic"))],
        ),
    ):
        yield from ((table, c, _loinc) for c in codes)
    for table, codes in (
        ("pregnancy prefixes", pregnancy["condition_prefixes"]),
        ("finding prefixes", [*finding["prefixes"], *finding["told_prefixes"]]),
        ("diabetes prefixes", diabetes["icd10_prefixes"]),
    ):
        yield from ((table, c, _icd_10_cm) for c in codes)
    drugs = data("ingredients")
    named = [*drugs["high_alert"].values(), drugs["other"]]
    yield from (("ingredients", e[0], _rxnorm) for part in named for e in part.values() if e[0])


CODES = tuple(_codes())


def test_every_code_has_its_form_and_its_check_digit():
    assert len(CODES) > 400
    assert [(table, code) for table, code, holds in CODES if not holds(code)] == []


def test_no_table_names_a_code_twice():
    named = [(table, code) for table, code, _ in CODES]
    assert sorted(each for each in set(named) if named.count(each) > 1) == []


@pytest.mark.parametrize(
    ("holds", "right", "slips"),
    [
        (_snomed, "73211009", ["73211008", "73121009", "7321109"]),
        (_loinc, "4548-4", ["4548-5", "4458-4", "45484"]),
        (_icd_10_cm, "R45.851", ["R45851", "45.851"]),
    ],
)
def test_a_slip_is_found(holds, right, slips):
    assert holds(right)
    assert not any(map(holds, slips))
