"""The Open Inference Protocol, version 2: health, metadata and inference for saved models.

    input   `rows`: FP64, shape (T,) or (S, T): the values of one series or of S, oldest first
    output  `quantiles`: FP64, shape (S, H, Q); `levels`: FP64, shape (Q,)

Source: https://github.com/kserve/open-inference-protocol.
"""

from typing import Any

import numpy as np

from forecast.config import QUANTILES
from forecast.data import sources
from forecast.inference.predict import predict_all
from forecast.inference.trained_model import TrainedModel
from forecast.runtime.versions import versions_here
from forecast.serve.handlers.base import Handler
from forecast.serve.problems import Problem

INPUT, QUANTILE_OUTPUT, LEVEL_OUTPUT = "rows", "quantiles", "levels"


class Health(Handler):
    """`/v2/health/live` and `/v2/health/ready`."""

    def get(self) -> None:
        self.send({"live": True, "ready": not self.state.stopping.is_set()})


class ServerMetadata(Handler):
    """`/v2`."""

    def get(self) -> None:
        self.send({"name": "forecast", "version": versions_here()["forecast"], "extensions": []})


class ModelMetadata(Handler):
    """`/v2/models/NAME`."""

    def get(self, name: str) -> None:
        self.send(metadata(name, values_only(self.state.model(name))))


class ModelReady(Handler):
    """`/v2/models/NAME/ready`."""

    def get(self, name: str) -> None:
        self.state.model(name)
        self.send({"name": name, "ready": True})


class Infer(Handler):
    """`/v2/models/NAME/infer`."""

    def post(self, name: str) -> None:
        model, body = values_only(self.state.model(name)), self.body()
        values = tensor(body, self.state.settings.rows, self.state.settings.series)
        several = [sources.load(row, name=f"series {number}") for number, row in enumerate(values, start=1)]
        made, failed = predict_all(model, several)
        if failed:
            raise next(iter(failed.values()))
        found = np.stack([one.quantiles for one in made])
        outputs = [output(QUANTILE_OUTPUT, found), output(LEVEL_OUTPUT, np.array(QUANTILES))]
        asked = [one.get("name") for one in body.get("outputs") or [] if isinstance(one, dict)]
        outputs = [one for one in outputs if not asked or one["name"] in asked]
        given = {"id": body["id"]} if isinstance(body.get("id"), str) else {}
        self.send({"model_name": name, "model_version": "1", **given, "outputs": outputs})


def values_only(model: TrainedModel) -> TrainedModel:
    """A model of values.

    Raises:
        Problem: it is one of directions.
    """
    if model.config.task != "forecast":
        raise Problem(422, "these routes give quantiles of values.", value=f"a model of the task {model.config.task}")
    return model


def metadata(name: str, model: TrainedModel) -> dict[str, Any]:
    """Names, types and shapes of what a model takes and gives."""
    quantiles = [-1, model.config.resolved_horizon, len(QUANTILES)]
    return {
        "name": name,
        "versions": ["1"],
        "platform": "forecast",
        "inputs": [{"name": INPUT, "datatype": "FP64", "shape": [-1, -1]}],
        "outputs": [
            {"name": QUANTILE_OUTPUT, "datatype": "FP64", "shape": quantiles},
            {"name": LEVEL_OUTPUT, "datatype": "FP64", "shape": [len(QUANTILES)]},
        ],
    }


def tensor(body: Any, rows: int, series: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The values of a request, shape (S, T).

    Raises:
        Problem: there is no such input, its data are no numbers, or not as many as its shape says.
    """
    given = _input(body)
    count, length = shape_of(given.get("shape"))
    if given.get("datatype") != "FP64":
        raise Problem(422, "`datatype` must be FP64.", value=str(given.get("datatype"))[:20])
    if count > series or length > rows:
        raise Problem(422, f"at most {series:,} series of {rows:,} rows are taken.", value=f"[{count}, {length}]")
    try:
        values = np.array(given.get("data"), np.float64).ravel()
    except (TypeError, ValueError, OverflowError) as error:
        raise Problem(422, "`data` must hold numbers.") from error
    if values.size != count * length or not np.isfinite(values).all():
        raise Problem(422, f"`data` must hold {count * length:,} numbers, as `shape` says.", value=f"{values.size:,}")
    return values.reshape(count, length)


def _input(body: Any) -> dict[str, Any]:
    """The tensor of rows in a request."""
    inputs = body.get("inputs") if isinstance(body, dict) else None
    several = inputs if isinstance(inputs, list) else []
    found = [one for one in several if isinstance(one, dict) and one.get("name") == INPUT]
    if len(found) != 1:
        raise Problem(422, f"`inputs` must hold one tensor named {INPUT}.")
    return found[0]


def shape_of(shape: Any) -> tuple[int, int]:
    """The number of series and of rows."""
    sizes = shape if isinstance(shape, list) else []
    whole = all(isinstance(one, int) and not isinstance(one, bool) and one > 0 for one in sizes)
    if not whole or len(sizes) not in (1, 2):
        raise Problem(422, "`shape` must be [rows] or [series, rows].", value=str(shape)[:40])
    return (1, sizes[0]) if len(sizes) == 1 else (sizes[0], sizes[1])


def output(name: str, values: np.ndarray[Any, np.dtype[np.float64]]) -> dict[str, Any]:
    """An output tensor, with its data in one row."""
    return {"name": name, "datatype": "FP64", "shape": list(values.shape), "data": values.ravel().tolist()}
