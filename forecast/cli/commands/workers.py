"""The processes of `forecast train --workers`, which train one network together."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from forecast.config import ExperimentConfig
    from forecast.data.series import TimeSeries
    from forecast.runtime.distributed.process_group import ProcessGroup


def workers_to_start(workers: int | None) -> int:
    """How many processes this one starts, itself among them, and divides the cores with; 1 where it is one of some."""
    from forecast.errors import ConfigError
    from forecast.runtime.distributed import launch

    named = len(launch.read_tf_config()[1])
    if named > 1 and workers not in (None, named):
        raise ConfigError(f"--workers must be as many as {launch.VARIABLE} names, {named}. Received: {workers}.")
    if named > 1 or not workers or workers == 1:
        return 1
    launch.divide_cores(workers)
    return workers


@contextmanager
def process_group(count: int, name: str, config: "ExperimentConfig", *, resume: bool) -> "Iterator[ProcessGroup]":
    """The processes that train together within the block; mostly this one by itself."""
    from forecast.runtime import devices
    from forecast.runtime.distributed import launch
    from forecast.runtime.distributed.process_group import SINGLE_PROCESS, join

    size = max(count, len(launch.read_tf_config()[1]))
    if size == 1:
        yield SINGLE_PROCESS
        return
    _check_workers(size, name, config, resume=resume)
    with ExitStack() as stack:
        if count > 1:
            stack.enter_context(launch.start_workers(count, [sys.executable, "-m", "forecast", *sys.argv[1:]]))
        devices.load_keras()
        yield stack.enter_context(join())


def _check_workers(size: int, name: str, config: "ExperimentConfig", *, resume: bool) -> None:
    """Refuse what several processes do not train together."""
    from forecast.errors import ConfigError
    from forecast.models import NETWORKS, find_model

    if resume:
        raise ConfigError("workers train a network from its start, without --resume. Leave one of them out.")
    if not find_model(name).is_network:
        raise ConfigError(f"workers train a network together: {', '.join(NETWORKS)}. Received: {name}.")
    if config.training.batch < size:
        batch = config.training.batch
        raise ConfigError(f"each worker needs a block of every batch. Received: {size} workers, a batch of {batch}.")


def check_same_work(group: "ProcessGroup", several: "list[TimeSeries]", config: "ExperimentConfig") -> None:
    """Refuse workers that would train on other series, or with other settings, than the others."""
    from forecast.errors import ConfigError

    if group.size == 1:
        return
    if not group.agree(repr([config, *(one.fingerprint() for one in several)])):
        raise ConfigError(
            f"all workers must have the same settings and find the same series. Worker {group.rank} found "
            f"{len(several)}, others found different ones. Give them the same files under the same paths."
        )
