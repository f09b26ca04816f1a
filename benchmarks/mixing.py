"""What the network that comes with the package adds to the forecasts that it weighs, on simulated windows never seen.

    .venv/bin/python benchmarks/mixing.py             in half a minute; a table, and what it loses on random walks
    .venv/bin/python benchmarks/mixing.py FOLDER      and the weekly series of M4, Weekly-train.csv and Weekly-test.csv

Mean absolute errors over those of the value one season ago, as geometric means over windows: of the network itself,
before shrinkage and calibration; of weights by the earlier errors of the candidates alone; of the best one candidate.
"""

import csv
import sys
from pathlib import Path

import numpy as np

from forecast.config import MEDIAN
from forecast.models.pretrained.candidates import NAMES
from forecast.models.pretrained.estimator import MOST, shipped_weights
from forecast.models.pretrained.features import ABOUT, Seen, look
from forecast.models.pretrained.mixing import mix
from forecast.training.pretrain import windows

SEED, DRAWS, WALKS, STEPS = 99, 20, 400, 30
# Weights of the candidates fall with this power of their earlier errors.
POWER = 8


def on_windows() -> None:
    """Print the errors on windows of the mixture."""
    random = np.random.default_rng(SEED)
    parts = [windows(random, 96) for _ in range(DRAWS)]
    drawn = {name: np.concatenate([part[name] for part in parts]).astype(float) for name in parts[0]}
    seen = Seen(*(drawn[name] for name in ("rows", "about", "steps", "mixed", "spread")), np.ones(len(drawn["y"])))
    quantiles, y = mix(shipped_weights(), seen), drawn["y"]
    each = np.abs(seen.mixed - y[:, :, None]).mean(axis=1)
    weights = np.exp(-POWER * seen.about[:, ABOUT : ABOUT + len(NAMES)])
    weights /= weights.sum(axis=1, keepdims=True)
    found = {
        "network": np.abs(quantiles[..., MEDIAN] - y).mean(axis=1),
        "weights by earlier errors": np.abs((seen.mixed * weights[:, None]).sum(axis=2) - y).mean(axis=1),
        **dict(zip(NAMES, each.T, strict=True)),
    }
    base = np.log(found["season_ago"] + 1e-3)
    ratios = {name: float(np.exp(np.mean(np.log(error + 1e-3) - base))) for name, error in found.items()}
    for name in sorted(ratios, key=lambda name: ratios[name])[:8]:
        print(f"{name:28} {ratios[name]:.3f}")
    held = ((y > quantiles[..., 0]) & (y < quantiles[..., -1])).mean()
    print(f"its 90 % intervals hold {held:.1%}")


def on_walks() -> None:
    """Print the error on Gaussian random walks over that of the last value, for windows of several lengths."""
    random = np.random.default_rng(SEED)
    for rows in (64, 200, 700):
        path = 100 + random.standard_normal((WALKS, rows + STEPS)).cumsum(axis=1) / 2
        seen = look(path[:, :rows], (), STEPS, positive=True)
        median = path[:, [rows - 1]] + mix(shipped_weights(), seen)[..., MEDIAN] * seen.unit[:, None]
        errors = (np.abs(made - path[:, rows:]).mean() for made in (median, path[:, [rows - 1]]))
        print(f"random walks of {rows} rows: {next(errors) / next(errors):.3f} of the error of the last value")


def on_m4(folder: Path, kind: str, season: int, seasons: tuple[int, ...]) -> None:
    """Print the mean MASE on series of M4, from NAME-train.csv and NAME-test.csv, as in the competition."""
    found = []
    files = [(folder / f"{kind}-{part}.csv").open(newline="") for part in ("train", "test")]
    for known, coming in zip(*(list(csv.reader(file))[1:] for file in files), strict=True):
        past, after = (np.array([float(cell) for cell in row[1:] if cell]) for row in (known, coming))
        window = past[None, -MOST:]
        seen = look(window, seasons, len(after), positive=bool(window.min() > 0))
        median = past[-1] + mix(shipped_weights(), seen)[0, :, MEDIAN] * seen.unit[0]
        usual = np.abs(past[season:] - past[:-season]).mean()
        found.append([np.abs(made - after).mean() / usual for made in (median, past[-1])])
    network, naive = np.mean(found, axis=0)
    print(f"M4 {kind}, {len(found)} series: mean MASE {network:.3f}, naive {naive:.3f}")


if __name__ == "__main__":
    on_windows()
    on_walks()
    if len(sys.argv) > 1:
        on_m4(Path(sys.argv[1]), "Weekly", 1, (52,))
