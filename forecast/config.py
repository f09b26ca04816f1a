"""The configuration: frozen dataclasses that go to JSON and back.

In: options of the command line, keyword arguments, or the `config` entry of a bundle. Out: one checked
`ExperimentConfig`. A field exists once, with its default, its limits and the text that `--help` shows.
"""

import json
import operator
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, Self, TypeVar, get_args, get_origin

import dacite

from forecast.errors import ConfigError

Activation = Literal["tanh", "relu", "sigmoid", "linear"]
Normalisation = Literal["window", "level"]
Task = Literal["forecast", "direction"]
Loss = Literal["pinball", "mse"]
OptimizerName = Literal["adam", "sgd", "rmsprop", "adamw"]
LossFunction = Literal["pinball", "mse", "entropy"]
CalendarTerm = Literal["hour", "weekday", "month", "year"]
Cell = Literal["lstm", "gru", "rnn", "sru", "dense"]

QUANTILES = (0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95)
MEDIAN = QUANTILES.index(0.50)
# The columns of the quantiles in tables.
LEVELS = tuple(f"q{round(100 * level):02d}" for level in QUANTILES)
_LAYERS = re.compile(rf"({'|'.join(get_args(Cell))}):[1-9]\d*(,({'|'.join(get_args(Cell))}):[1-9]\d*)*")
_LAYERS_RULE = f"be KIND:UNITS,..., as in lstm:64,rnn:32, of {', '.join(get_args(Cell))}"
_LIMITS: dict[str, Callable[[Any, Any], bool]] = {"at_least": operator.ge, "above": operator.gt, "below": operator.lt}
T = TypeVar("T")


def option(default: T, text: str = "", **limits: float) -> T:
    """A field with limits (at_least, above, below); with a text for `--help` it is an option of the command line."""
    return field(default=default, metadata={"help": text, "limits": limits})


@dataclass(frozen=True)
class Config:
    """Values that are within the limits and among the choices of their fields."""

    def __post_init__(self) -> None:
        for one in fields(self):
            value, limits = getattr(self, one.name), one.metadata.get("limits", {})
            if limits and value is not None:
                rule = " and ".join(f"{name.replace('_', ' ')} {limit}" for name, limit in limits.items())
                _rule(one.name, value, all(_LIMITS[name](value, limits[name]) for name in limits), f"be {rule}")
            if get_origin(one.type) is Literal:
                _choice(one.name, value, get_args(one.type))


@dataclass(frozen=True)
class NetworkConfig(Config):
    """The shape of a network. The model's name is the kind of its cells; for the model `stack` they stand in `layers`.

    `layers` names kind and units from the input on, as in `lstm:64,rnn:32`; empty stands for `depth` layers of `units`.
    """

    layers: str = option("", "Layers of the model stack, as in lstm:64,rnn:32")
    units: int = option(32, "Cells in a layer", at_least=1)
    depth: int = option(2, "Layers of cells", at_least=1)
    activation: Activation = option("tanh", "tanh, relu, sigmoid or linear")
    dropout: float = option(0.0, "Share of a layer's outputs dropped in training", at_least=0, below=1)
    recurrent_dropout: float = option(0.0, "Share of the states dropped between steps in training", at_least=0, below=1)
    l2: float = option(0.0, "Penalty on the squared weights of the inputs", at_least=0)
    layer_norm: bool = option(False, "Normalise each layer's outputs")
    residual: bool = option(False, "Add each layer's inputs to its outputs")
    highway: bool = option(True, "Linear part where it improves the validation error")

    def __post_init__(self) -> None:
        super().__post_init__()
        _rule("layers", self.layers, not self.layers or _LAYERS.fullmatch(self.layers), _LAYERS_RULE)


