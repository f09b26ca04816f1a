"""The interface for programs as an OpenAPI 3.1 document; tests hold every answer against it."""

from collections.abc import Mapping
from typing import get_args

from forecast.data.fill import Filling
from forecast.data.resample import How
from forecast.data.sources.parsing.date_formats import ORDERS
from forecast.runtime.versions import versions_here
from forecast.serve.answers import MOST_ORIGINS, MOST_ROWS, OPTIONS
from forecast.serve.requests import MOST_STEPS
from forecast.serve.schemas import COUNT, FLAG, JSON, PROBLEM, SCHEMAS, TEXT, TEXT_OR_NULL, Schema, list_of, obj, ref

BYTES: Schema = {"type": "string", "format": "binary"}
FILES: dict[str, Schema] = {"text/csv": {"schema": BYTES}, "application/vnd.apache.parquet": {"schema": BYTES}}
HORIZON: Schema = {"type": "integer", "minimum": 1, "maximum": MOST_STEPS}
# How a file is read.
CHOICES = {"date_order": ORDERS, "how": get_args(How), "fill": get_args(Filling)}
READING: dict[str, Schema] = {
    **dict.fromkeys(("series", *OPTIONS), TEXT),
    **{name: {"enum": ["", *kinds]} for name, kinds in CHOICES.items()},
}


def _content(schema: Schema, kind: str = JSON) -> Schema:
    return {kind: {"schema": schema}}


def _route(
    summary: str,
    answer: Schema | None,
    *,
    status: int = 200,
    body: Schema | None = None,
    needs_body: bool = True,
    kind: str = JSON,
    others: Mapping[str, Schema] | None = None,
    query: Mapping[str, Schema] | None = None,
) -> Schema:
    """One operation: any problem beside its answer."""
    done: Schema = {"description": summary}
    if answer is not None:
        done["content"] = {**_content(answer, kind), **(others or {})}
    wrong = {"description": "A problem (RFC 9457).", "content": _content(ref("Problem"), PROBLEM)}
    found: Schema = {"summary": summary, "responses": {str(status): done, "default": wrong}}
    if body is not None:
        found["requestBody"] = {"required": needs_body, "content": body}
    if query:
        found["parameters"] = [{"name": name, "in": "query", "schema": schema} for name, schema in query.items()]
    return found


def _listed(name: str, kind: str) -> Schema:
    return obj({name: list_of(ref(kind))})


SERIES_PATHS = {
    "/v1/series": {
        "get": _route("The stored series, newest first", _listed("series", "Series")),
        "post": _route(
            "Store a series: a file (with X-Filename), a ticker or rows",
            ref("Series"),
            status=201,
            body={"application/octet-stream": {"schema": BYTES}, **FILES, **_content(ref("NewSeries"))},
            query=READING,
        ),
    },
    "/v1/series/{id}": {
        "get": _route("A stored series", ref("Series")),
        "delete": _route("Delete a series; the answer says how to undo that", ref("Undo")),
    },
    "/v1/series/{id}/history": {
        "get": _route(
            "Its last rows", ref("History"), query={"rows": {"type": "integer", "minimum": 1, "maximum": MOST_ROWS}}
        )
    },
    "/v1/series/{id}/past": {
        "get": _route(
            "Past forecasts beside what came",
            ref("Past"),
            query={
                "model": TEXT,
                "horizon": HORIZON,
                "origins": {"type": "integer", "minimum": 1, "maximum": MOST_ORIGINS},
            },
        )
    },
}

ANSWER = {"anyOf": [ref("Forecast"), obj({"series": TEXT_OR_NULL, "problem": ref("Problem")})]}
FORECAST_PATHS = {
    "/v1/forecasts": {
        "post": _route(
            "Forecast one series, or many as they are done",
            ref("Forecast"),
            others={"application/x-ndjson": {"schema": ANSWER}, **FILES, "image/png": {"schema": BYTES}},
            body={**_content({"anyOf": [ref("ForecastRequest"), ref("BatchRequest")]}), **FILES},
            query={**READING, "model": TEXT, "horizon": HORIZON, "levels": TEXT, "paths": COUNT},
        )
    },
}

