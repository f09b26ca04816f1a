"""A crew: processes that train one network together, each on series of its own.

Every process has the whole network and a part of the series. What crosses from one to another are sums (of gradients,
losses, moments) and short tables, through TensorFlow's own collectives: a ring over gRPC. Sums are the same in all
processes to the last bit, so that all of them decide alike. One process alone is the group `SINGLE_PROCESS`, whose sums are
what it puts in.

Who is in a crew stands in the variable TF_CONFIG, as TensorFlow has it: `workers.py` sets it on one machine;
Kubernetes, Slurm or Ray set it on many.
"""

import faulthandler
import json
import signal
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.errors import ConfigError, WorkerLost
from forecast.runtime.distributed.launch import named
from forecast.typing import Array

# Seconds that a process waits for the others; whoever dies is mostly noticed at once.
PATIENCE = 600.0
# Seconds that TensorFlow has to connect those that have come.
BEGINNING = 120.0


@dataclass(frozen=True, eq=False)
class ProcessGroup:
    """One process among `size` that train together; `rank` 0 speaks and writes for all.

    Attributes:
        add: Sums a vector of float64 over the processes.
        chain: Puts vectors of int32 of all processes one behind the other.
    """

    rank: int = 0
    size: int = 1
    add: Callable[[Array], Array] | None = None
    chain: Callable[[NDArray[np.int32]], NDArray[np.int32]] | None = None

    def sum(self, arrays: Sequence[Any]) -> list[Array]:
        """The sum of each array over the processes; their shapes are the same in all.

        Raises:
            CrewLost: another process ended, or did not answer in time.
        """
        several = [np.asarray(array, np.float64) for array in arrays]
        if self.add is None:
            return several
        total = self.add(np.concatenate([array.ravel() for array in several]))
        parts = np.split(total, np.cumsum([array.size for array in several])[:-1])
        return [part.reshape(array.shape) for part, array in zip(parts, several, strict=True)]

    def gather(self, rows: NDArray[Any]) -> NDArray[Any]:
        """The rows (n, ...) of all processes, in their order; of numbers of 4 or 8 bytes.

        Raises:
            CrewLost: as `sum`.
        """
        if self.chain is None:
            return rows
        found = self.chain(np.ascontiguousarray(rows).reshape(-1).view(np.int32))
        return found.view(rows.dtype).reshape(-1, *rows.shape[1:])

    def collect(self, records: Sequence[Any]) -> list[Any]:
        """The records of all processes, in their order; of what JSON holds.

        Raises:
            CrewLost: as `sum`.
        """
        if self.chain is None:
            return list(records)
        text = "".join(f"{json.dumps(record)}\n" for record in records).encode()
        found = self.gather(np.frombuffer(text.ljust(-len(text) // 4 * -4, b"\n"), np.int32))
        return [json.loads(line) for line in found.tobytes().splitlines() if line]

    def part(self) -> None:
        """Waits until all processes have come to their end.

        Raises:
            CrewLost: as `sum`. A process that goes first may be gone before others know that it has come so far; by
                then all have.
        """
        self.sum([0.0])
        with suppress(WorkerLost):
            self.sum([0.0])

    def share(self, several: Sequence[str]) -> list[str]:
        """The part of this process: neighbours, so that all parts one behind the other are the whole."""
        first, stop = (len(several) * rank // self.size for rank in (self.rank, self.rank + 1))
        return list(several[first:stop])


SINGLE_PROCESS = ProcessGroup()


def join() -> ProcessGroup:
    """The crew that TF_CONFIG names, once all of its processes are there. Nothing else may use TensorFlow before.

    Raises:
        ConfigError: Keras has another backend, or a process sees several GPUs.
    """
    rank, places = named()
    size = len(places)
    if size < 2:
        return SINGLE_PROCESS
    import keras
    import tensorflow as tf

    if keras.backend.backend() != "tensorflow":
        raise ConfigError(
            f"workers train together on Keras' backend tensorflow. Received: {keras.backend.backend()}. "
            "Unset KERAS_BACKEND."
        )
    _assemble(rank, places)
    faulthandler.dump_traceback_later(BEGINNING, exit=True)  # nothing else wakes a process that waits in there
    distribute = tf.distribute
    options = distribute.experimental.CommunicationOptions(
        timeout_seconds=PATIENCE, implementation=distribute.experimental.CommunicationImplementation.RING
    )
    strategy = distribute.MultiWorkerMirroredStrategy(communication_options=options)
    faulthandler.cancel_dump_traceback_later()
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM))  # TensorFlow has taken it, and would not end
    if strategy.num_replicas_in_sync != size:
        raise ConfigError(
            f"each of {size} workers takes one GPU or none. Received: {strategy.num_replicas_in_sync} devices in all. "
            "Give each its own by CUDA_VISIBLE_DEVICES."
        )

    def add(vector: Any) -> Any:
        return distribute.get_replica_context().all_reduce(distribute.ReduceOp.SUM, tf.identity(vector), options)

    def chain(vector: Any) -> Any:
        return distribute.get_replica_context().all_gather(tf.identity(vector), 0, options)

    return ProcessGroup(
        rank,
        size,
        _collective(strategy, add, tf.float64, rank, size),
        _collective(strategy, chain, tf.int32, rank, size),
    )


def _collective(strategy: Any, one: Callable[[Any], Any], dtype: Any, rank: int, size: int) -> Callable[..., Any]:
    """A function over all processes of one vector in each.

    It is traced once, for any length: processes that traced it anew at different times would wait for one another.
    """
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec([None], dtype)], autograph=False)  # type: ignore[untyped-decorator]
    def over_all(vector: Any) -> Any:
        return strategy.run(one, args=(vector,))

    def call(vector: NDArray[Any]) -> NDArray[Any]:
        try:
            return np.asarray(over_all(tf.constant(vector, dtype)))
        except tf.errors.OpError as error:
            raise WorkerLost(_lost(rank, size, type(error).__name__)) from error

    return call


def _lost(rank: int, size: int, reason: str) -> str:
    return (
        f"worker {rank} of {size}: another worker ended, or did not answer within {PATIENCE:.0f} s ({reason}). "
        "Look at what the others said, and start all of them again."
    )


def _assemble(rank: int, places: Sequence[str]) -> None:
    """Waits until all are there: they knock at the address of the first, which lets them go on together.

    TensorFlow would wait for them as well, but so that nothing could end it.
    """
    until = time.monotonic() + PATIENCE
    host, port = places[0].rsplit(":", 1)
    try:
        if rank:
            _knock((host, int(port)), until)
            return
        with ExitStack() as stack:
            door = stack.enter_context(socket.create_server(("", int(port)), backlog=len(places)))
            guests = [stack.enter_context(_next_guest(door, until)) for _ in places[1:]]
            for guest in guests:
                guest.sendall(b"go")
            for guest in guests:
                guest.recv(1)  # they hang up first, so that the port is free at once
    except OSError as error:
        raise WorkerLost(_lost(rank, len(places), f"not all have come to {places[0]}: {error}")) from error


def _next_guest(door: socket.socket, until: float) -> socket.socket:
    door.settimeout(max(0.0, until - time.monotonic()))
    guest = door.accept()[0]
    guest.settimeout(PATIENCE)
    return guest


def _knock(place: tuple[str, int], until: float) -> None:
    """Waits at the door of the first process until it lets all go on."""
    while True:
        try:
            with socket.create_connection(place, timeout=max(1.0, until - time.monotonic())) as door:
                if door.recv(2) == b"go":
                    return
        except OSError:
            if time.monotonic() > until:
                raise
        time.sleep(0.1)
