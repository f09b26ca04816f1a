"""What `forecast serve` bears: load, memory, hostile requests, and kill -9 amid jobs. Offline, on loopback.

    .venv/bin/python benchmarks/serving.py                             all of it, in small
    .venv/bin/python benchmarks/serving.py load --seconds 30           forecasts from a saved model, 16 clients
    .venv/bin/python benchmarks/serving.py memory --count 100000       memory over many requests
    .venv/bin/python benchmarks/serving.py hostile --count 10000       made from the OpenAPI document, and worse
    .venv/bin/python benchmarks/serving.py kill                        kill -9 in the middle of ten jobs

Each request of `load` brings 300 rows and asks for 30 steps, from a `linear` model. `same` sends one of 16 series again
and again, as a dashboard does; `other` sends rows that the server has never seen, so that every forecast is computed.
Clients and server share the cores. Results go to benchmarks/serving.md.
"""

import argparse
import http.client
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import machine
import numpy as np
import psutil

import forecast
from forecast.config import ExperimentConfig

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "serving.md"
CLIENTS, ROWS, STEPS, SEED = 16, 300, 30, 1
READY = re.compile(r"at http://[^ ]*:(\d+)")


def check(holds: bool, about: object = "") -> None:
    """End with status 1 where something does not hold."""
    if not holds:
        raise SystemExit(f"This does not hold: {about}")


