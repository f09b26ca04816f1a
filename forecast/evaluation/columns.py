"""The columns of tables of scores: header, unit, format and meaning of each, once for terminal, page and docs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any

from forecast.config import Task


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        name: The field of the scores that the column is sorted by.
        header: With the unit in square brackets; `{unit}` stands for that of the series.
        form: How a row of scores is shown; shares are shown in percent, without the sign.
        meaning: One line for a reader who meets the term here.
    """

    name: str
    header: str
    form: str
    meaning: str

    def text(self, row: Mapping[str, Any]) -> str:
        """The cell of a row of scores; empty where the score is not defined."""
        return "" if _is_missing(row[self.name]) else self.form.format(**row).replace("%", "")


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and isnan(value))


_FORECAST = (
    Column("mae_vs_naive", "MAE / naive", "{mae_vs_naive:.3f}", "MAE over that of naive; below 1 is better"),
    Column("crps_vs_naive", "CRPS / naive", "{crps_vs_naive:.3f}", "CRPS over that of naive; below 1 is better"),
    Column("mae", "MAE [{unit}]", "{mae:.4g}", "mean absolute error of the median"),
    Column("mse", "MSE [{unit}²]", "{mse:.4g}", "mean squared error of the median"),
    Column("rmse", "RMSE [{unit}]", "{rmse:.4g}", "root of the mean squared error of the median"),
    Column("bias", "bias [{unit}]", "{bias:+.3g}", "mean of median minus truth"),
    Column("mape", "MAPE [%]", "{mape:.2f}", "mean absolute error in percent of the truth"),
    Column("smape", "sMAPE [%]", "{smape:.2f}", "mean absolute error in percent of truth and median"),
    Column("mase", "MASE", "{mase:.3f}", "MAE over the mean change from row to row of the training rows"),
    Column("crps", "CRPS [{unit}]", "{crps:.4g}", "loss of the whole distribution; MAE for a single value"),
    Column(
        "direction",
        "direction [%]",
        "{direction:.1%} ({direction_low:.0%} to {direction_high:.0%})",
        "share of moves whose sign was right, with its 95 % interval",
    ),
    Column("coverage90", "in 90 % interval [%]", "{coverage90:.1%}", "share of truths inside the 90 % interval"),
    Column("width90", "width [{unit}]", "{width90:.4g}", "mean width of the 90 % interval"),
    Column(
        "network_share",
        "network [%]",
        "{network_share:.1%}",
        "share of the forecast moves that is the network's own; the rest is its linear highway's",
    ),
    Column("fit_seconds", "fit [s]", "{fit_seconds:.1f}", "seconds of training"),
)
_DIRECTION = (
    Column("log_loss", "log loss [nats]", "{log_loss:.4f}", "minus the logarithm of the probability of what came"),
    Column("brier", "Brier score", "{brier:.4f}", "squared error of the probabilities, 0 to 2"),
    Column("accuracy", "accuracy [%]", "{accuracy:.1%}", "share of origins whose likeliest class came"),
    Column(
        "log_loss_skill", "skill, log loss [%]", "{log_loss_skill:.1f}", "how much smaller than the base rates' one"
    ),
    Column("brier_skill", "skill, Brier [%]", "{brier_skill:.1f}", "how much smaller than the base rates' one"),
    Column(
        "calibration_error",
        "calibration error [%]",
        "{calibration_error:.1%}",
        "mean distance between probabilities and observed shares",
    ),
    Column(
        "mixture_weight",
        "mixture weight [%]",
        "{mixture_weight:.0%}",
        "share of the network in its probabilities; the base rates are the rest",
    ),
    Column("fit_seconds", "fit [s]", "{fit_seconds:.1f}", "seconds of training"),
)
# The table of risks (`risk.py`); p-values below 5 % speak against the forecast.
RISK = (
    Column("step", "step", "{step}", "rows ahead"),
    Column("level", "level [%]", "{level:.0%}", "probability that the loss is no larger than the value at risk"),
    Column("value_at_risk", "VaR [%]", "{value_at_risk:.2f}", "value at risk of the coming steps, logarithmic"),
    Column(
        "expected_shortfall",
        "ES [%]",
        "{expected_shortfall:.2f}",
        "expected shortfall of the coming steps: the mean of the losses beyond the value at risk",
    ),
    Column("beyond", "beyond VaR [%]", "{beyond:.1%}", "share of losses in the test that were larger"),
    Column("kupiec", "Kupiec", "{kupiec:.3f}", "p-value of the right share of exceptions"),
    Column(
        "christoffersen",
        "Christoffersen",
        "{christoffersen:.3f}",
        "p-value of the right share, of exceptions that do not follow one another",
    ),
    Column(
        "acerbi_szekely",
        "Acerbi-Szekely",
        "{acerbi_szekely:.3f}",
        "p-value of losses beyond that are no larger than the expected shortfall says",
    ),
    Column("zone", "traffic light", "{zone}", "Basel's zone for the last 250 forecasts that do not overlap"),
)
COLUMNS = {"forecast": {column.name: column for column in _FORECAST}, "direction": {c.name: c for c in _DIRECTION}}
# The score that rows are sorted by, the smallest first.
SORTED_BY = {"forecast": "mae_vs_naive", "direction": "log_loss"}
# Columns that are left out where no model has a value.
OPTIONAL = ("network_share", "fit_seconds")
# Those of the tables at the terminal, where --wide shows all, and on the page.
TERMINAL = {
    "forecast": ("mae", "mae_vs_naive", "crps_vs_naive", "coverage90"),
    "direction": ("log_loss", "log_loss_skill", "brier", "accuracy", "calibration_error"),
}
PAGE = {
    "forecast": (
        "mae_vs_naive",
        "network_share",
        "mae",
        "rmse",
        "bias",
        "mape",
        "mase",
        "crps",
        "coverage90",
        "width90",
        "direction",
    ),
    "direction": tuple(name for name in COLUMNS["direction"] if name != "fit_seconds"),
}


def columns_for(rows: Sequence[Mapping[str, Any]], names: Sequence[str], task: Task) -> list[Column]:
    """The columns of a table of these rows of scores; an optional one only where a row has a value."""
    empty = {name for name in OPTIONAL if all(_is_missing(row.get(name)) for row in rows)}
    return [COLUMNS[task][name] for name in names if name not in empty]
