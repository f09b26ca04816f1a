"""Forecasts of thousands of series: read and forecast in batches side by side, and put together in one Parquet file.

In: a bundle and references (`sources/many.py`). Out: the file and its table of errors (`parts.py`).

    references ── batches ──┬── worker: read, forecast, write a part ──┬── parts ── FORECASTS.parquet
                            └── worker: ...                            ┘       └── FORECASTS.errors.csv

A part's name holds a key of all that its numbers depend on: the files of its series, the bundle, how they are read, the
version of the program. The same call finds finished parts and goes on; a part with another key is never used. No more
than a batch is in the memory of a worker, and no more than a part in that of the process that puts them together.
"""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
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
from forecast.inference.batch.shards import About, join_parts, parts_of, read_about, write_errors, write_part
from forecast.inference.bundle import open_model
from forecast.inference.bundle.storage import DESCRIPTION, digest, opened
from forecast.inference.predict import predict_all
from forecast.inference.trained_model import TrainedModel
from forecast.runtime.parallel import LOCAL, Progress, check_engine, run_jobs
from forecast.runtime.resume_key import resume_key

# Changes whenever the numbers of a part may.
FORMAT = 1
# Series in a batch; more where they stand in one text file, which is read once for all of a batch.
SIZE, SIZE_OF_TEXT = 100, 1000


@dataclass(frozen=True, eq=False)
class Batch:
    """Series that a worker reads and forecasts at once, and where the part goes.

    Attributes:
        sha256: Of the bundle's description, which holds those of its other files.
        reading: How the series are read, as `load` takes it.
        file: The part that the batch leaves.
    """

    bundle: Path
    sha256: str
    references: tuple[str, ...]
    reading: Mapping[str, Any]
    file: Path


@dataclass(frozen=True)
class Outcome:
    """What came of all series.

    Attributes:
        new: Series that the model was not trained on.
        doubted: Series of which `forecast inspect` has something to say.
        errors: Why there is no forecast, by reference.
    """

    done: int
    new: int
    doubted: int
    errors: Mapping[str, str]


def predict_many(
    bundle: Path,
    references: Sequence[str],
    out: Path,
    *,
    jobs: int | None,
    engine: str = LOCAL,
    reading: Mapping[str, Any],
    tell: Callable[[Progress], None] | None = None,
) -> Outcome:
    """Forecasts series into the Parquet file `out`; those that cannot be read or forecast go into a table beside it.

    Args:
        references: As `expand` gives them.
        jobs: Processes that work side by side, None as many as there are cores; the result does not depend on it.
        engine: Where they work (`parallel.run_jobs`); on a cluster every machine must see series, model and `out`.
        reading: How the series are read, as `load` takes it.
        tell: Called at the start and after each batch.
    Raises:
        BundleError: the bundle cannot be used.
        ConfigError: the model gives directions, or a number is out of range.
        WriteError: a file cannot be written.
    """
    check_engine(engine, jobs)
    if open_model(bundle).config.task == "direction":
        raise ConfigError("a file of many forecasts holds values, not directions. Use --csv for those.")
    with opened(bundle) as storage:
        sha256 = digest(storage, DESCRIPTION, bundle)[1]
    folder = parts_of(out)
    batches = [
        Batch(bundle.absolute(), sha256, part, reading, folder.absolute() / f"{_key(part, reading, sha256)}.parquet")
        for part in _parted(list(dict.fromkeys(references)))
    ]
    _remove_others(folder, {batch.file.name for batch in batches})
    lost = _work(batches, partial(run_jobs, workers=jobs, engine=engine), tell or (lambda _: None))
    files = [batch.file for batch in batches if batch.file.exists()]
    abouts = [read_about(file) for file in files]
    errors = {reference: error for about in abouts for reference, error in about.errors.items()} | lost
    join_parts(files, abouts, out)
    write_errors(errors, out)
    shutil.rmtree(folder, ignore_errors=True)
    return Outcome(
        done=sum(len(about.names) for about in abouts),
        new=sum(about.new for about in abouts),
        doubted=sum(about.doubted for about in abouts),
        errors=errors,
    )


