"""What the network that comes with the package loses where nothing can be forecast, as it is used by default.

    .venv/bin/python benchmarks/walks.py

Gaussian random walks with moves of 1 that begin at 100 or at 10,000: the former are rather walks of values than of
logarithms, which is what prices are taken for. MAE of `pretrained` over that of naive in the last fifth, 1 to 10 steps
ahead: of all walks of a length together, and the farthest from 1 of a single one.
"""

import numpy as np

import forecast

BEGINS, LENGTHS, WALKS, HORIZON = (100, 10_000), (300, 700, 1_500), 20, 10


def errors(begin: int, rows: int) -> np.ndarray:
    """MAE of naive and of `pretrained` for each walk, shape (WALKS, 2)."""
    found = []
    for seed in range(WALKS):
        walk = begin + np.random.default_rng([rows, seed]).standard_normal(rows).cumsum()
        mae = forecast.run(walk, models=["pretrained"], horizon=HORIZON).to_frame()["mae"]
        found.append((mae["naive"], mae["pretrained"]))
    return np.array(found)


def main() -> None:
    """Measure and print."""
    for begin in BEGINS:
        for rows in LENGTHS:
            naive, ours = errors(begin, rows).T
            ratios = ours / naive
            farthest = ratios[np.argmax(np.abs(ratios - 1))]
            print(
                f"from {begin:,}, {rows:,} rows: {ours.sum() / naive.sum():.4f}, a single one {farthest:.3f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
