"""The chronological split of a series into training, validation and test rows.

In: a number of rows and a configuration. Out: a `Split`, or an error that names the horizon and lookback that fit.
"""

from dataclasses import dataclass
from math import ceil

from forecast.config import ExperimentConfig
from forecast.errors import SeriesTooShort

# The shortest lookback.
SHORTEST = 2


@dataclass(frozen=True)
class Split:
    """Row numbers: training is [0, validation), validation is [validation, test), test is [test, rows)."""

    validation: int
    test: int
    rows: int


def test_start(rows: int, config: ExperimentConfig) -> int:
    """The first test row of a series of `rows` rows."""
    return int(rows * (config.train_share + config.validation_share) + 1e-9)  # 0.7 + 0.1 is a little below 0.8


def split_rows(rows: int, config: ExperimentConfig, cutoff: int | None = None) -> Split:
    """The chronological split into training, validation and test rows.

    Args:
        config: Settled, with a lookback.
        cutoff: The first test row, however few come after it; those before it are shared out as the configuration says.
    Raises:
        SeriesTooShort: a part is too short for the lookback and horizon.
    """
    lookback = config.lookback or 0
    test_share = 1 - config.train_share - config.validation_share
    test = test_start(rows, config) if cutoff is None else cutoff
    split = Split(int(test * config.train_share / (1 - test_share) + 1e-9), test, rows)
    parts = [
        ("training", split.validation, lookback + config.resolved_horizon + 1, config.train_share),
        ("validation", split.test - split.validation, config.resolved_horizon, config.validation_share),
    ]
    if cutoff is None:
        parts.append(("test", rows - split.test, config.resolved_horizon, test_share))
    most = min(has for _, has, _, _ in parts[1:])
    for part, has, needs, share in parts:
        if has < needs:
            enough = max(ceil(needs / share + 1) for _, _, needs, share in parts)
            raise SeriesTooShort(
                f"lookback={lookback} and horizon={config.resolved_horizon} need about {enough} rows, "
                f"{needs} of them for {part}. Received: {rows} rows, {has} for {part}. "
                f"{_what_fits(split.validation, most, config)}"
            )
    return split


def _what_fits(training: int, most: int, config: ExperimentConfig) -> str:
    """The cure for too short a series: the longest horizon of at most `most` steps, and the lookback left for it."""
    horizon = min(config.resolved_horizon, most, training - SHORTEST - 1)
    if horizon < 1:
        return "Use a longer series."
    lookback = min(config.lookback or 0, training - horizon - 1)
    options = f"--horizon {horizon}" + (f" --lookback {lookback}" if lookback != (config.lookback or 0) else "")
    return f"Use a longer series, or {options}, which fits, or `forecast predict`, which needs no training."
