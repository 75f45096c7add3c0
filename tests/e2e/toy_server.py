"""The server of the toys: `server.py PORT [WISH…]`; a wish is something bad it does."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

wishes = sys.argv[2:]


def say(*words):
    """Into the log; where that is full a server goes on without."""
    with contextlib.suppress(OSError):
        print(*words, flush=True)


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = json.dumps({"pid": os.getpid(), "env": dict(os.environ)} if self.path == "/env" else {"pid": os.getpid()})
        raw = body.encode("utf-8", "surrogateescape")
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, form, *words):
        if not self.path.startswith("/health"):
            say("GET", self.path)


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, address):
        """A client that went away is no error."""

    def server_bind(self):
        # Without the look-up of the host's name that HTTPServer does.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = self.server_address


def main():
    say("hello from the toy")
    if "crash" in wishes:
        say("the last words of the toy")
        sys.exit(7)
    if "deaf" in wishes:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGTERM, lambda number, frame: os._exit(0))
    if "breed" in wishes:
        # A child that leaves the session and the group, and whose parent ends: sleep, adopted by somebody else.
        subprocess.run(["setsid", "--fork", "setsid", "--fork", "sleep", "600"], check=True)
    Server(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()


main()
