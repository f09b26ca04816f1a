"""The interface for programs as an OpenAPI 3.1 document; tests hold every answer against it."""

from collections.abc import Mapping, Sequence
from typing import Any

from forecast.config import LEVELS
from forecast.models import MODELS
from forecast.runtime.versions import versions_here
from forecast.serve.requests import MOST_LEVELS, MOST_MODELS, MOST_PATHS, MOST_STEPS

Schema = dict[str, Any]
JSON, PROBLEM = "application/json", "application/problem+json"
TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
COUNT: Schema = {"type": "integer", "minimum": 0}
FLAG: Schema = {"type": "boolean"}
TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
NUMBER_OR_NULL: Schema = {"type": ["number", "null"]}
COUNT_OR_NULL: Schema = {"type": ["integer", "null"]}
STEPS: Schema = {"type": ["integer", "null"], "minimum": 1, "maximum": MOST_STEPS}
STATES = ("queued", "running", "done", "failed", "stopped", "interrupted")


def _object(fields: Mapping[str, Schema], optional: Sequence[str] = (), *, more: bool = False) -> Schema:
    needed = [name for name in fields if name not in optional]
    return {"type": "object", "properties": dict(fields), "required": needed, "additionalProperties": more}


def _list(items: Schema, **limits: int) -> Schema:
    return {"type": "array", "items": items, **limits}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _schemas() -> dict[str, Schema]:
    quantiles = dict.fromkeys(LEVELS, NUMBER)
    row = _object({"date": TEXT_OR_NULL, "value": NUMBER_OR_NULL}, ["date"])
    given = {"ticker": TEXT_OR_NULL, "rows": {"type": ["array", "null"], "items": row}, "name": TEXT_OR_NULL}
    series_fields: dict[str, Schema] = {
        **dict.fromkeys(("id", "name", "unit", "frequency", "first", "last", "target", "exchange", "created"), TEXT),
        "ticker": TEXT_OR_NULL,
        "season": COUNT_OR_NULL,
        "rows": COUNT,
        "missing": COUNT,
        **{name: _list(TEXT) for name in ("columns", "notes", "warnings")},
    }
    test = _object(
        {
            **dict.fromkeys(("mae", "mae_vs_naive", "pinball", "coverage90"), NUMBER_OR_NULL),
            "rows": COUNT,
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
        "levels": {"type": ["array", "null"], "minItems": 1, "maxItems": MOST_LEVELS, "items": NUMBER},
        "paths": {"type": "integer", "minimum": 0, "maximum": MOST_PATHS},
    }
    step = {"step": COUNT, "date": TEXT}
    past_step = _object({**step, **dict.fromkeys(("q05", "q50", "q95"), NUMBER), "actual": NUMBER_OR_NULL})
    job = {
        **dict.fromkeys(("id", "name", "series", "created"), TEXT),
        "kind": {"enum": ["training", "update"]},
        "state": {"enum": list(STATES)},
        **dict.fromkeys(("started", "ended", "model", "run"), TEXT_OR_NULL),
        **dict.fromkeys(("step", "steps"), COUNT_OR_NULL),
        "seconds_left": NUMBER_OR_NULL,
        "models": _list(TEXT),
        "models_saved": _list(TEXT),
        "loss": _list(_list(NUMBER_OR_NULL, minItems=3, maxItems=3)),
        "problem": {"anyOf": [_ref("Problem"), {"type": "null"}]},
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
        "models": _list(TEXT),
        "bottom_line": TEXT_OR_NULL,
        "verdicts": {"type": "object", "additionalProperties": TEXT_OR_NULL},
        "scores": _list({"type": "object"}),
        "horizon": COUNT,
    }
    tensor = {"name": TEXT, "datatype": {"const": "FP64"}, "shape": _list({"type": "integer"})}
    return {
        "Problem": _object(
            {
                **dict.fromkeys(("type", "title", "detail", "rule", "value", "cure", "instance"), TEXT),
                "status": {"type": "integer", "minimum": 400, "maximum": 599},
                "choices": _list(TEXT),
            },
            ["instance", "choices"],
        ),
        "Row": row,
        "Series": _object(series_fields),
        "NewSeries": _object(
            {**given, "unit": TEXT_OR_NULL, "target": TEXT_OR_NULL, "series": TEXT_OR_NULL},
            [*given, "unit", "target", "series"],
        ),
        "History": _object({"dates": _list(TEXT), "values": _list(NUMBER_OR_NULL)}),
        "ForecastRequest": _object(ask, list(ask)),
        "BatchRequest": _object(
            {**ask, "series": _list({"anyOf": [TEXT, _ref("ForecastRequest")]}, minItems=1)},
            [name for name in ask if name != "series"],
        ),
        "Forecast": _object(
            {
                **dict.fromkeys(("model", "series", "unit", "origin"), TEXT),
                "forecast": _list(_object({**step, **quantiles}, list(quantiles), more=True)),
                "test": {"anyOf": [test, {"type": "null"}]},
                "verdict": TEXT_OR_NULL,
                "notes": _list(TEXT),
                "paths": _list(_list(NUMBER)),
                "date": TEXT,
                "flat_within": NUMBER,
                **dict.fromkeys(("p_down", "p_flat", "p_up"), NUMBER),
            },
            ["forecast", "paths", "date", "flat_within", "p_down", "p_flat", "p_up"],
        ),
        "Past": _object(
            {
                "origins": _list(
                    _object(
                        {"origin": TEXT, "last_value": NUMBER, "forecast": _list(past_step), "inside": NUMBER_OR_NULL}
                    )
                ),
                "inside": NUMBER_OR_NULL,
                "promised": NUMBER,
                "tested": COUNT,
            }
        ),
        "TrainingRequest": _object(
            {
                "series": TEXT,
                "models": _list({"enum": list(MODELS)}, minItems=1, maxItems=MOST_MODELS),
                "horizon": STEPS,
                "name": TEXT_OR_NULL,
                "max_steps": COUNT_OR_NULL,
            },
            ["horizon", "name", "max_steps"],
            more=True,
        ),
        "Job": _object(job, ["cancelled"]),
        "Model": _object(model),
        "Card": _object({**model, "card": _list(TEXT), "description": {"type": "object"}}),
        "Run": _object(run),
        "RunRecord": _object({**run, "files": _list(TEXT), "record": {"type": "object"}}),
        "UpdateRequest": _object({"series": TEXT_OR_NULL}, ["series"]),
        "Undo": _object({"undo": TEXT}),
        "InferRequest": _object(
            {
                "id": TEXT,
                "inputs": _list(_object({**tensor, "data": {"type": "array"}}, more=True), minItems=1),
                "outputs": _list(_object({"name": TEXT}, more=True)),
                "parameters": {"type": "object"},
            },
            ["id", "outputs", "parameters"],
            more=True,
        ),
        "InferAnswer": _object(
            {
                "model_name": TEXT,
                "model_version": TEXT,
                "id": TEXT,
                "outputs": _list(_object({**tensor, "data": _list(NUMBER)})),
            },
            ["id"],
        ),
        "ModelMetadata": _object(
            {
                "name": TEXT,
                "platform": TEXT,
                "versions": _list(TEXT),
                "inputs": _list(_object(tensor)),
                "outputs": _list(_object(tensor)),
            }
        ),
    }


def _content(schema: Schema, kind: str = JSON) -> Schema:
    return {kind: {"schema": schema}}


def _route(
    summary: str,
    answer: Schema | None,
    *,
    status: int = 200,
    body: Schema | None = None,
    kind: str = JSON,
    query: Mapping[str, Schema] | None = None,
) -> Schema:
    """One operation: any problem beside its answer."""
    done: Schema = {"description": summary}
    if answer is not None:
        done["content"] = _content(answer, kind)
    wrong = {"description": "A problem (RFC 9457).", "content": _content(_ref("Problem"), PROBLEM)}
    found: Schema = {"summary": summary, "responses": {str(status): done, "default": wrong}}
    if body is not None:
        found["requestBody"] = {"required": True, "content": body}
    if query:
        found["parameters"] = [{"name": name, "in": "query", "schema": schema} for name, schema in query.items()]
    return found


def _paths() -> dict[str, Schema]:
    of_file = {"type": "string", "format": "binary"}
    files = {"text/csv": {"schema": of_file}, "application/vnd.apache.parquet": {"schema": of_file}}
    reading = dict.fromkeys(
        ("target", "series", "unit", "name", "date_order", "exchange", "every", "how", "fill"), TEXT
    )
    asking = {
        "model": TEXT,
        "horizon": {"type": "integer", "minimum": 1, "maximum": MOST_STEPS},
        "levels": TEXT,
        "paths": COUNT,
    }
    live = _object({"live": FLAG, "ready": FLAG})
    both = {"anyOf": [_ref("ForecastRequest"), _ref("BatchRequest")]}
    sending = {"application/octet-stream": {"schema": of_file}, **files, **_content(_ref("NewSeries"))}
    forecasts = _route(
        "Forecast one series, or many as they are done",
        _ref("Forecast"),
        body={**_content(both), **files},
        query={**reading, **asking},
    )
    line = {"anyOf": [_ref("Forecast"), _object({"series": TEXT_OR_NULL, "problem": _ref("Problem")})]}
    forecasts["responses"]["200"]["content"]["application/x-ndjson"] = {"schema": line}
    for other in (*files, "image/png"):
        forecasts["responses"]["200"]["content"][other] = {"schema": of_file}
    listed = {
        name: _object({name: _list(_ref(kind))})
        for name, kind in (("series", "Series"), ("jobs", "Job"), ("models", "Model"), ("runs", "Run"))
    }
    training = _content(_ref("TrainingRequest"))
    ready = _object({"name": TEXT, "ready": FLAG})
    return {
        "/v1/series": {
            "get": _route("The stored series, newest first", listed["series"]),
            "post": _route(
                "Store a series: a file (with X-Filename), a ticker or rows",
                _ref("Series"),
                status=201,
                body=sending,
                query=reading,
            ),
        },
        "/v1/series/{id}": {
            "get": _route("A stored series", _ref("Series")),
            "delete": _route("Delete a series; the answer says how to undo that", _ref("Undo")),
        },
        "/v1/series/{id}/history": {
            "get": _route(
                "Its last rows", _ref("History"), query={"rows": {"type": "integer", "minimum": 1, "maximum": 20_000}}
            )
        },
        "/v1/series/{id}/past": {
            "get": _route(
                "Past forecasts beside what came",
                _ref("Past"),
                query={
                    "model": TEXT,
                    "horizon": {"type": "integer", "minimum": 1, "maximum": MOST_STEPS},
                    "origins": {"type": "integer", "minimum": 1, "maximum": 400},
                },
            )
        },
        "/v1/forecasts": {"post": forecasts},
        "/v1/trainings": {"post": _route("Train models on a stored series", _ref("Job"), status=202, body=training)},
        "/v1/jobs": {"get": _route("All jobs, newest first", listed["jobs"])},
        "/v1/jobs/{id}": {
            "get": _route("A job", _ref("Job")),
            "delete": _route("Cancel or forget a job", None, status=204),
        },
        "/v1/jobs/{id}/stop": {"post": _route("Stop a training, and keep the best so far", _ref("Job"), status=202)},
        "/v1/jobs/{id}/events": {
            "get": _route("Progress and states as server-sent events", TEXT, kind="text/event-stream")
        },
        "/v1/models": {"get": _route("Saved models", listed["models"])},
        "/v1/models/{name}": {
            "get": _route("The card of a saved model", _ref("Card")),
            "delete": _route("Delete a model; the answer says how to undo that", _ref("Undo")),
        },
        "/v1/models/{name}/bundle": {"get": _route("The bundle as a zip file", of_file, kind="application/zip")},
        "/v1/models/{name}/update": {
            "post": _route(
                "Train a model on with new rows", _ref("Job"), status=202, body=_content(_ref("UpdateRequest"))
            )
        },
        "/v1/trash/{id}/restore": {"post": _route("Undo a deletion", _object({"restored": TEXT}))},
        "/v1/runs": {"get": _route("Runs", listed["runs"])},
        "/v1/runs/{name}": {
            "get": _route("A run", _ref("RunRecord")),
            "delete": _route("Delete a run; the answer says how to undo that", _ref("Undo")),
        },
        "/v1/runs/{name}/files/{file}": {"get": _route("A file of a run", of_file, kind="application/octet-stream")},
        "/v2": {
            "get": _route(
                "Open Inference Protocol: the server",
                _object({"name": TEXT, "version": TEXT, "extensions": _list(TEXT)}),
            )
        },
        "/v2/health/live": {"get": _route("Open Inference Protocol: does the server live?", live)},
        "/v2/health/ready": {"get": _route("Open Inference Protocol: does it answer?", live)},
        "/v2/models/{name}": {"get": _route("Open Inference Protocol: tensors of a model", _ref("ModelMetadata"))},
        "/v2/models/{name}/ready": {"get": _route("Open Inference Protocol: does the model open?", ready)},
        "/v2/models/{name}/infer": {
            "post": _route(
                "Open Inference Protocol: forecast", _ref("InferAnswer"), body=_content(_ref("InferRequest"))
            )
        },
        "/healthz": {"get": _route("Does the server live?", _object({"status": {"enum": ["ok", "stopping"]}}))},
        "/metrics": {"get": _route("Counts in the text format of Prometheus", TEXT, kind="text/plain")},
        "/v1/openapi.json": {"get": _route("This document", {"type": "object"})},
    }


def document() -> Schema:
    """The document."""
    paths = _paths()
    for path, operations in paths.items():
        names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
        for operation in operations.values():
            own = [{"name": name, "in": "path", "required": True, "schema": TEXT} for name in names]
            operation["parameters"] = [*own, *operation.get("parameters", [])]
    about = "Forecasts with intervals, tested beside the naive forecast. Numbers that are not defined are null."
    return {
        "openapi": "3.1.0",
        "info": {"title": "forecast", "version": versions_here()["forecast"], "description": about},
        "paths": paths,
        "components": {"schemas": _schemas(), "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        "security": [{}, {"token": []}],
    }
