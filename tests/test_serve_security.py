"""Who may ask `forecast serve`, and what hostile requests do to it: nothing."""

import os
import re
import socket
import subprocess
import sys
import threading
import time

import pytest
from serve_client import Server
from serve_data import SALES_CSV

from forecast.serve.problems import Problem
from forecast.serve.security import check_host
from forecast.serve.settings import ServerSettings

TOKEN = "a-token-of-more-than-16-characters"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    running = Server(tmp_path_factory.mktemp("serve") / "workspace").start()
    yield running
    assert running.stop() == 0, running.said()


@pytest.fixture(autouse=True)
def answers_afterwards(request):
    """After each of these tests the server answers, in the same process."""
    server = request.getfixturevalue("server") if "server" in request.fixturenames else None
    yield
    if server:
        assert server.process.poll() is None and server.get("/healthz").status == 200, server.said()


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "a@127.0.0.1", "["])
def test_another_sites_name_that_leads_here_is_refused(server, host):
    answer = server.get("/v1/series", Host=host)
    assert answer.status in (400, 403)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:1234", "[::1]:99", "LOCALHOST"])
def test_names_of_this_machine_are_known(server, host):
    assert server.get("/v1/series", Host=host).status == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "https://localhost"])
def test_what_a_page_of_another_site_sends_is_refused(server, origin):
    before = server.get("/v1/series").json
    answer = server.post("/v1/series", SALES_CSV, X_Filename="x.csv", Origin=origin)
    assert answer.status == 403 and server.get("/v1/series").json == before
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_browser_that_says_so_is_refused_even_without_an_origin(server):
    assert server.get("/v1/series", Sec_Fetch_Site="cross-site").status == 403
    assert server.get("/", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate").status == 200
    assert server.get("/v1/series", Sec_Fetch_Site="same-origin").status == 200


def test_a_form_of_another_site_cannot_pass_as_json(server):
    body = '{"ticker": "AAPL"}'
    assert server.post("/v1/forecasts", body, Content_Type="text/plain").status == 415


@pytest.mark.parametrize(
    "path",
    [
        "/v1/series/..%2f..%2fetc",
        "/v1/models/../../../etc/passwd",
        "/v1/models/%2e%2e",
        "/v1/models/.hidden",
        "/v1/runs/..%2f../files/run.json",
        "/v1/runs/x/files/../../../jobs.sqlite",
        "/v1/trash/../restore",
        "/static/../server.py",
        "/static/%2e%2e/server.py",
        "/static/bokeh/..%2f..%2f..%2f__init__.py",
        "/static/shared/%2e%2e%2fpage.py",
        "/static//etc/passwd",
        "/v2/models/..%00/infer",
    ],
)
def test_no_path_leads_out_of_the_folder(server, path):
    for method in ("GET", "DELETE", "POST"):
        answer = server.ask(method, path)
        assert answer.status in (400, 403, 404, 405) and b"root:" not in answer.body and b"import" not in answer.body


def test_a_name_of_a_file_is_only_a_name(server):
    for name in ("..%2F..%2Fevil.csv", "%00.csv", "a" * 5000 + ".csv", "%F0%9F%92%A9.csv", "con.csv%0d%0aSet-Cookie:x"):
        answer = server.post("/v1/series", SALES_CSV, X_Filename=name)
        assert answer.status == 201, answer.body
        folder = server.folder / "series" / answer.json["id"]
        assert len(list(folder.iterdir())) == 3 and "Set-Cookie" not in answer.headers
    assert not list(server.folder.parent.glob("evil*"))


def test_markup_in_a_file_stays_text(server):
    csv = SALES_CSV.replace(b"sales", b"<script>alert(1)</script>")
    answer = server.post("/v1/series?unit=%3Cb%3E", csv, X_Filename="<img src=x>.csv")
    assert answer.status == 201 and answer.headers["Content-Type"] == "application/json"
    assert answer.json["target"] == "<script>alert(1)</script>"


def test_every_answer_forbids_what_a_page_needs_not(server):
    for path in ("/", "/v1/series", "/nothing", "/static/bokeh/bokeh.min.js"):
        headers = server.get(path).headers
        assert "script-src 'self'" in headers["Content-Security-Policy"]
        assert "unsafe-eval" not in headers["Content-Security-Policy"]
        assert (headers["X-Content-Type-Options"], headers["Server"]) == ("nosniff", "forecast")


def test_beyond_this_machine_a_token_is_asked_for(tmp_path):
    server = Server(tmp_path / "w", "--host", "0.0.0.0", env={"FORECAST_TOKEN": TOKEN}).start()
    try:
        assert TOKEN not in server.said()
        for headers in (
            {},
            {"Authorization": "Bearer wrong"},
            {"Authorization": f"Basic {TOKEN}"},
            {"Cookie": "forecast_token=x"},
        ):
            answer = server.get("/v1/series", **headers)
            assert answer.status == 401 and answer.headers["WWW-Authenticate"] == "Bearer"
        assert server.get("/").status == server.get("/static/bokeh/bokeh.min.js").status == 401
        assert server.get("/healthz").status == 200
        assert server.get("/v1/series", Authorization=f"Bearer {TOKEN}").status == 200
        opened = server.get(f"/?token={TOKEN}&x=1")
        assert opened.status == 302 and opened.headers["Location"] == "/?x=1"
        cookie = opened.headers["Set-Cookie"]
        assert "HttpOnly" in cookie and "SameSite=Lax" in cookie
        assert server.get("/v1/series", Cookie=cookie.partition(";")[0]).status == 200
        assert server.get("/v1/series", Host="evil.example", Authorization=f"Bearer {TOKEN}").status == 403
    finally:
        assert server.stop() == 0


def test_a_browser_without_the_token_reads_a_page_with_a_box_for_it(tmp_path):
    server = Server(tmp_path / "w", "--host", "0.0.0.0", "--log-format", "json", env={"FORECAST_TOKEN": TOKEN}).start()
    form = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept": "text/html",
        "Host": f"127.0.0.1:{server.port}",
    }
    own = {**form, "Origin": f"http://127.0.0.1:{server.port}"}
    try:
        for path in ("/", "/v1/series", "/static/page.css", "/?token=no&x=%22%3E%3Cb%3E%ff"):
            answer = server.get(path, Accept="text/html,*/*")
            assert answer.status == 401 and answer.headers["Content-Type"] == "text/html; charset=utf-8"
            assert answer.headers["WWW-Authenticate"] == "Bearer" and b'<input id="token"' in answer.body
            assert b"<b>" not in answer.body and TOKEN.encode() not in answer.body
            assert (b"That is not the token" in answer.body) == ("token=" in path)
        assert server.get("/", Accept="*/*").json["status"] == 401
        for headers, body, status in (
            ({**own, "Origin": "http://evil.example"}, f"token={TOKEN}", 403),
            ({**own, "Host": "evil.example", "Origin": "http://evil.example"}, f"token={TOKEN}", 403),
            (own, "token=wrong", 401),
            (own, f"token={TOKEN}x", 401),
            (own, "\xff\xfe", 401),
            (own, "token=" + "x" * 5000, 413),
        ):
            assert server.ask("POST", "/", body.encode("latin-1"), **headers).status == status
        answer = server.ask("POST", "/?token=old&series=1%2F2", f"token=+{TOKEN}%0A".encode(), **own)
        assert answer.status == 303 and answer.headers["Location"] == "/?series=1%2F2"
        cookie = answer.headers["Set-Cookie"]
        assert "HttpOnly" in cookie and "SameSite=Lax" in cookie
        assert server.get("/", Cookie=cookie.partition(";")[0]).status == 200
    finally:
        server.stop()
    assert TOKEN not in server.said()


