"""Forecasts at once, or from a saved model."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from glob import glob
from pathlib import Path
from typing import Annotated, Any

import typer

from forecast.cli.commands.inputs import ManySeriesArguments, expanded, load_readable, reading_of
from forecast.cli.json_output import print_json
from forecast.cli.options import SOURCE, shared
from forecast.cli.progress import JobsBar, counted, note, say
from forecast.errors import Stopped

BACKENDS = ("numpy", "keras")
# Series whose tests are told one by one.
LISTED = 4


@shared(SOURCE)
def predict(
    ctx: typer.Context,
    series: ManySeriesArguments,
    model: Annotated[
        Path | None,
        typer.Option(
            help="Folder or zip file of a saved model, or a pattern in quotes for the models of several targets "
            "[the network that comes with the package]."
        ),
    ] = None,
    horizon: Annotated[int | None, typer.Option(help="Without --model: steps [from the frequency].", min=1)] = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="File for the forecasts as a table.")] = None,
    plot: Annotated[Path | None, typer.Option(help="File for a picture, as in forecast.png.")] = None,
    backend: Annotated[str, typer.Option(help="numpy for the equations, keras for the saved network.")] = "numpy",
    out: Annotated[
        Path | None, typer.Option(help="Parquet file for the forecasts of thousands of series, made side by side.")
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(help="With --out, or for hundreds of series: processes side by side [all cores].", min=1),
    ] = None,
    engine: Annotated[str, typer.Option(help="With --out: local, ray, or the address of a Ray cluster.")] = "local",
    paths: Annotated[int, typer.Option(help="Sample paths for --above, --below and --touch.", min=1)] = 5000,
    above: Annotated[float | None, typer.Option(help="How likely is it to end above this level?")] = None,
    below: Annotated[float | None, typer.Option(help="How likely is it to end below this level?")] = None,
    touch: Annotated[float | None, typer.Option(help="How likely is it to touch this level on the way?")] = None,
) -> None:
    """Forecast the coming steps at once, or from a saved model.

    Any series, without training and without TensorFlow. Without --model the network that comes with the package
    forecasts, and is tested on the last fifth of each series beside naive.

    With --model, series that it was not trained on are forecast on their own scale. With several series, one that
    cannot be forecast is named, the others are given, and the exit status is 1. With --out, such series stand in a
    table of errors beside the file, and after Ctrl-C or a kill the same command goes on.

    Example: forecast predict data/nasdaq.csv
    """
    levels = {
        name: level for name, level in (("above", above), ("below", below), ("touch", touch)) if level is not None
    }
    _check_model(model, out, backend, horizon)
    if out and model:
        _check_alone({"--csv": csv, "--plot": plot, "--backend": backend != "numpy", **_flags(levels)})
        _check_parquet(out)
        _forecast_into(out, model, series, ctx.params, jobs, engine)
        return
    from forecast.inference import predict as forecasting

    models = _open_all(model, backend) if model else [None]
    parts = [_forecast(one, series, ctx.params, horizon, jobs) for one in models]
    made = _by_target(parts, models) if len(parts) > 1 else parts[0]
    chances = _chances(made.done, made.several, paths, levels) if levels else []
    if csv:
        forecasting.write_table([one.record() for one in made.done], csv)
    if plot:
        from forecast.report.plots.forecast import save_forecasts

        save_forecasts(made.done, [one for one in made.several if one.name not in made.failed], plot)
    if ctx.params["as_json"]:
        records = _records(made, chances)
        print_json(records[0] if made.asked == 1 else {"forecasts": records})
    else:
        _print(made.done)
        _print_tests(made.tests)
        _print_chances(made.done, chances, levels)
    if made.failed or made.unread:
        raise typer.Exit(1)


@dataclass(frozen=True)
class _Made:
    """What came of a request: the series that were read, their forecasts, and how many were asked for and not read.

    `failed` names series without a forecast; `tests` has the numbers and the words of each test of a forecast at once.
    """

    several: list[Any]
    done: list[Any]
    failed: set[str]
    tests: list[tuple[dict[str, Any], str]]
    asked: int
    unread: int


def _records(made: _Made, chances: list[dict[str, float]]) -> list[dict[str, Any]]:
    """The forecasts as plain JSON values, each with its test and its chances, where there are some."""
    records = [one.record() for one in made.done]
    for name, values in (("chances", chances), ("test", [test for test, _ in made.tests])):
        if values:
            records = [{**record, name: value} for record, value in zip(records, values, strict=True)]
    return records


def _forecast(
    trained: Any, sources: list[str], options: dict[str, Any], horizon: int | None, jobs: int | None
) -> _Made:
    """Forecast the series of all sources by a saved model, or at once where there is none."""
    from forecast.config import ExperimentConfig
    from forecast.inference.predict import assumptions

    config = trained.config if trained else ExperimentConfig(horizon=horizon)
    references = expanded(sources, options)
    several, unread = load_readable(references, options, config)
    for sentence in assumptions(trained, several) if trained else ():
        note(sentence)
    done, failed, tests = _forecast_by(trained, several, jobs) if trained else _forecast_at_once(several, config, jobs)
    return _Made(several, done, failed, tests, len(references), unread)


def _by_target(parts: list[_Made], models: list[Any]) -> _Made:
    """What several models made of the same sources, each of its own target, which stands behind the series' name."""
    several, done, failed = [], [], set()
    for part, model in zip(parts, models, strict=True):
        several += [replace(one, name=f"{one.name}:{model.target}") for one in part.several]
        done += [replace(one, series=f"{one.series}:{model.target}") for one in part.done]
        failed |= {f"{name}:{model.target}" for name in part.failed}
    asked, unread = (sum(getattr(part, name) for part in parts) for name in ("asked", "unread"))
    return _Made(several, done, failed, [], asked, unread)


