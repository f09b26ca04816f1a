"""What requests ask for, checked: frozen dataclasses of the bodies.

In: JSON, or a query. Out: a request whose fields have their types and limits; anything else is one clear problem.
"""

from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

import dacite

from forecast.config import ExperimentConfig, check_known, field_names, override
from forecast.errors import ConfigError
from forecast.models import BASELINES, find_model
from forecast.serve.answers import OPTIONS
from forecast.serve.problems import Problem
from forecast.serve.settings import ServerSettings

Number = int | float
# Steps, paths, values of all paths, levels and models that one request may ask for.
MOST_STEPS, MOST_PATHS, MOST_PATH_VALUES, MOST_LEVELS, MOST_MODELS = 1000, 10_000, 1_000_000, 99, 12
LONGEST_NAME = 200
T = TypeVar("T", bound="Rows | TrainingRequest | UpdateRequest")


@dataclass(frozen=True)
class Rows:
    """A series in the body: rows of `date` and `value`, or a ticker, or the id of a stored series.

    Attributes:
        rows: Checked by `check_rows`, which is quicker at it.
    """

    series: str | None = None
    ticker: str | None = None
    rows: Any = None
    name: str | None = None
    unit: str | None = None


@dataclass(frozen=True)
class ForecastRequest(Rows):
    """What `POST /v1/forecasts` takes.

    Attributes:
        model: The name of a saved model; None for the network that comes with the package.
    """

    model: str | None = None
    horizon: int | None = None
    levels: list[Number] | None = None
    paths: int = 0

    def __post_init__(self) -> None:
        _bounded("horizon", self.horizon, 1, MOST_STEPS)
        _bounded("paths", self.paths, 0, MOST_PATHS)
        if self.paths * (self.horizon or 30) > MOST_PATH_VALUES:
            raise Problem(422, f"`paths` times `horizon` must be at most {MOST_PATH_VALUES:,}.", value=str(self.paths))
        levels = self.levels
        if levels is not None and not (0 < len(levels) <= MOST_LEVELS and all(0 < one < 1 for one in levels)):
            raise Problem(422, f"`levels` must be 1 to {MOST_LEVELS} numbers above 0 and below 1.")


@dataclass(frozen=True)
class SeriesRequest(Rows):
    """What `POST /v1/series` takes as JSON."""

    target: str | None = None


@dataclass(frozen=True)
class TrainingRequest:
    """What `POST /v1/trainings` takes."""

    series: str
    models: list[str]
    horizon: int | None = None
    name: str | None = None
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 < len(self.models) <= MOST_MODELS:
            raise Problem(422, f"`models` must be 1 to {MOST_MODELS} names.", value=str(len(self.models)))
        names = tuple(dict.fromkeys(find_model(name).name for name in self.models))
        object.__setattr__(self, "models", list(names))
        if set(names) <= set(BASELINES):
            raise ConfigError(f"`models` must name one beside the baselines. Received: {', '.join(names)}.")
        given = {"horizon": self.horizon, **self.options} if self.horizon is not None else self.options
        override(ExperimentConfig(), given)
        _bounded("horizon", self.horizon, 1, MOST_STEPS)


@dataclass(frozen=True)
class UpdateRequest:
    """What `POST /v1/models/NAME/update` takes: the id of a stored series, by default of the one it was trained on."""

    series: str | None = None


def read_request(kind: type[T], body: Any) -> T:
    """A request of a kind.

    Raises:
        Problem: it is no object, or an entry is unknown or of another type.
    """
    if not isinstance(body, dict):
        raise Problem(400, "the body must be a JSON object.", value=type(body).__name__)
    check_known(body, [one.name for one in fields(kind)])
    try:
        return dacite.from_dict(kind, body, dacite.Config(strict=True))
    except dacite.MissingValueError as error:
        raise Problem(422, f"a request must have `{error.field_path}`.") from error
    except dacite.WrongTypeError as error:
        kinds = getattr(error.field_type, "__name__", str(error.field_type))
        raise Problem(422, f"`{error.field_path}` must be {kinds}.", value=type(error.value).__name__) from error


def read_training(body: Any) -> TrainingRequest:
    """A training; fields of the configuration stand beside its own."""
    if not isinstance(body, dict):
        raise Problem(400, "the body must be a JSON object.", value=type(body).__name__)
    own = [one.name for one in fields(TrainingRequest) if one.name != "options"]
    check_known(body, [*own, *field_names()])
    options = {name: value for name, value in body.items() if name not in own}
    return read_request(TrainingRequest, {**{name: body[name] for name in own if name in body}, "options": options})


def source_of_request(request: Rows, settings: ServerSettings) -> dict[str, Any]:
    """The source that a request names or brings; empty where it does neither.

    Raises:
        Problem: it does both, or the rows are none.
    """
    given = [name for name in ("series", "ticker", "rows") if getattr(request, name) is not None]
    if len(given) > 1:
        raise Problem(422, "a request must name one of `series`, `ticker` and `rows`.", value=", ".join(given))
    for name in ("name", "unit"):
        if len(getattr(request, name) or "") > LONGEST_NAME:
            raise Problem(422, f"`{name}` must have at most {LONGEST_NAME} characters.")
    options = {name: getattr(request, name, None) for name in OPTIONS}
    if request.ticker is not None:
        return {"ticker": check_ticker(request.ticker), "options": options, "offline": settings.offline}
    if request.rows is not None:
        return {"rows": check_rows(request.rows, settings.rows), "options": options}
    return {}


def check_ticker(ticker: str) -> str:
    """A ticker: one word, which is no path.

    Raises:
        Problem: it is not.
    """
    word = ticker.strip().upper()
    if not 0 < len(word) <= 40 or any(letter in word for letter in "/\\:%?#*") or word.startswith("."):
        raise Problem(422, "a ticker must be one word without slashes, as in BTC-USD.", value=ticker[:40])
    return word


def check_rows(rows: Any, most: int) -> list[dict[str, Any]]:
    """Rows of `date` and `value`; the date may be missing in all of them, a value may be null.

    Raises:
        Problem: there are none or too many, or one is something else.
    """
    if not isinstance(rows, list) or not 0 < len(rows) <= most:
        value = f"{len(rows):,}" if isinstance(rows, list) else type(rows).__name__
        raise Problem(422, f"`rows` must be a list of 1 to {most:,} rows.", value=value)
    for number, row in enumerate(rows):
        value = row.get("value", "") if isinstance(row, dict) else ""
        date = row.get("date") if isinstance(row, dict) else None
        is_number = value is None or (isinstance(value, int | float) and not isinstance(value, bool))
        if not is_number or not (date is None or isinstance(date, str)) or not set(row) <= {"date", "value"}:
            raise Problem(
                422,
                'each of `rows` must be {"date": "2024-01-31", "value": 1.5}, or without a date.',
                value=f"row {number + 1}: {str(row)[:60]}",
            )
    if len({row.get("date") is None for row in rows}) > 1:
        raise Problem(422, "either all `rows` must have a date, or none.")
    return list(rows)


def _bounded(name: str, value: int | None, least: int, most: int) -> None:
    if value is not None and (isinstance(value, bool) or not least <= value <= most):
        raise Problem(422, f"`{name}` must be from {least} to {most:,}.", value=str(value))
