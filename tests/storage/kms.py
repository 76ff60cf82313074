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
    setting: str = ""
    """`CDS_KEYRING` for who uses it."""

    def rotate(self):
        self.keys[f"kms{len(self.keys):05}"] = AESGCM.generate_key(256)

    def answer(self, question):
        self.asked.append(question["do"])
        newest = list(self.keys)[-1]
        if question["do"] == "newest":
            return {"kid": newest}
        place = question["place"].encode()
        if question["do"] == "wrap":
            nonce, key = os.urandom(12), b64decode(question["key"])
            sealed = newest.encode() + nonce + AESGCM(self.keys[newest]).encrypt(nonce, key, place)
            return {"wrapped": b64encode(sealed).decode()}
        sealed = b64decode(question["wrapped"])
        cipher = AESGCM(self.keys[sealed[:8].decode()])
        return {"key": b64encode(cipher.decrypt(sealed[8:20], sealed[20:], place)).decode()}


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
