"""What simulated prices teach about volatility, without a look at real ones: writes models/volatility/prior.npz.

    .venv/bin/python benchmarks/volatility_prior.py                writes the file, in a quarter of a minute
    .venv/bin/python benchmarks/volatility_prior.py --paths 20 --out /tmp/prior.npz

Each path has 2,000 days of open, high, low and close. Its variance follows GARCH(1, 1) (Bollerslev 1986), GJR-GARCH
(Glosten, Jagannathan and Runkle 1993), two-factor stochastic volatility with leverage (Chernov et al. 2003) or regimes
(Hamilton 1989), with parameters drawn at random; moves have fat tails, part of which the range of the day shows, gaps
between days, and jumps. The coefficients have the likelihood of Laplace for absolute moves, which is convex.
"""

import argparse
from pathlib import Path

import numpy as np

from forecast.config import QUANTILES
from forecast.data.moves import STEP_TERMS, step_terms
from forecast.models.volatility import size_model
from forecast.models.volatility.features import features_of, range_volatility
from forecast.models.volatility.tails import distances

OUT = Path(size_model.__file__).with_name("prior.npz")
SEED, PATHS, DAYS, BURN, MOMENTS, ROUNDS = 0, 160, 2000, 500, 26, 8
SKIP, RIDGE, HORIZON = 150, 1e-2, 30


def simulate(random: np.random.Generator, days: int = DAYS) -> np.ndarray:
    """Logarithms of open, high, low and close of one path, shape (days, 4)."""
    total, freedom = days + BURN, random.uniform(3, 12)
    tail, shown = (freedom - 2) / random.chisquare(freedom, total), random.uniform()
    day = tail**shown / np.mean(tail**shown)  # the part of a fat tail that is the variance of the whole day
    spot, night = np.sqrt(tail / day), random.beta(2, 6)
    gap = np.sqrt(night) * spot * random.standard_normal(total)
    gap += (random.random(total) < random.uniform(0, 0.02)) * random.normal(0, random.uniform(1, 5), total)
    steps = random.standard_normal((total, MOMENTS)) * np.sqrt((1 - night) / MOMENTS) * spot[:, None]
    within = np.cumsum(steps, axis=1)
    shocks = np.sqrt(day) * (gap + within[:, -1])
    size = np.sqrt(variances(random, shocks) * day)
    gap, within = size * gap, size[:, None] * within
    close = np.cumsum(np.clip(gap + within[:, -1] + random.normal(3e-4, 2e-4), -0.4, 0.4))
    opened = close - within[:, -1]
    high, low = opened + np.maximum(within.max(axis=1), 0), opened + np.minimum(within.min(axis=1), 0)
    return np.stack([opened, high, low, close], axis=1)[BURN:]


def variances(random: np.random.Generator, shocks: np.ndarray) -> np.ndarray:
    """The variance of each day, of one kind of process, whose shocks to the price have about variance 1, shape (T,)."""
    kind, sigma = random.integers(4), np.exp(random.normal(np.log(0.016), 0.5))
    if kind <= 1:
        return garch(random, shocks, sigma, leverage=bool(kind))
    return stochastic(random, shocks, sigma) if kind == 2 else regimes(random, len(shocks), sigma)


def garch(random: np.random.Generator, shocks: np.ndarray, sigma: float, *, leverage: bool) -> np.ndarray:
    """GARCH(1, 1), or GJR-GARCH, which falls raise more than rises."""
    alpha, gamma = random.uniform(0.02, 0.12), random.uniform(0, 0.15) * leverage
    beta = max(random.uniform(0.95, 0.998) - alpha - gamma / 2, 0.5)
    omega, now = sigma**2 * (1 - alpha - beta - gamma / 2), sigma**2
    found = np.empty(len(shocks))
    for row, shock in enumerate(shocks):
        found[row] = now
        squared = min(now * shock**2, 225 * sigma**2)
        now = min(omega + (alpha + gamma * (shock < 0)) * squared + beta * now, 0.15**2)
    return found


def stochastic(random: np.random.Generator, shocks: np.ndarray, sigma: float) -> np.ndarray:
    """A slow and a fast factor of the log variance, moved by falls of the price too."""
    keep = np.array([random.uniform(0.985, 0.999), random.uniform(0.6, 0.95)])
    size, leverage = np.array([random.uniform(0.2, 0.5), random.uniform(0.1, 0.4)]), random.uniform(-0.7, 0)
    noise, state, found = random.standard_normal((len(shocks), 2)), np.zeros(2), np.empty(len(shocks))
    for row, shock in enumerate(np.clip(shocks, -4, 4)):
        found[row] = sigma**2 * np.exp(2 * size @ state - size @ size)
        state = keep * state + np.sqrt(1 - keep**2) * (leverage * shock + np.sqrt(1 - leverage**2) * noise[row])
    return found


