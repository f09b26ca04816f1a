"""Tidy tables on disk: CSV and Parquet, one header row, one row a date.

In: a path. Out: a pandas frame as it stands in the file.
"""

from pathlib import Path

import pandas as pd

from forecast.errors import SourceError

SUFFIXES = {".csv", ".txt", ".parquet", ".pq"}


def read_file(path: Path) -> pd.DataFrame:
    """The table in a CSV or Parquet file.

    Raises:
        SourceError: the file is empty, has another format, or holds no rows.
    """
    if path.suffix.lower() not in SUFFIXES:
        known = ", ".join(sorted(SUFFIXES))
        raise SourceError(f"a file of a series must end in one of {known}. Received: {path.name}.")
    if path.stat().st_size == 0:
        raise SourceError(f"{path.name}: the file is empty. It needs a header and a row for each date.")
    frame = _read_parquet(path) if path.suffix.lower() in {".parquet", ".pq"} else _read_csv(path)
    if frame.empty:
        raise SourceError(f"{path.name}: the file has a header, but no rows. It needs a row for each date.")
    return frame


def _read_csv(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise SourceError(f"{path.name}: a CSV file is UTF-8 text, one header, commas. {reason}.") from error


def _read_parquet(path: Path) -> pd.DataFrame:
    from pyarrow import ArrowException

    try:
        return pd.read_parquet(path)
    except (ArrowException, ValueError, OSError) as error:
        reason = " ".join(str(error).split())
        raise SourceError(f"{path.name}: this is no Parquet file that can be read. {reason}") from error
