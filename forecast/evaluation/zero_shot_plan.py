"""How a series is split for a forecast at once and its test: which rows are tested, from where, and how far ahead."""

from contextlib import suppress
from dataclasses import replace
from math import gcd

from forecast.config import ExperimentConfig
from forecast.data.dataset import Dataset
from forecast.data.defaults import default_horizon
from forecast.data.series import TimeSeries
from forecast.data.windows import origins
from forecast.errors import SeriesTooShort
from forecast.evaluation.run_plan import RunPlan, plan_run

MODELS = ("pretrained", "naive", "seasonal_naive")
# Rows that are tested, and before them looked at for the calibration, at most.
TESTED, VALIDATED = 400, 100
# Forecasts from neighbouring rows have nearly the same outcomes: tested are origins this part of the horizon apart, and
# calibrated is from those this part apart.
APART, CALIBRATED_APART = 4, 2
# About so many origins at most, and of every season at least so many phases.
MOST_ORIGINS, PHASES = 100, 4


def plan_as_far_as_tested(series: TimeSeries, config: ExperimentConfig) -> RunPlan:
    """The plan of a series; where its rows do not suffice to test the horizon, with as much of it as they usually do.

    Nor do they suffice where so long a test leaves no room for the season to be seen.

    Raises:
        SeriesTooShort, SeriesError: as `plan_at_once`.
    """
    usual = default_horizon(series.grid, len(series), series.index[-1])
    if config.horizon is None or config.horizon <= usual:
        return plan_at_once(series, config)
    with suppress(SeriesTooShort):
        plan = plan_at_once(series, config)
        if plan.dataset.config.season != 1 or config.season == 1:
            return plan
    return plan_at_once(series, replace(config, horizon=usual))


def plan_at_once(series: TimeSeries, config: ExperimentConfig) -> RunPlan:
    """Plan the forecast of a series at once.

    Raises:
        SeriesTooShort: the rows do not suffice for a test beside naive.
        SeriesError: the target is constant.
    """
    rows = len(series)
    tested, validated = (min(most / rows, share) for most, share in ((TESTED, 0.2), (VALIDATED, 0.1)))
    config = replace(config, train_share=1 - tested - validated, validation_share=validated)
    try:
        plan = plan_run(series, ["pretrained"], config)
    except SeriesTooShort as error:
        raise SeriesTooShort(f"{series.name}: {error}") from error
    split, horizon, season = plan.dataset.split, plan.dataset.config.resolved_horizon, plan.dataset.config.season or 1
    if not len(origins(max(plan.dataset.config.lookback or 1, season - 1), split.validation, horizon=horizon)):
        raise SeriesTooShort(
            f"{series.name}: a test beside naive needs as many training rows as season={season} and horizon={horizon} "
            f"together. Received: {split.validation}. Use a longer series, or a smaller --season or --horizon."
        )
    return replace(plan, models=MODELS)


def stride_of(dataset: Dataset, apart: int = APART) -> int:
    """Rows from one tested origin to the next: this part of the horizon, or a bit less.

    Origins are whole strides before the last row: the outcomes of one at least are all known.
    """
    config, tested = dataset.config, len(dataset) - dataset.split.test
    seasons, horizon = config.seasons or (config.season or 1,), config.resolved_horizon
    most = max(horizon // apart, -(-tested // MOST_ORIGINS))
    phased = (
        stride
        for stride in range(most, 1, -1)
        if -(-horizon // stride) * stride <= tested
        and all(season // gcd(stride, season) >= min(season, PHASES) for season in seasons)
    )
    return next(phased, 1)
