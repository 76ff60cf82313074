"""How the engine stores what it must remember: JSON, sealed, never pickled."""

from base64 import b85decode, b85encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dbos import Serializer
from typing_extensions import override

from cds_service.domain.json import decode, encode
from cds_service.domain.steps import Permanent, Stopped, Temporary

_PROBLEM = "!"
_VALUE = "value"
"""What stands in place of a problem's kind before a value that would read as a problem itself."""


@dataclass(frozen=True, slots=True)
class SealedJson(Serializer):
    """Turns arguments, results and problems into sealed JSON.

    A problem is kept as its kind and its reason code: nothing of its text or its trace. A value that is no JSON is a
    programming error and raises `TypeError`.
    """

    seal: Callable[[bytes], bytes]
    open: Callable[[bytes], bytes]

    @override
    def serialize(self, data: Any) -> str:
        value = _told(data) if isinstance(data, BaseException) else _apart(data)
        return b85encode(self.seal(encode(value))).decode("ascii")

    @override
    def deserialize(cls, serialized_data: str) -> Any:  # noqa: N805  # the library's own name
        value = decode(cls.open(b85decode(serialized_data)))
        return _read(value) if isinstance(value, dict) and _PROBLEM in value else value

    @override
    def name(self) -> str:
        return "sealed_json"


def _apart(data: Any) -> Any:  # noqa: ANN401  # any JSON
    return (
        {_PROBLEM: _VALUE, _VALUE: data} if isinstance(data, dict) and _PROBLEM in data else data
    )


def _told(problem: BaseException) -> dict[str, str]:
    if isinstance(problem, Stopped):
        return {_PROBLEM: type(problem).__name__, "reason": problem.reason}
    return {_PROBLEM: "Permanent", "reason": f"crashed_{type(problem).__name__}"}


def _read(told: dict[str, Any]) -> Any:  # noqa: ANN401  # any JSON
    if told[_PROBLEM] == _VALUE:
        return told[_VALUE]
    kind = Temporary if told[_PROBLEM] == "Temporary" else Permanent
    return kind(told["reason"])
