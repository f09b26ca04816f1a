"""Expand a folder, a pattern, a dataset or a list to the series in it, and load them one by one.

In: what a user typed. Out: references, which are strings that `load` takes and that workers can be sent.

    prices/                     the files in it, or the partitions of a dataset (`ticker=AAPL/...`)
    'prices/*.csv'              the files that match
    FILE:*  prices/:*           all series in a file, or in each file of a folder
    @tickers.txt                the sources in its lines
    FILE  FILE:NAME  AAPL       themselves
"""

import glob
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from forecast.data import vocabulary
from forecast.data.series import TimeSeries
from forecast.data.sources.formats.files import SUFFIXES
from forecast.data.sources.load import EVERY, load, load_parts
from forecast.data.sources.parquet import is_parquet, is_partition, list_series
from forecast.data.sources.resolve import infer_file_schema, is_file, is_folder, is_ticker, split_part
from forecast.errors import ForecastError, SeveralSeries, SourceError

# How deep lists may be nested.
MAX_DEPTH = 8


def expand(source: str, *, target: str | None = None, date_order: str | None = None) -> list[str]:
    """List the series of a source as references for `load`, without duplicates, always in the same order.

    Reads little: the names in a folder, dates and names in a Parquet file, a text or Excel file only for `FILE:*`. A
    reference may still turn out to be unreadable.

    Args:
        source: A folder, a glob, `FILE:*`, `@LIST` (a text file with one source a line, and comments after `#`), or
            anything that `load` takes, which is returned as it is.
        target: The column to forecast, which makes a wide file a single series.
        date_order: As for `load`.
    Raises:
        SourceError: there is no such folder, list or file, nothing matches, or a file cannot be read.
    """
    return list(dict.fromkeys(_expand(str(source), target, date_order, MAX_DEPTH)))


def load_each(references: Iterable[str], **options: Any) -> Iterator[tuple[str, TimeSeries | ForecastError]]:
    """Load series one by one; yield the error in place of a series that cannot be read.

    A file is read once for all references to it that follow one another.

    Args:
        references: As `expand` returns them.
        options: As for `load`.
    """
    for file, several in groupby(references, key=file_of):
        together = list(several)
        if file is None or len(together) == 1:
            for reference in together:
                yield reference, _load_or_error(reference, options)
            continue
        try:
            parts = [reference[len(file) + 1 :] for reference in together]
            yield from zip(together, load_parts(Path(file), parts, **options), strict=True)
        except ForecastError as error:
            yield from ((reference, error) for reference in together)


def _load_or_error(reference: str, options: dict[str, Any]) -> TimeSeries | ForecastError:
    try:
        return load(reference, **options)
    except SeveralSeries as error:
        return error.or_all(reference)
    except ForecastError as error:
        return error


def file_of(reference: str) -> str | None:
    """The file of `FILE:NAME`; None for another reference."""
    if ":" not in reference or is_partition(Path(reference)):
        return None
    try:
        path, part = split_part(reference)
    except SourceError:
        return None
    return reference[: -len(part) - 1] if path and part else None


def _expand(source: str, target: str | None, order: str | None, depth: int) -> Iterator[str]:
    if source.startswith("@"):
        for line in _lines_of(Path(source[1:]), depth):
            yield from _expand(line, target, order, depth - 1)
        return
    name = source.removesuffix(EVERY)
    every, path = name != source, Path(name)
    if is_folder(path) and not is_ticker(name) and not is_partition(path):
        found = _expand_folder(path)
    elif any(mark in name for mark in "*?[") and not is_file(path) and not file_of(name):
        found = _expand_pattern(name)
    else:
        found = [name]
    for one in found:
        yield from _expand_file(one, target, order) if every and is_file(Path(one)) else [one]


def _lines_of(path: Path, depth: int) -> list[str]:
    """Read the sources in a list."""
    if not depth:
        raise SourceError(f"{path}: lists must not name one another in a circle.")
    try:
        lines = [line.partition("#")[0].strip() for line in path.read_text("utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text in UTF-8"
        raise SourceError(f"@{path}: a list is a text file with a source in each line. {reason}.") from error
    if not any(lines):
        raise SourceError(f"@{path}: a list needs a source in each line. Received: none.")
    return list(filter(None, lines))


def _expand_folder(folder: Path) -> list[str]:
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
    """Refuse a dataset whose series are spread over several folders."""
    inner = next((entry for entry in sorted(first.iterdir()) if is_partition(entry)), None)
    outer, deeper = first.name.partition("=")[0], inner.name.partition("=")[0] if inner else ""
    if vocabulary.is_security(deeper) and not vocabulary.is_security(outer):
        raise SourceError(
            f"{first.parent}: a dataset must have a folder for each series first, as in {deeper}=NAME/{outer}=... "
            f"Received: {outer}=.../{deeper}=... Write it partitioned by {deeper} alone."
        )


def _expand_pattern(pattern: str) -> list[str]:
    """The files and the partitions of datasets that match a pattern."""
    paths = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207  a pattern may be absolute
    found = [path for path in paths if is_file(Path(path)) or is_partition(Path(path))]
    if not found:
        raise SourceError(f"a pattern must match a file. None matches {pattern}.")
    return found


def _expand_file(file: str, target: str | None, order: str | None) -> list[str]:
    """The series of a file as `FILE:NAME`; the file itself if it holds one series."""
    path = Path(file)
    names = list_series(path) if target is None and is_parquet(path) else ()
    if not names:
        names = infer_file_schema(path, target, order).series
    return [f"{file}:{name}" for name in names] if len(names) > 1 else [file]
