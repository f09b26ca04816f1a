"""Scores on the test rows: every origin, every step, always beside the naive forecast.

In: a model's forecasts beside what came. Out: one row of numbers, for all steps or for one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from forecast.config import MEDIAN, QUANTILES
from forecast.errors import SeriesTooShort
from forecast.inference.forecasts import Backtest
from forecast.metrics import metrics
from forecast.models import BASELINES
from forecast.typing import Array

# The widest interval that is forecast.
LEVEL = QUANTILES[-1] - QUANTILES[0]


@dataclass(frozen=True)
class Scores:
    """One row of the table; `metrics.py` defines each number.

    Attributes:
        mse: In the square of the series' unit.
        mae: In the series' unit, as rmse, pinball, crps, winkler90, width90 and bias.
        mape: In percent, as smape.
        coverage90: From 0 to 1, as direction and the ends of its 95 % interval, which counts forecasts that overlap
            as one.
        mae_vs_naive: MAE over that of the naive forecast; `skill_naive` is what is left to one.
        crps_vs_naive: CRPS over that of the naive forecast with its intervals; NaN without one.
        network_share: From 0 to 1, the mean share of the forecast moves that is the network's own, not its highway's;
            NaN for models that are no networks.
    """

    model: str
    mae: float
    mse: float
    rmse: float
    mape: float
    smape: float
    mase: float
    rmsse: float
    bias: float
    pinball: float
    crps: float
    winkler90: float
    coverage90: float
    width90: float
    direction: float
    direction_low: float
    direction_high: float
    mae_vs_naive: float
    crps_vs_naive: float
    skill_naive: float
    skill_drift: float
    skill_seasonal_naive: float
    network_share: float
    fit_seconds: float


def complete(predictions: Backtest) -> Backtest:
    """The origins whose last step lies within the series, so that each step is tested equally often.

    Missing values aside: an origin without any outcome is left out.
    """
    known = np.isfinite(predictions.actual)
    last = predictions.origin[known[:, -1]].max(initial=-1)
    return at_origins(predictions, np.asarray(known.any(axis=1) & (predictions.origin <= last)))


def check_outcomes(backtest: Backtest) -> None:
    """Refuse a test without any outcome that is known.

    Raises:
        SeriesTooShort: there is none.
    """
    if not np.isfinite(backtest.actual).any():
        raise SeriesTooShort(
            "a test needs known values among the test rows, no further from one another than the horizon. Received: "
            "none. Use a longer series, or one with fewer missing values."
        )


def at_origins(predictions: Backtest, chosen: NDArray[np.bool_]) -> Backtest:
    """Some of the origins."""
    names = ("origin", "last_value", "actual", "quantiles", "network_share")
    parts = {name: getattr(predictions, name) for name in names}
    return replace(predictions, **{name: part[chosen] for name, part in parts.items() if part is not None})


def at_step(predictions: Backtest, step: int) -> Backtest:
    """One step of all forecasts, from 1 on."""
    return replace(
        predictions, actual=predictions.actual[:, [step - 1]], quantiles=predictions.quantiles[:, [step - 1]]
    )


def score(
    backtest: Backtest,
    *,
    y_train: Array,
    others: Mapping[str, Backtest] | None = None,
    overlap: int | None = None,
    fit_seconds: float = float("nan"),
) -> Scores:
    """The metrics of one model over the outcomes that are known; none is defined where none is.

    Args:
        y_train: Training rows of the target, whose changes are the scale of MASE and RMSSE.
        others: Forecasts of the baselines from the same origins; a score against one that is missing is NaN.
        overlap: Neighbouring origins whose forecasts overlap; by default those of the backtest.
    """
    known = np.isfinite(backtest.actual)
    if not known.any():
        numbers = dict.fromkeys((field.name for field in fields(Scores)[1:]), float("nan"))
        return Scores(backtest.model, **numbers | {"fit_seconds": fit_seconds})
    y_true, quantiles = backtest.actual[known], backtest.quantiles[known]
    y_pred, low, high = quantiles[..., MEDIAN], quantiles[..., 0], quantiles[..., -1]
    y_last = np.broadcast_to(backtest.last_value[:, None], known.shape)[known]
    mae, naive_mae = metrics.mae(y_true, y_pred), metrics.mae(y_true, y_last)
    direction = metrics.direction(y_true, y_pred, y_last=y_last)
    sure = metrics.share_interval(direction, len(known) / (overlap or backtest.overlap))
    references = {name: metrics.mae(y_true, one.quantiles[known][..., MEDIAN]) for name, one in (others or {}).items()}
    crps, naive = metrics.crps(y_true, quantiles, levels=QUANTILES), (others or {}).get("naive")
    naive_crps = metrics.crps(y_true, naive.quantiles[known], levels=QUANTILES) if naive else float("nan")
    return Scores(
        model=backtest.model,
        mae=mae,
        mse=metrics.mse(y_true, y_pred),
        rmse=metrics.rmse(y_true, y_pred),
        mape=metrics.mape(y_true, y_pred),
        smape=metrics.smape(y_true, y_pred),
        mase=metrics.mase(y_true, y_pred, y_train=y_train),
        rmsse=metrics.rmsse(y_true, y_pred, y_train=y_train),
        bias=metrics.bias(y_true, y_pred),
        pinball=metrics.pinball(y_true, quantiles, levels=QUANTILES),
        crps=crps,
        winkler90=metrics.winkler(y_true, low, high, level=LEVEL),
        coverage90=metrics.coverage(y_true, low, high),
        width90=metrics.width(low, high),
        direction=direction,
        direction_low=sure[0],
        direction_high=sure[1],
        mae_vs_naive=mae / naive_mae if naive_mae > 0 else 1.0 if mae == 0 else float("inf"),
        crps_vs_naive=crps / naive_crps if naive_crps > 0 else float("nan"),
        skill_naive=metrics.skill(mae, naive_mae),
        skill_drift=metrics.skill(mae, references.get("drift", float("nan"))),
        skill_seasonal_naive=metrics.skill(mae, references.get("seasonal_naive", float("nan"))),
        network_share=float("nan") if backtest.network_share is None else float(np.mean(backtest.network_share)),
        fit_seconds=fit_seconds,
    )


def score_all(
    backtests: Mapping[str, Backtest], *, y_train: Array, fit_seconds: Mapping[str, float] | None = None
) -> tuple[Scores, ...]:
    """One row a model; all from the same origins."""
    others = references(backtests)
    seconds = fit_seconds or {}
    return tuple(
        score(backtest, y_train=y_train, others=others, fit_seconds=seconds.get(name, float("nan")))
        for name, backtest in backtests.items()
    )


def score_steps(backtests: Mapping[str, Backtest], *, y_train: Array) -> list[tuple[int, Scores]]:
    """One row a model and step, with the step."""
    horizon = next(iter(backtests.values())).actual.shape[1]
    rows = []
    for step in range(1, horizon + 1):
        others = {name: at_step(one, step) for name, one in references(backtests).items()}
        rows += [
            (step, score(at_step(backtest, step), y_train=y_train, others=others, overlap=-(-step // backtest.stride)))
            for backtest in backtests.values()
        ]
    return rows


def references(backtests: Mapping[str, Backtest]) -> dict[str, Backtest]:
    """The baselines among them."""
    return {name: backtests[name] for name in BASELINES if name in backtests}


def reached(backtest: Backtest) -> Array:
    """Share of truths at or below each quantile, by step, shape (H, Q): the levels themselves if all is calibrated."""
    below = np.where(np.isnan(backtest.actual)[..., None], np.nan, backtest.actual[..., None] <= backtest.quantiles)
    return np.asarray(np.nanmean(below, axis=0))
