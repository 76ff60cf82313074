"""Large answers: decoded in a thread, entry by entry, so that no call waits for another patient's chart."""

import asyncio

import msgspec

from cds_service.domain.json import decode

LARGE_BYTES = 1024 * 1024
_split = msgspec.json.Decoder(dict[str, msgspec.Raw])
_split_list = msgspec.json.Decoder(list[msgspec.Raw])


async def decoded(body: bytes) -> object:
    """Decode a body as `domain.json.decode` does. Raises `NotJson`.

    The decoder keeps the interpreter to itself while it works: a Bundle is cut into its entries first, at
    more than 300 MB a second, and each is decoded by itself, so that the event loop gets its turn between them.
    """
    if len(body) < LARGE_BYTES:
        return decode(body)
    return await asyncio.to_thread(_in_parts, body)


def _in_parts(body: bytes) -> object:
    try:
        parts = _split.decode(body)
        entries = _split_list.decode(parts["entry"])
    except (msgspec.DecodeError, KeyError, RecursionError, UnicodeDecodeError):
        return decode(body)  # no Bundle, or no JSON at all
    return {
        name: [decode(bytes(entry)) for entry in entries]
        if name == "entry"
        else decode(bytes(part))
        for name, part in parts.items()
    }
