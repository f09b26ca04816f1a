"""The linear highway: ridge regression of the coming moves on the last differences, in closed form.

    move[h] = sum over lags and past columns of kernel[lag, column, h] x[lag, column]
            + sum over future columns of weight[h, column] future[h, column]

It carries what is linear in a series, its seasons above all, past the network, which then learns what is left: the
autoregressive highway of LSTNet (Lai et al. 2018), and as accurate as linear maps found by gradient descent (Toner and
Darlow 2024). Ridge regression: Hoerl and Kennard (1970).

What counts is the absolute error: windows are weighted by one over their error in the previous fit (iteratively
reweighted least squares, Lawson 1961), so that a few outliers do not bend the map.

The penalty grows with the lag, as in the prior of Litterman (1986), fast or slowly, or is the same for all lags: short
series show what the last rows tell, long ones also what returns after a season. Cross-validation chooses among these
and among the strengths of the penalty, for near and far steps apart: each of FOLDS parts of the training rows is
forecast from the others, and the validation rows from all of them. Without a significant gain over the naive forecast
there is no linear part; on prices that is nearly always so.

A missing label is what the previous fit forecasts, at first what the filled target has (the EM algorithm: Dempster,
Laird and Rubin 1977); no gain is measured on it.
"""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace

import numpy as np

from forecast.data.panel import Panel
from forecast.data.windows import Blocks, filled_labels, make_blocks, origins
from forecast.models.estimator import Problem, Weights, clip_labels, training_origins
from forecast.runtime.blas import one_thread
from forecast.typing import Array, Flags, Rows

# Names of the weights: a kernel (L, F, H), and weights of future columns (H, K).
HIGHWAY = ("highway/kernel", "highway_future/kernel")
FOLDS = 5
# Penalties, as shares of the number of windows: inputs are of size 1.
PENALTIES = np.logspace(-4, 1, 6)
# Powers of the lag with which the penalty grows.
POWERS = (2, 0.5, 0)
# The place of a light penalty among these, which the fits that only weigh windows take, the same for all lags.
LIGHT = 2
# Student's t of the gains of the folds and the validation rows that chance exceeds once in seventy times; and what
# solutions with more distant lags must gain beyond those with nearer ones.
SIGNIFICANT, FURTHER = 3.0, 1.5
# Weighted fits after the first one, and the smallest error that a weight is computed from, in scales.
REWEIGHTED, SMALLEST = 2, 0.05
# Windows that are fitted, and windows in memory at once.
MOST, CHUNK = 60_000, 4096
# Up to so many inputs products are so small that threads wait for one another longer than they work, and loading a
# solver for symmetric matrices takes longer than it saves.
FEW = 256

# For each solution: lags (solutions, P, H) and weights of future columns (solutions, H, K), with P = L * F.
Solutions = tuple[Array, Array]


@dataclass(frozen=True, eq=False)
class Moments:
    """Sums of products over windows, with P = L * F inputs.

    Attributes:
        lags: Lags by lags, shape (P, P).
        labels: Lags by labels, shape (P, H).
        cross: Lags by moves of future columns, shape (P, H, K).
        future: Those moves by each other, shape (H, K, K).
        future_labels: Those moves by labels, shape (H, K).
        count: The sum of the weights of the windows.
    """

    lags: Array
    labels: Array
    cross: Array
    future: Array
    future_labels: Array
    count: float

    @classmethod
    def of(cls, x: Array, y: Array, z: Array, count: float) -> "Moments":
        """The moments of lags (n, P), labels (n, H) and moves of future columns (n, H, K) that are weighted already."""
        return cls(
            x.T @ x,
            x.T @ y,
            np.tensordot(x, z, (0, 0)),
            np.einsum("nhk,nhl->hkl", z, z),
            np.einsum("nhk,nh->hk", z, y),
            count,
        )

    def __add__(self, other: "Moments") -> "Moments":
        return self._with(other, 1)

    def __sub__(self, other: "Moments") -> "Moments":
        return self._with(other, -1)

    def _with(self, other: "Moments", sign: int) -> "Moments":
        theirs = vars(other)
        return Moments(**{name: mine + sign * theirs[name] for name, mine in vars(self).items()})


