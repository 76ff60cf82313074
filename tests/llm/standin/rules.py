"""What the stand-in refuses, as the API does: unknown fields, unanswered calls, prefill, schema keywords."""

API_VERSIONS = {"2026-10-21", "2023-06-01"}
FIELDS = {
    "max_tokens",
    "messages",
    "model",
    "cache_control",
    "container",
    "diagnostics",
    "inference_geo",
    "metadata",
    "output_config",
    "service_tier",
    "speed",
    "stop_sequences",
    "system",
    "thinking",
    "tool_choice",
    "tools",
    "stream",
}
UNSUPPORTED = {
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "default",
    "oneOf",
}
TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "invalid_request_error",
    429: "rate_limit_error",
    500: "api_error",
    503: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}


class ApiError(Exception):
    """An error as the API answers it."""

    def __init__(self, status, kind, message, *, code=None, headers=None):
        super().__init__(message)
        self.status, self.kind, self.message = status, kind, message
        self.code, self.headers = code, headers or {}

    def body(self, request_id):
        error = {"type": self.kind, "message": self.message}
        if self.code:
            error["details"] = {"error_code": self.code}
        return {"type": "error", "error": error, "request_id": request_id}


def bad(message):
    return ApiError(400, "invalid_request_error", message)


def blocks_of(content):
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def key_of(headers):
    """Return the key. The SDK sends it as a bearer token since 2.0; Foundry as a header of its own."""
    scheme, _, key = headers.get("authorization", "").partition(" ")
    key = key if scheme.lower() == "bearer" else headers.get("x-api-key", "")
    if not key or "revoked" in key:
        raise ApiError(401, "authentication_error", "invalid api key")
    return key


def check_headers(headers):
    key = key_of(headers)
    if headers.get("anthropic-version") not in API_VERSIONS:
        raise bad("anthropic-version is not valid")
    if headers.get("anthropic-beta"):
        raise bad("anthropic-beta: beta features are off in this stand-in")
    return key


def check_body(body, *, paused):
    unknown, missing = body.keys() - FIELDS, {"messages", "model", "max_tokens"} - body.keys()
    if unknown:
        raise bad(f"{min(unknown)}: Extra inputs are not permitted")
    if missing or not body["messages"]:
        raise bad(f"{min(missing, default='messages')}: Field required")
    _check_turns(body["messages"])
    if body["messages"][-1]["role"] == "assistant" and not paused:
        raise bad("This model does not support assistant message prefill.")
    form = (body.get("output_config") or {}).get("format")
    if form is not None:
        if form.get("type") != "json_schema":
            raise bad("output_config.format.type: Input should be 'json_schema'")
        check_schema(form["schema"], "output_config.format.schema")
    for tool in body.get("tools") or []:
        check_schema(tool["input_schema"], f"tools.{tool['name']}")


def _check_turns(messages):
    waiting = set()
    for number, message in enumerate(messages):
        blocks = blocks_of(message.get("content", []))
        results = {b.get("tool_use_id") for b in blocks if b.get("type") == "tool_result"}
        if message["role"] == "user":
            if waiting != results:
                raise bad(f"messages.{number}: tool_use and tool_result do not pair")
            waiting = set()
        else:
            waiting = {b["id"] for b in blocks if b.get("type") == "tool_use"}
        if any(b.get("type") == "text" and not b.get("text", "").strip() for b in blocks):
            raise bad(f"messages.{number}: text content blocks must be non-empty")


def check_schema(schema, path):
    for key in schema:
        if key in UNSUPPORTED:
            raise bad(f"{path}: '{key}' is not supported")
    if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
        raise bad(f"{path}: 'additionalProperties' must be false")
    inner = {**schema.get("properties", {}), **schema.get("$defs", {})}
    if "items" in schema:
        inner["items"] = schema["items"]
    inner |= {f"anyOf.{n}": each for n, each in enumerate(schema.get("anyOf", []))}
    for name, each in inner.items():
        check_schema(each, f"{path}.{name}")