class Server:
    """`forecast serve` in a folder."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.log = (folder.parent / f"{folder.name}.log").open("w+")
        command = [sys.executable, "-m", "forecast", "serve", "--folder", str(folder), "--port", "0", "--offline"]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen([*command, *options], stderr=self.log, env=environment)  # noqa: S603
        while not (found := READY.search(Path(self.log.name).read_text())):
            time.sleep(0.05)
        self.port = int(found[1])
        while True:
            try:
                self.ask("GET", "/healthz")
                break
            except OSError:
                time.sleep(0.05)

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        """Status and body of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): text for name, text in headers.items()})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def json(self, method: str, path: str, value: object = None, **headers: str) -> dict:
        """The JSON of an answer that is no problem."""
        body = None if value is None else json.dumps(value).encode()
        status, found = self.ask(method, path, body, Content_Type="application/json", **headers)
        check(status < 300, found)
        return json.loads(found)

    def memory(self) -> float:
        """MiB of the processes that answer; children of the sandbox come and go."""
        process = psutil.Process(self.process.pid)
        own = [process, *(one for one in process.children() if "forecast.serve.server" in one.cmdline())]
        return sum(one.memory_info().rss for one in own) / 2**20

    def computed(self) -> float:
        """Seconds of computing of the processes that answer."""
        process = psutil.Process(self.process.pid)
        own = [process, *(one for one in process.children() if "forecast.serve.server" in one.cmdline())]
        return sum(sum(one.cpu_times()[:2]) for one in own)

    def end(self) -> None:
        """End it by SIGTERM."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


def body(seed: int) -> bytes:
    """A request for 30 steps after 300 rows of a random walk."""
    values = 100 + np.cumsum(np.random.default_rng(seed).normal(size=ROWS)).round(3)
    first = np.datetime64("2023-01-01")
    rows = [{"date": str(first + row), "value": float(value)} for row, value in enumerate(values)]
    return json.dumps({"rows": rows, "model": "walk", "horizon": STEPS, "name": f"walk {seed}"}).encode()


def save_model(folder: Path) -> None:
    """Save a model of 30 steps as `walk`."""
    values = 100 + np.cumsum(np.random.default_rng(0).normal(size=2000))
    model = forecast.train([forecast.load(values, name="walk")], "linear", ExperimentConfig(horizon=STEPS))
    forecast.save_model(model, folder / "models" / "walk")


def load(server: Server, seconds: float, *, same: bool) -> tuple[int, int, list[float]]:
    """Answers, refusals and durations of 16 clients that ask one request after the other."""
    durations: list[float] = []
    wrong: list[int] = []
    stop = time.monotonic() + seconds

    def client(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        sent, place = [body(number)] if same else [body(1000 * number + one) for one in range(400)], 0
        if same:  # a dashboard has asked before
            connection.request("POST", "/v1/forecasts", sent[0], {"Content-Type": "application/json"})
            connection.getresponse().read()
        ready.wait()
        while time.monotonic() < stop + prepared[0]:
            began = time.perf_counter()
            connection.request("POST", "/v1/forecasts", sent[place % len(sent)], {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            durations.append(time.perf_counter() - began)
            place += 1
            if answer.status != 200:
                wrong.append(answer.status)
        connection.close()

    ready, prepared = threading.Barrier(CLIENTS + 1), [0.0]
    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    prepared[0] = 3600.0
    ready.wait()
    prepared[0] = time.monotonic() - began
    for thread in threads:
        thread.join()
    return len(durations), len(wrong), durations


def measure_load(folder: Path, seconds: float) -> list[str]:
    """A row for each kind of load."""
    lines = [
        "| requests | workers | training beside | a second | computing [ms] | refused | median [ms] | 99 % [ms] |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for workers in (1, 2):
        place = folder / f"load-{workers}"
        save_model(place)
        server = Server(place, "--workers", str(workers))
        for same in (True, False):
            for training in (False, True):
                if training:
                    start_training(server)
                before = server.computed()
                count, wrong, durations = load(server, seconds, same=same)
                rates = f"{count / seconds:.0f} | {1000 * (server.computed() - before) / count:.1f}"
                middle, last = (1000 * np.quantile(durations, level) for level in (0.5, 0.99))
                name, beside = "same" if same else "other", "yes" if training else "no"
                lines.append(f"| {name} | {workers} | {beside} | {rates} | {wrong} | {middle:.0f} | {last:.0f} |")
                print(lines[-1], flush=True)
                for job in server.json("GET", "/v1/jobs")["jobs"]:
                    server.ask("DELETE", f"/v1/jobs/{job['id']}")
        server.end()
    return lines


def start_training(server: Server) -> None:
    """A network that trains for as long as is needed."""
    values = [{"value": float(one)} for one in 100 + np.cumsum(np.random.default_rng(5).normal(size=3000))]
    series = server.json("POST", "/v1/series", {"rows": values, "name": "long"})["id"]
    job = server.json("POST", "/v1/trainings", {"series": series, "models": ["lstm"], "max_steps": 1_000_000})["id"]
    while not server.json("GET", f"/v1/jobs/{job}")["loss"]:
        time.sleep(0.2)


def measure_first_answer(folder: Path) -> list[str]:
    """Seconds from a dropped file of 5,000 rows to its forecast, warm: it is sent, then its forecast asked for."""
    server, found = Server(folder / "first"), []
    for seed in range(6):
        walk = 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.01, 5000)))
        days = np.busday_offset("2004-01-02", np.arange(5000), roll="forward")
        csv = "Date,Close\n" + "".join(f"{day},{value:.4f}\n" for day, value in zip(days, walk, strict=True))
        began = time.perf_counter()
        _, answer = server.ask("POST", "/v1/series", csv.encode(), X_Filename="prices.csv")
        server.json("POST", "/v1/forecasts", {"series": json.loads(answer)["id"], "horizon": 30})
        found.append(time.perf_counter() - began)
    server.end()
    shown = f"median {np.median(found[1:]):.2f} s, slowest {max(found[1:]):.2f} s of {len(found) - 1}"
    print(shown)
    return [f"From a file of 5,000 rows to its first forecast with its test, warm: {shown}."]


def measure_memory(folder: Path, count: int) -> list[str]:
    """Memory at some of many requests."""
    save_model(folder / "memory")
    server, done = Server(folder / "memory"), 0
    bodies = [body(seed) for seed in range(64)]
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    lines = ["| requests | memory [MiB] |", "|---|---|"]
    marks = sorted({0, min(count, 1000), count // 4, count // 2, 3 * count // 4, count})
    while done <= count:
        if done in marks:
            lines.append(f"| {done:,} | {server.memory():.0f} |")
            print(lines[-1], flush=True)
        connection.request("POST", "/v1/forecasts", bodies[done % 64], {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        check(answer.status == 200)
        done += 1
    server.end()
    return lines


def invented(schema: dict, chance: random.Random, schemas: dict, depth: int = 0) -> object:
    """A value that fits a schema, more or less: now and then another one."""
    if chance.random() < 0.15 or depth > 6:
        return chance.choice([None, -1, 0, 1e308, 2**70, "", "\x00\ud83d", "../..", [], {}, True, "a" * 3000, [[[]]]])
    if "$ref" in schema:
        return invented(schemas[schema["$ref"].rpartition("/")[2]], chance, schemas, depth)
    if "anyOf" in schema:
        return invented(chance.choice(schema["anyOf"]), chance, schemas, depth)
    if "enum" in schema or "const" in schema:
        return chance.choice(schema.get("enum", [schema.get("const")]))
    kinds = schema.get("type", "object")
    kind = chance.choice(kinds) if isinstance(kinds, list) else kinds
    if kind == "object":
        wanted = {name: one for name, one in schema.get("properties", {}).items() if chance.random() < 0.8}
        return {name: invented(one, chance, schemas, depth + 1) for name, one in wanted.items()}
    if kind == "array":
        return [invented(schema.get("items", {}), chance, schemas, depth + 1) for _ in range(chance.randint(0, 8))]
    made = {
        "string": "2024-01-01",
        "number": chance.gauss(0, 1e3),
        "integer": chance.randint(-5, 2000),
        "boolean": True,
    }
    return made.get(kind)


def from_document(document: dict, chance: random.Random) -> tuple[str, str, bytes | None, dict[str, str]]:
    """A request that the document describes, with a body, a path and a query of its making."""
    path = chance.choice(list(document["paths"]))
    method = chance.choice([*document["paths"][path], "patch", "put"])
    operation = document["paths"][path].get(method, {})
    names = [
        "walk",
        "ffffffffffff",
        "..%2f..%2fetc%2fpasswd",
        "%00",
        "%ff%fe",
        "a" * 500,
        "%3Cscript%3E",
        "report.html",
    ]
    whole = re.sub(r"\{[^}]*\}", lambda _: chance.choice(names), path)
    query = [
        f"{one['name']}={chance.choice(['1', '-1', '%ff', '1e9', '', 'x' * 300])}"
        for one in operation.get("parameters", [])
        if one["in"] == "query" and chance.random() < 0.5
    ]
    content = operation.get("requestBody", {}).get("content", {})
    kind = chance.choice(list(content)) if content else "application/json"
    made = None
    if content:
        value = invented(content[kind]["schema"], chance, document["components"]["schemas"])
        made = json.dumps(value).encode() if kind == "application/json" else chance.randbytes(chance.randint(0, 400))
        if chance.random() < 0.1:
            made = made[: len(made) // 2] + b"\xff\xfe"
    headers = {"Content-Type": chance.choice([kind, kind, kind, "text/html", ""])}
    if path == "/v1/series" and chance.random() < 0.7:
        headers["X-Filename"] = chance.choice(["a.csv", "a.xlsx", "a.zip", "..%2Fx", "%00"])
    if chance.random() < 0.05:
        headers["Origin"] = "http://evil.example"
    if chance.random() < 0.05:
        headers["Host"] = "evil.example"
    return method.upper(), whole + ("?" + "&".join(query) if query else ""), made, headers


RAW = (
    b"\x00\xff\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 5000 + b"\r\n",
    b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"POST /v1/series HTTP/1.1\r\nHost: localhost\r\nX-Filename: a\r\nContent-Length: 9000000000\r\n\r\n",
    b"POST /v1/forecasts HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500\r\n\r\n{",
    b"POST /v1/forecasts HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\n",
    b"POST /v1/forecasts HTTP/1.1\r\nHost: loc",
)


def measure_hostile(folder: Path, count: int) -> list[str]:
    """What hostile requests are answered; ends with status 1 if the server does."""
    save_model(folder / "hostile")
    server, chance, found = Server(folder / "hostile"), random.Random(SEED), {}  # noqa: S311
    document = server.json("GET", "/v1/openapi.json")
    slow: list[socket.socket] = []
    for number in range(count):
        if chance.random() < 0.2:
            connection = socket.create_connection(("127.0.0.1", server.port), timeout=5)
            connection.sendall(chance.choice(RAW))
            slow.append(connection)  # left open: a slow sender
            for old in slow[:-200]:
                old.close()
            slow = slow[-200:]
            answer = "cut off, slow or no request"
        else:
            method, path, sent, headers = from_document(document, chance)
            if path.endswith("/events"):
                continue
            try:
                status, told = server.ask(method, path, sent, **headers)
                answer = f"{status // 100}xx" if status < 500 else str(status)
            except (OSError, http.client.HTTPException, ValueError):
                answer = "connection closed"
            if answer.startswith("5"):  # 500 is a defect
                print(f"{answer}:", method, path, (sent or b"")[:300], headers, told[:300], flush=True)
        found[answer] = found.get(answer, 0) + 1
        if number % 500 == 0:
            check(server.process.poll() is None and server.ask("GET", "/healthz")[0] == 200, number)
            for job in server.json("GET", "/v1/jobs")["jobs"]:
                server.ask("DELETE", f"/v1/jobs/{job['id']}")
    check(server.process.poll() is None and server.ask("GET", "/healthz")[0] == 200)
    save_model(folder / "hostile")  # which some request may have deleted
    status, _ = server.ask("POST", "/v1/forecasts", body(1), Content_Type="application/json")
    check(status == 200)
    server.end()
    counts = ", ".join(f"{name}: {number:,}" for name, number in sorted(found.items()))
    print(counts)
    return [f"{count:,} requests, seed {SEED}. Answers: {counts}. The server answered to the end."]


def measure_kill(folder: Path) -> list[str]:
    """How ten jobs end when the server is killed amid them."""
    place = folder / "kill"
    server = Server(place, "--jobs", "2")
    values = [{"value": float(one)} for one in 100 + np.cumsum(np.random.default_rng(5).normal(size=400))]
    series = server.json("POST", "/v1/series", {"rows": values, "name": "walk"})["id"]
    asked = {"series": series, "models": ["linear"], "horizon": 5}
    numbers = [server.json("POST", "/v1/trainings", asked)["id"] for _ in range(10)]
    while sum(one["state"] == "done" for one in server.json("GET", "/v1/jobs")["jobs"]) < 3:
        time.sleep(0.05)
    before = {one["id"]: one for one in server.json("GET", "/v1/jobs")["jobs"]}
    server.process.kill()
    server.process.wait()
    server = Server(place, "--jobs", "2")
    after = {one["id"]: one for one in server.json("GET", "/v1/jobs")["jobs"]}
    check(set(after) == set(numbers))
    for number, job in before.items():
        now = after[number]["state"]
        check(job["state"] != "done" or now == "done", job)
        check(job["state"] != "running" or now in ("interrupted", "done"), job)
        if now == "done":
            check(server.ask("GET", f"/v1/runs/{after[number]['run']}")[0] == 200)
            check(server.ask("GET", f"/v1/models/{after[number]['models_saved'][0]}")[0] == 200)
    while any(one["state"] in ("queued", "running") for one in server.json("GET", "/v1/jobs")["jobs"]):
        time.sleep(0.2)
    ended = [one["state"] for one in server.json("GET", "/v1/jobs")["jobs"]]
    server.end()
    states = {state: ended.count(state) for state in sorted(set(ended))}
    said = ", ".join(f"{number} {state}" for state, number in states.items())
    print(said)
    return [f"Ten jobs, two side by side, kill -9 of the server when three were done, restart: in the end {said}."]


PARTS = {
    "first": ("The first answer", lambda folder, _: measure_first_answer(folder)),
    "load": (f"Load: {CLIENTS} clients", lambda folder, args: measure_load(folder, args.seconds)),
    "memory": ("Memory", lambda folder, args: measure_memory(folder, args.count)),
    "hostile": ("Hostile requests", lambda folder, args: measure_hostile(folder, args.count)),
    "kill": ("kill -9 amid jobs", lambda folder, _: measure_kill(folder)),
}


def main() -> None:
    """Measure the parts that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", help=f"any of {', '.join(PARTS)}; all by default")
    parser.add_argument("--seconds", type=float, default=10, help="of each line of load")
    parser.add_argument("--count", type=int, default=1000, help="requests of memory and hostile")
    args = parser.parse_args()
    written = RESULTS.read_text(encoding="utf-8") if RESULTS.is_file() else ""
    for name in args.parts or PARTS:
        (title, measure), before = PARTS[name], os.getloadavg()[0]
        with tempfile.TemporaryDirectory() as folder:
            lines = measure(Path(folder), args)
        given = {
            "load": f" --seconds {args.seconds:g}",
            **dict.fromkeys(("memory", "hostile"), f" --count {args.count}"),
        }
        where = f"{machine.processor()}, {os.cpu_count()} cores, load average {before:.1f} at the start"
        command = f"`benchmarks/serving.py {name}{given.get(name, '')}`, {where}."
        section = "\n".join([f"## {title}\n", f"{command}\n", *lines, ""])
        kept = re.split(r"(?m)^(?=## )", written)
        kept = [one.strip() + "\n" for one in kept if one.strip() and not one.startswith(f"## {title}\n")]
        head = kept if kept and kept[0].startswith("# ") else ["# What `forecast serve` bears\n", *kept]
        written = "\n".join([*head, section])
        RESULTS.write_text(written, encoding="utf-8")


if __name__ == "__main__":
    main()
