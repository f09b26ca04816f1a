"""`bundle.json`: everything of a trained model but its arrays, as text that people and programs read.

    TrainedModel ── describe ── bundle.json ── parse ── entries, and the arrays ── model_of ── TrainedModel

The last entry is the SHA-256 of all others, in sorted order and without spaces, so that an edit is found however the
file is laid out.
"""

import dataclasses
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dacite
import numpy as np

from forecast.config import QUANTILES, ExperimentConfig
from forecast.data.scaling import Scaler
from forecast.errors import BundleError, ConfigError
from forecast.inference import conformal, shrinkage
from forecast.inference.bundle.schema import LONGEST, check_entries
from forecast.inference.bundle.storage import DESCRIPTION, LIMITS
from forecast.inference.trained_model import TrainedModel, problem_of
from forecast.inference.trajectory import Checkpoint, TrainedOn
from forecast.models import Problem, Validation, Weights, find_model
from forecast.models.estimator import Shapes
from forecast.runtime.names import visible
from forecast.runtime.versions import versions_here
from forecast.typing import Array

FORMAT = 1
# The fields of a `TrainedOn` that stand in the text as they are, and its arrays, which stand in `weights.npz`.
TEXTS = ("series", "unit", "frequency", "exchange", "first", "last", "sha256")
ARRAYS, PREFIX = ("expert_losses", "log_scale"), "trained_on/"
# Those of a `Checkpoint`, kept where every series has one and there are no more values than this.
CHECKPOINT_ARRAYS, CHECKPOINT = ("expert_losses", "factors", "log_scales"), "trained_on/checkpoint/"
MOST_CHECKPOINT_VALUES = 4_000_000
HISTORY = tuple(field.name for field in dataclasses.fields(Validation))
# No model is larger than this: a larger number is an attempt to fill the memory.
LARGEST = {
    "lookback": 1_000_000,
    "horizon": 100_000,
    "season": 10_000_000,
    "units": 100_000,
    "depth": 1000,
    "seeds": 1000,
}
# Lists longer than this have a line for each item.
FEW = 20
NUMBERS = re.compile(r"\[\n\s*((?:-?[\d.][\d.eE+-]*|null)(?:,\n\s*(?:-?[\d.][\d.eE+-]*|null))*)\n\s*\]")
# What entries of a wrong type, size or name make Python raise.
WRONG = (
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    ArithmeticError,
    RecursionError,
    dacite.DaciteError,
    ConfigError,
)


def describe(model: TrainedModel, files: Mapping[str, tuple[int, str]]) -> str:
    """Write the text of `bundle.json`.

    Args:
        files: Bytes and SHA-256 of the other files, by name.
    Raises:
        BundleError: the text would be longer than a bundle may be.
    """
    fields = {
        "format": FORMAT,
        "about": "A trained model of the package forecast; its docs/bundle.md explains each entry.",
        "model": model.model,
        "created": model.created,
        "target": model.target,
        "quantiles": list(QUANTILES),
        "config": model.config.to_dict(),
        "trained_on": [_record(known) for known in model.trained_on],
        "tested": [dict(one) for one in model.tested],
        "ancestry": [dict(one) for one in model.ancestry],
        "training_seconds": model.seconds,
        "interrupted": model.interrupted,
        "history": {name: [getattr(row, name) for row in model.history] for name in HISTORY},
        "versions": dict(model.versions) or versions_here(),
        "files": {name: {"bytes": size, "sha256": sha256} for name, (size, sha256) in files.items()},
    }
    text = json.dumps(fields, allow_nan=False)
    text = _layout({**fields, "sha256": checksum(json.loads(text))})
    if len(text.encode()) > LIMITS[DESCRIPTION]:
        raise BundleError(
            f"a bundle describes its series in at most {LIMITS[DESCRIPTION]:,} bytes. Received: {len(text):,} for "
            f"{len(model.trained_on)} series. Train on fewer; the model forecasts others as well."
        )
    return text