def _flags(levels: dict[str, float]) -> dict[str, bool]:
    return {f"--{name}": True for name in levels}


def _chances(done: list[Any], several: list[Any], count: int, levels: dict[str, float]) -> list[dict[str, float]]:
    """What the paths of each forecast say of the levels; refuses probabilities of directions."""
    from forecast.errors import ConfigError
    from forecast.inference.forecasts import Forecast
    from forecast.inference.paths import describe, sample_paths

    if not all(isinstance(one, Forecast) for one in done):
        raise ConfigError(f"--{next(iter(levels))} needs a model of levels. Received: one of the task direction.")
    last = {one.name: float(one.y[-1]) for one in several}
    return [describe(sample_paths(one.quantiles, one.levels, count=count), last[one.series], **levels) for one in done]


def _print_chances(done: list[Any], chances: list[dict[str, float]], levels: dict[str, float]) -> None:
    words = {"above": "are above {} on {}", "below": "are below {} on {}", "touch": "touch {} up to {}"}
    for one, shares in zip(done, chances, strict=False):
        parts = [
            f"{shares[name]:.0%} {words[name].format(f'{level:g}', one.dates[-1])}" for name, level in levels.items()
        ]
        print(f"{one.series}: of {shares['paths']:,.0f} paths, {', '.join(parts)}.")


def _check_alone(others: dict[str, Any]) -> None:
    from forecast.errors import ConfigError

    if given := [name for name, value in others.items() if value]:
        raise ConfigError(f"--out goes without {', '.join(others)}. Received: {', '.join(given)} as well.")


def _check_parquet(out: Path) -> None:
    from forecast.errors import ConfigError

    if out.suffix.lower() in (".csv", ".txt", ".tsv", ".json", ".xlsx"):
        raise ConfigError(
            f"--out writes Parquet, as in {out.with_suffix('.parquet')}; --csv writes text. Received: {out}."
        )


