"""What a run is about to do: which models, on which rows, and what is said before any of them is trained.

In: a series, names of models and a configuration. Out: a `RunPlan`. A series that is too short for networks is planned
for the models that it suffices for.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib.util import find_spec

import numpy as np

from forecast.config import ExperimentConfig, InputConfig
from forecast.data.covariates import check_future
from forecast.data.dataset import Dataset, prepare
from forecast.data.defaults import default_horizon
from forecast.data.series import TimeSeries
from forecast.data.split import SHORTEST, test_start
from forecast.errors import SeriesError, SeriesTooShort
from forecast.evaluation.holdout import Tests
from forecast.evaluation.tasks import task_of
from forecast.inference.bounds import counts_so_far
from forecast.models import BASELINES, LEARNERS
from forecast.models.volatility import with_volatility
from forecast.typing import Array

# The networks that are compared where nobody names models.
USUAL = ("lstm", "gru", "rnn", "dense")
# The models that serve a series too short for networks, and those of them that need the extra `statistics`.
FOR_FEW_ROWS, STATISTICAL = ("linear", "ets", "theta"), ("ets", "theta")
# The models of volatility, which stand beside networks on prices; frequencies and rows of these.
OF_PRICES, DAILY, FEWEST_PRICES = ("garch", "har"), ("B", "D"), 300
# Fewer different values in the test rows are worth a word.
FEW_VALUES = 10
# Forecasts of one step that a model makes in a test where nobody says how many rows are tested: of long series, a few
# hundred thousand tell all that can be told, and take minutes rather than hours.
MOST_FORECASTS = 600_000
# A count with this share of zeros is intermittent demand.
MANY_ZEROS = 0.2


@dataclass(frozen=True, eq=False)
class RunPlan:
    """What a run does.

    Attributes:
        models: To train, the baselines last.
        cautions: What is said before anything is trained, one sentence each.
        tests: Those that were made already, by model.
    """

    dataset: Dataset
    models: tuple[str, ...]
    cautions: tuple[str, ...] = ()
    tests: Tests = field(default_factory=dict)


def usual_models(config: ExperimentConfig, *several: TimeSeries) -> tuple[str, ...]:
    """The models that are compared where nobody names others.

    First comes the network that needs no training, and where a series is no daily price, the same one fine-tuned: on
    prices it stays as it is. With networks that have a linear highway stands `linear`, the highway alone, so that the
    table shows what they add. Where a series is a count with many zeros, `croston` is added; where one is a daily
    price, `garch` and `har`.
    """
    stack = ("stack",) if config.network.layers else ()
    values = config.task == "forecast"
    linear = ("linear",) if config.network.highway and values else ()
    demand = any(is_intermittent(series.y) for series in several) and find_spec("statsforecast")
    are_prices = [is_price(series, config) for series in several]
    prices = OF_PRICES if any(are_prices) else ()
    tuned = ("finetuned",) if not all(are_prices) else ()
    at_once = ("pretrained", *tuned) if values else ()
    return (*at_once, *USUAL, *stack, *linear, *prices, *(("croston",) if demand and values else ()))


def is_price(series: TimeSeries, config: ExperimentConfig) -> bool:
    """Whether a series is daily, above 0, and walks by its training rows: then the size of its moves is forecast."""
    known = series.y[series.known]
    is_daily = series.frequency in DAILY and series.grid.is_regular
    if not is_daily or len(known) < FEWEST_PRICES or known.min() <= 0:
        return False
    dataset = prepare(series, replace(config, inputs=InputConfig()))
    try:
        last = dataset.split.validation - 1
    except SeriesTooShort:
        return False
    return bool(np.isfinite(with_volatility(dataset, dataset.scaler).log_scale[last, 0]))


def is_intermittent(y: Array) -> bool:
    """Whether values (T,) are counts, of which many are zero."""
    known = y[np.isfinite(y)]
    return bool(counts_so_far(known)[-1] and (known == 0).mean() >= MANY_ZEROS)


def plan_run(series: TimeSeries, models: Sequence[str] | None, config: ExperimentConfig) -> RunPlan:
    """Plan a run on one series.

    Args:
        models: Names in the registry; None for `usual_models`.
    Raises:
        ConfigError: a model is unknown or cannot do the task.
        SeriesError: the target is constant, or too short for every model.
    """
    names = task_of(config).names(usual_models(config, series) if models is None else models, config)
    config, bounded = _bounded(series, config)
    dataset = prepare(series, config)
    check_future(dataset.series, config.inputs, horizon=dataset.config.resolved_horizon)
    check_varies(series)
    try:
        dataset.split  # noqa: B018
    except SeriesTooShort as error:
        as_given = replace(dataset.config, season=config.season, seasons=config.seasons)
        return _plan_without_networks(series, names, as_given, error)
    return RunPlan(dataset, tuple(names), (*bounded, *_few_values(dataset), *_on_ranges(dataset)))


def _bounded(series: TimeSeries, config: ExperimentConfig) -> tuple[ExperimentConfig, tuple[str, ...]]:
    """The configuration with no more test rows than MOST_FORECASTS asks for, and half as many for validation; a word.

    As it is where the shares are given, or the series is short enough.
    """
    usual, rows = ExperimentConfig(), len(series)
    horizon = config.horizon or default_horizon(series.grid, rows, series.index[-1])
    tested = MOST_FORECASTS // horizon
    is_given = (config.train_share, config.validation_share) != (usual.train_share, usual.validation_share)
    if is_given or rows - test_start(rows, config) <= tested:
        return config, ()
    said = (
        f"{series.name}: of {rows:,} rows the last {tested:,} are tested, not the last fifth; --train-share and "
        "--validation-share choose others."
    )
    return replace(config, train_share=1 - 1.5 * tested / rows, validation_share=tested / 2 / rows), (said,)


def check_varies(series: TimeSeries) -> None:
    """Raise SeriesError for a target that is the same in all rows."""
    first = series.y[0]
    if np.all((series.y == first) | np.isnan(series.y)):
        where = f"all {len(series):,} rows" if len(series) > 1 else "its only row"
        raise SeriesError(
            f"{series.name}: a target must change, or there is nothing to forecast. Received: {series.target}, which "
            f"is {first:.6g} in {where}. Choose another column with --target."
        )


def _few_values(dataset: Dataset) -> tuple[str, ...]:
    """A word on a target with few different values in its test rows."""
    tested = dataset.series.y[dataset.split.test :]
    values = np.unique(tested[np.isfinite(tested)])
    if len(values) >= FEW_VALUES or len(values) > len(tested) / 2:
        return ()
    shown = ", ".join(f"{value:.6g}" for value in values)
    target, are = dataset.series.target, "value" if len(values) == 1 else "different values"
    return (
        f"{dataset.name}: the test rows of {target} hold only {len(values)} {are} ({shown}): scores say little there.",
    )


def _on_ranges(dataset: Dataset) -> tuple[str, ...]:
    """A word where models see how far each row ranged."""
    series = dataset.series
    if not len(series.ranges) or not is_price(series, dataset.config):
        return ()
    return (f"{series.name}: open, high and low tell how much it moves; the forecast spread comes from them too.",)


def _plan_without_networks(
    series: TimeSeries, names: Sequence[str], config: ExperimentConfig, error: SeriesTooShort
) -> RunPlan:
    """Plan the models that are no networks on a split with just enough rows for validation and test.

    Raises:
        SeriesTooShort: the rows do not suffice for them either.
    """
    rows, horizon = len(series), config.resolved_horizon
    test = max(horizon, round(rows * (1 - config.train_share - config.validation_share)))
    validation = max(horizon, round(rows * config.validation_share))
    training = rows - test - validation
    lookback = min(config.lookback or 0, training - horizon - 1)
    if config.task == "direction" or lookback < SHORTEST:
        raise error
    config = replace(config, lookback=lookback, train_share=training / rows, validation_share=validation / rows)
    dataset = prepare(series, config)
    serving = [name for name in FOR_FEW_ROWS if name not in STATISTICAL or find_spec("statsforecast")]
    asked = [name for name in names if name not in (*LEARNERS, *BASELINES)]
    models = tuple(dict.fromkeys((*asked, *serving, *BASELINES)))
    left_out = [name for name in names if name in LEARNERS]
    said = f"{series.name}: too short for networks. {error}"
    if left_out:
        said += f" Left out: {', '.join(left_out)}. Tested instead: {', '.join(models)}."
    return RunPlan(dataset, models, (said, *_few_values(dataset)))
