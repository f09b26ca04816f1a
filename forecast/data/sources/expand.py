"""Thousands of series: which ones a folder, a pattern, a dataset or a list stands for, and reading them one by one.

In: what a user types. Out: references, strings that `load` takes, small enough to be sent to whoever reads the series.

    prices/                     the files in it; of a dataset in folders (`ticker=AAPL/...`) each ticker
    'prices/*.csv'              the files whose names fit
    FILE:*  prices/:*           all series in a file, in each of the files
    @tickers.txt                what stands in its lines
    FILE  FILE:NAME  AAPL       themselves
"""

import glob
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from forecast.data.series import TimeSeries
from forecast.data.sources.formats.files import SUFFIXES
from forecast.data.sources.load import EVERY, load, load_parts
from forecast.data.sources.parquet import is_parquet, is_partition, series_in
from forecast.data import vocabulary as words
from forecast.data.sources.resolve import infer_file_schema, is_ticker, split_part
from forecast.errors import ForecastError, SourceError

# Lists that name one another.
DEEPEST = 8


def expand(source: str, *, target: str | None = None, date_order: str | None = None) -> list[str]:
    """The series that a source stands for, as references that `load` takes, each once and in an order that stays.

    Little is read: names in a folder, the dates and names of a Parquet file, a text or Excel file only for `FILE:*`.
    Nothing says yet that a series can be read.

    Args:
        source: A folder, a glob, `FILE:*`, `@LIST` (a text file with a source in each line, `#` before a remark), or
            anything that `load` takes, which stands for itself.
        target: The column to forecast, which makes a wide file a single series.
        date_order: As for `load`, where the dates are needed to tell series apart.
    Raises:
        SourceError: there is no such folder, list or file, nothing fits, or a file cannot be read.
    """
    return list(dict.fromkeys(_expand(str(source), target, date_order, DEEPEST)))


def load_each(references: Iterable[str], **arguments: Any) -> Iterator[tuple[str, TimeSeries | ForecastError]]:
    """Reads series one after the other; in place of one that cannot be read, the error that says why.

    References to one file that follow one another are read together, the file once.

    Args:
        references: As `expand` gives them.
        arguments: As for `load`.
    """
    for file, several in groupby(references, key=file_of):
        together = list(several)
        if file is None or len(together) == 1:
            for reference in together:
                yield reference, _try(reference, arguments)
            continue
        try:
            parts = [reference[len(file) + 1 :] for reference in together]
            yield from zip(together, load_parts(Path(file), parts, **arguments), strict=True)
        except ForecastError as error:
            yield from ((reference, error) for reference in together)


def _try(reference: str, arguments: dict[str, Any]) -> TimeSeries | ForecastError:
    try:
        return load(reference, **arguments)
    except ForecastError as error:
        return error


def file_of(reference: str) -> str | None:
    """The file of `FILE:NAME`."""
    if ":" not in reference or is_partition(Path(reference)):
        return None
    try:
        path, part = split_part(reference)
    except SourceError:
        return None
    return reference[: -len(part) - 1] if path and part else None


def _expand(source: str, target: str | None, order: str | None, deep: int) -> Iterator[str]:
    if source.startswith("@"):
        for line in _lines(Path(source[1:]), deep):
            yield from _expand(line, target, order, deep - 1)
        return
    name = source.removesuffix(EVERY)
    every, path = name != source, Path(name)
    if path.is_dir() and not is_ticker(name) and not is_partition(path):
        found = _in_folder(path)
    elif any(mark in name for mark in "*?[") and not path.is_file():
        found = _fitting(name)
    else:
        found = [name]
    for one in found:
        yield from _series_of(one, target, order) if every and Path(one).is_file() else [one]


def _lines(path: Path, deep: int) -> list[str]:
    """The sources in a list."""
    if not deep:
        raise SourceError(f"{path}: lists must not name one another in a circle.")
    try:
        lines = [line.partition("#")[0].strip() for line in path.read_text("utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text in UTF-8"
        raise SourceError(f"@{path}: a list is a text file with a source in each line. {reason}.") from error
    if not any(lines):
        raise SourceError(f"@{path}: a list needs a source in each line. Received: none.")
    return list(filter(None, lines))


def _in_folder(folder: Path) -> list[str]:
    """The partitions of a dataset, or the files with series in a folder."""
    entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith((".", "_")))
    partitions = [entry for entry in entries if is_partition(entry)]
    if partitions:
        _check_partitions(partitions[0])
        return list(map(str, partitions))
    files = [str(entry) for entry in entries if entry.suffix.lower() in SUFFIXES and entry.is_file()]
    if not files:
        raise SourceError(f"{folder}: a folder of series holds files such as CSV or Parquet. There is none.")
    return files


def _check_partitions(first: Path) -> None:
    """Refuses a dataset whose series are spread over several folders."""
    inner = next((entry for entry in sorted(first.iterdir()) if is_partition(entry)), None)
    outer, deeper = first.name.partition("=")[0], inner.name.partition("=")[0] if inner else ""
    if words.is_security(deeper) and not words.is_security(outer):
        raise SourceError(
            f"{first.parent}: a dataset must have a folder for each series first, as in {deeper}=NAME/{outer}=... "
            f"Received: {outer}=.../{deeper}=... Write it partitioned by {deeper} alone."
        )


def _fitting(pattern: str) -> list[str]:
    """The files, and the partitions of datasets, that a pattern fits."""
    paths = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207  a pattern may be absolute
    found = [path for path in paths if Path(path).is_file() or is_partition(Path(path))]
    if not found:
        raise SourceError(f"a pattern must fit a file. There is none for {pattern}.")
    return found


def _series_of(file: str, target: str | None, order: str | None) -> list[str]:
    """All series of a file by their names; the file itself where there is one."""
    path = Path(file)
    names = series_in(path) if target is None and is_parquet(path) else ()
    if not names:
        names = infer_file_schema(path, target, order).series
    return [f"{file}:{name}" for name in names] if len(names) > 1 else [file]
