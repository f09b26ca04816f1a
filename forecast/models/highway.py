"""The linear part: ridge regression of the coming moves on the last differences, in closed form.

    move[h] = sum over lags and features of kernel[lag, feature, h] x[lag, feature]
            + sum over columns known ahead of weight[h, column] ahead[h, column]

It carries what is linear in a series, its seasons above all, past the network, which then learns what is left: the
autoregressive highway of LSTNet (Lai et al. 2018), and as accurate as any linear map that is found step by step
(Toner and Darlow 2024). Ridge regression: Hoerl and Kennard (1970).

The errors that count are absolute ones: rows are weighed by one over their error in the fit before (iteratively
reweighted least squares, Lawson 1961), so that a few wild windows do not bend the map.

The penalty grows with the lag, as in the prior of Litterman (1986), fast or slowly, or is the same for all: what the
last rows tell is found in short series as well, what comes back after a season in long ones. Which of them, how strong
it is, and whether there is a linear part at all, is decided for near and far steps apart, by forecasts of rows that
were not fitted: the training rows in FOLDS parts, each forecast from the others, and the validation rows. Without a
gain over the naive forecast beyond luck, the linear part is nothing. On prices it nearly always is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from forecast.data.windows import Blocks, Panel, make_blocks, origins
from forecast.models.estimator import Problem, Weights, clip_labels, training_origins
from forecast.typing import Array, Rows

# The weights: a kernel (L, F, H), and the weights of future columns (H, K).
HIGHWAY = ("highway/kernel", "highway_future/kernel")
FOLDS = 5
# Penalties, in shares of the rows: inputs are of size 1.
PENALTIES = np.logspace(-4, 1, 6)
LIGHT = 14
# How the penalty grows with the lag.
POWERS = (2, 0.5, 0)
# Student's t of the gains of the five folds and the validation rows that luck exceeds once in seventy times; and what
# solutions that look further back must gain beyond nearer ones.
BEYOND_LUCK, FURTHER = 3.0, 1.5
# Fits with weights after the first without, and the smallest error that a weight is taken from, in scales.
REWEIGHTED, SMALLEST = 2, 0.05
# Windows that are fitted, and windows that are held at once.
MOST, CHUNK = 60_000, 4096
# Inputs up to which products are so small that threads wait for one another longer than they work.
FEW = 256


@dataclass(frozen=True, eq=False)
class Moments:
    """Sums of products over windows: lags by lags, lags by labels, and the same for the columns known ahead.

    With P = L * F inputs: shapes (P, P), (P, H), (P, H, K), (H, K, K), (H, K), and the sum of the weights.
    """

    lags: Array
    labels: Array
    cross: Array
    ahead: Array
    ahead_labels: Array
    count: float

    def __add__(self, other: "Moments") -> "Moments":
        return self._with(other, 1)

    def __sub__(self, other: "Moments") -> "Moments":
        return self._with(other, -1)

    def _with(self, other: "Moments", sign: int) -> "Moments":
        theirs = vars(other)
        return Moments(**{name: mine + sign * theirs[name] for name, mine in vars(self).items()})


def fit_highway(panel: Panel, problem: Problem) -> dict[str, Array]:
    """Kernel (L, F, H) and weights of the columns known ahead (H, K); all 0 where they would not help."""
    from threadpoolctl import threadpool_limits

    small = problem.lookback * problem.features <= FEW
    with threadpool_limits(1 if small else None, user_api="blas"):  # where others work too, threads wait for seconds
        return _fit(panel, problem)


def _fit(panel: Panel, problem: Problem) -> dict[str, Array]:
    folds = fold_origins(panel, problem)
    moments = [_moments(panel, fold, problem, None) for fold in folds[:-1]]
    for _ in range(REWEIGHTED):
        fitted = _solve(sum(moments[1:], moments[0]), problem)
        moments = [_moments(panel, fold, problem, fitted) for fold in folds[:-1]]
    whole = sum(moments[1:], moments[0])
    fitted = _solve(whole, problem)
    solutions = [*(_solve(whole - part, problem) for part in moments), fitted]
    lags, ahead = _choose(_gains(panel, folds, problem, solutions), fitted)
    shape = (problem.lookback, problem.features, problem.horizon)
    return dict(zip(HIGHWAY, (lags.reshape(shape).astype(np.float32), ahead.astype(np.float32)), strict=True))


def apply_highway(weights: Weights, blocks: Blocks) -> Array:
    """The linear part of the moves, shape (N, S, H), in normalised units; 0 where there are no such weights."""
    moves = np.zeros(blocks.y.shape)
    if HIGHWAY[0] not in weights:
        return moves
    kernel, ahead = (weights[name] for name in HIGHWAY)
    if kernel.any():
        lookback, features, horizon = kernel.shape
        windows = np.lib.stride_tricks.sliding_window_view(blocks.x[:, :, :features], lookback, axis=1)
        flat = kernel.transpose(1, 0, 2).reshape(-1, horizon)
        moves += (windows.reshape(-1, len(flat)) @ flat).reshape(moves.shape)
    return np.asarray(moves + np.einsum("nshk,hk->nsh", blocks.ahead, ahead, optimize=True) if ahead.any() else moves)


def fold_origins(panel: Panel, problem: Problem) -> list[Rows]:
    """Origins in five parts of the training rows, and those of the validation rows."""
    training = np.sort(training_origins(panel, problem, most=MOST))
    place = np.empty(len(training), int)
    of = np.searchsorted(panel.start, training, side="right") - 1
    for number in range(len(panel.splits)):
        mine = np.flatnonzero(of == number)
        place[mine] = np.arange(len(mine)) * FOLDS // max(1, len(mine))
    validation = [
        start + origins(split.validation - 1, split.test, horizon=problem.horizon)
        for start, split in zip(panel.start, panel.splits, strict=True)
    ]
    every = max(1, sum(map(len, validation)) // (MOST // FOLDS))
    return [*(training[place == fold] for fold in range(FOLDS)), np.concatenate([part[::every] for part in validation])]


def _windows(panel: Panel, origin: Rows, problem: Problem) -> Iterator[tuple[Array, Array, Array]]:
    """Lags (n, P), labels (n, H) and moves known ahead (n, H, K), a chunk at a time."""
    for start in range(0, len(origin), CHUNK):
        chosen = origin[start : start + CHUNK]
        blocks = make_blocks(panel.inputs, chosen, lookback=problem.lookback, horizon=problem.horizon)
        lags = blocks.x[:, :, : problem.features].reshape(len(chosen), -1).astype(np.float64)
        yield lags, clip_labels(blocks.y[:, 0]), blocks.ahead[:, 0]


def _moments(panel: Panel, origin: Rows, problem: Problem, fitted: tuple[Array, Array] | None) -> Moments:
    """Sums over windows, each weighed by one over its error in `fitted`."""
    inputs, horizon, ahead = problem.lookback * problem.features, problem.horizon, problem.ahead
    shapes = (inputs, inputs), (inputs, horizon), (inputs, horizon, ahead), (horizon, ahead, ahead), (horizon, ahead)
    sums = [np.zeros(shape) for shape in shapes]
    total = Moments(sums[0], sums[1], sums[2], sums[3], sums[4], 0.0)
    for x, y, z in _windows(panel, origin, problem):
        weight = np.ones(len(x)) if fitted is None else _weights(x, y, z, fitted)
        weighed = x * weight[:, None]
        total += Moments(
            weighed.T @ x,
            weighed.T @ y,
            np.tensordot(weighed, z, (0, 0)),
            np.einsum("n,nhk,nhl->hkl", weight, z, z),
            np.einsum("n,nhk,nh->hk", weight, z, y),
            float(weight.sum()),
        )
    return total


def _weights(x: Array, y: Array, z: Array, fitted: tuple[Array, Array]) -> Array:
    """One over the mean error of each window with a light penalty, shape (n,)."""
    lags, ahead = (part[LIGHT] for part in fitted)
    error = np.abs(y - x @ lags - np.einsum("nhk,hk->nh", z, ahead)).mean(axis=1)
    return np.asarray(1 / np.maximum(error, SMALLEST))


def _solve(moments: Moments, problem: Problem) -> tuple[Array, Array]:
    """The ridge solutions for each penalty, with one that grows fast with the lag, slowly, not at all."""
    distance = np.repeat(np.arange(problem.lookback, 0, -1.0), problem.features)
    found = [_solve_scaled(moments, distance**power) for power in POWERS]
    return np.concatenate([lags for lags, _ in found]), np.concatenate([ahead for _, ahead in found])


def _solve_scaled(moments: Moments, size: Array) -> tuple[Array, Array]:
    """The ridge solutions where the coefficient of each lag is expected to be one over its `size`, shape (P,)."""
    scaled = replace(
        moments,
        lags=moments.lags / np.outer(size, size),
        labels=moments.labels / size[:, None],
        cross=moments.cross / size[:, None, None],
    )
    lags, ahead = solve_ridge(scaled)
    return lags / size[:, None], ahead


def solve_ridge(moments: Moments) -> tuple[Array, Array]:
    """The ridge solutions for each penalty: lags (penalties, P, H), ahead (penalties, H, K).

    The columns known ahead are a few a step, and are eliminated by the Schur complement of each step.
    """
    values, vectors = np.linalg.eigh(moments.lags)
    labels, cross = vectors.T @ moments.labels, np.tensordot(vectors.T, moments.cross, (1, 0))
    count, steps = max(moments.count, 1.0), moments.ahead.shape[1]
    size = np.einsum("hkk->hk", moments.ahead)[:, :, None] * np.eye(steps)
    found = []
    for penalty in PENALTIES:
        inverse = 1 / (np.maximum(values, 0) + penalty * count)
        schur = moments.ahead + penalty * size + 1e-9 * np.eye(steps)
        schur -= np.einsum("phk,p,phl->hkl", cross, inverse, cross, optimize=True)
        right = moments.ahead_labels - np.einsum("phk,p,ph->hk", cross, inverse, labels, optimize=True)
        ahead = np.linalg.solve(schur, right[:, :, None])[:, :, 0]
        lags = inverse[:, None] * (labels - np.einsum("phk,hk->ph", cross, ahead))
        found.append((vectors @ lags, ahead))
    return np.array([lags for lags, _ in found]), np.array([ahead for _, ahead in found])


def _gains(panel: Panel, folds: Sequence[Rows], problem: Problem, solutions: Sequence[tuple[Array, Array]]) -> Array:
    """How much smaller than naive's the errors of solutions are, as a share of it, shape (folds, solutions, H)."""
    pairs = [_errors(panel, fold, problem, solution) for fold, solution in zip(folds, solutions, strict=True)]
    naive, errors = np.array([pair[0] for pair in pairs])[:, None], np.array([pair[1] for pair in pairs])
    return np.where(naive > 0, 1 - errors / np.where(naive > 0, naive, 1), 0)


