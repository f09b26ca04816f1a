"""`bundle.json`: a trained model without its arrays, as text that a person can read.

Its last entry is the SHA-256 of all others, in sorted order and without spaces, so that a changed digit is found
however the file is laid out. Descriptions of earlier formats are brought to the present one step by step.
"""

import dataclasses
import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.config import QUANTILES, ExperimentConfig
from forecast.data.scaling import Scaler
from forecast.errors import BundleError
from forecast.inference import conformal, shrinkage
from forecast.inference.bundle.storage import DESCRIPTION, LIMITS
from forecast.inference.trained_model import TrainedModel, TrainedOn
from forecast.models import Problem, Validation, find_model
from forecast.runtime.versions import versions_here

FORMAT, OLDEST = 4, 2
# The fields of `TrainedOn` that are no arrays, and those that stand in `weights.npz`, with a prefix.
PLAIN = ("series", "unit", "frequency", "exchange", "first", "last", "rows", "sha256")
KEPT, SERIES = ("expert_losses", "log_scale"), "trained_on/"
NOTHING = np.empty(0)
# Settings beyond which there is no model, but an attempt to fill the memory.
LARGEST = {"lookback": 1_000_000, "horizon": 100_000, "season": 10_000_000, "units": 100_000, "depth": 1000} | {
    "seeds": 1000
}
LONGEST = 10_000
# Series up to which each entry of theirs has a line of its own.
FEW = 20
NUMBERS = re.compile(r"\[\n\s*((?:-?[\d.][\d.eE+-]*|null)(?:,\n\s*(?:-?[\d.][\d.eE+-]*|null))*)\n\s*\]")


def describe(model: TrainedModel, files: Mapping[str, tuple[int, str]]) -> str:
    """The text of `bundle.json`.

    Args:
        files: Size and SHA-256 of the other files, by name.
    Raises:
        BundleError: the text would be longer than a bundle may be.
    """
    fields = {
        "format": FORMAT,
        "about": "A model of the program forecast. docs/bundle.md there says what each entry means.",
        "model": model.model,
        "created": model.created,
        "target": model.target,
        "quantiles": list(QUANTILES),
        "config": model.config.to_dict(),
        "trained_on": [_record(known) for known in model.trained_on],
        "tested": [dict(one) for one in model.tested],
        "ancestry": [dict(one) for one in model.ancestry],
        "seconds": model.seconds,
        "interrupted": model.interrupted,
        "history": [dataclasses.astuple(row) for row in model.history],
        "versions": dict(model.versions) or versions_here(),
        "files": {name: {"bytes": size, "sha256": sha256} for name, (size, sha256) in files.items()},
    }
    text = json.dumps(fields, allow_nan=False)
    text = _laid_out({**fields, "sha256": checksum(json.loads(text))})
    if len(text.encode()) > LIMITS[DESCRIPTION]:
        raise BundleError(
            f"a bundle describes its series in at most {LIMITS[DESCRIPTION]:,} bytes. Received: {len(text):,} for "
            f"{len(model.trained_on)} series. Train on fewer; the model forecasts others as well."
        )
    return text


def _laid_out(fields: Mapping[str, Any]) -> str:
    """JSON for people: an entry a line, rows of numbers and records of many series as well."""
    entries = [f' "{name}": {_entry(value)}' for name, value in fields.items()]
    return "{\n" + ",\n".join(entries) + "\n}\n"


def _entry(value: Any) -> str:
    if isinstance(value, list) and len(value) > FEW:
        return "[\n  " + ",\n  ".join(json.dumps(one, allow_nan=False) for one in value) + "\n ]"
    text = json.dumps(value, indent=1, allow_nan=False).replace("\n", "\n ")
    return NUMBERS.sub(lambda found: "[" + " ".join(found.group(1).split()) + "]", text)


