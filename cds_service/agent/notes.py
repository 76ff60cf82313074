"""The text of notes, where a site lets it go to a model: stripped, cut, marked as data, or kept here.

The mark stands between the words of a note and is new in each run, so that a note cannot end it (Hines and others,
"Defending Against Indirect Prompt Injection Attacks With Spotlighting", arXiv 2403.14720). It lowers a risk and
ends none: that the model can do nothing, and that code checks what it says, does.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from cds_service.agent.view import Entry, View
from cds_service.domain.json import JsonObject
from cds_service.fhir.elements import inline_text, obj, objs

NOTE_MAX = 2_500
_INSTRUCTS = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:previous|above|prior|instruction|prompt|rule|chart)"
    r"|\b(?:system|assistant|developer)\s*(?:prompt|message|:)"
    r"|\byou are (?:now |an? )\w*\s*(?:assistant|robot|model|ai|llm|pharmacy)"
    r"|\b(?:do not|don't|never) (?:mention|show|list|report|tell|include)\b"
    r"|\b(?:prompt|jailbreak|tool_call|im_start|im_end)\b"
    r"|</?(?:text|document|system|instructions?)\b|<\|",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(slots=True)
class Notes:
    """The notes of one run."""

    mark: str
    """Characters that stand for a space; of the run, and in no note."""
    kept_back: set[str] = field(default_factory=set)
    """Aliases of notes that read like instructions."""
    read: set[str] = field(default_factory=set)
    """Aliases of notes whose text was shown."""

    def show(self, seen: View, chosen: Iterable[Entry], limit: int) -> str:
        """Return the notes that may be shown, newest first, each under its alias."""
        parts, size = [], 0
        for entry in chosen:
            words = note_text(seen.resources[entry.alias])
            if not words:
                continue
            if reads_like_instructions(words):
                self.kept_back.add(entry.alias)
                continue
            plain = seen.minimise.words(words, NOTE_MAX, free=True)
            part = f"{entry}\n{self.mark.join(plain.replace(self.mark, ' ').split())}"
            if size + len(part) > limit:
                parts.append("(more notes did not fit; ask for an earlier time)")
                break
            size += len(part)
            seen.shown.add(entry.alias)
            self.read.add(entry.alias)
            parts.append(part)
        return "\n\n".join(parts)

    def unmarked(self, words: str) -> str:
        """Return a quotation as the note has it: the mark is a space again."""
        return " ".join(words.replace(self.mark, " ").split())


def note_text(resource: JsonObject) -> str:
    """Return the plain text that a note carries within itself, on one line; else ""."""
    attached = (obj(each, "attachment") for each in objs(resource, "content"))
    return next((words for each in attached if (words := inline_text(each))), "")


def reads_like_instructions(words: str) -> bool:
    """Return whether a text addresses its reader as a machine. One signal more, never the defence."""
    return _INSTRUCTS.search(words) is not None