def _errors(panel: Panel, origin: Rows, problem: Problem, solutions: tuple[Array, Array]) -> tuple[Array, Array]:
    """Sums of the errors of naive (H,) and of each solution (solutions, H)."""
    naive, errors = np.zeros(problem.horizon), np.zeros((len(solutions[0]), problem.horizon))
    for x, y, z in _windows(panel, origin, problem):
        naive += np.abs(y).sum(axis=0)
        for number, (lags, ahead) in enumerate(zip(*solutions, strict=True)):
            moves = x @ lags + np.einsum("nhk,hk->nh", z, ahead)
            errors[number] += np.abs(y - moves).sum(axis=0)
    return naive, errors


def _choose(gains: Array, solutions: tuple[Array, Array]) -> tuple[Array, Array]:
    """The solution that is used for each step: lags (P, H) and ahead (H, K).

    Steps are judged in groups that double, 1, 2 and 3, 4 to 7 and so on: near ones can be told where far ones cannot.

    Args:
        gains: Of folds, solutions and steps.
    """
    lags, ahead = (0 * part[0] for part in solutions)
    first, horizon = 0, gains.shape[2]
    while first < horizon:
        steps = slice(first, min(2 * first + 1, horizon))
        chosen = _choose_one(gains[:, :, steps].mean(axis=2))
        if chosen is not None:
            lags[:, steps], ahead[steps] = solutions[0][chosen][:, steps], solutions[1][chosen][steps]
        first = steps.stop
    return lags, ahead


def _choose_one(gains: Array) -> int | None:
    """The solution to be used, if any: the nearest lags must pay beyond luck, further ones must pay still more."""
    chosen, gained = None, np.zeros((len(gains), 1))
    for number, kind in enumerate(np.split(gains, len(POWERS), axis=1)):
        beyond = BEYOND_LUCK if chosen is None else FURTHER
        best = choose_candidate(kind - gained, beyond=beyond)
        if best is not None:
            chosen, gained = number * len(PENALTIES) + best, kind[:, [best]]
    return chosen


def choose_candidate(gains: Array, *, beyond: float = BEYOND_LUCK) -> int | None:
    """The penalty with the largest mean gain (folds, penalties), if that is more than luck."""
    mean, spread = gains.mean(axis=0), gains.std(axis=0, ddof=1)
    best = int(np.argmax(mean))
    error = spread[best] / np.sqrt(len(gains))
    return best if mean[best] > beyond * error and mean[best] > 0 else None
