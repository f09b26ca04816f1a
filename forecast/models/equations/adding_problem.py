"""The adding problem, which measures how far back a cell remembers.

The input is a sequence of numbers between 0 and 1, two of which are marked, one in each half; the label is their sum.
A network that remembers nothing answers 1, and its mean squared error is the variance of a sum of two uniform numbers,
1/6. The longer the sequence, the longer a number has to be kept.

Source: Hochreiter and Schmidhuber (1997), Long short-term memory, section 5.4.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecast.config import Activation
from forecast.models.equations.cells import Array
from forecast.runtime import devices

# The error of a network that remembers nothing: the variance of a sum of two uniform numbers.
FORGETFUL = 1 / 6


@dataclass(frozen=True, eq=False)
class AddingResult:
    """A training on the adding problem.

    Attributes:
        errors: Mean squared error of each step, shape (steps,); each step sees new sequences.
        weights: Kernel, recurrent kernel and bias of the cells.
    """

    errors: NDArray[np.float64]
    weights: tuple[Array, Array, Array]


def draw_adding(random: np.random.Generator, sequences: int, length: int) -> tuple[Array, Array]:
    """Draw sequences (N, T, 2) of numbers and marks, and the sums of the marked numbers (N, 1)."""
    numbers = random.random((sequences, length), np.float32)
    marks = np.zeros_like(numbers)
    rows, half = np.arange(sequences), length // 2
    marks[rows, random.integers(half, size=sequences)] = 1
    marks[rows, random.integers(half, length, size=sequences)] = 1
    return np.stack([numbers, marks], axis=2), (numbers * marks).sum(axis=1, keepdims=True)


def learn_adding(
    kind: str,
    length: int,
    *,
    steps: int = 1000,
    units: int = 32,
    batch: int = 32,
    learning_rate: float = 3e-3,
    clip_norm: float | None = 1.0,
    activation: Activation = "tanh",
    seed: int = 0,
) -> AddingResult:
    """Train one layer of `rnn`, `gru` or `lstm` cells on the adding problem with Adam.

    Args:
        length: Numbers in a sequence, at least 2.
        clip_norm: Largest norm of a gradient, over all weights together; None for no limit.
    """
    devices.load_keras()
    import keras

    layer = {"rnn": keras.layers.SimpleRNN, "gru": keras.layers.GRU, "lstm": keras.layers.LSTM}[kind]
    random = np.random.default_rng(seed)
    devices.seed(seed)
    cells = layer(units, activation=activation, **({} if kind == "rnn" else {"use_cudnn": False}))
    network = keras.Sequential([keras.Input((length, 2)), cells, keras.layers.Dense(1)])
    optimizer = keras.optimizers.Adam(learning_rate, global_clipnorm=clip_norm)
    network.compile(optimizer, "mse", jit_compile=devices.can_compile())
    errors = np.array([network.train_on_batch(*draw_adding(random, batch, length)) for _ in range(steps)])
    kernel, recurrent, bias = (np.asarray(weight) for weight in cells.get_weights())
    return AddingResult(errors.astype(np.float64), (kernel, recurrent, bias))
