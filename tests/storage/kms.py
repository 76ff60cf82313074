"""A key management service on loopback, and the program that an operator would put between it and us.

Run as a program with the service's address it passes one question on and prints the answer.
"""

import json
import os
import sys
import threading
import urllib.error
import urllib.request
from base64 import b64decode, b64encode
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


@dataclass
class Service:
    """Wraps and unwraps under keys that never leave it; it notes what it was asked."""

    keys: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    together: int = 1
    """An unwrapping waits until so many are under way."""
    wraps: threading.Event = field(default_factory=threading.Event)
    """While it is not set, a wrapping hangs."""
    was_to_wrap: threading.Event = field(default_factory=threading.Event)
    most: int = 0
    """Unwrappings that were under way at once."""
    _under_way: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)
    setting: str = ""
    """`CDS_KEYRING` for who uses it."""

    def __post_init__(self):
        self.wraps.set()

    def rotate(self):
        self.keys[f"kms{len(self.keys):05}"] = AESGCM.generate_key(256)

    def answer(self, question):
        self.asked.append(question["do"])
        newest = list(self.keys)[-1]
        if question["do"] == "newest":
            return {"kid": newest}
        place = question["place"].encode()
        kid = question["kid"]
        cipher = AESGCM(self.keys[kid])
        if question["do"] == "wrap":
            self.was_to_wrap.set()
            self.wraps.wait(20)
            nonce, key = os.urandom(12), b64decode(question["key"])
            wrapped = nonce + cipher.encrypt(nonce, key, place)
            return {"wrapped": b64encode(wrapped).decode(), "kid": kid}
        self._meet()
        wrapped = b64decode(question["wrapped"])
        return {"key": b64encode(cipher.decrypt(wrapped[:12], wrapped[12:], place)).decode()}

    def _meet(self):
        with self._changed:
            self._under_way += 1
            self.most = max(self.most, self._under_way)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self.most >= self.together, 5)
            self._under_way -= 1


@contextmanager
def serving():
    """Run the service; this will be it, with one key."""
    service = Service()
    service.rotate()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            try:
                status, told = 200, service.answer(json.loads(body))
            except (InvalidTag, KeyError):
                status, told = 403, {"error": "not allowed"}
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(told).encode())

        def log_message(self, *_args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    service.setting = f"kms:{sys.executable} {__file__} http://127.0.0.1:{server.server_port}"
    try:
        yield service
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


if __name__ == "__main__":
    request = urllib.request.Request(sys.argv[1], data=sys.stdin.buffer.read())
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            sys.stdout.buffer.write(response.read())
    except urllib.error.URLError as problem:
        sys.exit(f"kms: {problem}")
