"""Counts of what a server does, in the text format of Prometheus.

Source: Prometheus, Exposition formats, text version 0.0.4.
"""

from collections import Counter
from collections.abc import Iterator, Mapping

# Upper ends of the classes of durations, in seconds.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """Requests by route, method and status, and how long they took."""

    def __init__(self) -> None:
        self.requests, self.durations = Counter[tuple[str, str, int]](), Counter[float]()
        self.seconds, self.count, self.open, self.receiving = 0.0, 0, 0, 0

    def seen(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        self.requests[route, method, status] += 1
        self.seconds += seconds
        self.count += 1
        for end in BUCKETS:
            if seconds <= end:
                self.durations[end] += 1

    def text(self, jobs: Mapping[str, int], *, waiting: int, memory: int) -> str:
        """All of it, with jobs by state, tasks in the sandbox, and bytes of memory of this process."""
        return "\n".join(self._lines(jobs, waiting, memory)) + "\n"

    def _lines(self, jobs: Mapping[str, int], waiting: int, memory: int) -> Iterator[str]:
        yield from _head("forecast_requests_total", "counter", "Requests that were answered.")
        for (route, method, status), count in sorted(self.requests.items()):
            yield f'forecast_requests_total{{route="{route}",method="{method}",status="{status}"}} {count}'
        yield from _head("forecast_request_seconds", "histogram", "How long answers took.")
        for end in BUCKETS:
            yield f'forecast_request_seconds_bucket{{le="{end:g}"}} {self.durations[end]}'
        yield f'forecast_request_seconds_bucket{{le="+Inf"}} {self.count}'
        yield f"forecast_request_seconds_sum {self.seconds:.6f}"
        yield f"forecast_request_seconds_count {self.count}"
        yield from _head("forecast_jobs", "gauge", "Jobs in each state.")
        for state, count in sorted(jobs.items()):
            yield f'forecast_jobs{{state="{state}"}} {count}'
        for name, value, text in (
            ("forecast_open_requests", self.open, "Requests that are being answered."),
            ("forecast_receiving_bytes", self.receiving, "Bytes of bodies that are being received."),
            ("forecast_sandbox_tasks", waiting, "Tasks that run or wait in the sandbox."),
            ("process_resident_memory_bytes", memory, "Memory of this process."),
        ):
            yield from _head(name, "gauge", text)
            yield f"{name} {value}"


def _head(name: str, kind: str, text: str) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"
