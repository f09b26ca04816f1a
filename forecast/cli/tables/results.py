"""Scores and verdicts as tables, with units in their headers, the best first; audits and searches."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from math import isnan
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.markup import escape
from rich.table import Table

from forecast.cli.tables.layout import (
    add_columns,
    middle_left_out,
    new_table,
    print_paragraph,
    print_sentences,
    print_table,
    rest,
)
from forecast.config import Task
from forecast.data.calendar.frequency import count_steps, day
from forecast.evaluation.bottom_line import say_once
from forecast.evaluation.columns import COLUMNS, RISK, SORTED_BY, TERMINAL, columns_for
from forecast.evaluation.holdout import Experiment
from forecast.evaluation.leakage import Audit
from forecast.models import Estimator

if TYPE_CHECKING:
    from forecast.training.tuning.tune import Tuning

# Trials that a table shows.
MOST_TRIALS = 10
LEGEND = {
    "forecast": "* smallest error. Below 1 beats naive; the interval should hold 90 %.",
    "direction": "* smallest log loss. A skill above 0 beats the base rates.",
}
# The columns of one model on many series, which are sorted by the last.
PANEL = {
    "forecast": ("mase", "coverage90", "mae_vs_naive"),
    "direction": ("log_loss_skill", "calibration_error", "log_loss"),
}


def print_scores(experiment: Experiment, *, wide: bool = False, target: str = "") -> None:
    """The scores of each model on the test rows, and the verdicts; with a target, where there are several."""
    series, split, task = experiment.series, experiment.split, experiment.config.task
    dates, steps = series.index[[split.test, -1]], count_steps(experiment.config.resolved_horizon, series.frequency)
    span = f"{day(dates[0])} to {day(dates[1])}"
    what = (
        f"down, flat or up {steps} ahead, test on {span}"
        if task == "direction"
        else f"test on {span}, up to {steps} ahead"
    )
    name = f"{series.name}, {target}" if target else series.name
    print_table(scores_of(experiment.scores, f"{name}: {what}", unit=series.unit, task=task, wide=wide))
    print_sentences([LEGEND[task]])
    print_paragraph(
        f"{name}: {len(ratios)} networks by themselves have MAE / naive {np.mean(ratios):.3f} "
        f"with a spread of {np.std(ratios, ddof=1):.3f}."
        for name, ratios in experiment.seeds.items()
    )
    judged = by_score(experiment.verdicts, experiment.scores, task)
    print_paragraph(say_once({verdict.model: verdict.sentence for verdict in judged}))
    print_sentences(experiment.remarks)


def print_risks(experiment: Experiment) -> None:
    """The risk of holding a price, by the model with the best distribution; nothing where the series is no price."""
    if not experiment.risks:
        return
    best = min(experiment.scores, key=lambda row: row.crps).model
    print_sentences([""])
    table = new_table(f"Risk of holding {experiment.series.name} by {best}, the smallest CRPS; p-values of its tests")
    add_columns(table, *(column.header for column in RISK))
    for risk in experiment.risks:
        if risk.model == best:
            table.add_row(*(column.text(asdict(risk)) for column in RISK))
    print_table(table)


def by_score(rows: Sequence[Any], scores: Sequence[Any], task: Task = "forecast") -> list[Any]:
    """What there is of each model, in the order of the scores, the best first."""
    values = {row.model: getattr(row, SORTED_BY[task]) for row in scores}
    return sorted(rows, key=lambda row: (isnan(values[row.model]), values[row.model]))


def scores_of(rows: Sequence[Any], title: str, *, unit: str, task: Task = "forecast", wide: bool = False) -> Table:
    """One row a model, the best first and marked; the columns that fit 80 characters, or all of them."""
    names = tuple(COLUMNS[task]) if wide else TERMINAL[task]
    columns = columns_for([asdict(row) for row in rows], names, task)
    table = new_table(title)
    add_columns(table, "model", *(column.header.format(unit=unit) for column in columns), text=["model"])
    score, ordered = COLUMNS[task][SORTED_BY[task]], by_score(rows, rows, task)
    best = score.text(asdict(ordered[0]))
    for row in ordered:
        is_best = score.text(asdict(row)) == best
        cells = (column.text(asdict(row)) for column in columns)
        table.add_row(f"{'* ' if is_best else '  '}{row.model}", *cells, style="bold" if is_best else None)
    return table


def print_panel(scores: Mapping[str, Any], *, task: Task) -> None:
    """The scores of one model on the test rows of several series, best first; the middle of many is left out."""
    columns = [COLUMNS[task][name] for name in PANEL[task]]
    rows = sorted(scores.items(), key=lambda row: getattr(row[1], columns[-1].name))
    table = new_table("Test on the last rows of each series" if len(rows) > 1 else "Test on the last rows")
    add_columns(table, "series", *(column.header for column in columns), text=["series"])
    for row in middle_left_out(rows):
        if row is None:
            table.add_row(*rest(rows))
        else:
            table.add_row(escape(row[0]), *(column.text(asdict(row[1])) for column in columns))
    if len(rows) > 1:
        means = {column.name: np.mean([getattr(row, column.name) for _, row in rows]) for column in columns}
        table.add_row("mean", *(column.text(means) for column in columns), style="bold")
    print_table(table)


def print_models(models: Iterable[Estimator]) -> None:
    """The registry."""
    table = new_table()
    add_columns(table, "model", "what it is", text=["model"], prose=["what it is"])
    for model in models:
        table.add_row(model.name, model.summary)
    print_table(table)


def print_audit(audit: Audit) -> None:
    """How many forecasts changed with each treatment of the rows after them, and what that means."""
    table = new_table("Later rows changed, forecasts made before them")
    add_columns(table, "later rows", "changed", "of", text=["later rows"])
    for treatment, changed in audit.changed.items():
        table.add_row(treatment, str(changed), str(audit.forecasts))
    print_table(table)
    print_sentences([audit.sentence])


def print_tuning(tuning: "Tuning") -> None:
    """Print the best trials of a search, and how many trials ended in which state."""
    objective, shown = tuning.objective, tuning.ranking[:MOST_TRIALS]
    name = objective.series[0].name if len(objective.series) == 1 else f"{len(objective.series)} series"
    table = new_table(f"{name}: hyperparameters of {objective.model} on validation rows")
    add_columns(table, "trial", "MAE / naive", *objective.ranges, "time [s]")
    for trial in shown:
        hyperparameters = (f"{trial.hyperparameters[name]:.3g}" for name in objective.ranges)
        table.add_row(str(trial.number), f"{trial.value:.4f}", *hyperparameters, f"{trial.seconds:.1f}")
    print_table(table)
    counts = ", ".join(f"{count} {state}" for state, count in tuning.counts.items())
    print_sentences([f"Trials: {counts}. Trial 1 has the hyperparameters that the search began with."])
