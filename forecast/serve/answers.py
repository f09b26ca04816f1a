"""What the routes tell of series and forecasts, as plain JSON values; every number is one that the package computes.

In: where a series comes from, and a model. Out: the record of the series, its forecast, and how past forecasts did.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecast.config import LEVELS, MEDIAN, QUANTILES, ExperimentConfig
from forecast.data import sources
from forecast.data.calendar.frequency import has_times, iso_dates
from forecast.data.seasons import find_seasons
from forecast.data.series import TimeSeries
from forecast.data.sources.inspection import SeriesInspection
from forecast.errors import ConfigError, SeveralSeries
from forecast.evaluation import zero_shot
from forecast.evaluation.scores import complete
from forecast.evaluation.tasks import task_of
from forecast.inference.bundle import open_model
from forecast.inference.forecasts import Backtest, rows_of
from forecast.inference.paths import quantiles_at, sample_paths
from forecast.inference.predict import assumptions
from forecast.inference.trained_model import TrainedModel
from forecast.metrics.metrics import coverage
from forecast.runtime.json_values import finite

Record = dict[str, Any]
# Past origins of one answer, names that a problem lists, and rows of a history.
MOST_ORIGINS, LISTED, MOST_ROWS = 400, 100, 20_000
# A date in ISO form, with a time of day or without.
PLAIN = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?)?", re.ASCII)
# Options of `load` that a series is sent with.
OPTIONS = ("target", "unit", "name", "date_order", "exchange", "every", "how", "fill")


def source_of(source: Mapping[str, Any], folder: Path) -> Any:
    """What `load` takes, of the source of a series: a file in `folder`, one of its series, a ticker, or rows."""
    if source.get("file"):
        part = source.get("part")
        return f"{folder / source['file']}:{part}" if part else folder / source["file"]
    return source["ticker"] if source.get("ticker") else frame_of(source["rows"])


def frame_of(rows: Sequence[Mapping[str, Any]]) -> Any:
    """Rows of a request as columns: the dates, if there are any, and the values."""
    dates, values = [row.get("date") for row in rows], np.array([row.get("value") for row in rows], np.float64)
    if dates[0] is None:
        return pd.Series(values, name="value")
    return pd.DataFrame({"date": _moments(dates), "value": values})


def _moments(dates: Sequence[Any]) -> Any:
    """Dates in ISO form and without an offset as such, which is quick; others as the text that they are."""
    if not all(map(PLAIN.fullmatch, dates)):
        return dates
    try:
        return pd.DatetimeIndex(np.array(dates, "M8[us]"))
    except ValueError:
        return dates


def read(source: Mapping[str, Any], folder: Path) -> TimeSeries:
    """The series of a source.

    Raises:
        ForecastError: it cannot be read.
    """
    options = {name: value for name, value in source.get("options", {}).items() if value is not None}
    return sources.load(source_of(source, folder), offline=source.get("offline", False), **options)


def describe(source: Mapping[str, Any], folder: Path) -> Record:
    """The record of a series, and its rows as they are shown.

    Raises:
        SeveralSeries: there are several; names them.
        ForecastError: it cannot be read.
    """
    options = {name: value for name, value in source.get("options", {}).items() if value is not None}
    named = {name: options.pop(name) for name in ("name", "unit") if name in options}
    found = sources.inspect(source_of(source, folder), offline=source.get("offline", False), **options)
    if len(found.series) > 1:
        raise SeveralSeries(
            f"{found.source}: say which series. There are {', '.join(one.name for one in found.series[:LISTED])}."
        )
    (one,) = found.series
    series = sources.load(one.series, **named)
    form = ", ".join(f"{what} {how}" for what, how in found.form.items())
    return {"record": _record(series, one, form), "history": _history(series)}


def _record(series: TimeSeries, found: SeriesInspection, form: str) -> Record:
    """What was understood of a series, and what looks wrong with it."""
    seasons = find_seasons(series.y, series.grid)
    first, last = found.span
    return {
        "name": series.name,
        "unit": series.unit,
        "frequency": series.frequency,
        "season": seasons[0] if seasons else None,
        "rows": int(series.known.sum()),
        "missing": int((~series.known).sum()),
        "first": first,
        "last": last,
        "target": series.target,
        "columns": list(found.columns),
        "exchange": series.trading_calendar,
        "notes": [note for note in (form, f"{series.target}: {found.why}", *series.notes) if note],
        "warnings": [str(issue) for issue in series.findings],
    }


def _history(series: TimeSeries) -> Record:
    """The last rows: dates, and values that are null where they are missing."""
    index = series.index[-MOST_ROWS:]
    return {
        "dates": iso_dates(index, timed=has_times(series.index)),
        "values": finite(series.known_y[-MOST_ROWS:].tolist()),
    }


def forecast_at_once(series: TimeSeries, horizon: int | None, origins: int) -> Record:
    """The forecast of a series by the network that comes with the package, its test, and past forecasts.

    Args:
        origins: How many past forecasts; 0 for none.
    """
    found = zero_shot.answer(series, ExperimentConfig(horizon=horizon))
    verdict = next(one.sentence for one in found.judge().verdicts if one.model == found.model.model)
    answer = {
        **found.forecast.record(),
        "test": found.record(),
        "verdict": verdict,
        "notes": [found.reach] if found.reach else [],
    }
    past = past_forecasts(found.backtest, origins) if origins else None
    return _plain({"answer": answer, "past": past})


def forecast_with(model: TrainedModel, series: TimeSeries, horizon: int | None) -> Record:
    """The forecast of a series by a saved model, and what its own test said.

    Raises:
        ConfigError: the horizon is longer than the model's.
    """
    made, failed = task_of(model.config).predict_all(model, [series])
    if failed:
        raise next(iter(failed.values()))
    return _plain(
        {**_shorter(made[0].record(), horizon), **_tested(model, series), "notes": assumptions(model, [series])}
    )


def _shorter(record: Record, horizon: int | None) -> Record:
    """The first steps of a forecast."""
    steps = record.get("forecast")
    if horizon is None or steps is None:
        return record
    if horizon > len(steps):
        raise ConfigError(
            f"`horizon` must be at most {len(steps)}, the steps that the model was trained for. Received: {horizon}."
        )
    return {**record, "forecast": steps[:horizon]}


def _tested(model: TrainedModel, series: TimeSeries) -> Record:
    """The test of a saved model on this series; null where it was not tested on it."""
    found = next((one for one in model.tested if one.get("series") == series.name and one.get("scores")), None)
    if found is None:
        return {"test": None, "verdict": None}
    names = ("mae", "mae_vs_naive", "pinball", "coverage90")
    scores = {name: found["scores"].get(name) for name in names}
    return {
        "test": {"first": found["first"], "last": found["last"], **scores},
        "verdict": (found.get("verdict") or {}).get("sentence"),
    }


def dress(answer: Record, levels: Sequence[float] | None, paths: int) -> Record:
    """An answer with other quantiles than the usual ones, and with sample paths, where they are asked for.

    Raises:
        ConfigError: the forecast is one of directions.
    """
    if levels is None and not paths:
        return answer
    if "forecast" not in answer:
        raise ConfigError("`levels` and `paths` need a forecast of values. Received: a model of directions.")
    known = np.array([[step[name] for name in LEVELS] for step in answer["forecast"]])
    found = dict(answer)
    if levels is not None:
        wanted = quantiles_at(known, QUANTILES, levels).tolist()
        names = [level_name(level) for level in levels]
        found["forecast"] = [
            {"step": step["step"], "date": step["date"], **dict(zip(names, row, strict=True))}
            for step, row in zip(answer["forecast"], wanted, strict=True)
        ]
    if paths:
        found["paths"] = sample_paths(known, QUANTILES, count=paths).tolist()
    return found


def level_name(level: float) -> str:
    """The name of a quantile: `q05`, `q97.5`."""
    percent = f"{100 * level:.10g}"
    return f"q{percent.zfill(2) if '.' not in percent else percent.zfill(4)}"


def past_of(model: TrainedModel, series: TimeSeries, origins: int) -> Record:
    """How the forecasts of a saved model did on the rows after its training, or on the last fifth.

    Raises:
        ModelError: it is a model of directions.
    """
    return _plain(past_forecasts(model.backtest(series), origins))


def past_forecasts(backtest: Backtest, origins: int) -> Record:
    """Past forecasts beside what came, at origins that are spread evenly over those that were tested."""
    tested = complete(backtest)
    if not len(tested.origin):
        raise ConfigError("past forecasts need rows that came after them. Received: none.")
    chosen = np.unique(np.linspace(0, len(tested.origin) - 1, min(origins, MOST_ORIGINS)).round().astype(int))
    return {
        "origins": [_past(tested, place) for place in chosen],
        "inside": _inside(tested, slice(None)),
        "promised": round(QUANTILES[-1] - QUANTILES[0], 2),
        "tested": len(tested.origin),
    }


def _past(tested: Backtest, place: int) -> Record:
    horizon, origin = tested.actual.shape[1], tested.origin[place]
    timed = has_times(tested.index)
    dates = iso_dates(rows_of(tested.index, origin + np.arange(horizon + 1)), timed=timed)
    quantiles, actual = tested.quantiles[place], tested.actual[place]
    steps = [
        {"step": step, "date": date, "q05": row[0], "q50": row[MEDIAN], "q95": row[-1], "actual": came}
        for step, (date, row, came) in enumerate(
            zip(dates[1:], quantiles.tolist(), actual.tolist(), strict=True), start=1
        )
    ]
    return {
        "origin": dates[0],
        "last_value": float(tested.last_value[place]),
        "forecast": steps,
        "inside": _inside(tested, slice(place, place + 1)),
    }


def _inside(tested: Backtest, part: slice) -> float:
    """The share of what came that lay inside the interval from the first quantile to the last."""
    actual, quantiles = tested.actual[part], tested.quantiles[part]
    known = np.isfinite(actual)
    return coverage(actual[known], quantiles[known][:, 0], quantiles[known][:, -1])


def answer(arguments: Mapping[str, Any]) -> Record:
    """A forecast and past forecasts of one series, of which a request tells source, model and horizon."""
    series = read(arguments["source"], Path(arguments["folder"]))
    horizon, origins = arguments.get("horizon"), arguments.get("origins", 0)
    if not arguments.get("model"):
        return forecast_at_once(series, horizon, origins)
    model = open_model(arguments["model"])
    found = {"answer": forecast_with(model, series, horizon), "past": None}
    if origins and model.config.task == "forecast":
        found["past"] = past_of(model, series, origins)
    return found


def picture(arguments: Mapping[str, Any]) -> Record:
    """The forecast of a series as a PNG picture, in base64."""
    import base64
    import tempfile

    from forecast.report.plots.forecast import save_forecasts

    series = read(arguments["source"], Path(arguments["folder"]))
    if arguments.get("model"):
        made = open_model(arguments["model"]).predict(series)
    else:
        made = zero_shot.answer(series, ExperimentConfig(horizon=arguments.get("horizon"))).forecast
    with tempfile.TemporaryDirectory(prefix="forecast-") as folder:
        path = Path(folder) / "forecast.png"
        save_forecasts([made], [series], path)
        return {"png": base64.b64encode(path.read_bytes()).decode()}


def read_series(arguments: Mapping[str, Any]) -> Record:
    """The record and the rows of a source."""
    return describe(arguments["source"], Path(arguments["folder"]))


TASKS = {"read": read_series, "answer": answer, "picture": picture}


def _plain(record: Record) -> Record:
    """A record without numbers that JSON does not have."""
    found: Record = finite(record)
    return found
