"""Whether the server lives, what it does, and what it can be asked."""

import resource
import sys
from pathlib import Path

from forecast.serve.handlers.base import Handler
from forecast.serve.openapi import document

PAGE = resource.getpagesize()


class Healthz(Handler):
    """`/healthz`: 200, or 503 while the server ends."""

    def get(self) -> None:
        stopping = self.state.stopping.is_set()
        self.send({"status": "stopping" if stopping else "ok"}, 503 if stopping else 200)


class MetricsText(Handler):
    """`/metrics`."""

    def get(self) -> None:
        self.set_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        text = self.state.metrics.text(
            self.state.store.counts(), waiting=self.state.sandbox.waiting, memory=memory_here()
        )
        self.write(text)


class OpenApi(Handler):
    """`/v1/openapi.json`."""

    def get(self) -> None:
        self.send(document())


def memory_here() -> int:
    """Bytes of memory that this process holds."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * PAGE
    except OSError:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024
