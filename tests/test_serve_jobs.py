"""Trainings of `forecast serve`: queue, events, stop, crashes, and a server that is killed amid them."""

import http.client
import json
import os
import re
import signal
import time
from pathlib import Path

import jsonschema
import pytest
from serve_client import Server
from serve_data import SALES_CSV

from forecast.serve.jobs.store import FINISHED, JobStore
from forecast.serve.openapi import document

DOCUMENT = document()


@pytest.fixture
def server(tmp_path):
    running = Server(tmp_path / "workspace").start()
    yield running
    running.stop()


def stored(server):
    return server.post("/v1/series?unit=EUR", SALES_CSV, X_Filename="sales.csv").json["id"]


def train(server, series, *models, **options):
    answer = server.post("/v1/trainings", {"series": series, "models": list(models), "horizon": 7, **options})
    assert answer.status == 202, answer.body
    assert answer.headers["Location"] == f"/v1/jobs/{answer.json['id']}"
    return answer.json["id"]


def events(server, number, after=None, until=FINISHED):
    """The events of a job, up to one of a state."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=300)
    connection.request("GET", f"/v1/jobs/{number}/events", headers={"Last-Event-ID": str(after)} if after else {})
    answer, found, one = connection.getresponse(), [], {}
    assert answer.headers["Content-Type"] == "text/event-stream"
    while line := answer.readline().decode():
        name, _, value = line.rstrip("\n").partition(": ")
        if name in ("id", "event", "data"):
            one[name] = json.loads(value) if name != "event" else value
        elif not line.strip() and one:
            found.append(one)
            if one["event"] == "state" and one["data"]["state"] in until:
                break
            one = {}
    connection.close()
    return found


def test_a_training_from_the_queue_to_a_forecast_with_its_model(server):
    series = stored(server)
    number = train(server, series, "linear", name="my sales")
    told = events(server, number)
    states = [one["data"]["state"] for one in told if one["event"] == "state"]
    assert [*dict.fromkeys(states)] == ["queued", "running", "done"]
    job = server.get(f"/v1/jobs/{number}").json
    schema = {"$ref": "#/components/schemas/Job", "components": DOCUMENT["components"]}
    jsonschema.validate(job, schema)
    assert job == told[-1]["data"] and job["name"] == "my sales" and job["problem"] is None
    assert events(server, number, after=told[-2]["id"]) == told[-1:]
    run = server.get(f"/v1/runs/{job['run']}").json
    jsonschema.validate(run, {"$ref": "#/components/schemas/RunRecord", "components": DOCUMENT["components"]})
    assert run["bottom_line"] and "linear" in run["verdicts"] and "report.html" in run["files"]
    report = server.get(f"/v1/runs/{job['run']}/files/report.html")
    assert "sandbox allow-scripts" in report.headers["Content-Security-Policy"] and b"sales" in report.body
    for file in ("scores.csv", "forecast.csv", "run.json", next(one for one in run["files"] if one.endswith(".png"))):
        assert server.get(f"/v1/runs/{job['run']}/files/{file}").status == 200
    (saved,) = job["models_saved"]
    answer = server.post("/v1/forecasts", {"series": series, "model": saved}).json
    assert answer["verdict"].startswith("linear") and answer["test"]["mae"] > 0 and len(answer["forecast"]) == 7
    own = Path(server.folder / "runs" / job["run"] / "forecast.csv").read_text().splitlines()
    q05 = next(line for line in own if line.startswith("linear,")).split(",")[3]
    assert float(q05) == pytest.approx(answer["forecast"][0]["q05"])
    without = server.post("/v1/forecasts", {"model": saved}).json  # the series that it was trained on
    assert without["forecast"] == answer["forecast"]
    past = server.get(f"/v1/series/{series}/past?model={saved}&origins=3").json
    assert len(past["origins"]) == 3 and 0 <= past["inside"] <= 1
    undo = server.ask("DELETE", f"/v1/models/{saved}").json["undo"]
    assert server.post("/v1/forecasts", {"series": series, "model": saved}).status == 404
    assert server.post(undo).json["restored"] == f"/v1/models/{saved}"
    assert server.ask("DELETE", f"/v1/jobs/{number}").status == 204
    deadline = time.monotonic() + 60
    while server.get(f"/v1/jobs/{number}").status != 404:
        assert time.monotonic() < deadline


def test_the_queue_has_an_end_and_waiting_jobs_can_go(server):
    series = stored(server)
    numbers = [train(server, series, "linear", "forest") for _ in range(10)]
    waiting = numbers[-1]
    assert server.post(f"/v1/jobs/{waiting}/stop").status == 202
    assert server.job(waiting, *FINISHED)["state"] == "stopped"
    refused = None
    for _ in range(40):
        answer = server.post("/v1/trainings", {"series": series, "models": ["linear"]})
        if answer.status != 202:
            refused = answer
            break
    assert refused and refused.status == 429 and "may wait" in refused.json["rule"]


def test_a_poison_series_ends_the_job_and_not_the_server(server):
    series = stored(server)
    (file,) = (server.folder / "series" / series).glob("*.csv")
    file.write_bytes(b"\x00" * 5000)
    job = server.job(train(server, series, "linear"), *FINISHED)
    assert job["state"] == "failed" and job["problem"]["status"] == 422 and job["run"] is None
    (file,) = (server.folder / "series" / series).glob("*.csv")
    file.write_bytes(b"date,sales\n" + b"2024-01-01,1\n" * 100)
    assert server.job(train(server, series, "linear"), *FINISHED)["state"] == "failed"
    assert server.get("/healthz").status == 200


def worker_of(server, number, seconds=60):
    """The process of a job: a child of the server that runs the worker."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for path in Path("/proc").glob("[0-9]*"):
            try:
                command = (path / "cmdline").read_bytes()
                parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, ValueError):
                continue
            if b"forecast.serve.jobs.worker" in command and parent == server.process.pid:
                return int(path.name)
        time.sleep(0.05)
    raise AssertionError(f"no process for {number}")


