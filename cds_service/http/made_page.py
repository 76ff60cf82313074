"""What the page "How this brief was made" shows, as plain data for its template.

All of it comes from the sealed record of a run, and is shown as text: some of it is a model's own words, some is
from a chart. Nothing here decides anything.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from cds_service.domain.brief import made_by_words
from cds_service.domain.draft import CODES, ENDINGS
from cds_service.domain.errors import NotJson
from cds_service.domain.json import EMPTY, JsonObject, decode, encode
from cds_service.fhir.elements import code, obj, objs, strings
from cds_service.flow.opened import Opened
from cds_service.http.review_page import who

_NONE = "No model's run is kept with this brief: none was asked, or its days are over."
_ENDED = {str(name): said for name, said in ENDINGS.items()}
_FOUND = {str(name): said for name, said in CODES.items()}
_FIGURES = (
    ("Took", "{seconds} s, {turns} turns, {tool_calls} tool calls, {retries} requests sent again"),
    ("Tokens", "{tokens_in} in, of them {tokens_cached} from the cache; {tokens_out} out"),
    ("Shown to the model", "{shown} entries"),
    (
        "Kept here",
        "{withheld} entries by policy, {unread} not understood, {notes_kept_back} notes like instructions",
    ),
    ("Run", "{run}"),
)
"""What a record's figures say, in this order."""
_STOPS: Mapping[str, str] = {
    "tool_use": "asked its tools",
    "end_turn": "answered",
    "max_tokens": "was cut at its limit",
    "pause_turn": "paused",
    "refusal": "declined",
    "model_context_window_exceeded": "found the record too large",
}


def made_page(opened: Opened, record: JsonObject) -> dict[str, Any]:
    """Return the data of the page; `record` is empty where no run is kept."""
    closed = _closed(opened, record)
    return {
        "who": who(opened),
        "ended": _ENDED.get(code(record, "status"), _NONE),
        "figures": list(_figures(opened, record)),
        "steps": [_step(each) for each in objs(record, "steps")],
        "closed": closed,
        "choices": [] if closed else list(_choices(record)),
        "dropped": record.get("dropped"),
        "messages": [] if closed else list(_messages(record)),
    }


def _closed(opened: Opened, record: JsonObject) -> str:
    """Return why what was told and said is not shown; "" where it is."""
    if obj(record, "facts").get("restricted"):
        why = "entries that are labelled as restricted were sent, which not everybody may read who may open this chart"
    elif record and not opened.is_of_this_policy:
        why = "this site hides more now than when the model was asked"
    else:
        return ""
    return f"What the model was told and what it said is not shown: {why}."


def _figures(opened: Opened, record: JsonObject) -> Iterator[tuple[str, str]]:
    """Yield what had a part in the brief, by version, and the figures of the run."""
    asked = {name: str(version) for name, version in obj(record, "versions").items()}
    yield "Made by", made_by_words({**opened.versions, **asked})
    facts = obj(record, "facts")
    for label, form in _FIGURES:
        if facts:
            yield label, form.format_map(facts)
    if "cost" in facts:
        yield "Cost", str(facts["cost"])
    if detail := code(record, "detail"):
        yield "The model's service said", detail
    if requests := strings(record, "requests"):
        yield "Its requests", ", ".join(requests)


def _step(step: JsonObject) -> tuple[str, str, str]:
    """Return who did what in one step, how much it was, and what was unusual."""
    if step.get("step") == "tool":
        return code(step, "name"), f"{step.get('chars')} characters", code(step, "error")
    stop = code(step, "stop")
    tokens = (
        f"{step.get('tokens_in')} tokens in, {step.get('tokens_out')} out, {step.get('ms')} ms"
    )
    again = f"sent again {step['retries']} times" if step.get("retries") else ""
    return f"the model {_STOPS.get(stop, stop)}", tokens, again


def _choices(record: JsonObject) -> Iterator[dict[str, Any]]:
    """Yield each statement that the model proposed, with what the checks found on it."""
    found: dict[object, list[str]] = {}
    for each in objs(record, "findings"):
        name = code(each, "code")
        found.setdefault(each.get("place"), []).append(_FOUND.get(name, name))
    for place, said in enumerate(objs(_answer(record), "statements")):
        yield {
            "kind": code(said, "kind"),
            "cites": ", ".join([*strings(said, "refs"), *strings(said, "needs")]),
            "words": code(said, "quote") or code(said, "why"),
            "findings": found.get(place, []),
        }


def _answer(record: JsonObject) -> object:
    """Return the model's last answer as it can be read; what is no JSON stands among the messages."""
    try:
        return decode(code(record, "answer").encode())
    except NotJson:
        return EMPTY


def _messages(record: JsonObject) -> Iterator[tuple[str, str]]:
    """Yield everything that was told and said, in order: a heading and the text."""
    for each in objs(record, "messages"):
        role = "The model said" if each.get("role") == "assistant" else "The model was told"
        content = each.get("content")
        blocks = content if isinstance(content, list) else [content]
        yield role, "\n\n".join(map(_words, blocks))
    if answer := code(record, "answer"):
        yield "The model answered", answer


def _words(block: object) -> str:
    if isinstance(block, str):
        return block
    return code(block, "text") or code(block, "content") or encode(block).decode()
