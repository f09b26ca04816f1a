"""Writes a small bundle of the present format beside its expected forecasts, for when that is an earlier one.

    .venv/bin/python tests/golden/make.py

A bundle of an earlier format is never written again: it is what users have.
"""

import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent.parent)]

from conftest import SMALL, make_series, random_walk  # noqa: E402

from forecast.inference.bundle import FORMAT, save_model  # noqa: E402
from forecast.models import find_model  # noqa: E402
from forecast.training.train import train  # noqa: E402


def forecasts_of(model, series):
    """What the network itself says of the last row, in normalised units, and the median that is made of it."""
    blocks = model.blocks(series, first=len(series) - 1)
    raw = find_model(model.model).predict(model.weights, blocks, model.problem)[0]
    return {"raw": raw.tolist(), "median": model.predict(series).median.tolist()}


def main() -> None:
    """One network, and its forecasts of the series that it was trained on and of another."""
    known, other = make_series(random_walk(), "known"), make_series(50 + random_walk(120, seed=5), "other")
    model = train(known, "lstm", SMALL)
    save_model(model, HERE / f"format-{FORMAT}")
    expected = {one.name: forecasts_of(model, one) for one in (known, other)}
    (HERE / f"format-{FORMAT}.json").write_text(json.dumps(expected) + "\n")


if __name__ == "__main__":
    main()
