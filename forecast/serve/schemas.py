"""The JSON schemas of what the interface for programs takes and gives, by name."""

from collections.abc import Mapping, Sequence
from typing import Any

from forecast.config import LEVELS
from forecast.models import MODELS
from forecast.serve.requests import MOST_LEVELS, MOST_MODELS, MOST_PATHS, MOST_STEPS

Schema = dict[str, Any]
JSON, PROBLEM = "application/json", "application/problem+json"
TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
COUNT: Schema = {"type": "integer", "minimum": 0}
LEVEL: Schema = {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}
FLAG: Schema = {"type": "boolean"}
TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
NUMBER_OR_NULL: Schema = {"type": ["number", "null"]}
COUNT_OR_NULL: Schema = {"type": ["integer", "null"]}
STEPS: Schema = {"type": ["integer", "null"], "minimum": 1, "maximum": MOST_STEPS}
STATES = ("queued", "running", "done", "failed", "stopped", "interrupted")


def obj(fields: Mapping[str, Schema], optional: Sequence[str] = (), *, more: bool = False) -> Schema:
    """An object of these fields, all needed but the optional ones."""
    needed = [name for name in fields if name not in optional]
    return {"type": "object", "properties": dict(fields), "required": needed, "additionalProperties": more}


def list_of(items: Schema, **limits: int) -> Schema:
    """An array."""
    return {"type": "array", "items": items, **limits}


