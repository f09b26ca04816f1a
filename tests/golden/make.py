"""Write the golden bundle of the present format, and the forecasts that are expected of it.

    .venv/bin/python tests/golden/make.py

Once a release has written a format, its golden bundle is never written again: users have such bundles.
"""

import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent.parent)]

from conftest import SMALL, make_series, random_walk  # noqa: E402

from forecast.evaluation import holdout  # noqa: E402
from forecast.inference.bundle import FORMAT, save_model  # noqa: E402
from forecast.models import find_model  # noqa: E402
from forecast.training.train import train  # noqa: E402


def forecasts_of(model, series):
    """The network's normalised quantiles after the last row, and the median of the forecast made from them."""
    blocks = model.blocks(series, first=len(series) - 1)
    raw = find_model(model.model).predict(model.weights, blocks, model.problem)[0]
    return {"raw": raw.tolist(), "median": model.predict(series).median.tolist()}


def main() -> None:
    """Train and test a small network; forecast the series that it was trained on, and another."""
    known, other = make_series(random_walk(), "known"), make_series(50 + random_walk(120, seed=5), "other")
    _, model = holdout.test(train(known, "lstm", SMALL), known)
    save_model(model, HERE / f"format-{FORMAT}")
    expected = {one.name: forecasts_of(model, one) for one in (known, other)}
    (HERE / f"format-{FORMAT}.json").write_text(json.dumps(expected) + "\n")


if __name__ == "__main__":
    main()
