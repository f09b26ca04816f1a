"""What a server is started with: where it listens, which folder it serves, and how much anyone may ask of it."""

import ipaddress
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, Self

from forecast.config import Config, option
from forecast.errors import ConfigError

LogFormat = Literal["text", "json"]
# Where programs of this machine alone come from.
LOOPBACK = ("localhost",)
MIB = 1 << 20


@dataclass(frozen=True)
class ServerSettings(Config):
    """The settings of a server.

    Attributes:
        folder: The folder with series, models, runs and jobs; nothing outside it is read or written.
        token: What requests must bring where the server listens beyond this machine; empty on loopback.
        names: Further names that the server is asked by, as behind a proxy.
        upload: Bytes of one request.
        uploads: Bytes of all requests that are being received.
        series: Series in the folder, and in one request.
        rows: Rows of one series in a request.
        memory: MiB that reading a file or a first answer may take.
        seconds: Time for it.
        side_by_side: How many are made side by side; further ones wait.
        jobs: Trainings side by side.
        connections: Open connections of each process that answers.
        queue: Trainings that may wait.
        job_memory: MiB of data of a training; 0 for no limit.
        job_seconds: Time for a training.
        grace: Seconds for open requests when the server is told to end.
    """

    folder: str = "workspace"
    host: str = "127.0.0.1"
    port: int = option(8000, at_least=0, below=65536)
    token: str = ""
    names: tuple[str, ...] = ()
    workers: int = option(1, at_least=1, below=257)
    offline: bool = False
    log_format: LogFormat = "text"
    upload: int = option(64 * MIB, at_least=1024)
    uploads: int = option(256 * MIB, at_least=1024)
    series: int = option(1000, at_least=1)
    rows: int = option(200_000, at_least=1)
    memory: int = option(2048, at_least=64)
    seconds: int = option(60, at_least=1)
    side_by_side: int = option(2, at_least=1)
    jobs: int = option(1, at_least=1)
    queue: int = option(20, at_least=0)
    job_memory: int = option(16384, at_least=0)
    job_seconds: int = option(12 * 3600, at_least=1)
    connections: int = option(1000, at_least=1)
    grace: int = option(10, at_least=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.is_local and len(self.token) < 16:
            raise ConfigError(
                "beyond this machine a server asks for a token of at least 16 characters. Received: less."
            )

    @property
    def is_local(self) -> bool:
        """Whether only programs of this machine can reach the server."""
        return is_loopback(self.host)

    @property
    def place(self) -> Path:
        """The folder, absolute."""
        return Path(self.folder).absolute()

    def to_json(self) -> str:
        """The settings as text, for a process that is started with them."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The inverse of `to_json`."""
        fields = json.loads(text)
        return cls(**{**fields, "names": tuple(fields["names"])})


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, seen from itself."""
    if host.casefold() in LOOPBACK:
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