def ref(name: str) -> Schema:
    """A schema of the document, by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


# Series: tickers and rows
ROW: Schema = obj({"date": TEXT_OR_NULL, "value": NUMBER_OR_NULL}, ["date"])
GIVEN: dict[str, Schema] = {
    "ticker": TEXT_OR_NULL,
    "rows": {"type": ["array", "null"], "minItems": 1, "items": ROW},
    "name": TEXT_OR_NULL,
}
SERIES_FIELDS: dict[str, Schema] = {
    **dict.fromkeys(("id", "name", "unit", "frequency", "first", "last", "target", "exchange", "created"), TEXT),
    "ticker": TEXT_OR_NULL,
    "season": COUNT_OR_NULL,
    "rows": COUNT,
    "missing": COUNT,
    **{name: list_of(TEXT) for name in ("columns", "notes", "warnings")},
}
OF_SERIES: dict[str, Schema] = {
    "Row": ROW,
    "Series": obj(SERIES_FIELDS),
    "NewSeries": obj(
        {**GIVEN, "unit": TEXT_OR_NULL, "target": TEXT_OR_NULL, "series": TEXT_OR_NULL},
        [*GIVEN, "unit", "target", "series"],
    ),
    "History": obj({"dates": list_of(TEXT), "values": list_of(NUMBER_OR_NULL)}),
}

# Forecasts and their tests
QUANTILES = dict.fromkeys(LEVELS, NUMBER)
TEST: Schema = obj(
    {
        **dict.fromkeys(("mae", "mae_vs_naive", "pinball", "coverage90"), NUMBER_OR_NULL),
        "rows": COUNT,
        "origins": COUNT,
        "steps": COUNT,
        "first": TEXT,
        "last": TEXT,
    },
    ["rows", "first", "last"],
)
ASKED: dict[str, Schema] = {
    **GIVEN,
    "series": TEXT_OR_NULL,
    "unit": TEXT_OR_NULL,
    "model": {**TEXT_OR_NULL, "description": "A saved model; null for the network that comes with the package."},
    "horizon": STEPS,
    "levels": {"type": ["array", "null"], "minItems": 1, "maxItems": MOST_LEVELS, "items": LEVEL},
    "paths": {"type": "integer", "minimum": 0, "maximum": MOST_PATHS},
}
STEP: dict[str, Schema] = {"step": COUNT, "date": TEXT}
PAST_STEP: Schema = obj({**STEP, **dict.fromkeys(("q05", "q50", "q95"), NUMBER), "actual": NUMBER_OR_NULL})
OF_FORECASTS: dict[str, Schema] = {
    "ForecastRequest": obj(ASKED, list(ASKED)),
    "BatchRequest": obj(
        {**ASKED, "series": list_of({"anyOf": [TEXT, ref("ForecastRequest")]}, minItems=1)},
        [name for name in ASKED if name != "series"],
    ),
    "Forecast": obj(
        {
            **dict.fromkeys(("model", "series", "unit", "origin"), TEXT),
            "forecast": list_of(obj({**STEP, **QUANTILES}, list(QUANTILES), more=True)),
            "test": {"anyOf": [TEST, {"type": "null"}]},
            "verdict": TEXT_OR_NULL,
            "notes": list_of(TEXT),
            "paths": list_of(list_of(NUMBER)),
            "date": TEXT,
            "flat_within": NUMBER,
            **dict.fromkeys(("p_down", "p_flat", "p_up"), NUMBER),
        },
        ["forecast", "paths", "date", "flat_within", "p_down", "p_flat", "p_up"],
    ),
    "Past": obj(
        {
            "origins": list_of(
                obj({"origin": TEXT, "last_value": NUMBER, "forecast": list_of(PAST_STEP), "inside": NUMBER_OR_NULL})
            ),
            "inside": NUMBER_OR_NULL,
            "promised": NUMBER,
            "tested": COUNT,
        }
    ),
}

# Trainings, and what they make
JOB_FIELDS: dict[str, Schema] = {
    **dict.fromkeys(("id", "name", "series", "created"), TEXT),
    "kind": {"enum": ["training", "update"]},
    "state": {"enum": list(STATES)},
    **dict.fromkeys(("started", "ended", "model", "run"), TEXT_OR_NULL),
    **dict.fromkeys(("step", "steps"), COUNT_OR_NULL),
    "seconds_left": NUMBER_OR_NULL,
    "models": list_of(TEXT),
    "models_saved": list_of(TEXT),
    "loss": list_of(list_of(NUMBER_OR_NULL, minItems=3, maxItems=3)),
    "problem": {"anyOf": [ref("Problem"), {"type": "null"}]},
    "cancelled": FLAG,
}
EVENT_DATA: Schema = {
    "type": "string",
    "contentMediaType": JSON,
    "contentSchema": {"anyOf": [ref("Job"), {"type": "object"}]},
    "description": "Of `state` the job; of `progress` model, step, steps, losses and seconds left.",
}
OF_JOBS: dict[str, Schema] = {
    "TrainingRequest": obj(
        {
            "series": TEXT,
            "models": list_of({"enum": list(MODELS)}, minItems=1, maxItems=MOST_MODELS),
            "horizon": STEPS,
            "name": TEXT_OR_NULL,
            "max_steps": {**COUNT_OR_NULL, "minimum": 1},
        },
        ["horizon", "name", "max_steps"],
        more=True,
    ),
    "UpdateRequest": obj({"series": TEXT_OR_NULL}, ["series"]),
    "Job": obj(JOB_FIELDS, ["cancelled"]),
    "Event": obj({"id": TEXT, "event": {"enum": ["progress", "state"]}, "data": EVENT_DATA}, ["id", "event", "data"]),
}

MODEL_FIELDS: dict[str, Schema] = {
    **dict.fromkeys(("name", "model", "series", "unit", "frequency", "horizon_text", "trained", "last"), TEXT),
    "task": {"enum": ["forecast", "direction"]},
    "horizon": COUNT,
    "rows": COUNT,
    "age_days": NUMBER,
    "scores": {"type": "object", "additionalProperties": NUMBER_OR_NULL},
    "verdict": TEXT_OR_NULL,
}
RUN_FIELDS: dict[str, Schema] = {
    **dict.fromkeys(("name", "series", "unit", "created"), TEXT),
    "models": list_of(TEXT),
    "bottom_line": TEXT_OR_NULL,
    "verdicts": {"type": "object", "additionalProperties": TEXT_OR_NULL},
    "scores": list_of({"type": "object"}),
    "horizon": COUNT,
}
OF_RESULTS: dict[str, Schema] = {
    "Model": obj(MODEL_FIELDS),
    "Card": obj({**MODEL_FIELDS, "card": list_of(TEXT), "description": {"type": "object"}}),
    "Run": obj(RUN_FIELDS),
    "RunRecord": obj({**RUN_FIELDS, "files": list_of(TEXT), "record": {"type": "object"}}),
    "Undo": obj({"undo": TEXT}),
}

# The Open Inference Protocol
INPUT: dict[str, Schema] = {
    "name": {"const": "rows"},
    "datatype": {"const": "FP64"},
    "shape": list_of({"type": "integer", "minimum": 1}, minItems=1, maxItems=2),
    "data": {"type": "array", "minItems": 1},
}
TENSOR: dict[str, Schema] = {"name": TEXT, "datatype": {"const": "FP64"}, "shape": list_of({"type": "integer"})}
OF_INFERENCE: dict[str, Schema] = {
    "InferRequest": obj(
        {
            "id": TEXT,
            "inputs": list_of(obj(INPUT, more=True), minItems=1, maxItems=1),
            "outputs": list_of(obj({"name": TEXT}, more=True)),
            "parameters": {"type": "object"},
        },
        ["id", "outputs", "parameters"],
        more=True,
    ),
    "InferAnswer": obj(
        {
            "model_name": TEXT,
            "model_version": TEXT,
            "id": TEXT,
            "outputs": list_of(obj({**TENSOR, "data": list_of(NUMBER)})),
        },
        ["id"],
    ),
    "ModelMetadata": obj(
        {
            "name": TEXT,
            "platform": TEXT,
            "versions": list_of(TEXT),
            "inputs": list_of(obj(TENSOR)),
            "outputs": list_of(obj(TENSOR)),
        }
    ),
}

PROBLEMS: dict[str, Schema] = {
    "Problem": obj(
        {
            **dict.fromkeys(("type", "title", "detail", "rule", "value", "cure", "instance"), TEXT),
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "choices": list_of(TEXT),
        },
        ["instance", "choices"],
    ),
}

SCHEMAS = PROBLEMS | OF_SERIES | OF_FORECASTS | OF_JOBS | OF_RESULTS | OF_INFERENCE
