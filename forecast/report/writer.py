"""Results as files: tables, plots and bundles of one experiment, in a folder that is there whole or not at all.

scores.csv     one row a model
backtest.csv   every tested origin and step: what was forecast and what came
forecast.csv   the coming steps, seven quantiles
risk.csv       of a price: value at risk and expected shortfall, and their tests
run.json       settings, versions, the data's fingerprint, split dates, verdicts
plots/         PNG pictures
models/        one bundle a network and baseline
report.html    all of it on one page
"""

import dataclasses
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecast.config import ExperimentConfig
from forecast.data.calendar.frequency import has_times, iso, iso_dates
from forecast.data.series import TimeSeries
from forecast.data.split import Split, split_rows
from forecast.errors import ConfigError
from forecast.evaluation.holdout import Experiment, Table
from forecast.evaluation.tasks import task_of
from forecast.inference.bundle import write_bundle
from forecast.inference.trained_model import TrainedModel
from forecast.models import find_model
from forecast.report.html import make_page
from forecast.report.html.content import read_record
from forecast.report.plots.experiment import save_plots, save_test_plots
from forecast.runtime.atomic import atomic_folder, holds_other
from forecast.runtime.json_values import finite
from forecast.runtime.names import slug
from forecast.runtime.parallel import in_background, start_worker
from forecast.runtime.parallel.standby import Standby
from forecast.runtime.versions import versions_here

RUN, FORECAST = "run.json", "forecast.csv"
TABLES: tuple[Table, ...] = ("scores", "backtest", "forecast")
# The first columns of a table, in their order.
ORDER = ("target", "model", "origin", "step", "date")
# What a run writes into its folder.
CONTENT = {"scores.csv", "backtest.csv", "forecast.csv", "risk.csv", RUN, "plots", "models", "report.html"}


def default_folder(name: str) -> Path:
    """`runs/NAME-DATE`, with a number behind it if that is taken."""
    stem = f"{slug(name)}-{datetime.now():%Y-%m-%d}"
    folders = (Path("runs") / (f"{stem}-{number}" if number > 1 else stem) for number in count(1))
    return next(folder for folder in folders if not folder.exists())


def check_folder(folder: Path) -> None:
    """Refuses a folder that holds something else than an earlier run.

    Raises:
        ConfigError: `folder` is a file, or a folder with other content.
    """
    if holds_other(folder, RUN):
        raise ConfigError(f"--out must be a new folder or that of an earlier run. {folder} holds something else.")


def check_kept(folder: Path, series: TimeSeries, models: Sequence[str], *, overwrite: bool = False) -> None:
    """Refuse to replace an earlier run if something would be lost that the new one does not make.

    Args:
        models: Those of the new run.
        overwrite: Whether all of it may be lost.
    Raises:
        ConfigError: the folder holds the run of another series, other models or other files; names them.
    """
    lost = [] if overwrite else _lost(folder, series, models)
    if lost:
        raise ConfigError(
            f"--out must not hold what this run does not make. In {folder} would be lost: {', '.join(lost)}. "
            "Choose another --out, or give --overwrite."
        )


def _lost(folder: Path, series: TimeSeries, models: Sequence[str]) -> list[str]:
    """What the folder of an earlier run holds that a new run there would not."""
    if not (folder / RUN).is_file():
        return []
    there = sorted(path.name for path in (folder / "models").glob("*"))
    others = sorted(path.name for path in folder.iterdir() if path.name not in CONTENT)
    old = read_record(folder)["series"]
    if (old["name"], old["target"]) != (series.name, series.target):
        return [f"the models of {old['name']} ({', '.join(there)})", *others]
    return [f"models/{name}" for name in there if name not in models] + others


def get_ready() -> None:
    """Starts the process that draws; it loads its libraries while models are trained."""
    start_worker(initializer=load_drawing)


def write_experiment(
    experiment: Experiment,
    folder: Path,
    trainers: Standby | None = None,
    *,
    home: Path | None = None,
    earlier: Path | None = None,
) -> None:
    """Write everything that the module's docstring lists; an earlier run in `folder` is replaced.

    Args:
        trainers: Processes that have Keras, and write the bundles; by default this one does.
        home: Where `folder` will be moved, which the page names in its commands; `folder` by default.
        earlier: The folder of the earlier run, whose models are kept if Ctrl-C left them out; `folder` by default.
    """
    check_folder(folder)
    with atomic_folder(folder) as work:
        with in_background(initializer=load_drawing) as start:
            start(save_plots, experiment, work / "plots")
            _write_bundles(experiment, work / "models", trainers if trainers and trainers.is_there else None)
            _write_tables(experiment, work)
            _keep_skipped(experiment, earlier or folder, work)
            save_test_plots(experiment, work / "plots")
            for error in (trainers.finish() if trainers else {}).values():
                if error:
                    raise error
        with in_background(initializer=load_drawing) as start:
            start(make_page, work, home=home or folder)


def load_drawing() -> None:
    """Load what draws pictures and the page."""
    import bokeh.embed
    import bokeh.plotting  # noqa: F401

    _load_pictures()


def load_pictures() -> None:
    """Load what draws pictures, here and in the process that draws, while others train."""
    get_ready()
    _load_pictures()


def _load_pictures() -> None:
    import matplotlib.backends.backend_agg
    import matplotlib.figure  # noqa: F401


def _write_tables(experiment: Experiment, folder: Path) -> None:
    """Write tables and the record."""
    timed = has_times(experiment.series.index)
    for table in TABLES:
        write_table(experiment.to_frame(table), folder / f"{table}.csv", timed=timed)
    if experiment.risks:
        write_csv(experiment.to_frame("risks").reset_index(), folder / "risk.csv")
    (folder / RUN).write_text(json.dumps(run_record(experiment), indent=1, allow_nan=False) + "\n", encoding="utf-8")


