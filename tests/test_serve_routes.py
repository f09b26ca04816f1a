"""Every route of `forecast serve`, by a real server on loopback; each answer is held against the OpenAPI document."""

import io
import json
import re
import zipfile

import jsonschema
import numpy as np
import pandas as pd
import pytest
from serve_client import Server
from serve_data import SALES, SALES_CSV

import forecast
from forecast.config import LEVELS, ExperimentConfig
from forecast.evaluation import zero_shot
from forecast.inference.bundle import save_model
from forecast.inference.paths import quantiles_at
from forecast.serve.openapi import document

DOCUMENT = document()


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("bundle") / "saved"
    return save_model(forecast.train([SALES], "linear", ExperimentConfig(horizon=10)), path)


@pytest.fixture(scope="module")
def server(tmp_path_factory, model):
    folder = tmp_path_factory.mktemp("serve") / "workspace"
    save_model(forecast.open_model(model), folder / "models" / "sales-linear")
    running = Server(folder).start()
    yield running
    assert running.stop() == 0, running.said()


@pytest.fixture(scope="module")
def sent(server):
    """A stored series."""
    answer = server.post("/v1/series?unit=EUR", SALES_CSV, X_Filename="sales%20of%20a%20shop.csv")
    assert answer.status == 201, answer.body
    return held(answer, "POST", "/v1/series")


def held(answer, method, template, media="application/json"):
    """The JSON of an answer, once it fits the document."""
    responses = DOCUMENT["paths"][template][method.lower()]["responses"]
    response = responses.get(str(answer.status), responses["default"])
    kind = answer.headers["Content-Type"].partition(";")[0]
    assert kind == (media if str(answer.status) in responses else "application/problem+json")
    schema = {**response["content"][kind]["schema"], "components": DOCUMENT["components"]}
    jsonschema.validate(answer.json, schema, cls=jsonschema.Draft202012Validator)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    return answer.json


def rows_of(series):
    return [
        {"date": str(date.date()), "value": float(value)} for date, value in zip(series.index, series.y, strict=True)
    ]


def test_the_document_is_openapi_3_1_and_names_every_route(server):
    from forecast.serve.app import ROUTES

    found = held(server.get("/v1/openapi.json"), "GET", "/v1/openapi.json")
    assert found["openapi"].startswith("3.1.")
    for schema in found["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    wanted = {re.sub(r"\([^)]*\)", "{}", path) for path, _ in ROUTES} - {"/"}
    assert {re.sub(r"\{[^}]*\}", "{}", path) for path in found["paths"]} == wanted


def test_a_dropped_file_is_described(sent, server):
    assert (sent["name"], sent["unit"], sent["frequency"]) == ("sales-of-a-shop", "EUR", "D")
    assert (sent["rows"], sent["missing"], sent["season"]) == (400, 0, 7)
    assert (sent["first"], sent["last"]) == ("2021-01-01", "2022-02-04")
    assert any("comma" in note for note in sent["notes"]) and sent["warnings"] == []
    assert held(server.get(f"/v1/series/{sent['id']}"), "GET", "/v1/series/{id}") == sent
    assert sent in held(server.get("/v1/series"), "GET", "/v1/series")["series"]


def test_history_is_the_last_rows(sent, server):
    found = held(server.get(f"/v1/series/{sent['id']}/history?rows=3"), "GET", "/v1/series/{id}/history")
    assert found["dates"] == ["2022-02-02", "2022-02-03", "2022-02-04"]
    np.testing.assert_array_equal(found["values"], SALES.y[-3:])


def test_the_forecast_of_a_file_is_the_one_of_the_package(sent, server):
    answer = held(server.post("/v1/forecasts", {"series": sent["id"], "horizon": 7}), "POST", "/v1/forecasts")
    found = zero_shot.answer(SALES, ExperimentConfig(horizon=7))
    own = found.forecast
    np.testing.assert_allclose([[step[name] for name in LEVELS] for step in answer["forecast"]], own.quantiles)
    assert [step["date"] for step in answer["forecast"]] == list(own.dates)
    assert answer["test"] == found.record()
    assert answer["verdict"] == found.judge().verdicts[0].sentence.replace("units", "EUR")


