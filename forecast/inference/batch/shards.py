"""The Parquet file of many forecasts: written in parts, each whole or not at all, and put together.

The file is a table with one row a series and step, in quantiles of the series' own unit. Beside it is one of errors, if
there are any. A part says of its series what the table does not hold: their references, and the errors of others.
"""

import csv
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from forecast.config import LEVELS
from forecast.inference.forecasts import Forecast
from forecast.runtime.atomic import atomic_file

# Rows that are written to the Parquet file together.
ROW_GROUP = 1 << 17
# What a part says of its series beside the table, under this name.
ABOUT = b"forecast"
SCHEMA = pa.schema(
    [
        ("series", pa.string()),
        ("model", pa.string()),
        ("origin", pa.timestamp("us")),
        ("step", pa.int32()),
        ("date", pa.timestamp("us")),
        *((level, pa.float64()) for level in LEVELS),
    ]
)


@dataclass(frozen=True)
class About:
    """What a part says of its series: the name of each by its reference, and the errors of the others."""

    names: Mapping[str, str]
    errors: Mapping[str, str]
    new: int
    doubted: int


def parts_of(out: Path) -> Path:
    """The folder of finished parts beside the file that they become."""
    return out.with_name(f"{out.name}.parts")


def errors_of(out: Path) -> Path:
    """The table of errors beside a file of forecasts."""
    return out.with_name(f"{out.stem}.errors.csv")


def write_part(made: Sequence[Forecast], about: About, file: Path) -> None:
    """Writes the forecasts of some series, and what there is to say of them."""
    with atomic_file(file) as path:
        metadata = {ABOUT: json.dumps(vars(about)).encode()}
        parquet.write_table(_table(made).replace_schema_metadata(metadata), path, compression="zstd")


def _table(made: Sequence[Forecast]) -> pa.Table:
    """One row a series and step."""
    rows = [(one, step, date) for one in made for step, date in enumerate(one.dates, start=1)]
    quantiles = np.concatenate([one.quantiles for one in made]) if made else np.empty((0, len(LEVELS)))
    columns = {
        "series": [one.series for one, _, _ in rows],
        "model": [one.model for one, _, _ in rows],
        "origin": np.array([one.origin for one, _, _ in rows], "M8[us]"),
        "step": [step for _, step, _ in rows],
        "date": np.array([date for _, _, date in rows], "M8[us]"),
        **{level: quantiles[:, place] for place, level in enumerate(LEVELS)},
    }
    return pa.table({name: pa.array(columns[name], SCHEMA.field(name).type) for name in SCHEMA.names}, SCHEMA)


def read_about(file: Path) -> About:
    """What a part says of its series."""
    return About(**json.loads(parquet.read_schema(file).metadata[ABOUT]))


def join_parts(files: Sequence[Path], abouts: Sequence[About], out: Path) -> None:
    """Puts parts together, one after the other, with what each says; a name that several hold becomes the reference."""
    count = Counter(name for about in abouts for name in about.names.values())
    with atomic_file(out) as path, parquet.ParquetWriter(path, SCHEMA, compression="zstd") as writer:
        for table in _row_groups(files, abouts, count):
            writer.write_table(table, row_group_size=ROW_GROUP)


def _row_groups(files: Sequence[Path], abouts: Sequence[About], count: Counter[str]) -> Iterator[pa.Table]:
    """The tables of the parts, so many together as make a row group; names that several parts hold told apart."""
    waiting: list[pa.Table] = []
    for file, about in zip(files, abouts, strict=True):
        table = parquet.read_table(file).replace_schema_metadata(None)
        again = {name: reference for reference, name in about.names.items() if count[name] > 1}
        if again:
            names = pa.array([again.get(name, name) for name in table["series"].to_pylist()], pa.string())
            table = table.set_column(0, "series", names)
        waiting.append(table)
        if sum(map(len, waiting)) >= ROW_GROUP:
            yield pa.concat_tables(waiting)
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting)


def write_errors(errors: Mapping[str, str], out: Path) -> None:
    """One row a series without a forecast, beside the file; no table where there is none."""
    path = errors_of(out)
    if not errors:
        path.unlink(missing_ok=True)
        return
    with atomic_file(path) as work, work.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["series", "error"])
        writer.writerows(errors.items())