def _write_bundles(experiment: Experiment, folder: Path, trainers: Standby | None) -> None:
    for name, model in experiment.models.items():
        (folder / name).mkdir(parents=True)
        bundle = replace(model, tested=(tested(experiment, name),)), (folder / name).absolute()
        if trainers and find_model(name).is_network:
            trainers.submit(name, _write_there, *bundle)
        else:
            write_bundle(*bundle)


def _write_there(_: Any, model: TrainedModel, folder: Path) -> None:
    write_bundle(model, folder)


def _keep_skipped(experiment: Experiment, old: Path, work: Path) -> None:
    """Keep the saved models of an earlier run whose turn did not come, because of Ctrl-C."""
    for name in experiment.skipped:
        if (old / "models" / name).is_dir():
            shutil.copytree(old / "models" / name, work / "models" / name)


def run_record(experiment: Experiment) -> dict[str, Any]:
    """What was run on what, and what came of it, as plain JSON values."""
    return {
        **about(experiment.series, experiment.config, split=experiment.split),
        "bottom_line": experiment.bottom_line,
        "remarks": list(experiment.remarks),
        "cautions": list(experiment.cautions),
        **trained(experiment.models, experiment.skipped),
        **finite(task_of(experiment.config).record(experiment.backtests, experiment.models, experiment.forecasts)),
        "scores": [finite(dataclasses.asdict(row)) for row in experiment.scores],
        "risk": [finite(dataclasses.asdict(row)) for row in experiment.risks],
        "seeds": {name: list(ratios) for name, ratios in experiment.seeds.items()},
        "verdict": {row.model: finite(dataclasses.asdict(row)) for row in experiment.verdicts},
    }


def read_forecast_record(folder: Path) -> dict[str, Any]:
    """Read `run.json` of a run that forecast values.

    Raises:
        ConfigError: the folder holds no run, or one of directions.
    """
    found = read_record(folder)
    if found["config"]["task"] != "forecast":
        raise ConfigError(
            f"forecasts of values can be checked. {folder} is a run of the task {found['config']['task']}."
        )
    return found


def about(series: TimeSeries, config: ExperimentConfig, *, split: Split) -> dict[str, Any]:
    """The data and settings of a run, as plain JSON values."""
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "series": {
            "name": series.name,
            "target": series.target,
            "unit": series.unit,
            "frequency": series.frequency,
            "rows": len(series),
            "first": iso(series.index[0]),
            "last": iso(series.index[-1]),
            "sha256": series.fingerprint(),
            "exchange": series.exchange,
            "notes": list(series.notes),
            "findings": [dataclasses.asdict(finding) for finding in series.findings],
        },
        "split": {
            "train": [iso(series.index[0]), iso(series.index[split.validation - 1])],
            "validation": [iso(series.index[split.validation]), iso(series.index[split.test - 1])],
            "test": [iso(series.index[split.test]), iso(series.index[-1])],
        },
        "config": config.to_dict(),
        "versions": versions_here(),
    }


def tested(experiment: Any, name: str) -> dict[str, Any]:
    """What a bundle says of how good its model was in an experiment, on values or on directions."""
    series, test = experiment.series, experiment.split.test
    found = {
        "series": series.name,
        "unit": series.unit,
        "first": iso(series.index[test]),
        "last": iso(series.index[-1]),
    }
    scores = next(row for row in experiment.scores if row.model == name)
    verdict = next(row for row in experiment.verdicts if row.model == name)
    return {**found, "scores": finite(dataclasses.asdict(scores)), "verdict": finite(dataclasses.asdict(verdict))}


def tested_on(series: TimeSeries, scores: Any, config: ExperimentConfig) -> dict[str, Any]:
    """What a bundle says of how good its model was on the test rows of a series."""
    first = iso(series.index[split_rows(len(series), config).test])
    found = {"series": series.name, "unit": series.unit, "first": first, "last": iso(series.index[-1])}
    return {**found, "scores": finite(dataclasses.asdict(scores))}


def trained(models: Mapping[str, TrainedModel], skipped: tuple[str, ...]) -> dict[str, Any]:
    """Which models were trained in a run."""
    interrupted = [name for name, model in models.items() if model.interrupted]
    return {"models": list(models), "interrupted": interrupted, "skipped": list(skipped)}


def write_table(table: pd.DataFrame, path: Path, *, timed: bool) -> None:
    """Write a table of a result as CSV; the index is a column, and dates are text in one form."""
    table = table.reset_index()
    first = [name for name in ORDER if name in table]
    table = table[[*first, *(name for name in table if name not in first)]]
    dates = {name: _texts(table[name], timed=timed) for name in ("date", "origin") if name in table}
    write_csv(table.assign(**dates), path)


def _texts(dates: "pd.Series[Any]", *, timed: bool) -> Any:
    """Dates as text, each written once."""
    places, found = pd.factorize(dates)
    return np.array(iso_dates(pd.Index(found), timed=timed), dtype=object)[places]


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """CSV through Arrow, which writes hundreds of thousands of rows in a moment; shortest digits that read back."""
    import pyarrow as pa
    from pyarrow import csv

    with path.open("wb") as file:
        file.write((",".join(table.columns) + "\n").encode())
        options = csv.WriteOptions(include_header=False, quoting_style="none")
        csv.write_csv(pa.Table.from_pandas(table, preserve_index=False), file, options)