def test_past_forecasts_are_those_of_the_test(sent, server):
    path = f"/v1/series/{sent['id']}/past?horizon=7&origins=5"
    found = held(server.get(path), "GET", "/v1/series/{id}/past")
    test = zero_shot.answer(SALES, ExperimentConfig(horizon=7)).judge()
    assert found["inside"] == pytest.approx(test.scores[0].coverage90)
    assert found["promised"] == 0.9 and len(found["origins"]) == 5
    first, backtest = found["origins"][0], test.backtests["pretrained"]
    assert [step["q50"] for step in first["forecast"]] == pytest.approx(backtest.quantiles[0, :, 3].tolist())
    assert [step["actual"] for step in first["forecast"]] == pytest.approx(backtest.actual[0].tolist())
    inside = [step["q05"] <= step["actual"] <= step["q95"] for step in first["forecast"]]
    assert first["inside"] == pytest.approx(np.mean(inside))


def test_rows_are_forecast_by_a_saved_model_as_in_python(server, model):
    series = SALES[:350]
    body = {"rows": rows_of(series), "model": "sales-linear", "name": "shop", "unit": "EUR"}
    answer = held(server.post("/v1/forecasts", body), "POST", "/v1/forecasts")
    own = forecast.open_model(model).predict(forecast.load(series, name="shop", unit="EUR"))
    np.testing.assert_allclose([[step[name] for name in LEVELS] for step in answer["forecast"]], own.quantiles)
    assert (answer["series"], answer["unit"], answer["model"]) == ("shop", "EUR", "linear")
    assert any("was not trained on it" in note for note in answer["notes"])


def test_levels_paths_and_a_shorter_horizon(server, model):
    body = {"rows": rows_of(SALES), "model": "sales-linear", "horizon": 4, "levels": [0.025, 0.5], "paths": 200}
    answer = held(server.post("/v1/forecasts", body), "POST", "/v1/forecasts")
    own = forecast.open_model(model).predict(forecast.load(SALES, name="series"))
    assert np.shape(answer["paths"]) == (200, 4)
    found = [[step["q02.5"], step["q50"]] for step in answer["forecast"]]
    np.testing.assert_allclose(found, quantiles_at(own.quantiles[:4], own.levels, [0.025, 0.5]))


@pytest.mark.parametrize("kind", ["text/csv", "application/vnd.apache.parquet"])
def test_tables_come_and_go(server, kind):
    table = SALES.to_frame().reset_index()
    file = io.BytesIO()
    table.to_csv(file, index=False) if kind == "text/csv" else table.to_parquet(file, index=False)
    query = "?model=sales-linear&horizon=5&unit=EUR"
    answer = server.post(f"/v1/forecasts{query}", file.getvalue(), Content_Type=kind, Accept=kind)
    assert answer.status == 200 and answer.headers["Content-Type"] == kind, answer.body
    read = pd.read_csv if kind == "text/csv" else pd.read_parquet
    found = read(io.BytesIO(answer.body))
    assert list(found["step"]) == [1, 2, 3, 4, 5] and (found["unit"] == "EUR").all()


