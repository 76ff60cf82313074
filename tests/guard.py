"""Nobody but this machine is spoken to by a test: an audit hook refuses every other address."""

import os
import socket
import sys

_HERE = frozenset({"localhost", "::1", "", "0.0.0.0", "::", "testserver"})
_EVENTS = frozenset({"socket.connect", "socket.getaddrinfo", "socket.sendto"})
_SECRETS = ("ANTHROPIC_", "AWS_BEARER_TOKEN_BEDROCK", "CLOUD_ML_REGION", "CDS_MODEL_")


class NotLoopback(RuntimeError):
    """A test tried to leave this machine."""


def stay_here() -> None:
    """Refuse other machines from now on, in this process, and forget every key of a model."""
    for name in [each for each in os.environ if each.startswith(_SECRETS)]:
        del os.environ[name]
    sys.addaudithook(_check)


def _check(event: str, args: tuple[object, ...]) -> None:
    if event not in _EVENTS:
        return
    if event == "socket.getaddrinfo" and _is_number(args[0]):
        return  # a number is not looked up anywhere; who connects to it is asked then
    address = args[0] if event == "socket.getaddrinfo" else args[-1]
    host = address[0] if isinstance(address, tuple) else address
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if isinstance(host, str) and not (
        host in _HERE or host.startswith(("127.", "/", "\0", "@")) or host.endswith(".test")
    ):
        raise NotLoopback("a test may speak to this machine only")


def _is_number(host: object) -> bool:
    try:
        socket.inet_aton(str(host))
    except OSError:
        return ":" in str(host)
    return True
