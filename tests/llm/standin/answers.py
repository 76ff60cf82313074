"""What the stand-in answers: a Message for each scripted step, and the tokens that it counts.

Steps (the first key that fits): `json`, `text`, `tool_use`, `refusal`, `max_tokens`, `pause_turn`, `context_exceeded`,
`error` (status; with `error_type`, `error_code`, `headers`), `raw` (a JSON value), `body` (text, of `media_type`),
`drop`, `drip`; any of them with `delay`. A step may be a function of the request's body.
"""

import hashlib
import json
import time
import uuid

from tests.llm.standin.rules import bad, blocks_of

MIN_CACHE_TOKENS = 1024
MAX_MARKS = 4


def tokens_of(value):
    """Count four characters as a token."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return max(1, len(text) // 4)


def request_tokens(body):
    """Count a request as the API does: tools, system and messages."""
    return tokens_of([body.get("tools"), body.get("system"), body["messages"]])


class Cache:
    """Prompt caching by prefix: tools, then system, then messages."""

    def __init__(self):
        self.until = {}

    def usage(self, body, key):
        parts = list(_parts(body))
        if body.get("cache_control") and parts:
            parts[-1] = (parts[-1][0], body["cache_control"])
        if sum(1 for _, mark in parts if mark) > MAX_MARKS:
            raise bad("A maximum of 4 blocks with cache_control may be provided.")
        now, total, digest = time.monotonic(), 0, hashlib.sha256()
        read = written = 0
        for part, mark in parts:
            digest.update(json.dumps(part, sort_keys=True).encode())
            total += tokens_of(part)
            place = (key, body["model"], digest.hexdigest())
            if self.until.get(place, 0) > now:
                read = total
            if mark and total >= MIN_CACHE_TOKENS:
                written = total
                self.until[place] = now + 300
        created = max(written - read, 0)
        return {
            "input_tokens": max(total - read - created, 1),
            "cache_read_input_tokens": read,
            "cache_creation_input_tokens": created,
        }


def _parts(body):
    system = blocks_of(body["system"]) if body.get("system") else []
    for each in [*(body.get("tools") or []), *system]:
        yield {k: v for k, v in each.items() if k != "cache_control"}, each.get("cache_control")
    for message in body["messages"]:
        for block in blocks_of(message.get("content", [])):
            plain = {k: v for k, v in block.items() if k != "cache_control"}
            yield {"role": message["role"], **plain}, block.get("cache_control")


STOPS = {
    "refusal": "refusal",
    "max_tokens": "max_tokens",
    "pause_turn": "pause_turn",
    "context_exceeded": "model_context_window_exceeded",
    "tool_use": "tool_use",
}


def message(step, body, usage):
    """Return the Message of a step."""
    kind = next((each for each in STOPS if each in step), None)
    text = step.get("text")
    if kind in {"max_tokens", "pause_turn", "context_exceeded"}:
        text = step[kind]
    if "json" in step:
        text = json.dumps(step["json"], ensure_ascii=False)
    content = [{"type": "text", "text": text, "citations": None}] if text else []
    content += [
        {
            "type": "tool_use",
            "id": f"toolu_{uuid.uuid4().hex[:20]}",
            "name": call["name"],
            "input": call.get("input", {}),
            "caller": {"type": "direct"},
        }
        for call in step.get("tool_use", [])
    ]
    details = None
    if kind == "refusal":
        details = {"type": "refusal", "category": None, "explanation": None, **step["refusal"]}
    return {
        "id": f"msg_{uuid.uuid4().hex[:20]}",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": content,
        "stop_reason": STOPS.get(kind, step.get("stop", "end_turn")),
        "stop_sequence": None,
        "stop_details": details,
        "container": None,
        "usage": {**usage, "output_tokens": tokens_of(text or "x"), "service_tier": "standard"},
    }
