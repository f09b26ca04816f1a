"""What `forecast predict` makes of its sources: forecasts by saved models, or at once, with their tests."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecast.cli.commands.inputs import expanded, load_readable
from forecast.cli.progress import counted, note, say

if TYPE_CHECKING:
    from forecast.data.series import TimeSeries
    from forecast.errors import ForecastError
    from forecast.inference.forecasts import DirectionForecast, Forecast
    from forecast.inference.trained_model import TrainedModel

BACKENDS = ("numpy", "keras")


@dataclass(frozen=True, eq=False)
class Predictions:
    """The series that were read, their forecasts, and how many were asked for and not read.

    `failed` names series without a forecast; `tests` has the numbers and the words of each test of a forecast at once.
    """

    several: "list[TimeSeries]"
    forecasts: "list[Forecast | DirectionForecast]"
    failed: set[str]
    tests: list[tuple[dict[str, Any], str]]
    asked: int
    unread: int

    @property
    def are_complete(self) -> bool:
        return not (self.failed or self.unread)

    @property
    def forecast_series(self) -> "list[TimeSeries]":
        """The series that have a forecast, in the order of these."""
        return [one for one in self.several if one.name not in self.failed]

    def chances(self, count: int, levels: dict[str, float]) -> list[dict[str, float]]:
        """What so many paths of each forecast say of the levels; refuses probabilities of directions."""
        from forecast.errors import ConfigError
        from forecast.inference.forecasts import Forecast
        from forecast.inference.paths import describe, sample_paths

        last, found = {one.name: float(one.y[-1]) for one in self.several}, []
        for one in self.forecasts if levels else ():
            if not isinstance(one, Forecast):
                raise ConfigError(
                    f"--{next(iter(levels))} needs a model of levels. Received: one of the task direction."
                )
            paths = sample_paths(one.quantiles, one.levels, count=count)
            found.append(describe(paths, last[one.series], **levels))
        return found

    def records(self, chances: list[dict[str, float]]) -> list[dict[str, Any]]:
        """The forecasts as plain JSON values, each with its test and its chances, where there are some."""
        records = [one.record() for one in self.forecasts]
        for name, values in (("chances", chances), ("test", [test for test, _ in self.tests])):
            if values:
                records = [{**record, name: value} for record, value in zip(records, values, strict=True)]
        return records


def forecast_by_models(
    models: "Sequence[TrainedModel]", sources: list[str], options: dict[str, Any], jobs: int | None
) -> Predictions:
    """Forecast the series of all sources by a saved model, or by several, each of its own target."""
    parts = [_forecast_by(model, sources, options, jobs) for model in models]
    return _by_target(parts, models) if len(parts) > 1 else parts[0]


def _forecast_by(model: "TrainedModel", sources: list[str], options: dict[str, Any], jobs: int | None) -> Predictions:
    from forecast.evaluation.tasks import predict_side_by_side
    from forecast.inference.predict import assumptions

    references = expanded(sources, options)
    several, unread = load_readable(references, options, model.config)
    for sentence in assumptions(model, several):
        note(sentence)
    done, failed = predict_side_by_side(model, several, jobs=jobs)
    _say_errors(failed.values(), alone=len(several) == 1)
    return Predictions(several, done, set(failed), [], len(references), unread)


def forecast_at_once(sources: list[str], options: dict[str, Any], horizon: int | None, jobs: int | None) -> Predictions:
    """Forecast the series of all sources by the network that comes with the package, each with its test."""
    from forecast.config import ExperimentConfig
    from forecast.errors import ForecastError
    from forecast.evaluation.zero_shot import answer_many

    config, references = ExperimentConfig(horizon=horizon), expanded(sources, options)
    several, unread = load_readable(references, options, config)
    found_at = dict(counted(answer_many(several, config, jobs=jobs), "forecasts", len(several)))
    answers = [found_at[place] for place in range(len(several))]
    failed = {one.name: found for one, found in zip(several, answers, strict=True) if isinstance(found, ForecastError)}
    _say_errors(failed.values(), alone=len(several) == 1)
    good = [one for one in answers if not isinstance(one, ForecastError)]
    tests = [(one.test, one.sentence) for one in good]
    return Predictions(several, [one.forecast for one in good], set(failed), tests, len(references), unread)


def _say_errors(errors: Iterable["ForecastError"], *, alone: bool) -> None:
    """A line on each series that has no forecast; that of the only one is the command's error."""
    for error in errors:
        if alone:
            raise error
        say(f"forecast: {error}")


def _by_target(parts: list[Predictions], models: "Sequence[TrainedModel]") -> Predictions:
    """What several models made of the same sources, each of its own target, which stands behind the series' name."""
    several, forecasts, failed = [], [], set()
    for part, model in zip(parts, models, strict=True):
        several += [replace(one, name=f"{one.name}:{model.target}") for one in part.several]
        forecasts += [replace(one, series=f"{one.series}:{model.target}") for one in part.forecasts]
        failed |= {f"{name}:{model.target}" for name in part.failed}
    asked, unread = (sum(getattr(part, name) for part in parts) for name in ("asked", "unread"))
    return Predictions(several, forecasts, failed, [], asked, unread)


def open_models(path: Path, backend: str) -> "list[TrainedModel]":
    """The saved model, or all that a pattern matches, each of another target."""
    from forecast.errors import ConfigError

    if backend not in BACKENDS:
        raise ConfigError(f"`backend` must be one of {', '.join(BACKENDS)}. Received: {backend}.")
    if path.exists() or not any(mark in str(path) for mark in "*?["):
        return [_open(path, backend)]
    found = sorted(glob(str(path)))  # noqa: PTH207  a pattern may be absolute
    models = [_open(Path(one), backend) for one in found]
    if not models or len({one.target for one in models}) < len(models):
        count = Counter(one.target for one in models)
        targets = ", ".join(f"{number} of {target}" for target, number in count.items()) or "none"
        raise ConfigError(f"a pattern must match models of one target each. {path} matches: {targets}.")
    return models


def _open(path: Path, backend: str) -> "TrainedModel":
    from forecast.inference import bundle

    if backend == "numpy":
        return bundle.open_model(path)
    from forecast.inference.bundle.keras_file import open_in_keras
    from forecast.runtime.devices import load_keras

    bundle.open_model(path)  # what is wrong with it is said before Keras is loaded
    load_keras()
    return open_in_keras(path)