def fit_highway(panel: Panel, problem: Problem) -> dict[str, Array]:
    """Fit the kernel (L, F, H) and the weights of future columns (H, K); all 0 where they would not help."""
    return fit_with_residuals(panel, problem)[0]


def fit_with_residuals(panel: Panel, problem: Problem) -> tuple[dict[str, Array], Array]:
    """Fit a highway, and measure what it leaves on rows that its fit has not seen.

    Returns:
        The weights of `fit_highway`; residuals (N, H) of each fold, forecast from the others, and of the validation
        rows; NaN where a label is missing.
    """
    small = problem.lookback * problem.past_columns <= FEW
    with one_thread() if small else nullcontext():
        return _fit(panel, problem)


def _fit(panel: Panel, problem: Problem) -> tuple[dict[str, Array], Array]:
    folds = fold_origins(panel, problem)
    moments = [_moments(panel, fold, problem, None) for fold in folds[:-1]]
    for _ in range(REWEIGHTED):
        light = solve_ridge(sum(moments[1:], moments[0]), PENALTIES[[LIGHT]])
        moments = [_moments(panel, fold, problem, light) for fold in folds[:-1]]
    whole = sum(moments[1:], moments[0])
    fitted = _solve(whole, problem)
    solutions = [*(_solve(whole - part, problem) for part in moments), fitted]
    chosen = _choose(_gains(panel, folds, problem, solutions))
    residuals = [
        _residuals(panel, fold, problem, *_take(solution, chosen))
        for fold, solution in zip(folds, solutions, strict=True)
    ]
    lags, future = _take(fitted, chosen)
    kernel = lags.reshape(problem.lookback, problem.past_columns, problem.horizon)
    weights: dict[str, Array] = {
        name: weight.astype(np.float32) for name, weight in zip(HIGHWAY, (kernel, future), strict=True)
    }
    return weights, np.concatenate(residuals)


def _take(solutions: Solutions, chosen: Sequence[int | None]) -> tuple[Array, Array]:
    """The chosen solution of each step: lags (P, H) and weights of future columns (H, K); 0 for None."""
    lags, future = (0 * part[0] for part in solutions)
    for step, number in enumerate(chosen):
        if number is not None:
            lags[:, step], future[step] = solutions[0][number][:, step], solutions[1][number][step]
    return lags, future


def _residuals(panel: Panel, origin: Rows, problem: Problem, lags: Array, future: Array) -> Array:
    """Labels minus the moves of one solution, shape (N, H)."""
    parts = [
        clip_labels(blocks.y[:, 0]) - _moves(x, z, lags, future) for x, blocks, z in _windows(panel, origin, problem)
    ]
    return np.concatenate([np.zeros((0, problem.horizon)), *parts])


def steps_of_highway(weights: Weights) -> Flags:
    """Which steps a highway moves, shape (H,); of one step, False, without a highway."""
    if HIGHWAY[0] not in weights:
        return np.zeros(1, bool)
    kernel, future = (weights[name] for name in HIGHWAY)
    return np.asarray(kernel.any(axis=(0, 1)) | future.any(axis=1))


def apply_highway(weights: Weights, blocks: Blocks) -> Array:
    """The linear component of the moves, shape (N, S, H), normalised; 0 for models without a highway."""
    moves = np.zeros(blocks.y.shape)
    if HIGHWAY[0] not in weights:
        return moves
    kernel, future = (weights[name] for name in HIGHWAY)
    if kernel.any():
        lookback, columns, horizon = kernel.shape
        windows = np.lib.stride_tricks.sliding_window_view(blocks.x[:, :, :columns], lookback, axis=1)
        flat = kernel.transpose(1, 0, 2).reshape(-1, horizon)
        moves += (windows.reshape(-1, len(flat)) @ flat).reshape(moves.shape)
    if future.any():
        moves = moves + np.einsum("nshk,hk->nsh", blocks.future, future, optimize=True)
    return moves