def test_a_batch_streams_back_as_it_is_done(server, sent):
    good = {"rows": rows_of(SALES), "name": "good"}
    every = [{**good, "name": f"good {number}"} for number in range(20)] + [{"rows": [], "name": "bad"}, sent["id"]]
    every.append({"series": {"no": "name"}})
    answer = server.post("/v1/forecasts", {"series": every, "model": "sales-linear", "horizon": 3})
    assert answer.status == 200 and answer.headers["Content-Type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in answer.body.splitlines()]
    schema = DOCUMENT["paths"]["/v1/forecasts"]["post"]["responses"]["200"]["content"]["application/x-ndjson"]["schema"]
    for line in lines:
        jsonschema.validate(line, {**schema, "components": DOCUMENT["components"]})
    assert {line["series"] for line in lines} == {
        *(f"good {number}" for number in range(20)),
        "bad",
        sent["name"],
        None,
    }
    bad, _ = sorted((line for line in lines if "problem" in line), key=lambda line: line["series"] is None)
    assert bad["series"] == "bad" and bad["problem"]["status"] == 422


def test_what_is_wrong_with_a_whole_batch_is_told_before_the_first_series(server):
    every = [{"rows": rows_of(SALES), "name": "good"}]
    for wrong in ({"unknown": 1}, {"levels": [0.0]}, {"horizon": 0}, {"rows": [{"date": 7, "value": 1.0}]}):
        answer = server.post("/v1/forecasts", {"series": every, "model": "sales-linear", **wrong})
        assert answer.status == 422 and answer.headers["Content-Type"] == "application/problem+json"


def test_a_ticker_without_a_network_is_nothing_to_wait_for(server):
    answer = server.post("/v1/series", {"ticker": "AAPL"})
    assert answer.status == 503 and answer.json["type"] == "urn:forecast:NoNetwork"
    assert "offline" in answer.json["detail"] and "Retry-After" not in answer.headers


def test_an_unknown_method_is_told_which_there_are(server):
    for path, methods in (
        ("/v1/series", "GET, POST"),
        ("/v1/series/x", "GET, DELETE"),
        ("/static/page.css", "GET, HEAD"),
    ):
        answer = server.ask("TRACE", path)
        assert answer.status == 405 and sorted(answer.headers["Allow"].split(", ")) == sorted(methods.split(", "))


def test_an_option_that_is_empty_is_none(server):
    query = "target=&series=&unit=&name=&date_order=&exchange=&every=&how=&fill="
    answer = server.post(f"/v1/series?{query}", SALES_CSV, X_Filename="sales.csv")
    assert held(answer, "POST", "/v1/series")["unit"] == "units"


def test_events_are_those_of_the_document(server, sent):
    training = server.post("/v1/trainings", {"series": sent["id"], "models": ["linear"], "horizon": 3}).json
    server.job(training["id"], "done")
    text = server.get(f"/v1/jobs/{training['id']}/events").body.decode()
    schema = {"$ref": "#/components/schemas/Event", "components": DOCUMENT["components"]}
    events = [
        dict(line.split(": ", 1) for line in part.splitlines()) for part in text.split("\n\n") if "event: " in part
    ]
    assert {event["event"] for event in events} >= {"state"}
    for event in events:
        jsonschema.validate(event, schema, cls=jsonschema.Draft202012Validator)
        if event["event"] == "state":
            job = {"$ref": "#/components/schemas/Job", "components": DOCUMENT["components"]}
            jsonschema.validate(json.loads(event["data"]), job)


def test_a_picture_of_a_forecast(server, sent):
    answer = server.post("/v1/forecasts", {"series": sent["id"], "model": "sales-linear"}, Accept="image/png")
    assert answer.headers["Content-Type"] == "image/png" and answer.body.startswith(b"\x89PNG")


def test_a_file_of_several_series_says_which(server):
    csv = "date,north,south\n" + "".join(f"2024-01-{day:02},{day % 7}.5,{day * 7 % 11}.25\n" for day in range(1, 31))
    refused = held(server.post("/v1/series", csv, X_Filename="two.csv"), "POST", "/v1/series")
    assert refused["status"] == 422 and refused["choices"] == ["north", "south"]
    for query in ("series=south", "target=south"):
        answer = server.post(f"/v1/series?{query}", csv, X_Filename="two.csv")
        assert answer.status == 201 and answer.json["target"] == "south"


def test_rows_and_what_is_deleted_can_be_restored(server):
    body = {"rows": rows_of(SALES)[:60], "name": "short", "unit": "EUR"}
    stored = held(server.post("/v1/series", body), "POST", "/v1/series")
    undo = held(server.ask("DELETE", f"/v1/series/{stored['id']}"), "DELETE", "/v1/series/{id}")["undo"]
    assert server.get(f"/v1/series/{stored['id']}").status == 404
    restored = held(server.post(undo), "POST", "/v1/trash/{id}/restore")["restored"]
    assert server.get(restored).json == stored
    assert server.post(undo).status == 404


def test_saved_models_are_listed_with_card_and_bundle(server, model):
    (listed,) = [
        one for one in held(server.get("/v1/models"), "GET", "/v1/models")["models"] if one["name"] == "sales-linear"
    ]
    assert (listed["model"], listed["series"], listed["horizon"], listed["unit"]) == ("linear", "sales", 10, "units")
    assert 0 <= listed["age_days"] < 1
    found = held(server.get("/v1/models/sales-linear"), "GET", "/v1/models/{name}")
    assert found["card"][0].startswith("linear: Ridge regression") and found["description"]["format"] == 1
    archive = zipfile.ZipFile(io.BytesIO(server.get("/v1/models/sales-linear/bundle").body))
    assert {name.partition("/")[2] for name in archive.namelist()} == {"bundle.json", "weights.npz"}


def test_the_open_inference_protocol(server, model):
    metadata = held(server.get("/v2/models/sales-linear"), "GET", "/v2/models/{name}")
    assert metadata["outputs"][0]["shape"] == [-1, 10, 7]
    assert held(server.get("/v2"), "GET", "/v2")["name"] == "forecast"
    for path in ("/v2/health/live", "/v2/health/ready"):
        assert held(server.get(path), "GET", path) == {"live": True, "ready": True}
    assert held(server.get("/v2/models/sales-linear/ready"), "GET", "/v2/models/{name}/ready")["ready"]
    values = np.stack([SALES.y[:200], SALES.y[200:400]])
    tensor = {"name": "rows", "datatype": "FP64", "shape": [2, 200], "data": values.ravel().tolist()}
    answer = server.post("/v2/models/sales-linear/infer", {"id": "7", "inputs": [tensor]})
    found = held(answer, "POST", "/v2/models/{name}/infer")
    own = [forecast.open_model(model).predict(forecast.load(row)).quantiles for row in values]
    output = {one["name"]: np.reshape(one["data"], one["shape"]) for one in found["outputs"]}
    np.testing.assert_allclose(output["quantiles"], np.stack(own))
    assert output["levels"].tolist() == [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95] and found["id"] == "7"


def test_metrics_and_health(server):
    assert held(server.get("/healthz"), "GET", "/healthz") == {"status": "ok"}
    text = server.get("/metrics").body.decode()
    line = re.compile(r'# (HELP|TYPE) .+|[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [0-9.e+-]+')
    assert all(line.fullmatch(one) for one in text.splitlines())
    assert 'forecast_requests_total{route="Healthz",method="GET",status="200"}' in text


def test_the_page_and_its_assets_come_from_here(server):
    page = server.get("/")
    assert page.status == 200 and page.headers["Content-Type"].startswith("text/html")
    assert not re.search(rb"(src|href)=.?https?:", page.body)
    script = server.get("/static/bokeh/bokeh.min.js")
    assert script.status == 200 and "javascript" in script.headers["Content-Type"]


WRONG = [
    ("POST", "/v1/forecasts", {"series": "ffffffffffff"}, 404),
    ("POST", "/v1/forecasts", {}, 422),
    ("POST", "/v1/forecasts", {"ticker": "A", "rows": []}, 422),
    ("POST", "/v1/forecasts", {"horizont": 3}, 422),
    ("POST", "/v1/forecasts", {"rows": [{"value": "x"}]}, 422),
    ("POST", "/v1/forecasts", {"rows": {"value": 1.0}}, 422),
    ("POST", "/v1/forecasts", {"rows": [7]}, 422),
    ("POST", "/v1/forecasts", {"rows": [{"value": 1.0}] * 30, "horizon": 0}, 422),
    ("POST", "/v1/forecasts", {"rows": [{"value": 1.0}] * 30, "levels": [1.5]}, 422),
    ("POST", "/v1/forecasts", {"rows": [{"value": 1.0}] * 30}, 422),  # it does not change
    ("POST", "/v1/forecasts", {"rows": [{"value": 1.0}] * 30, "model": "nothing"}, 404),
    ("POST", "/v1/forecasts", {"ticker": "../etc"}, 422),
    ("POST", "/v1/forecasts", {"ticker": "NEVERHEARDOF"}, 503),  # offline
    ("POST", "/v1/forecasts", "{", 400),
    ("POST", "/v1/forecasts", '{"horizon": NaN}', 400),
    ("POST", "/v1/forecasts", "[" * 100_000, 400),
    ("POST", "/v1/series", b"\x00\x01\x02", 422),
    ("POST", "/v1/series", b"", 422),
    ("POST", "/v1/trainings", {"series": "ffffffffffff", "models": ["linear"]}, 404),
    ("POST", "/v1/trainings", {"series": "ffffffffffff", "models": ["nothing"]}, 422),
    ("POST", "/v1/trainings", {"series": "ffffffffffff", "models": ["linear"], "units": -1}, 422),
    ("POST", "/v1/models/sales-linear/update", {"serie": None}, 422),
    ("POST", "/v1/models/sales-linear/update", {"series": 7}, 422),
    ("POST", "/v2/models/sales-linear/infer", {"inputs": []}, 422),
    ("GET", "/v1/series/ffffffffffff", None, 404),
    ("GET", "/v1/jobs/nothing", None, 404),
    ("GET", "/v1/nothing", None, 404),
    ("PUT", "/v1/series", None, 405),
    ("GET", "/v1/series/ffffffffffff/history?rows=-1", None, 422),
]


@pytest.mark.parametrize(("method", "path", "body", "status"), WRONG)
def test_what_is_wrong_is_told_as_a_problem(server, method, path, body, status):
    headers = {"X_Filename": "x.csv"} if path == "/v1/series" and isinstance(body, bytes) else {}
    answer = server.ask(method, path, body, **headers)
    assert answer.status == status, answer.body
    assert answer.headers["Content-Type"] == "application/problem+json"
    schema = {"$ref": "#/components/schemas/Problem", "components": DOCUMENT["components"]}
    jsonschema.validate(answer.json, schema)
    assert answer.json["status"] == status and answer.json["detail"] and str(server.folder) not in answer.body.decode()