def _key(references: Sequence[str], reading: Mapping[str, Any], sha256: str) -> str:
    """A name for all that the numbers of a part depend on."""
    series = [(reference, _state(reference)) for reference in references]
    return resume_key(format=FORMAT, bundle=sha256, reading=dict(reading), series=series)[:32]


def _parted(references: list[str]) -> Iterator[tuple[str, ...]]:
    """References in batches; those of one text file together."""
    for file, several in groupby(references, key=lambda reference: _text_file(reference)):
        together, size = list(several), SIZE_OF_TEXT if file else SIZE
        for start in range(0, len(together), size):
            yield tuple(together[start : start + size])


def _text_file(reference: str) -> str | None:
    file = file_of(reference)
    return None if file is None or is_parquet(Path(file)) else file


def _state(reference: str) -> list[Any]:
    """What changes when the rows of a series do: the file's size and time; of a ticker the day."""
    file = Path(file_of(reference) or reference)
    files = parquet_files(file) if is_partition(file) else [file]
    try:
        return [[str(one.absolute()), one.stat().st_size, one.stat().st_mtime_ns] for one in files]
    except OSError:
        return [f"{datetime.now(UTC):%Y-%m-%d}"]


def _remove_others(folder: Path, wanted: Set[str]) -> None:
    """Removes parts of other series, or of these as they were once."""
    for file in folder.glob("*.parquet"):
        if file.name not in wanted:
            file.unlink(missing_ok=True)


def _work(batches: Sequence[Batch], run: Any, tell: Callable[[Progress], None]) -> dict[str, str]:
    """Does the batches whose parts are missing, and says why series of some have none."""
    done = failed = 0
    missing = []
    for batch in batches:
        if batch.file.exists():
            about = read_about(batch.file)
            done, failed = done + len(about.names), failed + len(about.errors)
        else:
            missing.append(batch)
    total, lost = sum(len(batch.references) for batch in batches), dict[str, str]()
    tell(Progress("series", done, failed, total))
    for result in run(work, missing):
        references = missing[result.place].references
        if result.error:
            lost |= dict.fromkeys(references, result.error)
        good = result.result or 0
        done, failed = done + good, failed + len(references) - good
        tell(Progress("series", done, failed, total))
    return lost


def work(batch: Batch) -> int:
    """Reads and forecasts the series of a batch, and writes the part; how many could be forecast."""
    model = _open(batch.bundle, batch.sha256)
    read = list(load_each(batch.references, **batch.reading))
    errors = {reference: str(one) for reference, one in read if isinstance(one, ForecastError)}
    series = _named_apart({reference: one for reference, one in read if isinstance(one, TimeSeries)})
    made, failed = predict_all(model, list(series.values())) if series else ([], {})
    errors |= {reference: str(failed[one.name]) for reference, one in series.items() if one.name in failed}
    about = About(
        names={reference: one.name for reference, one in series.items() if reference not in errors},
        errors=errors,
        new=sum(model.known(one) is None for one in series.values() if one.name not in failed),
        doubted=sum(bool(one.findings) for one in series.values() if one.name not in failed),
    )
    write_part(made, about, batch.file)
    return len(about.names)


@lru_cache(maxsize=1)
def _open(bundle: Path, _sha256: str) -> TrainedModel:
    return open_model(bundle)


def _named_apart(series: dict[str, TimeSeries]) -> dict[str, TimeSeries]:
    """Series by reference, each with a name of its own: of several with one name each is called by its reference."""
    count = Counter(one.name for one in series.values())
    return {
        reference: one if count[one.name] == 1 else replace(one, name=reference) for reference, one in series.items()
    }
