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


def schemas() -> dict[str, Schema]:
    """All schemas, by name."""
    quantiles = dict.fromkeys(LEVELS, NUMBER)
    row = obj({"date": TEXT_OR_NULL, "value": NUMBER_OR_NULL}, ["date"])
    given = {
        "ticker": TEXT_OR_NULL,
        "rows": {"type": ["array", "null"], "minItems": 1, "items": row},
        "name": TEXT_OR_NULL,
    }
    series_fields: dict[str, Schema] = {
        **dict.fromkeys(("id", "name", "unit", "frequency", "first", "last", "target", "exchange", "created"), TEXT),
        "ticker": TEXT_OR_NULL,
        "season": COUNT_OR_NULL,
        "rows": COUNT,
        "missing": COUNT,
        **{name: list_of(TEXT) for name in ("columns", "notes", "warnings")},
    }
    test = obj(
        {
            **dict.fromkeys(("mae", "mae_vs_naive", "pinball", "coverage90"), NUMBER_OR_NULL),
            "rows": COUNT,
            "origins": COUNT,
            "first": TEXT,
            "last": TEXT,
        },
        ["rows", "first", "last"],
    )
    ask = {
        **given,
        "series": TEXT_OR_NULL,
        "unit": TEXT_OR_NULL,
        "model": {**TEXT_OR_NULL, "description": "A saved model; null for the network that comes with the package."},
        "horizon": STEPS,
        "levels": {"type": ["array", "null"], "minItems": 1, "maxItems": MOST_LEVELS, "items": LEVEL},
        "paths": {"type": "integer", "minimum": 0, "maximum": MOST_PATHS},
    }
    step = {"step": COUNT, "date": TEXT}
    past_step = obj({**step, **dict.fromkeys(("q05", "q50", "q95"), NUMBER), "actual": NUMBER_OR_NULL})
    job = {
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
    model = {
        **dict.fromkeys(("name", "model", "series", "unit", "frequency", "horizon_text", "trained", "last"), TEXT),
        "task": {"enum": ["forecast", "direction"]},
        "horizon": COUNT,
        "rows": COUNT,
        "age_days": NUMBER,
        "scores": {"type": "object", "additionalProperties": NUMBER_OR_NULL},
        "verdict": TEXT_OR_NULL,
    }
    run = {
        **dict.fromkeys(("name", "series", "unit", "created"), TEXT),
        "models": list_of(TEXT),
        "bottom_line": TEXT_OR_NULL,
        "verdicts": {"type": "object", "additionalProperties": TEXT_OR_NULL},
        "scores": list_of({"type": "object"}),
        "horizon": COUNT,
    }
    data: Schema = {
        "type": "string",
        "contentMediaType": JSON,
        "contentSchema": {"anyOf": [ref("Job"), {"type": "object"}]},
        "description": "Of `state` the job; of `progress` model, step, steps, losses and seconds left.",
    }
    asked = {
        "name": {"const": "rows"},
        "datatype": {"const": "FP64"},
        "shape": list_of({"type": "integer", "minimum": 1}, minItems=1, maxItems=2),
        "data": {"type": "array", "minItems": 1},
    }
    tensor = {"name": TEXT, "datatype": {"const": "FP64"}, "shape": list_of({"type": "integer"})}
    return {
        "Problem": obj(
            {
                **dict.fromkeys(("type", "title", "detail", "rule", "value", "cure", "instance"), TEXT),
                "status": {"type": "integer", "minimum": 400, "maximum": 599},
                "choices": list_of(TEXT),
            },
            ["instance", "choices"],
        ),
        "Row": row,
        "Series": obj(series_fields),
        "NewSeries": obj(
            {**given, "unit": TEXT_OR_NULL, "target": TEXT_OR_NULL, "series": TEXT_OR_NULL},
            [*given, "unit", "target", "series"],
        ),
        "History": obj({"dates": list_of(TEXT), "values": list_of(NUMBER_OR_NULL)}),
        "ForecastRequest": obj(ask, list(ask)),
        "BatchRequest": obj(
            {**ask, "series": list_of({"anyOf": [TEXT, ref("ForecastRequest")]}, minItems=1)},
            [name for name in ask if name != "series"],
        ),
        "Forecast": obj(
            {
                **dict.fromkeys(("model", "series", "unit", "origin"), TEXT),
                "forecast": list_of(obj({**step, **quantiles}, list(quantiles), more=True)),
                "test": {"anyOf": [test, {"type": "null"}]},
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
                    obj(
                        {"origin": TEXT, "last_value": NUMBER, "forecast": list_of(past_step), "inside": NUMBER_OR_NULL}
                    )
                ),
                "inside": NUMBER_OR_NULL,
                "promised": NUMBER,
                "tested": COUNT,
            }
        ),
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
        "Job": obj(job, ["cancelled"]),
        "Event": obj({"id": TEXT, "event": {"enum": ["progress", "state"]}, "data": data}, ["id", "event", "data"]),
        "Model": obj(model),
        "Card": obj({**model, "card": list_of(TEXT), "description": {"type": "object"}}),
        "Run": obj(run),
        "RunRecord": obj({**run, "files": list_of(TEXT), "record": {"type": "object"}}),
        "UpdateRequest": obj({"series": TEXT_OR_NULL}, ["series"]),
        "Undo": obj({"undo": TEXT}),
        "InferRequest": obj(
            {
                "id": TEXT,
                "inputs": list_of(obj(asked, more=True), minItems=1, maxItems=1),
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
                "outputs": list_of(obj({**tensor, "data": list_of(NUMBER)})),
            },
            ["id"],
        ),
        "ModelMetadata": obj(
            {
                "name": TEXT,
                "platform": TEXT,
                "versions": list_of(TEXT),
                "inputs": list_of(obj(tensor)),
                "outputs": list_of(obj(tensor)),
            }
        ),
    }
