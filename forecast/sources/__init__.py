"""The only door to file formats and the network.

In: whatever a user names a series by. Out: one checked `TimeSeries`.
"""

from dataclasses import replace
from pathlib import Path

import pandas as pd

from forecast.errors import SourceError
from forecast.series import TimeSeries
from forecast.sources.files import SUFFIXES, read_file
from forecast.sources.frames import from_frame

Source = str | Path | pd.DataFrame | pd.Series | TimeSeries


def load(source: Source, *, target: str | None = None, name: str | None = None, unit: str | None = None) -> TimeSeries:
    """Reads one series.

    Args:
        source: A CSV or Parquet file, `FILE:COLUMN`, a ticker of Yahoo Finance, or a pandas object whose index, or
            first column with dates, says when.
        target: The column to forecast; by default the adjusted close if there is one, else the close, else the only
            column.
        name: What to call the series; by default the file's or ticker's name.
        unit: What one unit of the target is, as in `USD`.
    Raises:
        SourceError: the file, the column or the ticker cannot be read.
        SeriesError: the rows break a rule (order, gaps in the target).
    """
    if isinstance(source, TimeSeries):
        return replace(source, target=target or source.target, name=name or source.name, unit=unit or source.unit)
    if isinstance(source, pd.Series):
        source = source.to_frame(name=str(source.name) if source.name is not None else "value")
    if isinstance(source, pd.DataFrame):
        return from_frame(source, name=name or "series", target=target, unit=unit)
    path, column = _split_column(str(source))
    if path is None:
        from forecast.sources.yahoo import read_ticker

        download = read_ticker(str(source))
        return from_frame(
            download.bars,
            name=name or str(source).upper(),
            target=target,
            unit=unit or download.currency,
            notes=download.notes,
        )
    frame = read_file(path)
    label = f"{path.stem}:{column}" if column else path.stem
    return from_frame(frame, name=name or label, target=target or column, unit=unit, where=path.name)


def _split_column(source: str) -> tuple[Path | None, str | None]:
    """A file and perhaps a column in it; no file where `source` reads as a ticker."""
    path = Path(source)
    if path.is_file():
        return path, None
    file, colon, column = source.rpartition(":")
    if colon and Path(file).is_file():
        return Path(file), column
    if Path(file if colon else source).suffix.lower() in SUFFIXES or "/" in source or "\\" in source:
        raise SourceError(f"a series is a file that exists or a ticker. There is no file {file if colon else source}.")
    return None, None


__all__ = ["load"]
