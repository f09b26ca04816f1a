"""The Parquet file of many forecasts, written in shards and then joined.

One row a series and step, quantiles in the series' own unit. A shard's metadata hold what the table does not: the
references of its series, and the errors of those without a forecast.
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
from forecast.runtime.names import csv_cell

# Rows in a row group.
ROW_GROUP = 1 << 17
# The name of a shard's metadata.
INFO = b"forecast"


def schema_of(*, counted: bool = False) -> pa.Schema:
    """The columns of the file; where rows have no dates, `origin` and `date` hold counts."""
    moment = pa.int64() if counted else pa.timestamp("us")
    fixed = {"series": pa.string(), "model": pa.string(), "origin": moment, "step": pa.int32(), "date": moment}
    return pa.schema(fixed | dict.fromkeys(LEVELS, pa.float64()))


@dataclass(frozen=True)
class ShardInfo:
    """Metadata of a shard: the names of its series and the errors of others, by reference."""

    names: Mapping[str, str]
    errors: Mapping[str, str]
    new: int
    with_issues: int


def shards_folder(out: Path) -> Path:
    """The folder of finished shards, beside the file that they become."""
    return out.with_name(f"{out.name}.shards")


def errors_file(out: Path) -> Path:
    """The table of errors beside a file of forecasts."""
    return out.with_name(f"{out.stem}.errors.csv")


def write_shard(made: Sequence[Forecast], info: ShardInfo, file: Path, *, counted: bool = False) -> None:
    """Write the forecasts of some series, all with dates or all counted, with their metadata."""
    with atomic_file(file) as path:
        metadata = {INFO: json.dumps(vars(info)).encode()}
        parquet.write_table(
            _table(made, schema_of(counted=counted)).replace_schema_metadata(metadata), path, compression="zstd"
        )


def _table(made: Sequence[Forecast], schema: pa.Schema) -> pa.Table:
    """One row a series and step."""
    rows = [(one, step, date) for one in made for step, date in enumerate(one.dates, start=1)]
    quantiles = np.concatenate([one.quantiles for one in made]) if made else np.empty((0, len(LEVELS)))
    moments = "M8[us]" if pa.types.is_timestamp(schema.field("date").type) else "int64"
    columns = {
        "series": [one.series for one, _, _ in rows],
        "model": [one.model for one, _, _ in rows],
        "origin": np.array([one.origin for one, _, _ in rows], moments),
        "step": [step for _, step, _ in rows],
        "date": np.array([date for _, _, date in rows], moments),
        **{level: quantiles[:, place] for place, level in enumerate(LEVELS)},
    }
    return pa.table({name: pa.array(columns[name], schema.field(name).type) for name in schema.names}, schema)


def read_shard_info(file: Path) -> ShardInfo:
    """Read the metadata of a shard."""
    return ShardInfo(**json.loads(parquet.read_schema(file).metadata[INFO]))


def join_shards(files: Sequence[Path], infos: Sequence[ShardInfo], out: Path) -> None:
    """Join shards; a series whose name occurs in several is called by its reference."""
    count = Counter(name for info in infos for name in info.names.values())
    schema = parquet.read_schema(files[0]).remove_metadata() if files else schema_of()
    with atomic_file(out) as path, parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        for table in _row_groups(files, infos, count):
            writer.write_table(table, row_group_size=ROW_GROUP)


def _row_groups(files: Sequence[Path], infos: Sequence[ShardInfo], count: Counter[str]) -> Iterator[pa.Table]:
    """Read shards into tables of about a row group."""
    waiting: list[pa.Table] = []
    for file, info in zip(files, infos, strict=True):
        table = parquet.read_table(file).replace_schema_metadata(None)
        again = {name: reference for reference, name in info.names.items() if count[name] > 1}
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
    """Write one row a series without a forecast; remove an old table if there is none."""
    path = errors_file(out)
    if not errors:
        path.unlink(missing_ok=True)
        return
    with atomic_file(path) as work, work.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["series", "error"])
        writer.writerows(map(csv_cell, row) for row in errors.items())