def regimes(random: np.random.Generator, rows: int, sigma: float) -> np.ndarray:
    """Two to four levels of volatility, each of which lasts for weeks or months."""
    level, stay = np.exp(random.normal(0, 0.6, random.integers(2, 5))), random.uniform(0.97, 0.998)
    changes, now, found = random.random(rows) > stay, 0, np.empty(rows)
    for row in range(rows):
        now = random.integers(len(level)) if changes[row] else now
        found[row] = (sigma * level[now]) ** 2
    return found


def fit(paths: list[np.ndarray], *, ranges: bool) -> dict[str, np.ndarray]:
    """The arrays of a `Prior`, from closes alone or from ranges too."""
    made = [features_of(path[:, 3], ranges_of(path) if ranges else None) for path in paths]
    every = np.concatenate([features[SKIP:] for _, features in made])
    terms = len(every[0]) + 1
    prior = size_model.Prior(
        every.mean(axis=0), every.std(axis=0), np.zeros((STEP_TERMS, terms)), np.zeros((STEP_TERMS * terms,) * 2)
    )
    designs = [prior.design(features) for _, features in made]
    for _ in range(ROUNDS):
        gradient, hessian = newton(paths, [base for base, _ in made], designs, prior.coefficients)
        change = np.linalg.solve(hessian, gradient).reshape(prior.coefficients.shape)
        prior = size_model.Prior(prior.centre, prior.spread, prior.coefficients - change, hessian)
    information = prior.information / len(every)
    return {
        "centre": prior.centre,
        "spread": prior.spread,
        "coefficients": prior.coefficients,
        "information": information,
    }


def ranges_of(path: np.ndarray) -> np.ndarray:
    """Volatility of each day from its range."""
    opened, high, low, close = path.T
    return range_volatility(np.stack([high - low, close - opened], axis=1), close)


def newton(
    paths: list[np.ndarray], bases: list[np.ndarray], designs: list[np.ndarray], coefficients: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Gradient and Hessian of the loss over all paths and steps, with a small penalty."""
    gradient, hessian = RIDGE * coefficients.ravel(), RIDGE * np.eye(coefficients.size)
    for path, base, x in zip(paths, bases, designs, strict=True):
        one, two = size_model.derivatives(size_model.sizes_of(path[:, 3], base)[SKIP:], x[SKIP:], coefficients)
        gradient, hessian = gradient + one, hessian + two
    return gradient, hessian


def shapes(paths: list[np.ndarray], prior: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What moves in units of their expected size are like, smooth in the logarithm of the step.

    `quantiles`, shape (3, Q), are those of centred moves, `tails`, shape (3, 3), those of models/volatility/tails.py.
    """
    model, found = size_model.Prior(**prior), [[] for _ in range(HORIZON)]
    terms = step_terms(HORIZON)
    for path in paths:
        base, features = features_of(path[:, 3])
        scale = np.log(base)[:, None] + model.design(features) @ model.coefficients.T @ terms.T
        for step in range(1, HORIZON + 1):
            move = path[step:, 3] - path[:-step, 3]
            found[step - 1].append((move / np.sqrt(step) / np.exp(scale[:-step, step - 1]))[SKIP:])
    pooled = [np.concatenate(one) for one in found]
    quantiles = np.array([np.quantile(one, QUANTILES) for one in pooled])
    quantiles -= quantiles[:, [len(QUANTILES) // 2]]
    tails = np.array([distances(np.sort(one)) for one in pooled])
    both = {"quantiles": quantiles, "tails": tails}
    return {name: np.linalg.lstsq(terms, array, rcond=None)[0] for name, array in both.items()}


def main() -> None:
    """Simulate, fit, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--paths", type=int, default=PATHS)
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    random = np.random.default_rng(SEED)
    paths = [simulate(random) for _ in range(options.paths)]
    close, ranges = fit(paths, ranges=False), fit(paths, ranges=True)
    arrays = {f"close_{name}": array for name, array in close.items()}
    arrays |= {f"range_{name}": array for name, array in ranges.items()}
    arrays |= shapes(paths, close)
    np.savez(options.out, **{name: array.astype(np.float64) for name, array in arrays.items()})
    print(f"{options.paths} paths; quantiles of moves over 1 step: {np.round(arrays['quantiles'][0], 2)}")
    print(f"1 %, worst 5 %, worst 1 % in the distance of the 5 % quantile, 1 step: {np.round(arrays['tails'][0], 2)}")


if __name__ == "__main__":
    main()
