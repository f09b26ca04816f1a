"""Choose the column to forecast, or the column of each series in a wide table.

In: named columns of cells, and which of them hold numbers. Out: a `Choice` for each series, with the reason.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forecast.data import vocabulary
from forecast.data.sources.parsing.dates import read_dates
from forecast.data.sources.schema.ohlc import find_close
from forecast.errors import SourceError
from forecast.typing import Array

# Text that looks like a number with something around it.
NUMBER_LIKE = r"^[^\d]{0,5}\d[\d.,\s]*[.,]\d+[^\d]{0,5}$"

# The reason for a target that a user named.
ASKED_FOR = "the column that was asked for"


@dataclass(frozen=True)
class Choice:
    """A column chosen as the target, and the reason."""

    target: str
    why: str


def choose_named(target: str | None, columns: Mapping[str, pa.Array], where: str) -> dict[str, Choice] | None:
    """Choose the column that a user named, in any case."""
    if target is None:
        return None
    name = vocabulary.find_name(target, columns)
    if name is None:
        several = all(vocabulary.find_name(part, columns) for part in target.split(","))
        cure = " Several at once are for forecast run." if several else ""
        raise SourceError(f"{where}: the target must be one of {', '.join(columns)}. Received: {target}.{cure}")
    return {"": Choice(name, ASKED_FOR)}


def choose_targets(
    columns: Mapping[str, pa.Array], numeric: Sequence[str], sample: Callable[[str], Array], where: str
) -> dict[str, Choice]:
    """Choose the close by its name or values, else the only column of values, else each column of values.

    A price by its name is chosen beside open, high and low, or where no other column may be the target: in a table of
    sales and prices it is not known which of them to forecast.

    Args:
        sample: Gives values of a column, of one series in the order of time.
    """
    if not numeric:
        raise SourceError(f"{where}: a series needs a column of numbers. There are {', '.join(columns) or 'none'}.")
    closes = vocabulary.close_columns(numeric)
    if len(closes) == 1 and vocabulary.is_price(closes[0]) and (rivals := _rivals(closes[0], numeric, sample)):
        return _choose_each([*rivals, closes[0]], [*rivals, closes[0]])
    if len(closes) == 1:
        return {"": Choice(closes[0], "the price to forecast by its name")}
    if closes:
        return _choose_each(vocabulary.strip_common(closes), closes)
    values = {name: sample(name) for name in numeric}
    if (close := find_close(values)) is not None:
        return {"": Choice(close, "the close by its values: open, high and low stand beside it")}
    _check_unreadable(columns, numeric, where)
    varying = [name for name in numeric if not _is_code(values[name])] or numeric
    named = [name for name in varying if vocabulary.is_value(name)]
    if len(numeric) == 1 or len(named) == 1:
        return {"": Choice((named or [*numeric])[0], "the only column of values")}
    return _choose_each(varying, varying)


def _rivals(price: str, numeric: Sequence[str], sample: Callable[[str], Array]) -> list[str]:
    """The columns that may be the target as well as a price: none beside open, high and low."""
    others = [name for name in numeric if vocabulary.is_value(name) and not vocabulary.is_price(name)]
    if not others or len(vocabulary.price_columns(numeric)) > 1 or find_close({name: sample(name) for name in numeric}):
        return []
    return [
        name for name in others if name != price and not vocabulary.is_adjusted(name) and not _is_code(sample(name))
    ]


def _is_code(values: Array) -> bool:
    """Whether a column holds the same integer in all rows, such as the number of a station."""
    found = np.unique(values[np.isfinite(values)])
    return len(found) < 2 and bool(np.all(found == np.round(found)))


def _check_unreadable(columns: Mapping[str, pa.Array], numeric: Sequence[str], where: str) -> None:
    """Refuse to choose a target if another column has numbers that cannot be read."""
    values = set(numeric)
    for name, cells in columns.items():
        if name in values or not pa.types.is_string(cells.type) or read_dates(cells[:400]) or vocabulary.TIMES & {name}:
            continue
        sample = pc.drop_null(cells[:: max(1, len(cells) // 400)])
        if len(sample) and pc.mean(pc.cast(pc.match_substring_regex(sample, NUMBER_LIKE), pa.int8())).as_py() > 0.5:
            raise SourceError(
                f"{where}: cells must be plain numbers. {name} is {sample[0].as_py()!r}. Choose a column with --target."
            )


def _choose_each(series: Sequence[str], columns: Sequence[str]) -> dict[str, Choice]:
    """Choose each column as the target of a series of its own."""
    why = f"one of {len(columns)} columns of values"
    return {name: Choice(column, why) for name, column in zip(series, columns, strict=True)}
