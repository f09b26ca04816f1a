"""The processes that train one network together, each on its share of every batch.

    with join() as group:    connect to the processes that TF_CONFIG names
        current()            the group of the block, which the training loop asks for; SINGLE_PROCESS outside

All processes hold the same series and the same network, and compute the same up to the gradient of a batch. What
crosses from one process to another are sums, through TensorFlow's own collectives: a ring over gRPC. A sum is the same
in all processes to the last bit. `launch.py` sets TF_CONFIG on one machine; Kubernetes, Slurm or Ray set it on many.
"""

import faulthandler
import hashlib
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import numpy as np

from forecast.errors import ConfigError, WorkerLost
from forecast.runtime.distributed.launch import read_tf_config
from forecast.typing import Array

# Seconds that a process waits for the others; one that dies is mostly noticed at once.
TIMEOUT = 600.0
# Seconds that TensorFlow has to connect processes that have all arrived.
CONNECT_TIMEOUT = 120.0
# Hexadecimal digits of a checksum whose sum over thousands of processes float64 holds exactly.
EXACT_DIGITS = 10


@dataclass(frozen=True, eq=False)
class ProcessGroup:
    """One process among `size` that train together; the process of rank 0 prints and writes for all.

    Attributes:
        sum_over_all: Sums a vector of float64 over the processes; None for a process by itself.
    """

    rank: int = 0
    size: int = 1
    sum_over_all: Callable[[Array], Array] | None = None

    def all_reduce(self, vector: Array) -> Array:
        """The sum over the processes of a vector (n,), in float64.

        Raises:
            WorkerLost: another process ended, or did not answer in time.
        """
        vector = np.asarray(vector, np.float64)
        return vector if self.sum_over_all is None else self.sum_over_all(vector)

    def mean(self, value: float) -> float:
        """The mean over the processes, the same in all: processors may round differently, decisions must not."""
        return float(self.all_reduce(np.array([value]))[0]) / self.size

    def agree(self, text: str) -> bool:
        """Whether all processes give the same text."""
        checksum = float(int(hashlib.sha256(text.encode()).hexdigest()[:EXACT_DIGITS], 16))
        return self.mean(checksum) == checksum

    def barrier(self) -> None:
        """Wait until all processes have come so far.

        Raises:
            WorkerLost: as `all_reduce`. A process that leaves after the first sum may be gone before another has the
                second one; by then all have come.
        """
        self.mean(0.0)
        with suppress(WorkerLost):
            self.mean(0.0)


SINGLE_PROCESS = ProcessGroup()
_current = ContextVar("process group", default=SINGLE_PROCESS)


def current() -> ProcessGroup:
    """The group that this process trains in."""
    return _current.get()


@contextmanager
def join() -> Iterator[ProcessGroup]:
    """Train in the group that TF_CONFIG names within the block; nothing else may use TensorFlow before.

    The block begins once all processes are there, and ends once all have come to its end.

    Raises:
        ConfigError: Keras has another backend, or a process sees several GPUs.
        WorkerLost: another process ended, or did not answer in time.
    """
    group = _connect(*read_tf_config())
    token = _current.set(group)
    try:
        yield group
        group.barrier()
    finally:
        _current.reset(token)


def _connect(rank: int, addresses: Sequence[str]) -> ProcessGroup:
    if len(addresses) < 2:
        return SINGLE_PROCESS
    import keras
    import tensorflow as tf

    if keras.backend.backend() != "tensorflow":
        raise ConfigError(
            f"workers train together on Keras' backend tensorflow. Received: {keras.backend.backend()}. "
            "Unset KERAS_BACKEND."
        )
    _wait_for_all(rank, addresses)
    faulthandler.dump_traceback_later(CONNECT_TIMEOUT, exit=True)  # nothing else wakes a process that waits in there
    distribute = tf.distribute
    options = distribute.experimental.CommunicationOptions(
        timeout_seconds=TIMEOUT, implementation=distribute.experimental.CommunicationImplementation.RING
    )
    strategy = distribute.MultiWorkerMirroredStrategy(communication_options=options)
    faulthandler.cancel_dump_traceback_later()
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM))  # TensorFlow's handler would not end the process
    size = len(addresses)
    if strategy.num_replicas_in_sync != size:
        raise ConfigError(
            f"each of {size} workers takes one GPU or none. Received: {strategy.num_replicas_in_sync} devices in all. "
            "Give each its own by CUDA_VISIBLE_DEVICES."
        )
    return ProcessGroup(rank, size, _sum_over(strategy, options, rank))


def _sum_over(strategy: Any, options: Any, rank: int) -> Callable[[Array], Array]:
    """Sum a vector over all processes.

    The function is traced once, for any length: processes that traced it anew at different times would wait for one
    another.
    """
    import tensorflow as tf

    def reduce(vector: Any) -> Any:
        replica = tf.distribute.get_replica_context()
        return replica.all_reduce(tf.distribute.ReduceOp.SUM, tf.identity(vector), options)

    signature = [tf.TensorSpec([None], tf.float64)]

    @tf.function(input_signature=signature, autograph=False)  # type: ignore[untyped-decorator]
    def reduce_over_all(vector: Any) -> Any:
        return strategy.run(reduce, args=(vector,))

    def sum_over_all(vector: Array) -> Array:
        try:
            return np.asarray(reduce_over_all(tf.constant(vector, tf.float64)))
        except tf.errors.OpError as error:
            raise WorkerLost(_lost(rank, strategy.num_replicas_in_sync, type(error).__name__)) from error

    return sum_over_all


def _lost(rank: int, size: int, reason: str) -> str:
    return (
        f"worker {rank} of {size}: another worker ended, or did not answer within {TIMEOUT:.0f} s ({reason}). "
        "Look at what the others said, and start all of them again."
    )


def _wait_for_all(rank: int, addresses: Sequence[str]) -> None:
    """Wait until all processes have connected to the first, which then lets them go on together.

    TensorFlow would wait for them as well, but neither Ctrl-C nor a timeout could end that.
    """
    deadline = time.monotonic() + TIMEOUT
    host, port = addresses[0].rsplit(":", 1)
    try:
        if rank:
            _wait_for_first((host, int(port)), deadline)
            return
        with ExitStack() as stack:
            server = stack.enter_context(socket.create_server(("", int(port)), backlog=len(addresses)))
            others = [stack.enter_context(_accept(server, deadline)) for _ in addresses[1:]]
            for other in others:
                other.sendall(b"go")
            for other in others:
                other.recv(1)  # they hang up first, so that the port is free at once
    except OSError as error:
        raise WorkerLost(_lost(rank, len(addresses), f"not all have come to {addresses[0]}: {error}")) from error


def _accept(server: socket.socket, deadline: float) -> socket.socket:
    server.settimeout(max(0.0, deadline - time.monotonic()))
    other = server.accept()[0]
    other.settimeout(TIMEOUT)
    return other


def _wait_for_first(address: tuple[str, int], deadline: float) -> None:
    """Connect to the first process, again and again until it is there, and wait for its word to go on."""
    while True:
        try:
            with socket.create_connection(address, timeout=max(1.0, deadline - time.monotonic())) as first:
                if first.recv(2) == b"go":
                    return
        except OSError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.1)
