"""The interface for programs as an OpenAPI 3.1 document; tests hold every answer against it."""

from collections.abc import Mapping
from typing import get_args

from forecast.data.fill import Filling
from forecast.data.resample import How
from forecast.data.sources.parsing.date_formats import ORDERS
from forecast.runtime.versions import versions_here
from forecast.serve.requests import MOST_STEPS
from forecast.serve.schemas import COUNT, FLAG, JSON, PROBLEM, TEXT, TEXT_OR_NULL, Schema, list_of, obj, ref, schemas

# What some options of reading may be.
READING = {"date_order": ORDERS, "how": get_args(How), "fill": get_args(Filling)}


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
    query: Mapping[str, Schema] | None = None,
) -> Schema:
    """One operation: any problem beside its answer."""
    done: Schema = {"description": summary}
    if answer is not None:
        done["content"] = _content(answer, kind)
    wrong = {"description": "A problem (RFC 9457).", "content": _content(ref("Problem"), PROBLEM)}
    found: Schema = {"summary": summary, "responses": {str(status): done, "default": wrong}}
    if body is not None:
        found["requestBody"] = {"required": needs_body, "content": body}
    if query:
        found["parameters"] = [{"name": name, "in": "query", "schema": schema} for name, schema in query.items()]
    return found


def _paths() -> dict[str, Schema]:
    of_file = {"type": "string", "format": "binary"}
    files = {"text/csv": {"schema": of_file}, "application/vnd.apache.parquet": {"schema": of_file}}
    reading = {
        **dict.fromkeys(("target", "series", "unit", "name", "exchange", "every"), TEXT),
        **{name: {"enum": ["", *kinds]} for name, kinds in READING.items()},
    }
    asking = {
        "model": TEXT,
        "horizon": {"type": "integer", "minimum": 1, "maximum": MOST_STEPS},
        "levels": TEXT,
        "paths": COUNT,
    }
    live = obj({"live": FLAG, "ready": FLAG})
    both = {"anyOf": [ref("ForecastRequest"), ref("BatchRequest")]}
    sending = {"application/octet-stream": {"schema": of_file}, **files, **_content(ref("NewSeries"))}
    forecasts = _route(
        "Forecast one series, or many as they are done",
        ref("Forecast"),
        body={**_content(both), **files},
        query={**reading, **asking},
    )
    line = {"anyOf": [ref("Forecast"), obj({"series": TEXT_OR_NULL, "problem": ref("Problem")})]}
    forecasts["responses"]["200"]["content"]["application/x-ndjson"] = {"schema": line}
    for other in (*files, "image/png"):
        forecasts["responses"]["200"]["content"][other] = {"schema": of_file}
    listed = {
        name: obj({name: list_of(ref(kind))})
        for name, kind in (("series", "Series"), ("jobs", "Job"), ("models", "Model"), ("runs", "Run"))
    }
    training = _content(ref("TrainingRequest"))
    ready = obj({"name": TEXT, "ready": FLAG})
    return {
        "/v1/series": {
            "get": _route("The stored series, newest first", listed["series"]),
            "post": _route(
                "Store a series: a file (with X-Filename), a ticker or rows",
                ref("Series"),
                status=201,
                body=sending,
                query=reading,
            ),
        },
        "/v1/series/{id}": {
            "get": _route("A stored series", ref("Series")),
            "delete": _route("Delete a series; the answer says how to undo that", ref("Undo")),
        },
        "/v1/series/{id}/history": {
            "get": _route(
                "Its last rows", ref("History"), query={"rows": {"type": "integer", "minimum": 1, "maximum": 20_000}}
            )
        },
        "/v1/series/{id}/past": {
            "get": _route(
                "Past forecasts beside what came",
                ref("Past"),
                query={
                    "model": TEXT,
                    "horizon": {"type": "integer", "minimum": 1, "maximum": MOST_STEPS},
                    "origins": {"type": "integer", "minimum": 1, "maximum": 400},
                },
            )
        },
        "/v1/forecasts": {"post": forecasts},
        "/v1/trainings": {"post": _route("Train models on a stored series", ref("Job"), status=202, body=training)},
        "/v1/jobs": {"get": _route("All jobs, newest first", listed["jobs"])},
        "/v1/jobs/{id}": {
            "get": _route("A job", ref("Job")),
            "delete": _route("Cancel or forget a job", None, status=204),
        },
        "/v1/jobs/{id}/stop": {"post": _route("Stop a training, and keep the best so far", ref("Job"), status=202)},
        "/v1/jobs/{id}/events": {
            "get": _route("Progress and states as server-sent events", ref("Event"), kind="text/event-stream")
        },
        "/v1/models": {"get": _route("Saved models", listed["models"])},
        "/v1/models/{name}": {
            "get": _route("The card of a saved model", ref("Card")),
            "delete": _route("Delete a model; the answer says how to undo that", ref("Undo")),
        },
        "/v1/models/{name}/bundle": {"get": _route("The bundle as a zip file", of_file, kind="application/zip")},
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
        "/v1/runs": {"get": _route("Runs", listed["runs"])},
        "/v1/runs/{name}": {
            "get": _route("A run", ref("RunRecord")),
            "delete": _route("Delete a run; the answer says how to undo that", ref("Undo")),
        },
        "/v1/runs/{name}/files/{file}": {"get": _route("A file of a run", of_file, kind="application/octet-stream")},
        "/v2": {
            "get": _route(
                "Open Inference Protocol: the server",
                obj({"name": TEXT, "version": TEXT, "extensions": list_of(TEXT)}),
            )
        },
        "/v2/health/live": {"get": _route("Open Inference Protocol: does the server live?", live)},
        "/v2/health/ready": {"get": _route("Open Inference Protocol: does it answer?", live)},
        "/v2/models/{name}": {"get": _route("Open Inference Protocol: tensors of a model", ref("ModelMetadata"))},
        "/v2/models/{name}/ready": {"get": _route("Open Inference Protocol: does the model open?", ready)},
        "/v2/models/{name}/infer": {
            "post": _route("Open Inference Protocol: forecast", ref("InferAnswer"), body=_content(ref("InferRequest")))
        },
        "/healthz": {"get": _route("Does the server live?", obj({"status": {"enum": ["ok", "stopping"]}}))},
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
        "components": {"schemas": schemas(), "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        "security": [{}, {"token": []}],
    }
