"""An echo state network: a fixed random network, of which only the linear readout is learned, in closed form.

With u(t) the inputs of row t, a the leak rates and everything but W_out drawn once and fixed (Jaeger 2001; leak rates:
Jaeger et al. 2007; how to choose the rest: Lukosevicius 2012):

    x(t) = (1 - a) x(t-1) + a tanh(W_in [1; u(t)] + W x(t-1))        x = 0 before the window
    y    = W_out [u(L), u(L-1), ..., u(1); x(L)]

W is sparse, with a spectral radius below 1, so that the influence of a row on the state fades (the echo state
property). Units have different leak rates: some follow the last rows, some the whole window.

The readout is the ridge regression of `highway.py` with the state beside the window. Cross-validation chooses its
penalty; without a significant gain over the naive forecast the readout is 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import starmap
from math import prod

import numpy as np
from numpy.typing import NDArray

from forecast.config import QUANTILES
from forecast.data.panel import Panel
from forecast.data.windows import Blocks, filled_labels
from forecast.models.estimator import (
    Callbacks,
    Estimator,
    Fit,
    Problem,
    Shapes,
    Step,
    Weights,
    clip_labels,
    residual_quantiles,
    window_blocks,
    without_flat,
)
from forecast.models.highway import FOLDS, PENALTIES, Moments, choose_candidate, fold_origins, solve_ridge
from forecast.runtime.blas import one_thread
from forecast.typing import Array, Flags, Rows

Single = NDArray[np.float32]

UNITS = 200
# Units whose state a unit receives, the spectral radius of W, the size of W_in, and the lowest leak rate (highest: 1).
CONNECTIONS, RADIUS, INPUT, LOWEST_RATE = 10, 0.95, 0.5, 0.05
# Windows that are fitted, and windows whose states are computed at once.
MOST, CHUNK = 12_000, 2048


@dataclass(frozen=True, eq=False)
class Fold:
    """The windows of one fold.

    Attributes:
        read: Inputs of the readout, shape (n, P).
        labels: Shape (n, H), without missing ones.
        missing: Which labels are filled: they are fitted, and neither gains nor residuals are measured on them.
        future: Moves of future columns, shape (n, H, K).
    """

    read: Single
    labels: Array
    missing: Flags
    future: Array

    @property
    def known_labels(self) -> Array:
        """The labels, NaN where missing."""
        return np.where(self.missing, np.nan, self.labels)

    def moves(self, readout: Array, future: Array) -> Array:
        """Moves (n, H) by a readout (P, H) and weights of future columns (H, K)."""
        return np.asarray(self.read @ readout + np.einsum("nhk,hk->nh", self.future, future))


@dataclass(frozen=True)
class Reservoir(Estimator):
    """An echo state network; the naive forecast where its readout does not help."""

    def shapes(self, problem: Problem) -> Shapes:
        columns = problem.past_columns + problem.future_columns
        return {
            "w_in": (UNITS, 1 + columns),
            "w": (UNITS, UNITS),
            "leak_rate": (UNITS,),
            "readout": (problem.lookback * columns + UNITS, problem.horizon),
            "readout_future": (problem.horizon, problem.future_columns),
            "residual_quantiles": (problem.horizon, len(QUANTILES)),
        }

    def fit(self, panel: Panel, problem: Problem, callbacks: Callbacks) -> Fit:
        """Compute the states of all folds once; every ridge solution is then algebra on their moments."""
        with one_thread():
            weights = draw_reservoir(problem.past_columns + problem.future_columns, seed=problem.config.training.seed)
            folds = []
            for step, origin in enumerate(fold_origins(panel, problem), start=1):
                folds.append(_read_fold(weights, panel, origin, problem))
                if callbacks.progress:
                    callbacks.progress(Step(self.name, step, FOLDS + 1, 0.0))
            readout, future, residuals = _regress(folds)
        learned = {
            "readout": readout,
            "readout_future": future,
            "residual_quantiles": residual_quantiles(residuals),
        }
        return Fit({**weights, **{name: weight.astype(np.float32) for name, weight in learned.items()}})

    def predict(self, weights: Weights, blocks: Blocks, problem: Problem) -> Array:
        moves = np.zeros((len(blocks.x), problem.horizon))
        if weights["readout"].any():
            with one_thread():
                moves += read(weights, blocks.x) @ weights["readout"]
        if weights["readout_future"].any():
            moves += np.einsum("nhk,hk->nh", np.nan_to_num(blocks.future[:, 0]), weights["readout_future"])
        return np.asarray(moves[:, :, None] + weights["residual_quantiles"], dtype=np.float64)


def draw_reservoir(columns: int, *, seed: int) -> dict[str, Single]:
    """Draw W_in (units, 1 + columns), W (units, units) and the leak rates (units,)."""
    random = np.random.default_rng(seed)
    w = random.uniform(-1, 1, (UNITS, UNITS))
    w *= random.permuted(np.arange(UNITS) < CONNECTIONS * np.ones((UNITS, 1)), axis=1)
    w *= RADIUS / np.abs(np.linalg.eigvals(w)).max()
    drawn = {
        "w_in": random.uniform(-INPUT, INPUT, (UNITS, 1 + columns)),
        "w": w,
        "leak_rate": np.geomspace(LOWEST_RATE, 1, UNITS),
    }
    return {name: weight.astype(np.float32) for name, weight in drawn.items()}


def read(weights: Weights, x: Single) -> Single:
    """Inputs of the readout for windows x (N, L, F+K): the whole window, then the last state, shape (N, P)."""
    last = [states(weights, x[start : start + CHUNK]) for start in range(0, len(x), CHUNK)]
    flat = np.asarray(x, np.float32).reshape(len(x), prod(x.shape[1:]))
    return np.concatenate([flat, np.concatenate(last or [np.zeros((0, UNITS), np.float32)])], axis=1)


def states(weights: Weights, x: Single) -> Single:
    """The state after the last row of each window, shape (N, units)."""
    w_in, w, rate = weights["w_in"], weights["w"], weights["leak_rate"]
    state = np.zeros((len(x), len(w)), np.float32)
    for t in range(x.shape[1]):
        driven = x[:, t] @ w_in[:, 1:].T + w_in[:, 0] + state @ w.T
        state += rate * (np.tanh(driven) - state)
    return state


def _read_fold(weights: Weights, panel: Panel, origin: Rows, problem: Problem) -> Fold:
    every = -(-len(origin) * (FOLDS + 1) // MOST) or 1
    blocks = without_flat(window_blocks(panel.inputs, origin[::every], problem))
    labels, missing = clip_labels(filled_labels(blocks)[:, 0]), np.isnan(blocks.y[:, 0])
    return Fold(read(weights, blocks.x), labels, missing, blocks.future[:, 0])


def _regress(folds: Sequence[Fold]) -> tuple[Array, Array, Array]:
    """Readout (P, H), weights of future columns (H, K), and out-of-sample residuals (n, H).

    The last fold is the validation rows; each other fold is forecast from the rest of the training rows.
    """
    moments = list(map(_moments, folds[:-1]))
    whole = sum(moments[1:], moments[0])
    solutions = [solve_ridge(whole - part) for part in moments] + [solve_ridge(whole)]
    chosen = choose_candidate(np.array(list(starmap(_gains, zip(folds, solutions, strict=True)))))
    if chosen is None:
        readout, future = (0 * part[0] for part in solutions[-1])
        return readout, future, np.concatenate([fold.known_labels for fold in folds])
    residuals = [
        fold.known_labels - fold.moves(readout[chosen], future[chosen])
        for fold, (readout, future) in zip(folds, solutions, strict=True)
    ]
    readout, future = (part[chosen] for part in solutions[-1])
    return readout, future, np.concatenate(residuals)


def _moments(fold: Fold) -> Moments:
    return Moments.of(fold.read.astype(np.float64), fold.labels, fold.future, float(len(fold.labels)))


def _gains(fold: Fold, solutions: tuple[Array, Array]) -> Array:
    """The share by which the mean error of each solution is below that of the naive forecast, shape (penalties,)."""
    known = ~fold.missing
    naive = np.abs(fold.labels[known]).sum()
    if not naive:
        return np.zeros(len(PENALTIES))
    errors = [np.abs(fold.labels - fold.moves(*solution))[known].sum() for solution in zip(*solutions, strict=True)]
    return np.asarray(1 - np.array(errors) / naive)