def test_where_no_token_is_asked_for_none_is_taken(server):
    assert server.ask("POST", "/", b"token=", **{"Content-Type": "application/x-www-form-urlencoded"}).status == 405


def test_a_token_is_made_and_printed_once(tmp_path):
    server = Server(tmp_path / "w", "--host", "0.0.0.0").start()
    try:
        while not (found := re.findall(r"shown once: (\S{40,})\.", server.said())):
            time.sleep(0.05)
        (token,) = found
        assert server.get("/v1/series", Authorization=f"Bearer {token}").status == 200
    finally:
        server.stop()


def test_names_behind_a_proxy_are_given():
    settings = ServerSettings(names=("forecast.example",))
    check_host("forecast.example", settings)
    with pytest.raises(Problem, match="own name"):
        check_host("other.example", settings)


def test_gigabytes_that_are_announced_are_not_awaited(server):
    head = b"POST /v1/series HTTP/1.1\r\nHost: localhost\r\nX-Filename: a.csv\r\nContent-Length: 5000000000\r\n\r\n"
    assert b" 413 " in server.send(head) or b" 400 " in server.send(head)


def test_chunks_without_end_are_cut(server):
    head = b"POST /v1/series HTTP/1.1\r\nHost: localhost\r\nX-Filename: a.csv\r\nTransfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(head)
        sent = 0
        with pytest.raises(OSError):
            for _ in range(3000):
                connection.sendall(b"10000\r\n" + b"1" * 65536 + b"\r\n")
                sent += 65536
                time.sleep(0)
    assert sent < 150 << 20