@dataclass(frozen=True)
class TrainingConfig(Config):
    """How weights are found: what the network sees, what it minimises, and for how long.

    `max_steps` of None is 100 for one series, and more for many. `seeds` networks are trained, from `seed` on, and
    their quantiles averaged. `normalisation`, `loss` and `validations`, how often validation rows are looked at, come
    with a recipe.
    """

    normalisation: Normalisation = "window"
    loss: Loss = "pinball"
    labels: int = option(64, "Labels in a block", at_least=1)
    batch: int = option(16, "Blocks in a training step", at_least=1)
    max_steps: int | None = option(None, "Training steps [100, more for many series]", at_least=1)
    validations: int = option(5, at_least=1)
    patience: int = option(0, "Validations without a better one that end a training; 0 lets it run", at_least=0)
    optimizer: OptimizerName = option("adam", "adam, sgd (with momentum 0.9), rmsprop or adamw")
    learning_rate: float = option(4e-3, "Highest learning rate", above=0)
    # Most steps have a norm of 0.01 to 0.02; above 0.1 are a few of an LSTM on a series with a strong season.
    clip_norm: float = option(0.1, "Largest norm of a gradient, over all weights together", above=0)
    jitter: float = option(0.0, "Noise on the inputs in training, in a window's scale", at_least=0)
    stretch: float = option(0.0, "Spread of a random factor on inputs and labels in training", at_least=0)
    seed: int = option(0, "Seed of all random numbers", at_least=0, below=2**32)
    seeds: int = option(1, "Networks that are trained, from --seed on, and averaged", at_least=1)


@dataclass(frozen=True)
class InputConfig(Config):
    """What a model sees beside the target.

    `features` are known up to the origin, `future_columns` and the terms of the date for the coming rows as well;
    indicators go by their names in TA-Lib. `joint` are the columns that one network forecasts together, the target
    first; they come from `target=["Open", "Close"]`.
    """

    features: tuple[str, ...] = option((), "Column to see beside the target; may be repeated")
    future_columns: tuple[str, ...] = option((), "Column that is known for the coming rows; may be repeated")
    calendar: tuple[CalendarTerm, ...] = option((), "Terms of the date: hour, weekday, month, year [none]")
    indicators: tuple[str, ...] = option((), "Technical indicators of TA-Lib, as in RSI,ATR [none]")
    joint: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for term in self.calendar:
            _choice("calendar", term, get_args(CalendarTerm))
        twice = {*self.features} & {*self.future_columns}
        _rule("future_columns", ", ".join(twice), not twice, "name other columns than `features`")
        both = {*self.joint} & {*self.features, *self.future_columns}
        _rule("target", ", ".join(both), not both, "name other columns than `features` and `future_columns`")
        alone = not (self.joint and self.indicators)
        _rule("indicators", ", ".join(self.indicators), alone, "go with one target, of which they are computed")