def _forecast_into(
    out: Path, model: Path, sources: list[str], options: dict[str, Any], jobs: int | None, engine: str
) -> None:
    """Forecasts thousands of series into a file, and says how that ended."""
    from forecast.inference import bundle
    from forecast.inference.batch.predict_many import predict_many
    from forecast.inference.batch.shards import errors_file, shards_folder

    trained = bundle.open_model(model)
    references, load_options = expanded(sources, options), reading_of(options, trained.config)
    try:
        with JobsBar() as bar:
            found = predict_many(
                model, references, out, jobs=jobs, engine=engine, load_options=load_options, on_progress=bar.show
            )
    except KeyboardInterrupt:
        raise Stopped(shards_folder(out)) from None
    if found.new:
        note(f"New to this {trained.model}: {found.new:,} series; their own scale and recent rows are used.")
    if found.with_issues:
        note(f"With data issues: {found.with_issues:,} series; `forecast inspect` names them.")
    if options["as_json"]:
        print_json({"out": str(out), "series": found.done, "failed": len(found.errors)})
    else:
        print(f"Forecasts of {found.done:,} series are in {out}")
    if found.errors:
        say(f"forecast: without a forecast: {len(found.errors):,} series; {errors_file(out)} says why.")
        raise typer.Exit(1)


def _open_all(path: Path, backend: str) -> list[Any]:
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


def _open(path: Path, backend: str) -> Any:
    from forecast.inference import bundle

    if backend == "numpy":
        return bundle.open_model(path)
    from forecast.inference.bundle.keras_file import open_in_keras
    from forecast.runtime.devices import load_keras

    bundle.open_model(path)  # what is wrong with it is said before Keras is loaded
    load_keras()
    return open_in_keras(path)


def _check_model(model: Path | None, out: Path | None, backend: str, horizon: int | None) -> None:
    from forecast.errors import ConfigError

    if model is None and out:
        raise ConfigError(
            "--out goes with --model, as of `forecast train SERIES --model pretrained --save DIR`; --csv goes without. "
            "Received: no --model."
        )
    if model is None and backend != "numpy":
        raise ConfigError("--backend goes with --model. Received: no --model.")
    if model is not None and horizon is not None:
        raise ConfigError(
            f"--horizon goes without --model, whose steps are those of its training. Received: {horizon}."
        )


def _print_tests(tests: Sequence[tuple[dict[str, Any], str]]) -> None:
    """What the tests of a few series say, one by one; of many, together."""
    if len(tests) <= LISTED:
        for _, sentence in tests:
            print(sentence)
        return
    ratios = sorted(test["mae_vs_naive"] for test, _ in tests)
    print(
        f"{len(tests):,} series: forecast by the network that comes with the package. On their last rows its mean "
        f"absolute errors were from {ratios[0]:.3f} to {ratios[-1]:.3f} of naive's, {ratios[len(ratios) // 2]:.3f} in "
        "the middle; --json has each."
    )


def _forecast_at_once(
    several: list[Any], config: Any, jobs: int | None
) -> tuple[list[Any], set[str], list[tuple[dict[str, Any], str]]]:
    """Forecasts without a model of one's own, as `_forecast_by`, and what their tests say, in numbers and words."""
    from forecast.errors import ForecastError
    from forecast.evaluation import zero_shot

    found_at = dict(counted(zero_shot.answer_many(several, config, jobs=jobs), "forecasts", len(several)))
    answers = [found_at[place] for place in range(len(several))]
    for found in answers:
        if isinstance(found, ForecastError):
            if len(several) == 1:
                raise found
            say(f"forecast: {found}")
    good = [one for one in answers if not isinstance(one, ForecastError)]
    failed = {one.name for one, found in zip(several, answers, strict=True) if isinstance(found, ForecastError)}
    return [one.forecast for one in good], failed, [(one.test, one.sentence) for one in good]


def _forecast_by(trained: Any, several: list[Any], jobs: int | None) -> tuple[list[Any], set[str], list[Any]]:
    """The forecasts, and the names of the series that have none, each with a line that says why; no tests."""
    from forecast.evaluation.tasks import predict_side_by_side

    done, failed = predict_side_by_side(trained, several, jobs=jobs)
    for error in failed.values():
        if len(several) == 1:
            raise error
        say(f"forecast: {error}")
    return done, set(failed), []


def _print(done: list[Any]) -> None:
    from forecast.cli.tables import forecasts

    if len(done) == 1:
        forecasts.print_forecast(done[0])
    elif done:
        forecasts.print_outlook(done)