def fold_origins(panel: Panel, problem: Problem) -> list[Rows]:
    """Origins of FOLDS parts of the training rows, each of neighbouring rows, then of the validation rows."""
    training = np.sort(training_origins(panel, problem, most=MOST))
    fold_of = np.empty(len(training), int)
    series_of = np.searchsorted(panel.start, training, side="right") - 1
    for number in range(len(panel.splits)):
        rows = np.flatnonzero(series_of == number)
        fold_of[rows] = np.arange(len(rows)) * FOLDS // max(1, len(rows))
    validation = [
        start + origins(split.validation - 1, split.test, horizon=problem.horizon)
        for start, split in zip(panel.start, panel.splits, strict=True)
    ]
    validation = [rows[panel.inputs.known[rows]] for rows in validation]
    every = max(1, sum(map(len, validation)) // (MOST // FOLDS))
    thinned = np.concatenate([part[::every] for part in validation])
    return [*(training[fold_of == fold] for fold in range(FOLDS)), thinned]


def _windows(panel: Panel, origin: Rows, problem: Problem) -> Iterator[tuple[Array, Blocks, Array]]:
    """Lags x (n, P), blocks of one label with labels (n, 1, H), and moves of future columns z (n, H, K), by chunks."""
    for start in range(0, len(origin), CHUNK):
        chosen = origin[start : start + CHUNK]
        blocks = make_blocks(panel.inputs, chosen, lookback=problem.lookback, horizon=problem.horizon)
        lags = blocks.x[:, :, : problem.past_columns].reshape(len(chosen), -1).astype(np.float64)
        yield lags, blocks, blocks.future[:, 0]


def _moments(panel: Panel, origin: Rows, problem: Problem, light: Solutions | None) -> Moments:
    """Moments of windows, each weighted by one over its error in a first solution, `light`.

    Windows are weighted by the root, so that the products of lags are those of one matrix with itself: half the work.
    """
    inputs, horizon, columns = problem.lookback * problem.past_columns, problem.horizon, problem.future_columns
    total = Moments(
        np.zeros((inputs, inputs)),
        np.zeros((inputs, horizon)),
        np.zeros((inputs, horizon, columns)),
        np.zeros((horizon, columns, columns)),
        np.zeros((horizon, columns)),
        0.0,
    )
    for x, blocks, z in _windows(panel, origin, problem):
        y, weight = clip_labels(filled_labels(blocks)[:, 0]), np.ones(len(x))
        if light is not None:
            moves, missing = _moves(x, z, light[0][0], light[1][0]), np.isnan(blocks.y[:, 0])
            y = np.where(missing, moves, y)
            weight = _weights(y - moves, missing)
        root = np.sqrt(weight)[:, None]
        x *= root
        total += Moments.of(x, root * y, root[:, :, None] * z, float(weight.sum()))
    return total


def _moves(x: Array, z: Array, lags: Array, future: Array) -> Array:
    """The moves (n, H) that one solution forecasts."""
    return np.asarray(x @ lags + np.einsum("nhk,hk->nh", z, future))


def _weights(errors: Array, missing: Flags) -> Array:
    """One over the mean absolute error (n, H) of each window, over the labels that are not missing, shape (n,)."""
    known = np.maximum((~missing).sum(axis=1), 1)
    return np.asarray(1 / np.maximum(np.abs(errors).sum(axis=1) / known, SMALLEST))


def _solve(moments: Moments, problem: Problem) -> Solutions:
    """The ridge solutions for each power of the lag and each penalty."""
    lag = np.repeat(np.arange(problem.lookback, 0, -1.0), problem.past_columns)
    solved = [_solve_scaled(moments, lag**power) for power in POWERS]
    return np.concatenate([lags for lags, _ in solved]), np.concatenate([future for _, future in solved])


def _solve_scaled(moments: Moments, size: Array) -> Solutions:
    """The ridge solutions under a prior by which the coefficient of each lag is about one over its `size`, (P,)."""
    scaled = replace(
        moments,
        lags=moments.lags / np.outer(size, size),
        labels=moments.labels / size[:, None],
        cross=moments.cross / size[:, None, None],
    )
    lags, future = solve_ridge(scaled)
    return lags / size[:, None], future


def solve_ridge(moments: Moments, penalties: Array = PENALTIES) -> Solutions:
    """The ridge solutions for each penalty: lags (penalties, P, H), weights of future columns (penalties, H, K).

    Future columns are few, and are eliminated by the Schur complement of each step.
    """
    count, columns = max(moments.count, 1.0), moments.future.shape[1]
    cross, steps = moments.cross, moments.labels.shape[1]
    right = np.concatenate([moments.labels, cross.reshape(len(cross), -1)], axis=1)
    size = np.einsum("hkk->hk", moments.future)[:, :, None] * np.eye(columns)
    solved = []
    for penalty in penalties:
        lags, by_future = np.split(_solve_positive(moments.lags, penalty * count, right), [steps], axis=1)
        by_future = by_future.reshape(cross.shape)
        schur = moments.future + penalty * size + 1e-9 * np.eye(columns)
        schur -= np.einsum("phk,phl->hkl", cross, by_future, optimize=True)
        rest = moments.future_labels - np.einsum("phk,ph->hk", cross, lags, optimize=True)
        future = np.linalg.solve(schur, rest[:, :, None])[:, :, 0]
        solved.append((lags - np.einsum("phk,hk->ph", by_future, future), future))
    return np.array([lags for lags, _ in solved]), np.array([future for _, future in solved])


def _solve_positive(products: Array, penalty: float, right: Array) -> Array:
    """The solution of (products + penalty * I) b = right, for products (P, P) of lags by lags."""
    matrix = products.copy()
    matrix.flat[:: len(matrix) + 1] += penalty
    if len(matrix) <= FEW:
        return np.asarray(np.linalg.solve(matrix, right))
    from scipy.linalg import cho_factor, cho_solve  # a twelfth of the time of all eigenvalues

    factor = cho_factor(matrix.T, lower=True, overwrite_a=True, check_finite=False)
    return np.asarray(cho_solve(factor, right, check_finite=False))


def _gains(panel: Panel, folds: Sequence[Rows], problem: Problem, solutions: Sequence[Solutions]) -> Array:
    """The share by which errors are below those of the naive forecast, shape (folds, solutions, H)."""
    pairs = [_errors(panel, fold, problem, solution) for fold, solution in zip(folds, solutions, strict=True)]
    naive, errors = np.array([pair[0] for pair in pairs])[:, None], np.array([pair[1] for pair in pairs])
    return np.where(naive > 0, 1 - errors / np.where(naive > 0, naive, 1), 0)


def _errors(panel: Panel, origin: Rows, problem: Problem, solutions: Solutions) -> tuple[Array, Array]:
    """Sums of absolute errors of the naive forecast (H,) and of each solution (solutions, H)."""
    naive, errors = np.zeros(problem.horizon), np.zeros((len(solutions[0]), problem.horizon))
    for x, blocks, z in _windows(panel, origin, problem):
        y = clip_labels(blocks.y[:, 0])
        naive += np.nansum(np.abs(y), axis=0)
        for number, (lags, future) in enumerate(zip(*solutions, strict=True)):
            errors[number] += np.nansum(np.abs(y - _moves(x, z, lags, future)), axis=0)
    return naive, errors


def _choose(gains: Array) -> list[int | None]:
    """The place of the best solution of each step; None without a significant gain.

    Steps are judged in groups that double (1; 2 and 3; 4 to 7 ...), because near steps are easier to forecast.

    Args:
        gains: Shape (folds, solutions, H).
    """
    chosen: list[int | None] = []
    while len(chosen) < gains.shape[2]:
        steps = slice(len(chosen), min(2 * len(chosen) + 1, gains.shape[2]))
        chosen += [_choose_one(gains[:, :, steps].mean(axis=2))] * (steps.stop - steps.start)
    return chosen


def _choose_one(gains: Array) -> int | None:
    """The place of the best solution: each later power must gain significantly more than the powers before it."""
    chosen, gained = None, np.zeros((len(gains), 1))
    for number, candidates in enumerate(np.split(gains, len(POWERS), axis=1)):
        threshold = SIGNIFICANT if chosen is None else FURTHER
        best = choose_candidate(candidates - gained, threshold=threshold)
        if best is not None:
            chosen, gained = number * len(PENALTIES) + best, candidates[:, [best]]
    return chosen


def choose_candidate(gains: Array, *, threshold: float = SIGNIFICANT) -> int | None:
    """The candidate with the largest mean gain over folds; None if its Student's t is not above the threshold.

    Args:
        gains: Shape (folds, candidates).
    """
    mean, spread = gains.mean(axis=0), gains.std(axis=0, ddof=1)
    best = int(np.argmax(mean))
    error = spread[best] / np.sqrt(len(gains))
    return best if mean[best] > threshold * error and mean[best] > 0 else None
