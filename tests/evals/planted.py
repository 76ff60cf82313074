"""How much of who a patient is leaves with what is sent: identifiers planted wherever somebody may type."""

import asyncio
import json
import re
from dataclasses import dataclass

from tests.agent.test_what_is_sent import VARIANTS, everything_sent, planted

OF_NOBODY = {
    "a telephone": "414-555-0177",
    "an address of mail": "someone.else@example.com",
    "a social security number": "123-45-6789",
    "a record number": "MRN 551278",
    "a long number": "99812345",
}
"""They look like identifiers, and the record does not know whose they are."""
NOT_KNOWN = {
    "the name, misspelt": "Quintanila-Orsteed",
    "initials": "Z.Q.Ø.",
    "a neighbour": "Hollingsworth",
    "a clinician": "Dr. Abernathy",
    "an employer": "Larkin Foundry",
    "a place": "Sheboygan Falls",
}
"""Neither known to the record nor of a form that gives them away: only reading would tell."""
CLASSES = {
    "known to the record, in any writing": VARIANTS,
    "of an identifier's form, of nobody known": OF_NOBODY,
    "neither known nor of such a form": NOT_KNOWN,
}


@dataclass(frozen=True)
class Leaks:
    """Of identifiers that were planted, how often they were typed and how often they left."""

    what: str
    typed: int
    left: int


def run():
    """Plant each identifier of each class in a chart of its own, and let a model ask for everything."""
    return [asyncio.run(_class(name, words)) for name, words in CLASSES.items()]


async def _class(name, words):
    typed = left = 0
    for each in words.values():
        chart = planted(each)
        typed += PLACES
        left += _count(await everything_sent(chart), each)
    return Leaks(name, typed, left)


def _count(sent, words):
    """Count occurrences, a line that was sent again once."""
    lines = set(re.split(r'\\n|"', sent.casefold()))
    return sum(line.count(words.casefold()) for line in lines)


def _places():
    mark = "somebodyorother"
    chart = planted(mark)
    text = json.dumps([dict(e.resource) for e in chart.ledger.evidence.values()], default=str)
    return text.count(mark) + 1  # the note's own text is encoded


PLACES = _places()
