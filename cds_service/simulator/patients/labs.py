"""Hold the measurements that charts record: LOINC code, UCUM unit, reference range, and panels."""

from dataclasses import dataclass

from .tables import rows

_PLAIN = str.maketrans({"{": " ", "}": "", "_": " ", "[": "", "]": ""})


@dataclass(frozen=True, slots=True)
class Test:
    """One measurable quantity, its unit, its usual range, and the limits that a laboratory phones in.

    `usual` is the range from which a value is drawn when a case history does not give one.
    """

    loinc: str
    display: str
    unit: str
    low: float | None
    high: float | None
    places: int
    critical: tuple[float | None, float | None]
    usual: tuple[float | None, float | None]
    category: str

    @property
    def shown_unit(self) -> str:
        """Return the unit as printed, without the UCUM's brackets."""
        return (
            self.unit.translate(_PLAIN)
            .replace("Cel", "\N{DEGREE SIGN}C")
            .replace("/ ", "/")
            .strip()
        )


def _number(text: str) -> float | None:
    return float(text) if text else None


def _test(row: dict[str, str]) -> Test:
    low, high = _number(row["low"]), _number(row["high"])
    usual = _number(row["usual_low"]), _number(row["usual_high"])
    return Test(
        loinc=row["loinc"],
        display=row["display"],
        unit=row["unit"],
        low=low,
        high=high,
        places=int(row["places"]),
        critical=(_number(row["critical_low"]), _number(row["critical_high"])),
        usual=(low, high) if usual == (None, None) else usual,
        category=row["category"],
    )


TESTS = {row["key"]: _test(row) for row in rows("tests")}

# calculated from other values, never drawn by chance
DERIVED = frozenset({"egfr", "hematocrit", "ldl", "fev1-fvc", "pt", "bmi"})

_BASIC = (
    "sodium",
    "potassium",
    "chloride",
    "co2",
    "bun",
    "creatinine",
    "egfr",
    "glucose",
    "calcium",
)

PANELS = {
    "bmp": ("51990-0", "Basic metabolic panel - Blood", _BASIC),
    "cmp": (
        "24323-8",
        "Comprehensive metabolic 2000 panel - Serum or Plasma",
        (*_BASIC, "albumin", "alt", "ast", "alp", "bilirubin"),
    ),
    "cbc": (
        "58410-2",
        "CBC panel - Blood by Automated count",
        ("wbc", "hemoglobin", "hematocrit", "mcv", "platelets"),
    ),
    "lipids": (
        "24331-1",
        "Lipid 1996 panel - Serum or Plasma",
        ("cholesterol", "triglycerides", "hdl", "ldl"),
    ),
    "spirometry": ("18759-1", "Spirometry study", ("fev1", "fvc", "fev1-fvc")),
    "pt-inr": (
        "34528-0",
        "PT panel - Platelet poor plasma by Coagulation assay",
        ("pt", "inr"),
    ),
}