@pytest.mark.parametrize(
    "raw",
    [
        b"\x00\xff\xfe\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 10_000 + b"\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST /v1/forecasts HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/forecasts HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /v1/forecasts HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\n{",
        b"POST /v1/forecasts HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: 4\r\n\r\n\xff\xfe{}",
        b"POST /v1/series HTTP/1.1\r\nHost: localhost\r\nX-Filename: \xff\xfe\r\nContent-Length: 2\r\n\r\n\xff\xff",
        b"GET /v1/series/\xff\xfe%ff%fe HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /v1/series/a/history?rows=%ff%fe HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ],
)
def test_bytes_that_are_no_request_leave_it_answering(server, raw):
    found = server.send(raw, half_close=True, wait=5)
    assert not found or b" 200 " not in found.split(b"\r\n")[0]


def test_slow_senders_do_not_hold_others_up(server):
    slow = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(100)]
    for one in slow:
        one.sendall(b"POST /v1/forecasts HTTP/1.1\r\nHost: loc")
    assert server.get("/healthz").status == 200
    for one in slow:  # the server still waits for each of them, so nobody was held up until it gave them up
        one.setblocking(False)
        with pytest.raises(BlockingIOError):
            one.recv(1)
        one.close()


def ask_sandbox(tasks, memory=400, seconds=4):
    """Answers of a sandbox of its own whose tasks include some that misbehave."""
    code = (
        "import asyncio, json, os, socket, sys, time\n"
        "from forecast.serve.sandbox import client, zygote\n"
        "from forecast.serve.settings import ServerSettings\n"
        "zygote.warm = lambda: None\n"
        "zygote.TASKS.update(fine=lambda task: {'pid': os.getpid()}, eat=lambda task: {'n': len(bytearray(1 << 33))},\n"
        "    sleep=lambda task: time.sleep(60), die=lambda task: os.kill(os.getpid(), 11),\n"
        "    defect=lambda task: 1 / 0)\n"
        "ours, theirs = socket.socketpair()\n"
        f"if os.fork() == 0: ours.close(); zygote.main(theirs.fileno(), {memory}, {seconds})\n"
        "theirs.close()\n"
        f"async def main():\n"
        f"    box = client.Sandbox(ServerSettings(seconds={seconds}), ours)\n"
        f"    for task in {tasks!r}:\n"
        "        try: print(task, json.dumps(await box.ask(task)))\n"
        "        except Exception as error: print(task, getattr(error, 'status', error))\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return [line.split(" ", 1) for line in done.stdout.splitlines()]


def test_a_task_that_takes_too_much_ends_alone():
    found = ask_sandbox(["fine", "eat", "fine", "die", "sleep", "defect", "fine"])
    assert [(name, said) for name, said in found if name != "fine"] == [
        ("eat", "413"),
        ("die", "413"),
        ("sleep", "504"),
        ("defect", "500"),
    ]
    assert [said.startswith('{"pid"') for name, said in found if name == "fine"] == [True] * 3


def test_many_at_once(server):
    """More requests side by side than are answered side by side: all are answered."""
    answers = []

    def one(number):
        answers.append(server.post("/v1/series", SALES_CSV, X_Filename=f"{number}.csv").status)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [201] * 12


def test_two_servers_do_not_share_a_folder(server):
    command = [sys.executable, "-m", "forecast", "serve", "--folder", str(server.folder), "--port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env={**os.environ})
    assert done.returncode == 1 and "another process" in done.stderr