def wait_until(holds, seconds=60):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_training_lets_requests_go_first_and_fails_where_it_is_killed(server):
    number = train(server, stored(server), "forest", "linear")
    server.job(number, "running")
    worker = worker_of(server, number)
    wait_until(lambda: os.getpriority(os.PRIO_PROCESS, worker) > os.getpriority(os.PRIO_PROCESS, server.process.pid))
    os.kill(worker, signal.SIGKILL)
    job = server.job(number, *FINISHED)
    assert job["state"] == "failed" and "signal 9" in job["problem"]["value"] and job["problem"]["status"] == 507


def test_a_training_that_crashes_once_it_is_to_stop_has_failed(server):
    number = train(server, stored(server), "forest", "linear")
    server.job(number, "running")
    worker = worker_of(server, number)
    os.kill(worker, signal.SIGSTOP)  # it cannot end by itself any more
    assert server.post(f"/v1/jobs/{number}/stop").status == 202
    pending = re.compile(r"^ShdPnd:\s*([0-9a-f]+)$", re.MULTILINE)
    wait_until(lambda: int(pending.findall(Path(f"/proc/{worker}/status").read_text())[0], 16) >> signal.SIGINT - 1 & 1)
    os.kill(worker, signal.SIGKILL)
    job = server.job(number, *FINISHED)
    assert job["state"] == "failed" and "signal 9" in job["problem"]["value"]