@dataclass(frozen=True)
class ExperimentConfig(Config):
    """One experiment: what is forecast from how much, how the rows are split, and how networks are trained.

    `lookback`, `horizon` and `season` of None come from the series; `seasons` are all that were found in it.
    """

    lookback: int | None = option(None, "Rows that a network sees before an origin [from the frequency]", at_least=2)
    horizon: int | None = option(None, "Steps to forecast [from the frequency]", at_least=1)
    season: int | None = option(None, "Rows in a season [found in the series]", at_least=1)
    seasons: tuple[int, ...] = ()
    train_share: float = option(0.7, "Share of the rows for training", above=0, below=1)
    validation_share: float = option(0.1, "Share of the rows for validation; the rest is the test", above=0)
    task: Task = option("forecast", "forecast, or direction: the probabilities of down, flat and up at the horizon")
    inputs: InputConfig = field(default_factory=InputConfig)
    network: NetworkConfig = field(default_factory=NetworkConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)

    def __post_init__(self) -> None:
        super().__post_init__()
        shares = self.train_share + self.validation_share
        _rule("train_share + validation_share", shares, shares < 1, "be below 1: the rest is the test rows")
        levels = (self.training.normalisation, self.training.loss) != ("window", "pinball")
        _rule("task", self.task, self.task == "forecast" or not levels, "be forecast for the recipe textbook")

    @property
    def resolved_horizon(self) -> int:
        """The steps to forecast, once they are resolved; else 0."""
        return self.horizon or 0

    @property
    def loss(self) -> LossFunction:
        """What a network minimises: the loss of its training, or the cross-entropy of classes."""
        return "entropy" if self.task == "direction" else self.training.loss

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, strings and dictionaries, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, entries: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`.

        Raises:
            ConfigError: a field is unknown, of the wrong type, or out of its range.
        """
        try:
            return dacite.from_dict(cls, entries, dacite.Config(strict=True, cast=[tuple], type_hooks={float: float}))
        except dacite.WrongTypeError as error:
            of_several = get_origin(error.field_type) is tuple
            kind = get_args(error.field_type)[0] if of_several else error.field_type
            if get_origin(kind) is Literal:
                for value in error.value if of_several else [error.value]:
                    _choice(str(error.field_path).rpartition(".")[2], value, get_args(kind))
            raise ConfigError(f"a configuration has the fields and types of ExperimentConfig: {error}.") from error
        except (dacite.DaciteError, TypeError, ValueError) as error:
            raise ConfigError(f"a configuration has the fields and types of ExperimentConfig: {error}.") from error


def override(config: ExperimentConfig, values: Mapping[str, Any]) -> ExperimentConfig:
    """A copy of `config` with other values; fields are named without their part (`units`, not `network.units`).

    Raises:
        ConfigError: no field has that name, or a value is out of its limits.
    """
    check_known(values, field_names())
    parts = config.to_dict()
    for part in (parts, parts["inputs"], parts["network"], parts["training"]):
        for name in part.keys() & values.keys():
            part[name] = _plain(name, values[name], several=isinstance(part[name], tuple))
    return ExperimentConfig.from_dict(parts)


def field_names() -> list[str]:
    """The fields of a configuration, without their parts."""
    parts = (ExperimentConfig, InputConfig, NetworkConfig, TrainingConfig)
    others = ("inputs", "network", "training", "joint")
    return [one.name for part in parts for one in fields(part) if one.name not in others]


def check_known(given: Iterable[str], known: Collection[str]) -> None:
    """Raise ConfigError for a keyword that is not known; names the nearest one."""
    for name in given:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            cure = f" Did you mean {near[0]}?" if near else f" There are {', '.join(sorted(known))}."
            raise ConfigError(f"a keyword must be an option. Received: {name}.{cure}")


def _plain(name: str, value: Any, *, several: bool) -> Any:
    """A value of numpy as one of Python; a text as a tuple where a field takes several."""
    if several and isinstance(value, str):
        return (value,)
    _rule(name, value, not several or isinstance(value, Iterable), "be a text or a list")
    return value.item() if hasattr(value, "item") else value


def read_config(path: Path) -> ExperimentConfig:
    """Read a configuration from a JSON file; fields that it does not name keep their defaults.

    Raises:
        ConfigError: the file is missing, or is no configuration.
    """
    try:
        parts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"a configuration file is JSON, as forecast tune writes it. {path}: {error}.") from error
    if not isinstance(parts, dict):
        raise ConfigError(f"a configuration file is a JSON object. {path} holds a {type(parts).__name__}.")
    return ExperimentConfig.from_dict(parts)


def _rule(name: str, value: object, holds: object, rule: str) -> None:
    if not holds:
        raise ConfigError(f"`{name}` must {rule}. Received: {name}={value}.")


def _choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    _rule(name, value, value in choices, f"be one of {', '.join(choices)}")


# The recipe of most tutorials, for comparison: levels in [0, 1], one label a window, mean squared error.
TEXTBOOK = ExperimentConfig(
    lookback=60,
    network=NetworkConfig(units=50, highway=False),
    training=TrainingConfig(
        normalisation="level", loss="mse", labels=1, batch=32, max_steps=2000, validations=20, learning_rate=1e-3
    ),
)
RECIPES = {"blocks": ExperimentConfig(), "textbook": TEXTBOOK}
