"""Forecast thousands of series in workers, into one Parquet file.

    references ── shards ──┬── worker: load, forecast, write a shard ──┬── FORECASTS.parquet
                           └── worker: ...                             ┘   FORECASTS.errors.csv

In: a bundle and references as `expand` gives them. Out: the file, and a table of errors beside it.

A shard's name holds the key of all that its numbers depend on (bundle, files, load options, version), so the same call
resumes with the finished shards and never uses others. A worker holds one shard in memory, this process a row group.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache, partial
from itertools import groupby
from pathlib import Path
from typing import Any

from forecast.data.series import TimeSeries
from forecast.data.sources import load_each
from forecast.data.sources.expand import file_of
from forecast.data.sources.parquet import is_parquet, is_partition, parquet_files
from forecast.errors import ConfigError, ForecastError
from forecast.inference.batch.shards import (
    ShardInfo,
    join_shards,
    read_shard_info,
    shards_folder,
    write_errors,
    write_shard,
)
from forecast.inference.bundle import open_model
from forecast.inference.bundle.storage import DESCRIPTION, digest, opened
from forecast.inference.predict import predict_all
from forecast.inference.trained_model import TrainedModel
from forecast.runtime.atomic import held_folder, remove_files
from forecast.runtime.parallel import LOCAL, OnProgress, Progress, check_engine, run_jobs
from forecast.runtime.resume_key import resume_key

# Changes whenever the numbers of a shard may.
FORMAT = 1
# Names of shards.
SHARD = re.compile(r"[0-9a-f]{32}\.parquet")
# Series in a shard; more where they share a text file, which is read once for a shard.
SIZE, SIZE_OF_TEXT = 100, 1000


@dataclass(frozen=True, eq=False)
class Shard:
    """Series that a worker loads and forecasts at once.

    Attributes:
        sha256: Of the bundle's description, which holds those of its other files.
        load_options: Arguments of `load`.
        file: The part that the batch leaves.
    """

    bundle: Path
    sha256: str
    references: tuple[str, ...]
    load_options: Mapping[str, Any]
    file: Path


@dataclass(frozen=True)
class BatchResult:
    """How many series were forecast, and why others were not.

    Attributes:
        new: Series that the model was not trained on.
        with_issues: Series with data issues, which `forecast inspect` names.
        errors: Why there is no forecast, by reference.
    """

    done: int
    new: int
    with_issues: int
    errors: Mapping[str, str]


def predict_many(
    bundle: Path,
    references: Sequence[str],
    out: Path,
    *,
    jobs: int | None,
    engine: str = LOCAL,
    load_options: Mapping[str, Any],
    on_progress: OnProgress | None = None,
) -> BatchResult:
    """Forecast series into the Parquet file `out`, with a table beside it of those that have no forecast.

    Args:
        references: As `expand` gives them.
        jobs: Processes that work side by side, None as many as there are cores; the result does not depend on it.
        engine: Where they work (`parallel.run_jobs`); on a cluster every machine must see series, model and `out`.
        load_options: Arguments of `load`.
        on_progress: Called at the start and after each batch.
    Raises:
        BundleError: the bundle cannot be used.
        ConfigError: the model gives directions, or a number is out of range.
        WriteError: a file cannot be written, or another process writes to `out`.
    """
    check_engine(engine, jobs)
    if open_model(bundle).config.task == "direction":
        raise ConfigError("a file of many forecasts holds values, not directions. Use --csv for those.")
    with opened(bundle) as storage:
        sha256 = digest(storage, DESCRIPTION, bundle)[1]
    folder = shards_folder(out)
    shards = []
    for several in _split_references(list(dict.fromkeys(references))):
        file = folder.absolute() / f"{_key(several, load_options, sha256)}.parquet"
        shards.append(Shard(bundle.absolute(), sha256, several, load_options, file))
    with held_folder(folder):
        _remove_stale(folder, {shard.file.name for shard in shards})
        lost = _run_shards(shards, partial(run_jobs, workers=jobs, engine=engine), on_progress or (lambda _: None))
        files = [shard.file for shard in shards if shard.file.exists()]
        infos = [read_shard_info(file) for file in files]
        errors = {reference: error for info in infos for reference, error in info.errors.items()} | lost
        join_shards(files, infos, out)
        write_errors(errors, out)
        remove_files(folder, SHARD)
    return BatchResult(
        done=sum(len(info.names) for info in infos),
        new=sum(info.new for info in infos),
        with_issues=sum(info.with_issues for info in infos),
        errors=errors,
    )


def _key(references: Sequence[str], load_options: Mapping[str, Any], sha256: str) -> str:
    """The resume key of a shard."""
    series = [(reference, _file_state(reference)) for reference in references]
    return resume_key(format=FORMAT, bundle=sha256, load_options=dict(load_options), series=series)[:32]


def _split_references(references: list[str]) -> Iterator[tuple[str, ...]]:
    """Split references into shards; keep those of one text file together."""
    for file, several in groupby(references, key=lambda reference: _text_file(reference)):
        together, size = list(several), SIZE_OF_TEXT if file else SIZE
        for start in range(0, len(together), size):
            yield tuple(together[start : start + size])


def _text_file(reference: str) -> str | None:
    file = file_of(reference)
    return None if file is None or is_parquet(Path(file)) else file


def _file_state(reference: str) -> list[Any]:
    """What changes with the rows of a series: size and time of its file, or the day for a ticker."""
    file = Path(file_of(reference) or reference)
    files = parquet_files(file) if is_partition(file) else [file]
    try:
        return [[str(one.absolute()), one.stat().st_size, one.stat().st_mtime_ns] for one in files]
    except OSError:
        return [f"{datetime.now(UTC):%Y-%m-%d}"]


def _remove_stale(folder: Path, wanted: Set[str]) -> None:
    """Remove shards of other series, or of older rows."""
    for file in folder.glob("*.parquet"):
        if file.name not in wanted and SHARD.fullmatch(file.name):
            file.unlink(missing_ok=True)


def _run_shards(shards: Sequence[Shard], run: Any, on_progress: OnProgress) -> dict[str, str]:
    """Run the missing shards; return the errors of series whose shard failed as a whole."""
    missing, lost = [], dict[str, str]()
    progress = Progress("series", 0, 0, total=sum(len(shard.references) for shard in shards))
    for shard in shards:
        if shard.file.exists():
            info = read_shard_info(shard.file)
            progress = progress.plus(len(info.names), len(info.errors))
        else:
            missing.append(shard)
    on_progress(progress)
    for result in run(forecast_shard, missing):
        references = missing[result.place].references
        if result.error:
            lost |= dict.fromkeys(references, result.error)
        good = result.result or 0
        progress = progress.plus(good, len(references) - good)
        on_progress(progress)
    return lost


def forecast_shard(shard: Shard) -> int:
    """Load and forecast the series of a shard, write it, and return the number of forecasts."""
    model = _open(shard.bundle, shard.sha256)
    read = list(load_each(shard.references, **shard.load_options))
    errors = {reference: str(one) for reference, one in read if isinstance(one, ForecastError)}
    counted = model.trained_on[0].is_counted
    errors |= {
        reference: f"{one.name}: a file of forecasts has dates, or counts, for all series, as those that the model was "
        "trained on. This one is of the other kind."
        for reference, one in read
        if isinstance(one, TimeSeries) and one.grid.is_counted != counted
    }
    series = _with_unique_names({reference: one for reference, one in read if isinstance(one, TimeSeries)})
    series = {reference: one for reference, one in series.items() if reference not in errors}
    made, failed = predict_all(model, list(series.values())) if series else ([], {})
    errors |= {reference: str(failed[one.name]) for reference, one in series.items() if one.name in failed}
    info = ShardInfo(
        names={reference: one.name for reference, one in series.items() if reference not in errors},
        errors=errors,
        new=sum(model.known(one) is None for one in series.values() if one.name not in failed),
        with_issues=sum(bool(one.findings) for one in series.values() if one.name not in failed),
    )
    write_shard(made, info, shard.file, counted=counted)
    return len(info.names)


@lru_cache(maxsize=1)
def _open(bundle: Path, _sha256: str) -> TrainedModel:
    return open_model(bundle)


def _with_unique_names(series: dict[str, TimeSeries]) -> dict[str, TimeSeries]:
    """Name series by their reference where several share a name."""
    count = Counter(one.name for one in series.values())
    return {
        reference: one if count[one.name] == 1 else replace(one, name=reference) for reference, one in series.items()
    }
