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

    @property
    def hash(self) -> str:
        """Return twelve hexadecimal digits of SHA-256."""
        return sha256(self.text.encode()).hexdigest()[:12]


def parse(page: str, source: str) -> Prompt:
    """Read a prompt file: a head between two lines of dashes that names its owner, then the text.

    Raises `Misconfigured` naming the file.
    """
    _, fence, rest = page.partition(_FENCE)
    head, closed, body = rest.partition(_FENCE)
    facts = dict(line.split(": ", 1) for line in head.splitlines() if ": " in line)
    if not (fence and closed and body.strip() and facts.get("owner")):
        raise Misconfigured(f"{source}: a prompt begins with a head that names its owner.")
    return Prompt(body.strip(), facts["owner"])


def system_prompt(words: tuple[str, ...], service: str = "") -> Prompt:
    """Return the contract of the agent, and after it what one service asks for (`hooks/*/prompt.md`).

    `words` are those that `why` may use; they belong to the verifier.
    """
    own = parse(files(__package__).joinpath("prompt.md").read_text("utf-8"), "agent/prompt.md")
    text = own.text.replace("{words}", " ".join(words))
    if not service:
        return Prompt(text, own.owner)
    theirs = parse(service, "prompt.md")
    return Prompt(f"{text}\n\n{theirs.text}", theirs.owner)
