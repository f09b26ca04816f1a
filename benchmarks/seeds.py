"""Several networks as one wider program, beside one after another: seconds of a training step for each network.

    python benchmarks/seeds.py [--members 1,2,4] [--repeat 50]        KERAS_BACKEND=jax python benchmarks/seeds.py

The wider program holds all networks of an ensemble as branches of one Keras model with the sum of their losses. What it
has to beat is the first row: a network by itself, whose compiled step all seeds share.
"""

import argparse
import time

import keras
import numpy as np

from forecast.config import QUANTILES, ExperimentConfig
from forecast.models import Problem
from forecast.models.neural import architecture, training_loop


def branches(problem: Problem, members: int, length: int) -> keras.Model:
    """`members` networks side by side: inputs (N, T, 1), outputs (N, S, H, members * Q)."""
    inputs = keras.Input((length, 1))
    outputs = []
    for number in range(members):
        network = architecture.build("lstm", problem, length=length)
        network.name = f"member_{number}"
        outputs.append(network(inputs))
    return keras.Model(inputs, keras.layers.Concatenate()(outputs) if members > 1 else outputs[0])


def compiled(problem: Problem, members: int, length: int) -> keras.Model:
    """The branches with the sum of their losses."""
    model = branches(problem, members, length)
    width = len(QUANTILES)

    def loss(y_true, y_pred):
        parts = (y_pred[..., width * number : width * (number + 1)] for number in range(members))
        return sum(training_loop._pinball(y_true, part) for part in parts)

    model.compile(optimizer=keras.optimizers.Adam(1e-3, clipnorm=1.0), loss=loss, jit_compile=True)
    return model


def main() -> None:
    """Prints a line for each number of networks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", default="1,2,4")
    parser.add_argument("--repeat", type=int, default=50)
    options = parser.parse_args()
    config = ExperimentConfig(lookback=64, horizon=30)
    problem = Problem(config, past_columns=1, future_columns=0, season=1, lookback=64)
    labels, batch = config.training.labels, config.training.batch
    random = np.random.default_rng(0)
    x = random.normal(size=(batch, 64 + labels - 1, 1)).astype("float32")
    y = random.normal(size=(batch, labels, 30)).astype("float32")
    for members in map(int, options.members.split(",")):
        model = compiled(problem, members, x.shape[1])
        seconds = []
        for _ in range(options.repeat + 1):
            started = time.perf_counter()
            model.train_on_batch(x, y)
            seconds.append(time.perf_counter() - started)
        step = float(np.median(seconds[1:]))
        print(
            f"{keras.backend.backend()}, {members} networks: first step {seconds[0]:.1f} s, "
            f"then {1000 * step:.1f} ms, {1000 * step / members:.1f} ms a network",
            flush=True,
        )


if __name__ == "__main__":
    main()
