"""Every setting, as frozen dataclasses that go to JSON and back.

In: options of the command line, keyword arguments, or the `config` part of a bundle. Out: one `ExperimentConfig`
that has been checked. A field exists once, with its default, its range and its meaning.
"""

import dataclasses
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self, get_args, get_origin

import dacite

from forecast.errors import ConfigError

Activation = Literal["tanh", "relu", "sigmoid", "linear"]
Normalisation = Literal["window", "level"]
Task = Literal["forecast", "direction"]
Loss = Literal["pinball", "mse"]
Objective = Literal["pinball", "mse", "entropy"]
CalendarTerm = Literal["hour", "weekday", "month", "year"]
Cell = Literal["lstm", "gru", "rnn", "sru", "dense"]

QUANTILES = (0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95)
MEDIAN = QUANTILES.index(0.50)
# The columns of the quantiles in tables.
LEVELS = tuple(f"q{round(100 * level):02d}" for level in QUANTILES)
_LAYERS = re.compile(rf"({'|'.join(get_args(Cell))}):[1-9]\d*(,({'|'.join(get_args(Cell))}):[1-9]\d*)*")
_LAYERS_RULE = f"be KIND:UNITS,..., as in lstm:64,rnn:32, of {', '.join(get_args(Cell))}"


@dataclass(frozen=True)
class NetworkConfig:
    """The shape of a network; the kind of its cells is the model's name, or stands in `layers` for the model `stack`.

    `layers` names kind and units from the input on, as in `lstm:64,rnn:32`; empty stands for `depth` layers of `units`.
    """

    layers: str = ""
    units: int = 32
    depth: int = 2
    activation: Activation = "tanh"
    dropout: float = 0.0
    recurrent_dropout: float = 0.0
    l2: float = 0.0
    layer_norm: bool = False
    residual: bool = False
    highway: bool = True

    def __post_init__(self) -> None:
        _at_least(1, units=self.units, depth=self.depth)
        _choice("activation", self.activation, get_args(Activation))
        _rule("dropout", self.dropout, 0 <= self.dropout < 1, "be at least 0 and below 1")
        _rule("recurrent_dropout", self.recurrent_dropout, 0 <= self.recurrent_dropout < 1, "be at least 0 and below 1")
        _rule("l2", self.l2, self.l2 >= 0, "be at least 0")
        _rule("layers", self.layers, not self.layers or _LAYERS.fullmatch(self.layers), _LAYERS_RULE)


@dataclass(frozen=True)
class TrainingConfig:
    """How weights are found: what the network sees, what it is scored by, and for how long.

    `max_steps` of None is 100 for one series, and more for many. `patience` validations without a better one end the
    training; 0 lets it run. `jitter` is the spread of noise on the inputs in a window's scale, `stretch` that of a
    random factor on inputs and labels. `seeds` networks are trained, from `seed` on, and their quantiles averaged.
    """

    normalisation: Normalisation = "window"
    loss: Loss = "pinball"
    labels: int = 64
    batch: int = 16
    max_steps: int | None = None
    validations: int = 5
    patience: int = 0
    learning_rate: float = 4e-3
    clip_norm: float = 1.0
    jitter: float = 0.0
    stretch: float = 0.0
    seed: int = 0
    seeds: int = 1

    def __post_init__(self) -> None:
        _at_least(1, labels=self.labels, batch=self.batch, validations=self.validations, seeds=self.seeds)
        if self.max_steps is not None:
            _at_least(1, max_steps=self.max_steps)
        _at_least(0, patience=self.patience)
        _choice("normalisation", self.normalisation, get_args(Normalisation))
        _choice("loss", self.loss, get_args(Loss))
        _rule("learning_rate", self.learning_rate, self.learning_rate > 0, "be above 0")
        _rule("clip_norm", self.clip_norm, self.clip_norm > 0, "be above 0")
        _rule("jitter", self.jitter, self.jitter >= 0, "be at least 0")
        _rule("stretch", self.stretch, self.stretch >= 0, "be at least 0")
        _rule("seed", self.seed, 0 <= self.seed < 2**32, "lie in 0 .. 4294967295")


@dataclass(frozen=True)
class InputConfig:
    """What a model sees beside the target.

    Attributes:
        features: Columns that are known up to the origin.
        future_columns: Columns that are known for the coming rows as well.
        calendar: Terms of the date, which are always known: `weekday`, `month`, `year` (its turn), `hour`.
        indicators: Technical indicators by their names in TA-Lib, as in `RSI` or `ATR`.
    """

    features: tuple[str, ...] = ()
    future_columns: tuple[str, ...] = ()
    calendar: tuple[CalendarTerm, ...] = ()
    indicators: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for term in self.calendar:
            _choice("calendar", term, get_args(CalendarTerm))
        twice = {*self.features} & {*self.future_columns}
        _rule("future_columns", ", ".join(twice), not twice, "name other columns than `features`")


