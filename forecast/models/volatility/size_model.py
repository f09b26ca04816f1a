"""The linear model of the size of coming moves: its coefficients from simulated prices, drawn towards a series.

    log E|move over h rows| = log base + log(h) / 2 + b(h)' B features        b(h) = (1, l, l^2), l = log h / log 30

B is fitted in closed form on simulated prices (`prior.npz`), with the likelihood of Laplace, which is convex; one step
of Newton's method on the moves that are known moves it towards the series, as far as these outweigh PRIOR_ROWS rows of
simulated prices. It is estimated anew whenever the series has grown by a quarter.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from forecast.data.moves import STEP_TERMS, step_terms
from forecast.typing import Array

# Steps whose moves the coefficients are fitted to.
FIT_STEPS = (1, 2, 3, 4, 5, 7, 10, 14, 20, 25, 30)
# Rows of simulated prices that the series' own rows are weighed against, and its rows that count at most.
PRIOR_ROWS, MOST_ROWS = 6000, 3000
# Rows when coefficients are estimated first, and the growth after which they are estimated anew.
FIRST, GROWTH = 128, 1.25
# Rows at the start that no coefficients are fitted to: averages over months are not known there.
BURN = 64
# Moves in base scales, and features in standard deviations, are cut here.
LARGEST_MOVE, LARGEST_FEATURE = 15.0, 4.0


@dataclass(frozen=True, eq=False)
class Prior:
    """What simulated prices teach, with P features and C = 3 (P + 1) coefficients.

    Attributes:
        centre: Mean of the features, shape (P,).
        spread: Their standard deviation, shape (P,).
        coefficients: B, shape (3, P + 1).
        information: The Hessian of the loss a row, shape (C, C).
    """

    centre: Array
    spread: Array
    coefficients: Array
    information: Array

    def design(self, features: Array) -> Array:
        """Standardised features after a column of ones, shape (T, P + 1)."""
        scaled = np.clip((features - self.centre) / self.spread, -LARGEST_FEATURE, LARGEST_FEATURE)
        return np.concatenate([np.ones((len(scaled), 1)), scaled], axis=1)


@cache
def prior_of(kind: str) -> Prior:
    """The prior for `close` or `range`."""
    with np.load(Path(__file__).with_name("prior.npz")) as file:
        return Prior(**{name: file[f"{kind}_{name}"] for name in Prior.__dataclass_fields__})


def estimation_rows(rows: int) -> list[int]:
    """The numbers of rows when coefficients are estimated: FIRST, and then a quarter more each time."""
    found, next_one = [], FIRST
    while next_one < rows:
        found.append(next_one)
        next_one = int(np.ceil(GROWTH * next_one))
    return found


def estimates(prior: Prior, sizes: Array, x: Array, stops: Sequence[int]) -> Array:
    """B after one step of Newton's method from the prior, on the moves that are known after each number of rows.

    The derivatives are sums over moves: each adds those that became known since the one before, without the oldest.

    Args:
        sizes: Moves over each of FIT_STEPS from each row (`sizes_of`), shape (T, S).
    Returns:
        Shape (R, 3, P + 1).
    """
    relative, found, before, start = _relative(sizes, x, prior.coefficients), [], 0, 0
    total = np.zeros(1)
    for stop in stops:
        begin = max(BURN, stop - MOST_ROWS)
        if begin > before - max(FIT_STEPS):  # all are new
            total, before = np.zeros(1), 0
        elif begin > start:
            total = total - _sums(relative[start:begin], x[start:begin])
        first = max(begin, before - max(FIT_STEPS))
        ends = np.arange(first, stop)[:, None] + FIT_STEPS
        total = total + _sums(np.where((ends >= before) & (ends < stop), relative[first:stop], np.nan), x[first:stop])
        found.append(total)
        before, start = stop, begin
    gradients, hessians = _unpacked(np.stack(found), x.shape[1])
    change = np.linalg.solve(hessians + PRIOR_ROWS * prior.information, gradients[..., None])
    return np.asarray(prior.coefficients - change.reshape(-1, *prior.coefficients.shape))


def sizes_of(path: Array, base: Array) -> Array:
    """Moves over each of FIT_STEPS in units of the base and the root of the step, cut, shape (T, S); NaN at the end."""
    unit: Array = base[:, None] * np.sqrt(FIT_STEPS)
    return np.asarray(np.minimum(moves_over(path, FIT_STEPS).T / unit, LARGEST_MOVE))


def moves_over(path: Array, steps: Sequence[int]) -> Array:
    """Absolute moves from each row over each of some steps, shape (S, T); NaN at the end."""
    padded = np.append(path, np.full(max(steps), np.nan))
    return np.asarray(np.abs(padded[np.arange(len(path)) + np.array(steps)[:, None]] - path))


def derivatives(sizes: Array, x: Array, coefficients: Array) -> tuple[Array, Array]:
    """Gradient (C,) and Hessian (C, C) of the loss of moves: size / exp(eta) + eta, eta = terms of the step B x.

    Overlapping moves say the same thing several times, and count by one over the root of the step.

    Args:
        sizes: Moves over each of FIT_STEPS (`sizes_of`), shape (n, S); NaN where not known.
        x: Of the same rows, shape (n, P + 1).
    """
    gradient, hessian = _unpacked(_sums(_relative(sizes, x, coefficients), x)[None], x.shape[1])
    return gradient[0], hessian[0]


def _relative(sizes: Array, x: Array, coefficients: Array) -> Array:
    """Sizes (n, S) over those that are expected of them."""
    return np.asarray(sizes * np.exp(-np.clip(x @ (_step_weights()[0] @ coefficients).T, -5, 5)))


@cache
def _step_weights() -> tuple[Array, Array, Array]:
    """The terms of FIT_STEPS, shape (S, 3), these by their weights, and so products of two of them, shape (S, 5).

    Terms are powers, and so are their products.
    """
    terms, weight = step_terms(max(FIT_STEPS))[np.array(FIT_STEPS) - 1], np.array(FIT_STEPS)[:, None] ** -0.5
    return terms, weight * terms, weight * terms[:, [1]] ** np.arange(2 * STEP_TERMS - 1)


def _sums(relative: Array, x: Array) -> Array:
    """What the derivatives are made of: sums over the rows of relative sizes (n, S), NaN where not known."""
    known, (_, terms, products) = ~np.isnan(relative), _step_weights()
    error = np.where(known, relative, 0.0)
    gradient = ((known - error) @ terms).T @ x
    curved = ((np.minimum(error, 5) @ products).T[:, None] * x.T) @ x
    return np.concatenate([gradient.ravel(), curved.ravel()])


def _unpacked(sums: Array, columns: int) -> tuple[Array, Array]:
    """Gradients (R, C) and Hessians (R, C, C) of sums (R, ...)."""
    size = STEP_TERMS * columns
    curved = sums[:, size:].reshape(-1, 2 * STEP_TERMS - 1, columns, columns)
    hessian = curved[:, np.add.outer(np.arange(STEP_TERMS), np.arange(STEP_TERMS))]
    return sums[:, :size], hessian.transpose(0, 1, 3, 2, 4).reshape(-1, size, size)