@pytest.mark.slow
def test_kill_9_of_the_server_and_a_restart(server):
    series = stored(server)
    done = train(server, series, "linear")
    server.job(done, "done")
    kept = server.get(f"/v1/jobs/{done}").json
    running, waiting = train(server, series, "forest", "linear"), train(server, series, "linear")
    server.job(running, "running")
    server.stop(signal.SIGKILL)
    server.start()
    states = {job["id"]: job["state"] for job in server.get("/v1/jobs").json["jobs"]}
    assert states[done] == "done" and states[running] == "interrupted" and states[waiting] in ("queued", "running")
    assert server.get(f"/v1/jobs/{done}").json == kept
    assert server.get(f"/v1/runs/{kept['run']}").status == 200
    assert server.get(f"/v1/models/{kept['models_saved'][0]}").status == 200
    assert server.get(f"/v1/series/{series}").status == 200
    assert server.job(waiting, *FINISHED)["state"] == "done"


def test_sigterm_ends_it_and_says_what_was_interrupted(server):
    number = train(server, stored(server), "forest", "linear")
    server.job(number, "running")
    worker = worker_of(server, number)
    assert server.stop(signal.SIGTERM) == 0
    wait_until(lambda: not Path(f"/proc/{worker}").exists())
    store = JobStore(server.folder / "jobs.sqlite")
    assert store.get(number)["state"] == "interrupted"
    store.close()


def test_after_a_crash_nothing_unfinished_is_shown_as_done(tmp_path):
    store = JobStore(tmp_path / "jobs.sqlite")
    for state in ("queued", "running", "done", "failed", "stopped"):
        job = {"id": state, "state": state, "ended": None}
        assert store.add(job, {}, most=100)
    store.close()
    store = JobStore(tmp_path / "jobs.sqlite")
    store.recover()
    assert {job["id"]: job["state"] for job in store.every()} == {
        **{state: state for state in ("queued", "done", "failed", "stopped")},
        "running": "interrupted",
    }
    assert store.events("running", 0)[-1][1] == "state"
    store.close()


@pytest.mark.slow
def test_a_network_is_stopped_and_its_best_kept(server):
    series = stored(server)
    number = train(server, series, "dense", max_steps=200_000)
    deadline = time.monotonic() + 120
    while len(server.get(f"/v1/jobs/{number}").json["loss"]) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert server.post(f"/v1/jobs/{number}/stop").status == 202
    job = server.job(number, *FINISHED)
    assert job["state"] == "stopped" and job["run"], job
    (saved,) = job["models_saved"]
    assert len(server.post("/v1/forecasts", {"series": series, "model": saved}).json["forecast"]) == 7
    progress = [one["data"] for one in events(server, number) if one["event"] == "progress"]
    assert progress[0]["model"] == "dense" and progress[-1]["step"] < 200_000 and progress[-1]["seconds_left"] > 0
    update = server.post(f"/v1/models/{saved}/update", {"series": None})
    assert update.status == 202
    ended = server.job(update.json["id"], *FINISHED)
    assert ended["state"] == "failed" and "none yet" in ended["problem"]["detail"]  # no rows came since


@pytest.mark.slow
def test_workers_answer_side_by_side_and_are_replaced(tmp_path):
    server = Server(tmp_path / "workspace", "--workers", "2", "--log-format", "json").start()
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                assert server.get("/healthz").status == 200
                break
            except OSError:
                assert time.monotonic() < deadline
        number = train(server, stored(server), "linear")
        assert server.job(number, *FINISHED)["state"] == "done"
        children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
        workers = [pid for pid in children if b"forecast.serve.server" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        assert len(workers) == 2
        os.kill(int(workers[0]), signal.SIGKILL)
        while "a worker ended" not in server.said():
            assert time.monotonic() < deadline + 60
            time.sleep(0.1)
        assert server.get("/v1/jobs").status == 200
        lines = [json.loads(line) for line in server.said().splitlines() if line.startswith("{")]
        asked = [line for line in lines if line["message"] == "request" and line["path"] == "/v1/trainings"]
        assert asked[0]["status"] == 202 and asked[0]["method"] == "POST" and asked[0]["ms"] >= 0
    finally:
        assert server.stop() == 0, server.said()
