"""A real server on loopback, for tests: started as a command, asked by the standard library."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

READY = re.compile(r"at http://[^ ]*:(\d+)")


class Answer:
    """Status, headers and body of an answer."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)


class Server:
    """`forecast serve` in a folder, as a process of its own."""

    def __init__(self, folder, *options, env=None):
        self.folder, self.options, self.env, self.process, self.port = Path(folder), options, env or {}, None, 0

    def start(self):
        command = [sys.executable, "-m", "forecast", "serve", "--folder", str(self.folder), "--port", "0", "--offline"]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3", **self.env}
        self.log = (self.folder.parent / f"{self.folder.name}.log").open("w+")
        self.process = subprocess.Popen(
            [*command, *self.options], stderr=self.log, stdout=subprocess.DEVNULL, env=environment
        )
        deadline = time.monotonic() + 60
        while not (found := READY.search(self.said())):
            assert self.process.poll() is None and time.monotonic() < deadline, self.said()
            time.sleep(0.05)
        self.port = int(found[1])
        return self

    def said(self):
        return Path(self.log.name).read_text()

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        status = self.process.wait(60)
        self.log.close()
        return status

    def ask(self, method, path, body=None, *, port=None, **headers):
        """One request; a body that is no text or bytes is sent as JSON."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None and not isinstance(body, str | bytes):
            body, given = json.dumps(body), {"Content-Type": "application/json", **given}
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=300)
        try:
            connection.request(method, path, body, given)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def get(self, path, **headers):
        return self.ask("GET", path, **headers)

    def post(self, path, body=None, **headers):
        return self.ask("POST", path, body, **headers)

    def send(self, raw, *, wait=10.0, half_close=False):
        """Send bytes as they are; what comes back until the server closes or nothing comes for `wait` seconds."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=wait) as connection:
            found = b""
            # A server that refuses need not read to the end: it may have closed before all was sent.
            with contextlib.suppress(OSError):
                connection.sendall(raw)
                if half_close:
                    connection.shutdown(socket.SHUT_WR)
            with contextlib.suppress(OSError):
                while part := connection.recv(65536):
                    found += part
            return found

    def job(self, number, *states, seconds=180):
        """Wait until a job is in one of some states."""
        deadline = time.monotonic() + seconds
        while (job := self.get(f"/v1/jobs/{number}").json)["state"] not in states:
            assert time.monotonic() < deadline, job
            time.sleep(0.1)
        return job