@dataclass(frozen=True)
class ExperimentConfig:
    """One experiment: what is forecast from how much, how the rows are split, and how networks are trained.

    `task` is `forecast` for the coming values, `direction` for the probabilities of down, flat and up. `lookback` is
    the number of rows that a network sees before an origin, `season` that of one season for `seasonal_naive`; None
    takes them from the series' frequency.
    """

    lookback: int | None = None
    horizon: int = 30
    season: int | None = None
    train_share: float = 0.7
    validation_share: float = 0.1
    task: Task = "forecast"
    inputs: InputConfig = field(default_factory=InputConfig)
    network: NetworkConfig = field(default_factory=NetworkConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)

    def __post_init__(self) -> None:
        if self.lookback is not None:
            _at_least(2, lookback=self.lookback)
        _at_least(1, horizon=self.horizon)
        if self.season is not None:
            _at_least(1, season=self.season)
        shares = self.train_share + self.validation_share
        _rule("train_share", self.train_share, 0 < self.train_share < 1, "lie between 0 and 1")
        _rule("validation_share", self.validation_share, self.validation_share > 0, "be above 0")
        _rule("train_share + validation_share", shares, shares < 1, "be below 1: the rest is the test rows")
        _choice("task", self.task, get_args(Task))
        levels = (self.training.normalisation, self.training.loss) != ("window", "pinball")
        _rule("task", self.task, self.task == "forecast" or not levels, "be forecast for the recipe textbook")

    @property
    def loss(self) -> Objective:
        """What a network minimises: the loss of its training, or the cross-entropy of classes."""
        return "entropy" if self.task == "direction" else self.training.loss

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, strings and dictionaries, ready for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`.

        Raises:
            ConfigError: a field is unknown, of the wrong type, or out of its range.
        """
        try:
            return dacite.from_dict(cls, fields, dacite.Config(strict=True, cast=[tuple], type_hooks={float: float}))
        except dacite.WrongTypeError as error:
            if get_origin(error.field_type) is Literal:
                _choice(str(error.field_path).rpartition(".")[2], error.value, get_args(error.field_type))
            raise ConfigError(f"a configuration has the fields and types of ExperimentConfig: {error}.") from error
        except (dacite.DaciteError, ValueError) as error:
            raise ConfigError(f"a configuration has the fields and types of ExperimentConfig: {error}.") from error


def override(config: ExperimentConfig, settings: Mapping[str, Any]) -> ExperimentConfig:
    """A copy of `config` with other values; fields are named without their part (`units`, not `network.units`).

    Raises:
        ConfigError: no field has that name, or a value is out of its range.
    """
    fields, rest = config.to_dict(), dict(settings)
    for part in (fields, fields["inputs"], fields["network"], fields["training"]):
        for name in part.keys() & rest.keys():
            part[name] = rest.pop(name)
    if rest:
        raise ConfigError(
            f"a setting has the name of a field of ExperimentConfig. Received: {', '.join(sorted(rest))}."
        )
    return ExperimentConfig.from_dict(fields)


def read_config(path: Path) -> ExperimentConfig:
    """The settings in a JSON file; those that it does not name keep their defaults.

    Raises:
        ConfigError: there is no such file, or it is no configuration.
    """
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"a file of settings is JSON, as forecast tune writes it. {path}: {error}.") from error
    if not isinstance(fields, dict):
        raise ConfigError(f"a file of settings is a JSON object. {path} holds a {type(fields).__name__}.")
    return ExperimentConfig.from_dict(fields)


def _rule(name: str, value: object, holds: object, rule: str) -> None:
    if not holds:
        raise ConfigError(f"`{name}` must {rule}. Received: {name}={value}.")


def _at_least(minimum: int, **values: int) -> None:
    for name, value in values.items():
        _rule(name, value, value >= minimum, f"be at least {minimum}")


def _choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    _rule(name, value, value in choices, f"be one of {', '.join(choices)}")


# The way of the tutorials: levels in [0, 1], one label a window, mean squared error. Kept for comparison.
TEXTBOOK = ExperimentConfig(
    lookback=60,
    network=NetworkConfig(units=50, highway=False),
    training=TrainingConfig(
        normalisation="level", loss="mse", labels=1, batch=32, max_steps=2000, validations=20, learning_rate=1e-3
    ),
)
RECIPES = {"blocks": ExperimentConfig(), "textbook": TEXTBOOK}
