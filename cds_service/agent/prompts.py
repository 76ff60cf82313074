"""Prompts are files with an owner; their hash stands on every brief that they had a part in."""

from dataclasses import dataclass, field
from hashlib import sha256
from importlib.resources import files

from cds_service.domain.errors import Misconfigured

_FENCE = "---\n"


@dataclass(frozen=True, slots=True)
class Prompt:
    """The system prompt of an agent: nothing about a patient is in it."""

    text: str = field(repr=False)
    owner: str
    """The clinical lead who answers for it; "open" while nobody does."""
    reviewed: str
    """The day on which they last did."""

    @property
    def hash(self) -> str:
        """Return twelve hexadecimal digits of SHA-256."""
        return sha256(self.text.encode()).hexdigest()[:12]


def parse(page: str, source: str) -> Prompt:
    """Read a prompt file: a head between two lines of dashes that names its owner and its review, then the text.

    Raises `Misconfigured` naming the file.
    """
    _, fence, rest = page.partition(_FENCE)
    head, closed, body = rest.partition(_FENCE)
    facts = dict(line.split(": ", 1) for line in head.splitlines() if ": " in line)
    owner, reviewed = facts.get("owner"), facts.get("reviewed")
    if not (fence and closed and body.strip() and owner and reviewed):
        raise Misconfigured(
            f"{source}: a prompt begins with a head that says its owner and when it was reviewed."
        )
    return Prompt(body.strip(), owner, reviewed)


def system_prompt(words: tuple[str, ...]) -> Prompt:
    """Return the contract of the agent. `words` are those that `why` may use; they belong to the verifier."""
    own = parse(files(__package__).joinpath("prompt.md").read_text("utf-8"), "agent/prompt.md")
    return Prompt(own.text.replace("{words}", " ".join(words)), own.owner, own.reviewed)
