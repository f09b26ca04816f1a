"""Forecasts at once, or from a saved model."""

from pathlib import Path
from typing import Annotated, Any

import typer

from forecast.cli.commands.inputs import ManySeriesArguments, expanded, reading_of
from forecast.cli.commands.predictions import Predictions, forecast_at_once, forecast_by_models, open_models
from forecast.cli.json_output import print_json
from forecast.cli.options import SOURCE, shared
from forecast.cli.progress import JobsBar, note, say
from forecast.errors import ConfigError, Stopped


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
    if model:
        made = forecast_by_models(open_models(model, backend), series, ctx.params, jobs)
    else:
        made = forecast_at_once(series, ctx.params, horizon, jobs)
    chances = made.chances(paths, levels)
    _write(made, csv, plot)
    if ctx.params["as_json"]:
        records = made.records(chances)
        print_json(records[0] if made.asked == 1 else {"forecasts": records})
    else:
        _print(made, chances, levels)
    if not made.are_complete:
        raise typer.Exit(1)


def _write(made: Predictions, csv: Path | None, plot: Path | None) -> None:
    """Write the forecasts as a table, and as a picture."""
    if csv:
        from forecast.inference.predict import write_table

        write_table([one.record() for one in made.forecasts], csv)
    if plot:
        from forecast.report.plots.forecast import save_forecasts

        save_forecasts(made.forecasts, made.forecast_series, plot)


def _print(made: Predictions, chances: list[dict[str, float]], levels: dict[str, float]) -> None:
    """Print the forecasts, how good those at once were, and how likely the levels are."""
    from forecast.cli.tables import forecasts as tables

    if len(made.forecasts) == 1:
        tables.print_forecast(made.forecasts[0])
    elif made.forecasts:
        tables.print_outlook(made.forecasts)
    tables.print_tests(made.tests)
    tables.print_chances(made.forecasts, chances, levels)


def _flags(levels: dict[str, float]) -> dict[str, bool]:
    return {f"--{name}": True for name in levels}


def _check_model(model: Path | None, out: Path | None, backend: str, horizon: int | None) -> None:
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


def _check_alone(others: dict[str, Any]) -> None:
    if given := [name for name, value in others.items() if value]:
        raise ConfigError(f"--out goes without {', '.join(others)}. Received: {', '.join(given)} as well.")


def _check_parquet(out: Path) -> None:
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