def checksum(fields: Mapping[str, Any]) -> str:
    """SHA-256 of entries, however they are laid out."""
    rest = {name: value for name, value in fields.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def parse(content: bytes, path: Path) -> dict[str, Any]:
    """The entries of `bundle.json`, in the present format.

    Raises:
        BundleError: the text is damaged, edited, no description of a model, or of a format that is not known.
    """
    file = path / DESCRIPTION
    try:
        fields = json.loads(content.decode("utf-8"), parse_constant=_refuse_constant)
        written = fields["format"]
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        raise BundleError(f"{file}: this file is damaged: no JSON with a format number. Copy it again.") from error
    if not isinstance(written, int) or not OLDEST <= written <= FORMAT:
        cure = "Update the program." if isinstance(written, int) and written > FORMAT else "Train the model again."
        known = f"{OLDEST} to {FORMAT}"
        raise BundleError(
            f"{path}: this program opens bundles of formats {known}. Received: {str(written)[:20]}. {cure}"
        )
    try:
        if written >= 3 and checksum(fields) != fields["sha256"]:
            raise BundleError(
                f"{file}: the text is not the one that was saved. Copy the bundle again, and edit nothing."
            )
        for old in range(written, FORMAT):
            fields = MIGRATIONS[old](fields)
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise damaged(path, error) from error
    return dict(fields)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def damaged(path: Path, error: Exception) -> BundleError:
    """The error for a bundle whose entries make no sense."""
    reason = " ".join(f"{type(error).__name__}: {error}".split())[:200].rstrip(".")
    return BundleError(f"{path}: the bundle is damaged, and must be copied or trained again. {reason}.")


def _from_2(fields: dict[str, Any]) -> dict[str, Any]:
    """Format 2 had no sizes of files, no checksum of its own, and one width of the intervals a step."""
    shape = conformal.initial_scale(1).shape[1:]
    records = [
        {
            **record,
            "exchange": "",
            "log_scale": [np.full(shape, width).tolist() for width in record["log_scale"]],
        }
        for record in fields["trained_on"]
    ]
    files = {name: {"sha256": sha256} for name, sha256 in fields["sha256"].items()}
    new = {"quantiles": list(QUANTILES), "trained_on": records, "tested": [], "ancestry": [], "files": files}
    return {**fields, **new}


def _from_3(fields: dict[str, Any]) -> dict[str, Any]:
    """Formats 2 and 3 had the arrays of each series in the text."""
    arrays = {SERIES + name: [record[name] for record in fields["trained_on"]] for name in KEPT}
    records = [{name: value for name, value in one.items() if name not in KEPT} for one in fields["trained_on"]]
    return {**fields, "trained_on": records, "arrays": arrays}


MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {2: _from_2, 3: _from_3}


def _record(known: TrainedOn) -> dict[str, Any]:
    """A series that a model was trained on, as JSON holds it."""
    scaler = {"minimum": known.scaler.minimum.tolist(), "span": known.scaler.span.tolist()}
    return {**{name: getattr(known, name) for name in PLAIN}, **scaler}


def series_arrays(model: TrainedModel) -> dict[str, NDArray[np.float64]]:
    """What is kept of all n series in `weights.npz`: credit (n, factors) and log_width (n, H, 2), with their prefix."""
    return {SERIES + name: np.stack([getattr(known, name) for known in model.trained_on]) for name in KEPT}


def series_shapes(model: TrainedModel) -> dict[str, tuple[int, ...]]:
    """The shapes of those arrays."""
    series = len(model.trained_on)
    shapes = {
        "expert_losses": shrinkage.initial_losses().shape,
        "log_scale": (model.problem.horizon, *conformal.initial_scale(1).shape[1:]),
    }
    return {SERIES + name: (series, *shapes[name]) for name in KEPT}


def with_arrays(model: TrainedModel, arrays: Mapping[str, NDArray[Any]]) -> TrainedModel:
    """The model with weights and with what is kept of its series."""
    kept = [
        dict(zip(KEPT, parts, strict=True)) for parts in zip(*(arrays[SERIES + name] for name in KEPT), strict=True)
    ]
    known = tuple(dataclasses.replace(one, **parts) for one, parts in zip(model.trained_on, kept, strict=True))
    weights = {name: array for name, array in arrays.items() if not name.startswith(SERIES)}
    return dataclasses.replace(model, weights=weights, trained_on=known)


def arrays_of(fields: Mapping[str, Any], model: TrainedModel) -> dict[str, NDArray[np.float64]]:
    """The arrays that the text of an earlier format holds.

    Raises:
        ValueError: one has another shape than those of the model.
    """
    return {
        name: _numbers(values, name, series_shapes(model)[name]) for name, values in fields.get("arrays", {}).items()
    }


def model_of(fields: Mapping[str, Any]) -> tuple[TrainedModel, Problem]:
    """The model that entries describe, still without weights and without what is kept of its series.

    Raises:
        Several kinds of errors, `ConfigError` among them, where an entry is missing, or of another type or size.
    """
    config = ExperimentConfig.from_dict(fields["config"])
    _check_sizes(config)
    if list(fields["quantiles"]) != list(QUANTILES):
        raise ValueError(f"the quantiles must be {', '.join(map(str, QUANTILES))}")
    model = TrainedModel(
        model=find_model(_word(fields["model"])).name,
        config=config,
        target=_word(fields["target"]),
        weights={},
        history=tuple(Validation(*row) for row in fields["history"]),
        trained_on=(),
        seconds=float(fields["seconds"]),
        created=_word(fields["created"]),
        interrupted=bool(fields["interrupted"]),
        tested=_plain(fields["tested"]),
        ancestry=_plain(fields["ancestry"]),
        versions={_word(name): _word(number) for name, number in fields["versions"].items()},
    )
    problem = model.problem
    records = fields["trained_on"]
    if not records:
        raise ValueError("a model was trained on one series or more")
    return dataclasses.replace(model, trained_on=tuple(_trained_on(record, problem) for record in records)), problem


def _check_sizes(config: ExperimentConfig) -> None:
    """Refuses settings that no model has, before anything is made that large."""
    for part in (config, config.network, config.training):
        for name, most in LARGEST.items():
            if (getattr(part, name, None) or 0) > most:
                raise ValueError(f"`{name}` must be at most {most}")
    inputs = dataclasses.astuple(config.inputs)
    names = [_word(name) for names in inputs for name in names]
    if len(config.network.layers) > LONGEST or len(names) > LONGEST:
        raise ValueError("there are more layers or columns than a model has")


def _trained_on(record: Mapping[str, Any], problem: Problem) -> TrainedOn:
    shape = (problem.features + problem.ahead,)
    minimum, span = (_numbers(record[name], name, shape) for name in ("minimum", "span"))
    if not (span > 0).all():
        raise ValueError("each span must be above 0")
    return TrainedOn(
        **{name: _word(record[name]) for name in PLAIN if name != "rows"},
        rows=int(record["rows"]),
        scaler=Scaler(minimum, span),
        expert_losses=NOTHING,
        log_scale=NOTHING,
    )


def _numbers(values: Sequence[Any], name: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
    array = np.array(values, np.float64)
    if array.shape != shape or not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, of shape {shape}, and has {array.shape}")
    return array


def _word(value: Any) -> str:
    """A text that a terminal can show: no control characters."""
    if not isinstance(value, str) or len(value) > LONGEST or not value.isprintable():
        raise ValueError(f"a text must be printable: {str(value)[:40]!r}")
    return value


def _plain(records: Any) -> tuple[dict[str, Any], ...]:
    """Scores and such: flat records of texts and numbers, or records of those."""
    return tuple({_word(name): _value(value) for name, value in record.items()} for record in records)


def _value(value: Any) -> Any:
    if isinstance(value, dict):
        return {_word(name): _value(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_value(inner) for inner in value]
    if isinstance(value, str):
        return _word(value)
    if isinstance(value, float) and not isfinite(value):
        raise ValueError("a score must be finite")
    return value
