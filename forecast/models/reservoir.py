"""An echo state network: a fixed random network that is only read, so that all of its learning is one closed form.

With u(t) the inputs of row t, a the leaks and everything but W_out drawn once and kept (Jaeger 2001; leaks: Jaeger et
al. 2007; how to choose the rest: Lukosevicius 2012):

    x(t) = (1 - a) x(t-1) + a tanh(W_in [1; u(t)] + W x(t-1))        x = 0 before the window
    y    = W_out [u(L), u(L-1), ..., u(1); x(L)]

W is sparse; its largest eigenvalue is below 1, so that what a state holds of a row fades (the echo state property). The
units leak at different rates: some follow the last rows, some the whole window. The readout is the ridge regression of
`highway.py` with the states beside the lags: its penalty, and whether there is a readout at all, is decided by
forecasts of rows that were not fitted, and without a gain over the naive forecast beyond luck it is nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import starmap

import numpy as np
from numpy.typing import NDArray

from forecast.config import QUANTILES
from forecast.data.windows import Blocks, Inputs, Panel
from forecast.models.estimator import Callbacks, Fit, Problem, Step, Weights, lively, residual_quantiles, window_blocks
from forecast.models.highway import FOLDS, LARGEST, PENALTIES, Moments, choose_penalty, fold_origins, solve_ridge
from forecast.typing import Array, Rows

Single = NDArray[np.float32]

UNITS = 200
# Other units that a unit listens to; the largest eigenvalue of W; the size of W_in; the slowest leak, the fastest is 1.
LISTENS, RADIUS, INPUT, SLOWEST = 10, 0.95, 0.5, 0.05
# Windows that are fitted, and windows whose states are computed at once.
MOST, CHUNK = 12_000, 2048


@dataclass(frozen=True, eq=False)
class Part:
    """One fold: what is read, shape (n, P), the labels (n, H) and the moves known ahead (n, H, K)."""

    read: Single
    labels: Array
    ahead: Array

    def moves(self, readout: Array, ahead: Array) -> Array:
        """What a readout (P, H) and weights of the columns known ahead (H, K) forecast, shape (n, H)."""
        return np.asarray(self.read @ readout + np.einsum("nhk,hk->nh", self.ahead, ahead))


@dataclass(frozen=True)
class Reservoir:
    """An echo state network; the naive forecast where its readout finds nothing."""

    name: str
    summary: str
    learned: bool = True
    is_network: bool = False

    def shapes(self, problem: Problem) -> dict[str, tuple[int | None, ...]]:
        columns = problem.features + problem.ahead
        return {
            "w_in": (UNITS, 1 + columns),
            "w": (UNITS, UNITS),
            "leak": (UNITS,),
            "readout": (problem.lookback * columns + UNITS, problem.horizon),
            "readout_ahead": (problem.horizon, problem.ahead),
            "residuals": (problem.horizon, len(QUANTILES)),
        }

    def blocks(self, inputs: Inputs, origin: Rows, problem: Problem) -> Blocks:
        return window_blocks(inputs, origin, problem)

    def fit(self, panel: Panel, problem: Problem, callbacks: Callbacks) -> Fit:
        """Reads the states of windows of all folds once; every solution is then algebra on their moments."""
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1, user_api="blas"):  # the products are small: threads wait longer than they work
            weights = draw_reservoir(problem.features + problem.ahead, seed=problem.config.training.seed)
            parts = []
            for step, fold in enumerate(fold_origins(panel, problem), start=1):
                parts.append(_read_fold(weights, panel, fold, problem))
                if callbacks.progress:
                    callbacks.progress(Step(self.name, step, FOLDS + 1, 0.0))
            readout, ahead, residuals = _regress(parts)
        learned = {"readout": readout, "readout_ahead": ahead, "residuals": residual_quantiles(residuals)}
        return Fit({**weights, **{name: weight.astype(np.float32) for name, weight in learned.items()}})

    def predict(self, weights: Weights, blocks: Blocks, problem: Problem) -> Array:  # noqa: ARG002
        from threadpoolctl import threadpool_limits

        moves = np.zeros((len(blocks.x), len(weights["residuals"])))
        if weights["readout"].any():
            with threadpool_limits(1, user_api="blas"):
                moves += read(weights, blocks.x) @ weights["readout"]
        if weights["readout_ahead"].any():
            moves += np.einsum("nhk,hk->nh", np.nan_to_num(blocks.ahead[:, 0]), weights["readout_ahead"])
        return np.asarray(moves[:, :, None] + weights["residuals"], dtype=np.float64)


def draw_reservoir(columns: int, *, seed: int) -> dict[str, Single]:
    """W_in (units, 1 + columns), W (units, units) and the leaks (units,) of a reservoir."""
    random = np.random.default_rng(seed)
    w = random.uniform(-1, 1, (UNITS, UNITS))
    w *= random.permuted(np.arange(UNITS) < LISTENS * np.ones((UNITS, 1)), axis=1)
    w *= RADIUS / np.abs(np.linalg.eigvals(w)).max()
    found = {
        "w_in": random.uniform(-INPUT, INPUT, (UNITS, 1 + columns)),
        "w": w,
        "leak": np.geomspace(SLOWEST, 1, UNITS),
    }
    return {name: weight.astype(np.float32) for name, weight in found.items()}


def read(weights: Weights, x: Single) -> Single:
    """What the readout sees of windows x (N, L, F+K): all their inputs, then the last state, shape (N, P)."""
    parts = [states(weights, x[start : start + CHUNK]) for start in range(0, len(x), CHUNK)]
    flat = np.asarray(x, np.float32).reshape(len(x), -1)
    return np.concatenate([flat, np.concatenate(parts or [np.zeros((0, UNITS), np.float32)])], axis=1)


def states(weights: Weights, x: Single) -> Single:
    """The state after the last row of each window, shape (N, units)."""
    w_in, w, leak = weights["w_in"], weights["w"], weights["leak"]
    state = np.zeros((len(x), len(w)), np.float32)
    for t in range(x.shape[1]):
        driven = x[:, t] @ w_in[:, 1:].T + w_in[:, 0] + state @ w.T
        state += leak * (np.tanh(driven) - state)
    return state


def _read_fold(weights: Weights, panel: Panel, fold: Rows, problem: Problem) -> Part:
    every = -(-len(fold) * (FOLDS + 1) // MOST) or 1
    blocks = lively(window_blocks(panel.inputs, fold[::every], problem))
    return Part(read(weights, blocks.x), np.clip(blocks.y[:, 0], -LARGEST, LARGEST), blocks.ahead[:, 0])


def _regress(parts: Sequence[Part]) -> tuple[Array, Array, Array]:
    """The readout (P, H), the weights of the columns known ahead (H, K), and errors on rows not fitted (n, H).

    The last part is the validation rows; each other part is forecast from the rest of the training rows.
    """
    moments = list(map(_moments, parts[:-1]))
    whole = sum(moments[1:], moments[0])
    solutions = [solve_ridge(whole - part) for part in moments] + [solve_ridge(whole)]
    chosen = choose_penalty(np.array(list(starmap(_gains, zip(parts, solutions, strict=True)))))
    if chosen is None:
        readout, ahead = (0 * part[0] for part in solutions[-1])
        return readout, ahead, np.concatenate([part.labels for part in parts])
    readout, ahead = (part[chosen] for part in solutions[-1])
    residuals = [
        part.labels - part.moves(lags[chosen], known[chosen])
        for part, (lags, known) in zip(parts, solutions, strict=True)
    ]
    return readout, ahead, np.concatenate(residuals)


def _moments(part: Part) -> Moments:
    x, y, z = part.read.astype(np.float64), part.labels, part.ahead
    return Moments(
        x.T @ x,
        x.T @ y,
        np.tensordot(x, z, (0, 0)),
        np.einsum("nhk,nhl->hkl", z, z),
        np.einsum("nhk,nh->hk", z, y),
        float(len(x)),
    )


def _gains(part: Part, solutions: tuple[Array, Array]) -> Array:
    """How much smaller than the naive forecast's the mean error of each solution is, as a share, shape (penalties,)."""
    naive = np.abs(part.labels).sum()
    if not naive:
        return np.zeros(len(PENALTIES))
    errors = [np.abs(part.labels - part.moves(*solution)).sum() for solution in zip(*solutions, strict=True)]
    return np.asarray(1 - np.array(errors) / naive)
