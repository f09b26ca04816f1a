"""What each kind of simulated series is worth to the network that comes with the package: left out one after the other.

    .venv/bin/python benchmarks/generators.py                      groups of generators, a short training each
    .venv/bin/python benchmarks/generators.py --each --steps 1000  every generator by itself

Each training is that of `python -m forecast.training.pretrain --steps STEPS --pool POOL`, far shorter than the one that
the shipped weights come from: the figures compare the kinds, and say nothing of the shipped weights. They are by how
much the mean pinball loss is above that of the network that learned from all kinds, geometric means over windows that
none of them saw: of the kinds that were left out, of all others, and of random walks.
"""

import argparse

import numpy as np

from forecast.config import QUANTILES
from forecast.data.synthetic import GENERATORS
from forecast.models.pretrained.estimator import shipped_weights
from forecast.models.pretrained.features import look
from forecast.models.pretrained.mixing import mix
from forecast.runtime.devices import load_keras
from forecast.training.pretrain import GRIDS, STEPS_AHEAD, Recipe, pretrain

GROUPS = {
    "prices": ("garch", "stochastic_volatility", "regimes", "intraday"),
    "walks": ("random_walk", "mean_reverting", "arima"),
    "trends": ("bent", "growth", "smoothing"),
    "seasons": ("seasonal", "work_and_rest", "holidays"),
    "processes": ("gaussian_process",),
    "counts": ("intermittent", "counts"),
}
SEED, ROWS, STEPS = 99, (48, 700), 24
SMALLEST = 1e-3


def tested(count: int) -> list[tuple[str, np.ndarray, tuple[int, ...]]]:
    """Series (count, T) of each kind on each grid of up to 700 rows, with their seasons."""
    random, found = np.random.default_rng(SEED), []
    for seasons, (_, most), _ in GRIDS:
        for name, (make, with_season, without_season) in GENERATORS.items():
            if with_season if seasons else without_season:
                rows = int(random.integers(min(most, max(ROWS[0], 4 * max(seasons, default=1))), most + 1))
                found.append((name, make(random, count, rows + STEPS, seasons), seasons))
    return found


def losses(weights: dict, series: list) -> dict[str, np.ndarray]:
    """Logarithms of the pinball loss of each window, in its units, by the kind of its series."""
    lost, levels = {name: [] for name in GENERATORS}, np.array(QUANTILES)
    for name, values, seasons in series:
        x, y = values[:, :-STEPS], values[:, -STEPS:]
        seen = look(x, seasons, STEPS_AHEAD, positive=bool(x.min() > 0))
        error = ((y - x[:, [-1]]) / seen.unit[:, None])[..., None] - mix(weights, seen)[:, :STEPS]
        lost[name].append(np.log(np.maximum(levels * error, (levels - 1) * error).mean(axis=(1, 2)) + SMALLEST))
    return {name: np.concatenate(parts) for name, parts in lost.items() if parts}


def change(found: dict[str, np.ndarray], base: dict[str, np.ndarray], names: list[str]) -> float:
    """By how many per cent the losses of kinds are above those of the base."""
    return 100 * float(np.expm1(np.mean(np.concatenate([found[name] - base[name] for name in names]))))


def main() -> None:
    """Train without each group, and print a line of a Markdown table for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--pool", type=int, default=10_000)
    parser.add_argument("--count", type=int, default=6, help="tested series of each kind on each grid")
    parser.add_argument("--each", action="store_true", help="leave out every generator by itself")
    options = parser.parse_args()
    load_keras()
    groups = {name: (name,) for name in GENERATORS} if options.each else GROUPS
    series = tested(options.count)
    base = losses(pretrain(Recipe(options.steps, options.pool)), series)
    print(f"{options.steps} steps, {sum(map(len, base.values())):,} windows\n", flush=True)
    shipped = change(losses(shipped_weights(), series), base, list(base))
    print(f"the shipped weights: {shipped:+.1f} %\n")
    print("| left out | loss on it [%] | on all others [%] | on random walks [%] |\n|---|---|---|---|", flush=True)
    for group, names in groups.items():
        found = losses(pretrain(Recipe(options.steps, options.pool, without=names)), series)
        others = [name for name in found if name not in names]
        parts = (change(found, base, some) for some in (list(names), others, ["random_walk"]))
        print(f"| {group} | {' | '.join(f'{part:+.1f}' for part in parts)} |", flush=True)


if __name__ == "__main__":
    main()
