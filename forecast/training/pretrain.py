"""Train the network that comes with the package, on simulated series alone.

    python -m forecast.training.pretrain                          writes forecast/models/pretrained/weights.npz
    python -m forecast.training.pretrain --steps 20 --pool 1000 --out /tmp/weights.npz

Windows are drawn from the mixture of `data/synthetic`, described as in `models/pretrained`, and kept in a pool, of
which a part is replaced every few steps. The loss is the pinball loss over the error of the best candidates at earlier
origins of the same window, so that each window counts alike.

The same seed gives the same weights on the same machine, also where a training was killed and goes on: what is drawn at
a step depends on the seed and the step alone, and weights and optimiser are kept every few steps beside OUT, in
OUT.checkpoint.npz. `--fresh` begins anew.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from forecast.config import QUANTILES
from forecast.data.synthetic import GENERATORS, draw
from forecast.models.pretrained import WEIGHTS
from forecast.models.pretrained.candidates import NAMES
from forecast.models.pretrained.features import ABOUT, COLUMNS, ROWS, STEP_COLUMNS, WIDTH, look
from forecast.models.pretrained.mixing import CELLS, ERRORS, HEAD_SIZE, LARGEST, OUTPUTS, STEP, WINDOW
from forecast.runtime import devices
from forecast.runtime.atomic import atomic_file
from forecast.typing import Array, Rows

# Rows and seasons of windows, with the weight of each: hours, halves and quarters of them, days, weeks, months ...
GRIDS: tuple[tuple[tuple[int, ...], tuple[int, int], float], ...] = (
    ((), (16, 700), 8),
    ((24, 168), (200, 1024), 4),
    ((24,), (72, 700), 2),
    ((48, 336), (400, 1344), 1),
    ((96, 672), (500, 1536), 0.5),
    ((7,), (28, 700), 3),
    ((7, 365), (500, 1460), 1),
    ((365,), (500, 1460), 1),
    ((5,), (30, 500), 1),
    ((52,), (110, 700), 3),
    ((12,), (30, 400), 5),
    ((4,), (16, 200), 3),
    ((60,), (200, 700), 0.5),
    ((144,), (432, 1024), 0.5),
)
STEPS_AHEAD = 64
# Shares of windows whose season is not told, or that are told one that is none.
UNTOLD, WRONG = 0.1, 0.25
# Seasons that are told where there is none.
COMMON = (4, 5, 7, 12, 24, 52)
# Windows of a step, windows that are drawn together, and steps after which they are; steps that are told of.
BATCH, PART, REFRESH, TOLD = 256, 256, 5, 100
# The learning rate rises, stays, and falls in the last part of the steps.
LEARNING_RATE, WARM_UP, FALLING, CLIP_NORM = 1.5e-3, 200, 0.3, 1.0
# Outcomes beyond so many errors of the best candidates are cut.
FARTHEST = 8.0
# Steps that are looked at in a step of training, drawn by this power of their number, for later ones are more alike.
LOOKED_AT, DECAY = 20, -0.5

Arrays = dict[str, NDArray[np.float32]]
# The inputs of a step, and outcomes.
Drawn = tuple[list[NDArray[np.float32]], NDArray[np.float32]]


@dataclass(frozen=True)
class Recipe:
    """Steps of training, windows in the pool, and the seed; `without` leaves out generators."""

    steps: int = 9600
    pool: int = 40_000
    seed: int = 20
    without: tuple[str, ...] = ()


def windows(random: Generator, count: int, *, without: tuple[str, ...] = ()) -> Arrays:
    """Draw windows of one grid, with what comes after them, by the names of the network's inputs and `y`."""
    weights = np.array([weight for *_, weight in GRIDS])
    seasons, (fewest, most), _ = GRIDS[random.choice(len(GRIDS), p=weights / weights.sum())]
    rows = round(np.exp(random.uniform(np.log(fewest), np.log(most))))
    values, _ = draw(random, count, rows + STEPS_AHEAD, seasons, without=without)
    told = seasons
    if seasons and random.random() < UNTOLD:
        told = seasons[: int(random.integers(len(seasons)))]
    elif not seasons and random.random() < WRONG:
        told = (int(random.choice(COMMON)),)
    positive = (values[:, :rows].min(axis=1) > 0) & (random.random(count) < 0.9)
    parts = [
        _inputs(values[chosen], rows, told, positive=flag)
        for flag, chosen in ((True, positive), (False, ~positive))
        if chosen.any()
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _inputs(values: Array, rows: int, seasons: tuple[int, ...], *, positive: bool) -> Arrays:
    x, coming = values[:, :rows], values[:, rows:]
    seen = look(x, seasons, STEPS_AHEAD, positive=positive)
    y = (coming - x[:, [-1]]) / seen.unit[:, None]
    limit = FARTHEST * np.exp(seen.spread)[:, None]
    middle = np.median(seen.mixed, axis=2)
    return {
        **{name: np.asarray(getattr(seen, name), np.float32) for name in ("rows", "about", "steps", "mixed", "spread")},
        "y": np.clip(y, middle - limit, middle + limit).astype(np.float32),
    }


def build() -> Any:
    """The network in Keras, from the arrays of `Seen` to quantiles (N, H, Q) over exp(spread)."""
    import keras
    from keras import layers, ops

    rows = keras.Input((ROWS, COLUMNS), name="rows")
    about = keras.Input((WIDTH,), name="about")
    steps = keras.Input((LOOKED_AT, STEP_COLUMNS), name="steps")
    mixed = keras.Input((LOOKED_AT, len(NAMES)), name="mixed")
    spread = keras.Input((), name="spread")
    state = layers.GRU(CELLS, name="gru")(rows)
    window = layers.Dense(WINDOW, "relu", name="window")(ops.concatenate([state, about], axis=1))
    over = mixed * ops.exp(-spread)[:, None, None]
    standing = ops.arcsinh(over - ops.mean(over, axis=2, keepdims=True))
    of_window = layers.Dense(STEP, use_bias=False, name="of_window")(window)[:, None]
    of_step = layers.Dense(STEP, name="of_step")(ops.concatenate([steps, standing], axis=2))
    step = ops.relu(of_window + of_step)
    outputs = layers.Dense(OUTPUTS, kernel_initializer=keras.initializers.RandomNormal(stddev=HEAD_SIZE), name="head")(
        step
    )
    identity = keras.initializers.Identity(ERRORS)
    errors = layers.Dense(len(NAMES), use_bias=False, kernel_initializer=identity, name="errors")
    powers = outputs[..., : len(NAMES)] + errors(about[:, ABOUT : ABOUT + len(NAMES)])[:, None]
    middle = ops.sum(ops.softmax(powers) * over, axis=-1)[..., None]
    size = ops.exp(ops.clip(outputs[..., len(NAMES)], -LARGEST, LARGEST))[..., None]
    median = middle + size * outputs[..., len(NAMES) + 1, None]
    apart = size * ops.softplus(outputs[..., len(NAMES) + 2 :])
    half = len(QUANTILES) // 2
    below = ops.flip(ops.cumsum(apart[..., :half], axis=-1), axis=-1)
    above = ops.cumsum(apart[..., half:], axis=-1)
    found = ops.concatenate([median - below, median, median + above], axis=-1)
    return keras.Model([rows, about, steps, mixed, spread], found)


def pinball(y: Any, quantiles: Any) -> Any:
    """Twice the mean pinball loss of quantiles (N, H, Q) for outcomes (N, H)."""
    from keras import ops

    levels = ops.convert_to_tensor(np.array(QUANTILES, np.float32))
    error = y[..., None] - quantiles
    return 2 * ops.mean(ops.maximum(levels * error, (levels - 1) * error))


def pretrain(
    recipe: Recipe,
    *,
    checkpoint: Path | None = None,
    on_step: Callable[[int, float], None] | None = None,
) -> dict[str, NDArray[np.float32]]:
    """Train the network by a recipe, and give its weights by the names of `mixing.SHAPES`.

    Args:
        checkpoint: File for the state of the training every TOLD steps, from which the same recipe goes on.
        on_step: Told every TOLD steps of the number of steps and the mean loss since; what it raises ends the training.
    """
    import keras

    keras.utils.set_random_seed(recipe.seed)
    network = build()
    optimizer = keras.optimizers.Adam(LEARNING_RATE, clipnorm=CLIP_NORM)
    network.compile(optimizer, pinball, jit_compile=devices.can_compile())
    network.optimizer.build(network.trainable_variables)
    done, losses = _restore(network, recipe, checkpoint), []
    for number, (inputs, y) in enumerate(_batches(recipe, done), start=done + 1):
        network.optimizer.learning_rate = learning_rate(number, recipe.steps)
        losses.append(float(network.train_on_batch(inputs, y)))
        if number % TOLD == 0:
            _keep(network, recipe, number, checkpoint)
            if on_step:
                on_step(number, float(np.mean(losses)))
            losses.clear()
    return named_weights(network)


def learning_rate(step: int, steps: int) -> float:
    """The learning rate of a step: it rises to LEARNING_RATE, stays, and falls in a line to about 0."""
    rising, left = step / min(WARM_UP, -(-steps // 5)), (steps - step + 1) / (FALLING * steps)
    return LEARNING_RATE * min(1.0, rising, left)


def _keep(network: Any, recipe: Recipe, step: int, checkpoint: Path | None) -> None:
    """Write weights and optimiser after a step, whole or not at all."""
    if checkpoint:
        state: dict[str, Any] = {f"{place}": np.asarray(one) for place, one in enumerate(_variables(network))}
        with atomic_file(checkpoint) as file:
            np.savez(file, recipe=repr(recipe), step=step, **state)


def _restore(network: Any, recipe: Recipe, checkpoint: Path | None) -> int:
    """Take up the state of a training by the same recipe, if there is one; the steps that it has behind it."""
    if checkpoint is None or not checkpoint.exists():
        return 0
    with np.load(checkpoint) as kept:
        if str(kept["recipe"]) != repr(recipe):
            return 0
        for place, one in enumerate(_variables(network)):
            one.assign(kept[f"{place}"])
        return int(kept["step"])


def _variables(network: Any) -> list[Any]:
    return [*network.variables, *network.optimizer.variables]


def named_weights(network: Any) -> dict[str, NDArray[np.float32]]:
    """The weights of the Keras network by the names of `mixing.SHAPES`."""
    return {
        one.path.replace("gru_cell/", ""): np.asarray(one.numpy(), np.float32) for one in network.trainable_variables
    }


def _batches(recipe: Recipe, done: int) -> Iterator[Drawn]:
    """The inputs and outcomes of each step after those that are done; the latter over the error of the best candidates.

    The pool holds the last parts that were drawn; which these are, and what is chosen from them, the step tells.
    """
    size, share = -(-recipe.pool // PART), np.arange(1.0, STEPS_AHEAD + 1) ** DECAY
    share /= share.sum()
    latest = size + done // REFRESH
    places = [part % size for part in range(latest - size, latest)]
    made = [_part(recipe, part) for part in range(latest - size, latest)]
    made = [made[place] for place in np.argsort(places)]
    pool = {name: np.concatenate([part[name] for part in made]) for name in made[0]}
    del made
    for number in range(done, recipe.steps):
        if number > done and number % REFRESH == 0:
            part = size - 1 + number // REFRESH
            place = part % size * PART
            for name, array in _part(recipe, part).items():
                pool[name][place : place + PART] = array
        random = np.random.default_rng((recipe.seed, 1, number))
        chosen = random.integers(size * PART, size=BATCH)
        yield _drawn(pool, chosen, random.choice(STEPS_AHEAD, LOOKED_AT, False, share))


def _part(recipe: Recipe, number: int) -> Arrays:
    """One part of all windows that a training draws, by its number."""
    return windows(np.random.default_rng((recipe.seed, 0, number)), PART, without=recipe.without)


def _drawn(pool: Arrays, chosen: Rows, steps: Rows) -> Drawn:
    """Some steps of some windows."""
    both = np.ix_(chosen, steps)
    inputs = [
        pool["rows"][chosen],
        pool["about"][chosen],
        pool["steps"][both],
        pool["mixed"][both],
        pool["spread"][chosen],
    ]
    return inputs, pool["y"][both] * np.exp(-pool["spread"][chosen])[:, None]


def main() -> None:
    """Train by the command line's recipe, and write the weights."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=Recipe.steps, help="training steps")
    parser.add_argument("--pool", type=int, default=Recipe.pool, help="windows that are kept at a time")
    parser.add_argument("--seed", type=int, default=Recipe.seed)
    parser.add_argument("--without", nargs="*", default=[], choices=list(GENERATORS), help="generators to leave out")
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--fresh", action="store_true", help="begin anew where an earlier training was killed")
    options = parser.parse_args()
    devices.load_keras()
    recipe = Recipe(options.steps, options.pool, options.seed, tuple(options.without))
    checkpoint, started = options.out.with_suffix(".checkpoint.npz"), time.perf_counter()
    if options.fresh:
        checkpoint.unlink(missing_ok=True)

    def tell(step: int, loss: float) -> None:
        print(f"step {step:,}: loss {loss:.4f}, {time.perf_counter() - started:.0f} s", flush=True)  # noqa: T201

    weights: dict[str, Any] = pretrain(recipe, checkpoint=checkpoint, on_step=tell)
    with atomic_file(options.out) as file:
        np.savez(file, **weights)
    checkpoint.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
