"""A scripted stand-in for a language model, for the demo and the tests. It is no model and knows no medicine.

It speaks the Messages API as far as the demo needs it. It reads the lines that it is sent, looks once for older
results, and answers with a choice: what shares a word with the reason of the visit comes first, what is in range
is left out. `unplug` makes it answer like a service that is gone, also in the middle of a run.
"""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.routing import Route

from cds_service.simulator.wire import dumps, loads

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from starlette.requests import Request

NAME = "scripted-demo"
"""Its name as a model; it stands on every brief that it had a part in."""
_ENTRY = re.compile(r"^([A-Z][a-z]+\d+): (.*)$", re.MULTILINE)
_RULES = re.compile(r"^([a-z_]+): (.*)$", re.MULTILINE)
_CALL = re.compile(r"([a-z_]+)\(([^)]*)\)")
_LOINC = re.compile(r"LOINC (\d+-\d)")
_WORD = re.compile(r"[a-z]{5,}")
_OUT = re.compile(r"flag (?:H|L|HH|LL|A|AA)\b")
_COMMON = frozenset(
    {
        "active",
        "visit",
        "follow",
        "general",
        "practice",
        "patient",
        "appointment",
        "previous",
        "since",
    }
)
_SMALL = {"encounter": 3, "note": 2, "immunization": 2, "procedure": 2}
_MAX_LEADS = 3

Json = dict[str, Any]


def answer(body: Mapping[str, Any]) -> Json:
    """Return the Message that answers a request: one look at older results, then the choice."""
    first = body["messages"][0]["content"]
    told = [first, *_results(body)]
    final = body.get("tool_choice", {}).get("type") == "none"
    codes = list(dict.fromkeys(_LOINC.findall(_wanted(first))))[:5]
    if len(told) == 1 and codes and not final:
        calls = [{"name": "find_results", "input": {"loinc": codes}}]
        return _message(body, [_use(each) for each in calls], "tool_use")
    text = json.dumps({"statements": _statements(first, "\n".join(told))})
    return _message(body, [{"type": "text", "text": text}], "end_turn")


def _results(body: Mapping[str, Any]) -> list[str]:
    return [
        str(block["content"])
        for message in body["messages"][1:]
        for block in message["content"]
        if isinstance(block, dict) and block.get("type") == "tool_result"
    ]


def _entries(text: str) -> dict[str, str]:
    return {alias: line for alias, line in _ENTRY.findall(text) if ": " not in alias}


def _reason(entries: Mapping[str, str]) -> frozenset[str]:
    """Return the words of why the patient comes."""
    booked = " ".join(line for alias, line in entries.items() if alias.startswith("Apt"))
    return frozenset(_WORD.findall(booked.lower())) - _COMMON


def _wanted(first: str) -> str:
    """Return the lines of results that are out of range."""
    return "\n".join(line for line in first.splitlines() if _OUT.search(line))


def _rules(first: str) -> Iterator[tuple[str, str, list[str]]]:
    """Yield (section, kind, aliases) of what rules would show."""
    _, _, chosen = first.partition("## rules would show\n")
    for section, line in _RULES.findall(chosen):
        for kind, refs in _CALL.findall(line):
            yield section, kind, refs.split(",")


def _statements(first: str, told: str) -> list[Json]:
    """Choose: lists whole and by relation to the visit, results out of range, little of the rest."""
    entries = _entries(told)
    reason = _reason(entries)
    counts: dict[str, int] = {}
    made: list[tuple[int, Json]] = []
    leads = 0
    for section, kind, refs in _rules(first):
        known = [each for each in refs if each in entries]
        if not known or section in {"attention", "changes"} or kind in {"patient", "absence"}:
            continue
        words = frozenset(_WORD.findall(" ".join(entries[each] for each in known).lower()))
        related = bool(words & reason)
        counts[kind] = counts.get(kind, 0) + 1
        if counts[kind] > _SMALL.get(kind, 99) or (
            kind == "result" and not _kept(entries[known[0]])
        ):
            continue
        lead = related and kind in {"result", "report", "encounter"} and leads < _MAX_LEADS
        leads += lead
        said: Json = {"kind": kind, "refs": known}
        if lead:
            said |= {"emphasis": "lead", "why": "related to the reason for this visit"}
        made.append((0 if related else 1, said))
    return [said for _, said in sorted(made, key=lambda each: each[0])]


def _kept(line: str) -> bool:
    return bool(_OUT.search(line)) or "LOINC" not in line


def _use(call: Json) -> Json:
    return {"type": "tool_use", "id": f"toolu_{uuid.uuid4().hex[:20]}", **call}


def _message(body: Mapping[str, Any], content: list[Json], stop: str) -> Json:
    size = len(json.dumps([body.get("tools"), body.get("system"), body["messages"]])) // 4
    return {
        "id": f"msg_{uuid.uuid4().hex[:20]}",
        "type": "message",
        "role": "assistant",
        "model": NAME,
        "content": content,
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": {"input_tokens": size, "output_tokens": len(json.dumps(content)) // 4},
    }


@dataclass
class ScriptedModel:
    """The stand-in below `/scripted-model`, with its plug."""

    plugged: bool = True
    turns: int | None = None
    """How many turns of a run are answered before the plug is pulled; None is no end."""

    def routes(self) -> list[Route]:
        """List its addresses."""
        return [
            Route("/scripted-model/v1/messages", self.messages, methods=["POST"]),
            Route("/scripted-model/v1/models/{name}", self.model),
            Route("/_sim/model", self.plug, methods=["GET", "POST"]),
        ]

    async def messages(self, request: Request) -> Response:
        """Answer a request, or say that nobody is there."""
        body = loads(await request.body())
        turn = len(body["messages"]) // 2 + 1
        if not self.plugged or (self.turns is not None and turn > self.turns):
            error = {"type": "api_error", "message": "the scripted model is unplugged"}
            return _json({"type": "error", "error": error}, 503)
        return _json(answer(body))

    async def model(self, _: Request) -> Response:
        """Say what it is."""
        return _json(
            {
                "id": NAME,
                "type": "model",
                "display_name": "Scripted stand-in, not a model",
                "created_at": "2026-01-01T00:00:00Z",
                "lifecycle": "active",
            }
        )

    async def plug(self, request: Request) -> Response:
        """Tell whether it is plugged in; POST `{"plugged": false}` pulls the plug, `{"after": 1}` in each run then."""
        if request.method == "POST":
            asked = loads(await request.body())
            self.plugged, self.turns = bool(asked.get("plugged", True)), asked.get("after")
        return _json({"plugged": self.plugged, "after": self.turns})


def _json(value: object, status: int = 200) -> Response:
    return Response(dumps(value), status, media_type="application/json")