JOB_PATHS = {
    "/v1/trainings": {
        "post": _route("Train models on a stored series", ref("Job"), status=202, body=_content(ref("TrainingRequest")))
    },
    "/v1/jobs": {"get": _route("All jobs, newest first", _listed("jobs", "Job"))},
    "/v1/jobs/{id}": {
        "get": _route("A job", ref("Job")),
        "delete": _route("Cancel or forget a job", None, status=204),
    },
    "/v1/jobs/{id}/stop": {"post": _route("Stop a training, and keep the best so far", ref("Job"), status=202)},
    "/v1/jobs/{id}/events": {
        "get": _route("Progress and states as server-sent events", ref("Event"), kind="text/event-stream")
    },
}

MODEL_PATHS = {
    "/v1/models": {"get": _route("Saved models", _listed("models", "Model"))},
    "/v1/models/{name}": {
        "get": _route("The card of a saved model", ref("Card")),
        "delete": _route("Delete a model; the answer says how to undo that", ref("Undo")),
    },
    "/v1/models/{name}/bundle": {"get": _route("The bundle as a zip file", BYTES, kind="application/zip")},
    "/v1/models/{name}/update": {
        "post": _route(
            "Train a model on with new rows",
            ref("Job"),
            status=202,
            body=_content(ref("UpdateRequest")),
            needs_body=False,
        )
    },
    "/v1/trash/{id}/restore": {"post": _route("Undo a deletion", obj({"restored": TEXT}))},
}

RUN_PATHS = {
    "/v1/runs": {"get": _route("Runs", _listed("runs", "Run"))},
    "/v1/runs/{name}": {
        "get": _route("A run", ref("RunRecord")),
        "delete": _route("Delete a run; the answer says how to undo that", ref("Undo")),
    },
    "/v1/runs/{name}/files/{file}": {"get": _route("A file of a run", BYTES, kind="application/octet-stream")},
}

LIVE = obj({"live": FLAG, "ready": FLAG})
INFERENCE_PATHS = {
    "/v2": {
        "get": _route(
            "Open Inference Protocol: the server",
            obj({"name": TEXT, "version": TEXT, "extensions": list_of(TEXT)}),
        )
    },
    "/v2/health/live": {"get": _route("Open Inference Protocol: does the server live?", LIVE)},
    "/v2/health/ready": {"get": _route("Open Inference Protocol: does it answer?", LIVE)},
    "/v2/models/{name}": {"get": _route("Open Inference Protocol: tensors of a model", ref("ModelMetadata"))},
    "/v2/models/{name}/ready": {
        "get": _route("Open Inference Protocol: does the model open?", obj({"name": TEXT, "ready": FLAG}))
    },
    "/v2/models/{name}/infer": {
        "post": _route("Open Inference Protocol: forecast", ref("InferAnswer"), body=_content(ref("InferRequest")))
    },
}

SERVICE_PATHS = {
    "/healthz": {"get": _route("Does the server live?", obj({"status": {"enum": ["ok", "stopping"]}}))},
    "/metrics": {"get": _route("Counts in the text format of Prometheus", TEXT, kind="text/plain")},
    "/v1/openapi.json": {"get": _route("This document", {"type": "object"})},
}

PATHS = SERIES_PATHS | FORECAST_PATHS | JOB_PATHS | MODEL_PATHS | RUN_PATHS | INFERENCE_PATHS | SERVICE_PATHS


def _with_names(path: str, operations: Mapping[str, Schema]) -> Schema:
    """The operations of a path with the parameters that stand in it, before their own."""
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    own = [{"name": name, "in": "path", "required": True, "schema": TEXT} for name in names]
    return {
        method: {**operation, "parameters": [*own, *operation.get("parameters", [])]}
        for method, operation in operations.items()
    }


def document() -> Schema:
    """The document."""
    about = "Forecasts with intervals, tested beside the naive forecast. Numbers that are not defined are null."
    return {
        "openapi": "3.1.0",
        "info": {"title": "forecast", "version": versions_here()["forecast"], "description": about},
        "paths": {path: _with_names(path, operations) for path, operations in PATHS.items()},
        "components": {"schemas": SCHEMAS, "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        "security": [{}, {"token": []}],
    }