def _record(known: TrainedOn) -> dict[str, Any]:
    scaler = {"minimum": known.scaler.minimum.tolist(), "span": known.scaler.span.tolist()}
    tested = known.checkpoint and {"rows": known.checkpoint.rows, "sha256": known.checkpoint.sha256}
    return {**{name: getattr(known, name) for name in TEXTS}, "rows": known.rows, **scaler, "checkpoint": tested}


def _layout(fields: Mapping[str, Any]) -> str:
    """JSON for people: an entry a line; numbers of a list, and each item of a long list, on one line."""
    entries = [f' "{name}": {_entry(value)}' for name, value in fields.items()]
    return "{\n" + ",\n".join(entries) + "\n}\n"


def _entry(value: Any) -> str:
    if isinstance(value, list) and len(value) > FEW:
        return "[\n  " + ",\n  ".join(json.dumps(one, allow_nan=False) for one in value) + "\n ]"
    text = json.dumps(value, indent=1, allow_nan=False).replace("\n", "\n ")
    return NUMBERS.sub(lambda found: "[" + " ".join(found.group(1).split()) + "]", text)


def checksum(fields: Mapping[str, Any]) -> str:
    """SHA-256 of all entries but `sha256`, however they are laid out."""
    rest = {name: value for name, value in fields.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def parse(content: bytes, path: Path) -> dict[str, Any]:
    """Read the entries of `bundle.json`.

    Raises:
        BundleError: the text is damaged, was edited, or has another format number.
    """
    file = path / DESCRIPTION
    try:
        fields = json.loads(content.decode("utf-8"), parse_constant=_refuse_constant)
        found = fields["format"]
    except (ValueError, TypeError, LookupError, RecursionError, MemoryError) as error:
        raise BundleError(f"{file}: this file is damaged: no JSON with a format number. Copy it again.") from error
    if found != FORMAT:
        cure = "Update the program." if isinstance(found, int) and found > FORMAT else "Train the model again."
        raise BundleError(
            f"{path}: this program opens bundles of format {FORMAT}. Received: {visible(str(found)[:20])}. {cure}"
        )
    with damage_named(path):
        if checksum(fields) != fields["sha256"]:
            raise BundleError(f"{file}: the text was changed after it was saved. Copy the bundle again.")
        check_entries(fields)
    return dict(fields)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


@contextmanager
def damage_named(path: Path) -> Iterator[None]:
    """Turn what wrong entries make Python raise into a BundleError of one line."""
    try:
        yield
    except WRONG as error:
        reason = visible(" ".join(f"{type(error).__name__}: {error}".split())[:200].rstrip("."))
        raise BundleError(
            f"{path}: the bundle is damaged. {reason}. Copy it again, or train the model again."
        ) from error


def series_arrays(model: TrainedModel) -> dict[str, Array]:
    """The arrays that `weights.npz` holds of all n series a model was trained on, each of shape (n, ...)."""
    found = {PREFIX + name: np.stack([getattr(known, name) for known in model.trained_on]) for name in ARRAYS}
    checkpoints = [known.checkpoint for known in model.trained_on if known.checkpoint]
    if checkpoints:
        found |= {
            CHECKPOINT + name: np.stack([getattr(one, name) for one in checkpoints]) for name in CHECKPOINT_ARRAYS
        }
    return found


def without_many_checkpoints(model: TrainedModel) -> TrainedModel:
    """The model without checkpoints, where not every series has one or they are too many values for a bundle."""
    values = len(model.trained_on) * model.problem.horizon**2 * 2
    if values <= MOST_CHECKPOINT_VALUES and all(known.checkpoint for known in model.trained_on):
        return model
    trained_on = tuple(dataclasses.replace(known, checkpoint=None) for known in model.trained_on)
    return dataclasses.replace(model, trained_on=trained_on)


def config_of(fields: Mapping[str, Any]) -> ExperimentConfig:
    """The configuration, if no number in it is larger than a model can be.

    Raises:
        Those in WRONG, where an entry is missing, or of another type or size.
    """
    config = ExperimentConfig.from_dict(fields["config"])
    for part in (config, config.network, config.training):
        for name, most in LARGEST.items():
            if (getattr(part, name, None) or 0) > most:
                raise ValueError(f"`{name}` must be at most {most}")
    columns = [name for names in dataclasses.astuple(config.inputs) for name in names]
    if len(config.network.layers) > LONGEST or len(columns) > LONGEST:
        raise ValueError("there are more layers or columns than a model has")
    return config


def array_shapes(fields: Mapping[str, Any], config: ExperimentConfig) -> Shapes:
    """Names and shapes of the arrays in `weights.npz`, by the entries of `bundle.json`.

    Raises:
        Those in WRONG, where an entry is missing, or of another type or size.
    """
    problem, series = problem_of(config), len(fields["trained_on"])
    losses, scale = shrinkage.initial_losses().shape, conformal.initial_scale(problem.horizon).shape
    shapes = {
        **find_model(fields["model"]).shapes(problem),
        **{PREFIX + name: (series, *shape) for name, shape in zip(ARRAYS, (losses, scale), strict=True)},
    }
    if fields["trained_on"][0]["checkpoint"]:
        kept = losses, (problem.horizon, 2), (problem.horizon, *scale)
        shapes |= {CHECKPOINT + name: (series, *shape) for name, shape in zip(CHECKPOINT_ARRAYS, kept, strict=True)}
    return shapes


def model_of(fields: Mapping[str, Any], config: ExperimentConfig, arrays: Weights) -> TrainedModel:
    """Build the model from the entries of `bundle.json` and the arrays of `weights.npz`.

    Raises:
        Those in WRONG, where an entry is missing, or of another type or size.
    """
    problem = problem_of(config)
    if list(fields["quantiles"]) != list(QUANTILES):
        raise ValueError(f"the quantiles must be {', '.join(map(str, QUANTILES))}")
    return TrainedModel(
        model=fields["model"],
        config=config,
        target=fields["target"],
        weights={name: array for name, array in arrays.items() if not name.startswith(PREFIX)},
        history=tuple(Validation(*row) for row in zip(*(fields["history"][name] for name in HISTORY), strict=True)),
        trained_on=tuple(
            _trained_on(
                record, problem, {name: array[number] for name, array in arrays.items() if name.startswith(PREFIX)}
            )
            for number, record in enumerate(fields["trained_on"])
        ),
        seconds=float(fields["training_seconds"]),
        created=fields["created"],
        interrupted=fields["interrupted"],
        tested=tuple(fields["tested"]),
        ancestry=tuple(fields["ancestry"]),
        versions=fields["versions"],
    )


def _trained_on(record: Mapping[str, Any], problem: Problem, arrays: Mapping[str, Array]) -> TrainedOn:
    shape = (problem.past_columns + problem.future_columns,)
    minimum, span = (_numbers(record[name], name, shape) for name in ("minimum", "span"))
    if not (span > 0).all():
        raise ValueError("each span must be above 0")
    return TrainedOn(
        **{name: record[name] for name in TEXTS},
        rows=record["rows"],
        scaler=Scaler(minimum, span),
        expert_losses=arrays[PREFIX + "expert_losses"],
        log_scale=arrays[PREFIX + "log_scale"],
        checkpoint=_checkpoint(record["checkpoint"], arrays),
    )


def _checkpoint(record: Mapping[str, Any] | None, arrays: Mapping[str, Array]) -> Checkpoint | None:
    if record is None:
        return None
    kept = {name: arrays[CHECKPOINT + name] for name in CHECKPOINT_ARRAYS}
    return Checkpoint(record["rows"], record["sha256"], **kept)


def _numbers(values: Sequence[Any], name: str, shape: tuple[int, ...]) -> Array:
    array = np.array(values, np.float64)
    if array.shape != shape or not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, of shape {shape}, and has {array.shape}")
    return array
