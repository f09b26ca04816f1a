"""Where the time of `forecast run` goes: the same work through the Python API, stage by stage.

    .venv/bin/python benchmarks/stages.py data/sp500.csv --horizon 1

Prints one JSON line: seconds by stage, and the rate of the training steps.

`compile` is what the first step takes beyond a usual one: blocks, network, tracing and the compiler. `steps` is the
median step times their number, so that a look at the validation rows between two steps does not count; `validation` is
the rest of the training. `files` is a second run with one training step, less its training and its test.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import forecast
from forecast.models import Callbacks
from forecast.runtime import devices

MODEL = "lstm"
# Stands for a lookback that the settings leave to the program.
LOOKBACK = 64


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What `work` returns, and how long it took."""
    started = time.perf_counter()
    result = work()
    return result, time.perf_counter() - started


class Marks:
    """When which training step was done: a progress callback."""

    def __init__(self) -> None:
        self.started = time.perf_counter()
        self.news: list[tuple[int, float]] = []

    def __call__(self, news: Any) -> None:
        if news.validation_loss is None:
            self.news.append((news.step, time.perf_counter() - self.started))

    def seconds_a_step(self) -> float:
        """The median; NaN with fewer than two marks."""
        pairs = zip(self.news, self.news[1:], strict=False)
        gaps = [(after - before) / (last - first) for (first, before), (last, after) in pairs]
        return statistics.median(gaps) if gaps else float("nan")


def train(series: Any, config: Any) -> tuple[Any, dict[str, float], float]:
    """The trained model, the seconds of its stages, and those of one step."""
    marks = Marks()
    model, total = timed(lambda: forecast.train(series, MODEL, config, callbacks=Callbacks(marks)))
    step = marks.seconds_a_step()
    first, first_at = marks.news[0]
    compiling = first_at - step * first
    steps = step * marks.news[-1][0]
    return model, {"compile": compiling, "steps": steps, "validation": total - compiling - steps}, step


def write_files(series: Any, config: Any, test: float) -> float:
    """Seconds for scores, tables, plots and bundles: a run with one step, less its training and its test."""
    short = replace(config, training=replace(config.training, max_steps=1))
    with tempfile.TemporaryDirectory() as folder:
        result, total = timed(lambda: forecast.run(series, models=[MODEL], config=short, out=Path(folder) / "run"))
    return total - sum(model.seconds for model in result.models.values()) - test


def step_flops(model: Any) -> int:
    """Floating point operations of one training step, read off the shapes of the weights; backward is twice forward.

    3 * B * (T * 2 * cells + S * 2 * head): B blocks of T rows and S labels; `cells` counts the weights that multiply
    the inputs and states of each row, `head` those of the head.
    """
    training, lookback = model.config.training, model.config.lookback or LOOKBACK
    products = {
        name: weight.size for name, weight in model.weights.items() if "kernel" in name and "highway" not in name
    }
    head = sum(size for name, size in products.items() if "head" in name)
    rows = lookback + training.labels - 1
    return 3 * training.batch * 2 * (rows * (sum(products.values()) - head) + training.labels * head)


def main() -> None:
    """Goes through the stages, and prints them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("--horizon", type=int, default=1)
    arguments = parser.parse_args()
    config = forecast.ExperimentConfig(horizon=arguments.horizon)
    seconds = {"import": timed(devices.load_keras)[1]}
    series, seconds["load"] = timed(lambda: forecast.load(arguments.file))
    model, stages, step = train(series, config)
    seconds["test"] = timed(lambda: model.backtest(series))[1]
    seconds |= stages
    seconds["files"] = write_files(series, config, seconds["test"])
    print(json.dumps({"seconds": seconds, "step_seconds": step, "step_flops": step_flops(model)}))


if __name__ == "__main__":
    main()
