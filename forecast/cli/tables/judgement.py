"""Print what forecasts are worth that others made, and how a forecast did whose dates have come."""

from collections.abc import Sequence
from math import isnan

import numpy as np
from rich.markup import escape

from forecast.cli.tables.comparison import MODELS, OVER_SERIES, REST, print_models_over_series
from forecast.cli.tables.layout import (
    add_columns,
    middle_left_out,
    new_table,
    print_paragraph,
    print_sentences,
    print_table,
    rest,
)
from forecast.cli.tables.results import LEGEND, by_score, scores_of
from forecast.config import QUANTILES
from forecast.evaluation.bottom_line import remarks
from forecast.evaluation.follow_up import FollowUp
from forecast.evaluation.score_forecasts import JudgedSeries, Judgement

TEXT = ("series", "model", "to do")


def print_judgement(judgement: Judgement, *, wide: bool = False) -> None:
    """Scores and verdicts of one series, or what each model is worth over several; the bottom line last."""
    if len(judgement.series) == 1:
        _print_series(next(iter(judgement.series.values())), wide=wide)
    else:
        columns = MODELS | REST if wide else MODELS
        print_models_over_series(f"{len(judgement.series)} series", columns, judgement.to_frame("models"))
        print_sentences([OVER_SERIES])
    print_paragraph(f"{name} is not scored: {why}" for name, why in judgement.errors.items())
    print_paragraph([judgement.bottom_line])


def _print_series(one: JudgedSeries, *, wide: bool) -> None:
    first = next(iter(one.backtests.values()))
    origins, count = len(first.origin), int(np.isfinite(first.actual).sum())
    dates = f"{count:,} dates from {origins:,} origin{'s' if origins > 1 else ''}"
    print_table(scores_of(one.scores, f"{one.series.name}: {dates}", unit=one.series.unit, wide=wide))
    print_sentences([LEGEND["forecast"]])
    if one.calibration:
        print_sentences([""])
        _print_calibration(one)
    print_paragraph(verdict.sentence for verdict in by_score(one.verdicts, one.scores))
    print_sentences(remarks(one.verdicts))


def _print_calibration(one: JudgedSeries) -> None:
    """The share of truths below each quantile."""
    table = new_table("Share of truths at or below each quantile; its own level would be right [%]")
    add_columns(table, "model", *(f"{level:.0%}" for level in QUANTILES), text=["model"])
    for model, shares in one.calibration.items():
        table.add_row(escape(model), *(f"{100 * share:.1f}" for share in shares.values()))
    print_table(table)


def print_follow_up(found: Sequence[FollowUp]) -> None:
    """One sentence of one forecast; of several a row each, those that erred most beyond their promise first."""
    if len(found) == 1:
        print_sentences([found[0].sentence])
        return
    table = new_table(f"{len(found)} forecasts, and what came")
    add_columns(table, "series", "model", "come", "inside", "MAE", "promised", "naive", "p", "to do", text=TEXT)
    rows = sorted(found, key=lambda one: (isnan(one.p_value), one.p_value))
    for one in middle_left_out(rows):
        if one is None:
            table.add_row(*rest(rows))
            continue
        numbers = ("" if isnan(value) else f"{value:.4g}" for value in (one.mae, one.promised, one.naive_mae))
        p_value = "" if isnan(one.p_value) else f"{one.p_value:.3f}"
        come = f"{one.come}/{one.steps}"
        table.add_row(escape(one.series), escape(one.model), come, str(one.inside), *numbers, p_value, one.advice)
    print_table(table)
    print_sentences(
        ["p: the chance of so large an error, if the forecast is right; for the number of series corrected."]
    )
