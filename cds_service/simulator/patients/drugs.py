"""Hold the drugs that charts order: RxNorm product and ingredient, dose unit, route; and timings.

Where RxNorm's product code is not given, the entry is the ingredient, and the strength stands in
the text.
"""

from dataclasses import dataclass

from .tables import rows


@dataclass(frozen=True, slots=True)
class Drug:
    """One product as an EHR lists it: name on the screen, code, code's display, ingredient, form."""

    text: str
    rxnorm: str
    display: str
    ingredient: tuple[str, str]
    unit: str
    route: str
    verb: str


@dataclass(frozen=True, slots=True)
class Timing:
    """How often a dose is taken: the words, the same as a Timing.repeat, and whether as needed."""

    words: str
    frequency: int
    period: int
    unit: str
    needed: bool = False


DRUGS = {
    row["key"]: Drug(
        text=row["text"],
        rxnorm=row["rxnorm"],
        display=row["display"],
        ingredient=(row["ingredient"], row["ingredient_display"]),
        unit=row["unit"],
        route=row["route"],
        verb=row["verb"],
    )
    for row in rows("drugs")
}

# key -> SNOMED CT code, display, words in the instruction
ROUTES = {
    "oral": ("26643006", "Oral route", "by mouth"),
    "inhaled": ("447694001", "Respiratory tract route", ""),
    "sublingual": ("37839007", "Sublingual route", "under the tongue"),
    "nasal": ("46713006", "Nasal route", "into one nostril"),
    "subcutaneous": ("34206005", "Subcutaneous route", "under the skin"),
    "intramuscular": ("78421000", "Intramuscular route", "into the muscle"),
    "topical": ("6064005", "Topical route", "to the skin"),
}

TIMINGS = {
    "daily": Timing("once daily", 1, 1, "d"),
    "morning": Timing("every morning", 1, 1, "d"),
    "bedtime": Timing("at bedtime", 1, 1, "d"),
    "bid": Timing("twice daily", 2, 1, "d"),
    "tid": Timing("three times daily", 3, 1, "d"),
    "qid": Timing("four times daily", 4, 1, "d"),
    "q6h": Timing("every 6 hours", 1, 6, "h"),
    "thrice-weekly": Timing("three times a week", 3, 1, "wk"),
    "alternate": Timing("every other day", 1, 2, "d"),
    "pain": Timing("every 6 hours as needed for pain", 1, 6, "h", needed=True),
    "chest-pain": Timing(
        "every 5 minutes as needed for chest pain, up to 3 doses", 1, 5, "min", needed=True
    ),
    "wheeze": Timing("every 4 hours as needed for wheezing", 1, 4, "h", needed=True),
    "anxiety": Timing("twice daily as needed for anxiety", 2, 1, "d", needed=True),
    "nausea": Timing("every 8 hours as needed for nausea", 1, 8, "h", needed=True),
    "overdose": Timing("as needed for suspected opioid overdose", 1, 3, "min", needed=True),
    "anaphylaxis": Timing(
        "as needed for a severe allergic reaction, then call 911", 1, 10, "min", needed=True
    ),
    "allergy": Timing("once daily as needed for allergy symptoms", 1, 1, "d", needed=True),
}
