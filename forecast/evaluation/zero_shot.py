"""The first answer: a forecast of any series by the network that comes with the package, and how good it was on it.

In: a series. Out: a plan for it and the baselines, and an `Experiment` in a second or two, without any training. The
test is on the last fifth of the rows, of long series on the last TESTED.
"""

from dataclasses import replace

from forecast.config import ExperimentConfig
from forecast.data.dataset import Dataset
from forecast.data.series import TimeSeries
from forecast.errors import SeriesTooShort
from forecast.evaluation.holdout import Experiment, evaluate
from forecast.evaluation.run_plan import RunPlan, plan_run
from forecast.training.train import train_on

MODELS = ("pretrained", "naive", "seasonal_naive")
# Rows that are tested, and before them looked at for the calibration, at most.
TESTED, VALIDATED = 400, 100
# Forecasts from neighbouring rows have nearly the same outcomes: tested are origins this part of the horizon apart, and
# no more than so many.
APART, MOST_ORIGINS = 4, 100


def forecast_at_once(series: TimeSeries, config: ExperimentConfig | None = None) -> Experiment:
    """Forecast a series that no model was trained on, and test that forecast on its last rows beside the baselines.

    Args:
        config: Its horizon and season, where they are not to come from the series.
    Raises:
        SeriesTooShort: the rows do not suffice for a test.
        SeriesError: the target is constant.
    """
    plan = plan_at_once(series, config or ExperimentConfig())
    trained, stride = {}, stride_of(plan.dataset)
    for name in plan.models:
        try:
            trained[name] = train_on([plan.dataset], name, stride=stride)
        except SeriesTooShort:
            if name != "seasonal_naive":
                raise
    tests = {name: model.test(plan.dataset, stride=stride) for name, model in trained.items()}
    return evaluate(plan.dataset, trained, cautions=plan.cautions, tests=tests, with_risks=False)


def stride_of(dataset: Dataset) -> int:
    """Rows from one tested origin to the next."""
    tested = len(dataset) - dataset.split.test
    return max(1, dataset.config.resolved_horizon // APART, -(-tested // MOST_ORIGINS))


def plan_at_once(series: TimeSeries, config: ExperimentConfig) -> RunPlan:
    """Plan the forecast of a series at once."""
    rows = len(series)
    tested, validated = (min(most / rows, share) for most, share in ((TESTED, 0.2), (VALIDATED, 0.1)))
    config = replace(config, train_share=1 - tested - validated, validation_share=validated)
    plan = plan_run(series, ["pretrained"], config)
    return replace(plan, models=MODELS)


def record(found: Experiment) -> dict[str, float | int]:
    """What the test says, as plain JSON values."""
    score = next(row for row in found.scores if row.model == MODELS[0])
    numbers = {name: getattr(score, name) for name in ("mae", "mae_vs_naive", "pinball", "coverage90")}
    return {"rows": found.split.rows - found.split.test, **{name: float(value) for name, value in numbers.items()}}


def sentence(found: Experiment) -> str:
    """What forecast the series, and how good it was on its last rows, in two sentences."""
    said = record(found)
    unit = f" {found.series.unit}" if found.series.unit else ""
    return (
        f"{found.series.name}: forecast by the network that comes with the package, which learned from simulated "
        f"series alone. On the last {said['rows']:,} rows its mean absolute error was {said['mae']:.4g}{unit}, "
        f"{said['mae_vs_naive']:.3f} of naive's, and its 90 % intervals held {said['coverage90']:.0%} of the values."
    )
