"""The page in a real browser on a real server: the whole way of a new user, by pointer and by keyboard."""

import re
import time

import numpy as np
import pandas as pd
import pytest
from chromium import asked, complaints, open_browser, resize, violations, wait_for
from conftest import random_walk
from serve_client import Server

import forecast
from forecast.serve.jobs.store import FINISHED

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SCREENS = [(1400, "light"), (1400, "dark"), (390, "light"), (390, "dark")]
REFUSED = r"Failed to load resource: the server responded with a status of (401|404|422|503)"
# Long enough for a test to close the page and stop it, however fast the machine is.
ENDLESS = 100_000


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A server with one model and its run, so that each test may be the first."""
    server = Server(tmp_path_factory.mktemp("served") / "workspace").start()
    try:
        rows = [{"date": str(day.date()), "value": value} for day, value in walk(300).items()]
        series = server.post("/v1/series", {"name": "first", "rows": rows}).json["id"]
        begun = server.post("/v1/trainings", {"series": series, "models": ["linear"]}).json
        server.job(begun["id"], "done")
        yield f"http://127.0.0.1:{server.port}"
    finally:
        assert server.stop() == 0


@pytest.fixture(scope="module")
def downloads(tmp_path_factory):
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def browser(tmp_path_factory, downloads):
    yield from open_browser(tmp_path_factory.mktemp("chromium"), downloads)


@pytest.fixture
def refusals():
    """For a test in which the server refuses something: the browser writes each refusal to its console."""


@pytest.fixture(autouse=True)
def quiet(browser, request):
    """No test leaves an error or a warning in the console."""
    complaints(browser)
    yield
    refused = "refusals" in request.fixturenames
    said = [one for one in complaints(browser) if not (refused and re.search(REFUSED, one))]
    assert said == []


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """A file whose name and column are markup, which the page must show as text."""
    path = tmp_path_factory.mktemp("files") / "walk <b>.csv"
    walk(600).rename_axis("Date").rename("<img src=x onerror=alert(1)>").to_csv(path)
    return path


def walk(rows):
    return pd.Series(random_walk(rows), pd.bdate_range("2020-01-01", periods=rows), name="walk")


def find(browser, selector):
    return browser.find_element("css selector", selector)


def texts(browser, selector):
    return browser.execute_script("return [...document.querySelectorAll(arguments[0])].map(e => e.innerText)", selector)


def visit(browser, address, part=""):
    browser.get("about:blank")
    browser.get(f"{address}/{part}")
    assert wait_for(lambda: browser.execute_script("return document.readyState == 'complete' && !!window.Bokeh"))


def is_shown(browser, selector, seconds=60):
    script = "const found = document.querySelector(arguments[0]); return !!found && found.checkVisibility()"
    assert wait_for(lambda: browser.execute_script(script, selector), seconds), find(browser, "#trouble").text


def drop(browser, path):
    """Drop a file onto the page, as from a file manager."""
    browser.execute_script(
        """
        const [name, text] = arguments, data = new DataTransfer();
        data.items.add(new File([text], name));
        document.getElementById("drop").dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true}));
        """,
        path.name,
        path.read_text(),
    )


def answered(browser, path):
    """Drop a file and wait for its forecast and its past."""
    drop(browser, path)
    is_shown(browser, "#table tbody tr")
    is_shown(browser, "#past-shown")


def job(browser, state, seconds=300):
    """The latest job, once it is in a state; one that ended otherwise is not awaited, and those before do not count."""
    found = "const one = document.querySelector('.job'); return !!one && one.dataset.state"
    wait_for(lambda: browser.execute_script(found) in {state, *FINISHED}, seconds)
    latest = find(browser, ".job")
    assert latest.get_dom_attribute("data-state") == state, (latest.text, find(browser, "#trouble").text)
    return latest


def begin(browser):
    """Begin the training that the form asks for, and wait for its job."""
    before = len(browser.find_elements("css selector", ".job"))
    find(browser, "#train button.strong").click()
    assert wait_for(lambda: len(browser.find_elements("css selector", ".job")) > before)


def is_fitting(browser):
    root = find(browser, "html")
    return root.get_property("scrollWidth") == root.get_property("clientWidth")


def test_the_whole_way_of_a_new_user(browser, address, file, downloads):
    asked(browser)
    resize(browser, 1400)
    visit(browser, address)
    find(browser, "#horizon").send_keys("5")
    answered(browser, file)
    assert find(browser, "#title").text == "walk-b-: the next 5 steps"
    assert len(find(browser, "#verdict").text) > 20
    assert "<img src=x onerror=alert(1)>" in find(browser, "#read").text
    assert [text.split()[1] for text in texts(browser, "#table tbody tr")] == [
        str(date.date()) for date in pd.bdate_range("2020-01-01", periods=605)[-5:]
    ]

    for box in browser.find_elements("css selector", "#train input[name=model]:checked"):
        box.click()
    find(browser, "#train input[value=dense]").click()
    find(browser, "#steps").send_keys(str(ENDLESS))
    begin(browser)
    job(browser, "running")
    is_shown(browser, ".job canvas, .job .chart > *", 120)
    browser.get("about:blank")
    time.sleep(1)

    visit(browser, address)
    running = job(browser, "running")
    is_shown(browser, ".job .chart > *", 120)
    assert f"of {ENDLESS}" in running.text
    before = running.find_element("css selector", "progress").get_property("value")
    assert wait_for(lambda: find(browser, ".job progress").get_property("value") > before, 60)
    running.find_element("xpath", ".//button[text()='Stop and keep the best']").click()
    stopped = job(browser, "stopped")
    assert "best so far" in stopped.text

    stopped.find_element("partial link text", "Forecast with").click()
    is_shown(browser, "#table tbody tr")
    assert len(texts(browser, "#table tbody tr")) == 5
    assert find(browser, "#by").get_property("value").endswith("dense")
    elsewhere = [url for url in asked(browser) if not url.startswith((address, "data:", "blob:", "about:"))]
    assert elsewhere == []


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_every_screen_fits_and_keeps_nobody_out(browser, address, file, width, scheme):
    resize(browser, width, scheme)
    visit(browser, address)
    assert is_fitting(browser)
    assert violations(browser) == []
    answered(browser, file)
    assert is_fitting(browser)
    assert violations(browser) == []
    for part, opened in (("models", "#card pre"), ("runs", "#report iframe")):
        visit(browser, address, f"#/{part}")
        is_shown(browser, f"#{part}-table tbody tr")
        assert is_fitting(browser)
        assert violations(browser) == []
        browser.get(find(browser, f"#{part}-table a").get_property("href"))
        is_shown(browser, opened)
        assert is_fitting(browser)
        assert violations(browser) == []


def test_the_numbers_are_those_of_the_package(browser, address, file, tmp_path):
    resize(browser, 1400)
    visit(browser, address)
    find(browser, "#horizon").send_keys("5")
    answered(browser, file)
    expected = forecast.predict(forecast.load(walk(600)), horizon=5)
    shown = np.array(
        [[float(cell.replace(",", "")) for cell in text.split()[2:]] for text in texts(browser, "#table tbody tr")]
    )
    quantiles = expected.quantiles[:, [3, 2, 4, 0, 6]]
    np.testing.assert_allclose(shown, quantiles, atol=0.006 * (quantiles[0, 4] - quantiles[0, 3]))


def test_the_slider_shows_what_came(browser, address, file):
    visit(browser, address)
    answered(browser, file)
    said = set()
    for place in range(3):
        browser.execute_script(
            "const [one, at] = arguments; one.value = at; one.dispatchEvent(new Event('input'))",
            find(browser, "#origin"),
            place,
        )
        text = find(browser, "#past-verdict").text
        assert re.fullmatch(r"Forecast on \d{4}-\d\d-\d\d: \d+ of the \d+ values that came .*", text)
        said.add(text)
    assert len(said) == 3


def test_downloads_hold_the_forecast(browser, address, file, downloads):
    visit(browser, address)
    find(browser, "#horizon").send_keys("5")
    answered(browser, file)
    for button in browser.find_elements("css selector", "#downloads button"):
        button.click()
        path = downloads / f"walk-b--forecast.{button.get_dom_attribute('data-ending')}"
        assert wait_for(path.exists), list(downloads.iterdir())
    assert len(pd.read_csv(downloads / "walk-b--forecast.csv")) == 5
    assert len(pd.read_parquet(downloads / "walk-b--forecast.parquet")) == 5
    assert (downloads / "walk-b--forecast.png").read_bytes().startswith(b"\x89PNG")


def test_models_are_compared_and_updated(browser, address, file, tmp_path):
    visit(browser, address)
    find(browser, "#horizon").send_keys("5")
    answered(browser, file)
    find(browser, "#steps").send_keys("5")
    begin(browser)
    job(browser, "done")
    assert wait_for(lambda: {"linear", "naive"} <= set(texts(browser, "#adds td:first-child")), 120)
    visit(browser, address, "#/models")
    is_shown(browser, "#models-table tbody tr")
    boxes = browser.find_elements("css selector", "#models-table input")
    assert not find(browser, "#compare").is_enabled()
    for box in boxes[:2]:
        box.click()
    find(browser, "#compare").click()
    is_shown(browser, "#compared figure .chart > *")
    assert texts(browser, "#compared td:first-child") == [box.get_property("value") for box in boxes[:2]]
    assert violations(browser) == []
    assert "602 in all are enough" in updated(browser, address, "failed")
    newer = tmp_path / file.name
    walk(900).rename_axis("Date").rename("<img src=x onerror=alert(1)>").to_csv(newer)
    visit(browser, address)
    answered(browser, newer)
    assert "Forecast with" in updated(browser, address, "done")


def test_a_job_that_another_page_forgot_is_left_out(browser, address, file, refusals):
    visit(browser, address)
    answered(browser, file)
    find(browser, "#steps").send_keys(str(ENDLESS))
    begin(browser)
    is_shown(browser, ".job[data-state=running]", 120)
    number = find(browser, ".job").get_dom_attribute("data-job")
    browser.execute_script("fetch(`/v1/jobs/${arguments[0]}`, {method: 'DELETE'})", number)
    is_shown(browser, "#trouble")
    assert not browser.find_elements("css selector", f".job[data-job='{number}']")
    assert "a job must be one of those" in find(browser, "#trouble").text


def updated(browser, address, state):
    """Update the newest lstm with the newest series of its name; what its job says once it is in a state."""
    visit(browser, address, "#/models")
    is_shown(browser, "#models-table tbody tr")
    browser.find_element("xpath", "//tr[contains(., 'lstm')]//button[text()='Update']").click()
    assert wait_for(lambda: "lstm, update" in find(browser, ".job").text)
    return job(browser, state).text


def test_a_deleted_model_comes_back(browser, address):
    visit(browser, address, "#/models")
    is_shown(browser, "#models-table tbody tr")
    before = texts(browser, "#models-table tbody tr")
    browser.find_element("xpath", "//button[text()='Delete']").click()
    is_shown(browser, "#notice")
    assert wait_for(lambda: len(texts(browser, "#models-table tbody tr")) == len(before) - 1)
    browser.switch_to.active_element.click()
    assert wait_for(lambda: sorted(texts(browser, "#models-table tbody tr")) == sorted(before))


def test_a_report_opens_in_place(browser, address):
    visit(browser, address, "#/runs")
    is_shown(browser, "#runs-table tbody tr")
    browser.find_element("link text", "Report").click()
    is_shown(browser, "#report iframe")
    browser.switch_to.frame(find(browser, "#report iframe"))
    assert wait_for(lambda: texts(browser, "h1"))
    browser.switch_to.default_content()


def test_what_cannot_be_read_is_said_in_words(browser, address, tmp_path, refusals):
    path = tmp_path / "empty.csv"
    path.write_text("Date,Close\n")
    visit(browser, address)
    drop(browser, path)
    is_shown(browser, "#trouble")
    assert len(find(browser, "#trouble").text) > 40
    assert not find(browser, "#answer").is_displayed()
    find(browser, "#ticker").send_keys("AAPL")
    find(browser, "#go").click()
    assert wait_for(lambda: "AAPL" in find(browser, "#trouble").text, 30)
    assert "Try again" not in find(browser, "#trouble").text


@pytest.mark.parametrize(("width", "scheme"), [(1400, "light"), (390, "dark")])
def test_a_token_is_typed_and_does_not_stay_in_the_address(browser, tmp_path, width, scheme, refusals):
    from selenium.webdriver import Keys

    token = "a-token-of-more-than-16-characters"
    server = Server(tmp_path / "w", "--host", "0.0.0.0", env={"FORECAST_TOKEN": token}).start()
    resize(browser, width, scheme)
    try:
        page = f"http://127.0.0.1:{server.port}/"
        browser.get(f"{page}?token=old&x=1")
        assert is_fitting(browser) and violations(browser) == []
        assert "not the token" in find(browser, "form").text
        browser.switch_to.active_element.send_keys("wrong", Keys.ENTER)
        assert wait_for(
            lambda: browser.current_url == f"{page}?x=1" and "not the token" in "".join(texts(browser, "form"))
        )
        browser.switch_to.active_element.send_keys(token, Keys.ENTER)
        is_shown(browser, "#ask")
        assert browser.current_url == f"{page}?x=1"
        browser.get(page)
        is_shown(browser, "#ask")
        assert all(token not in url for url in asked(browser))
    finally:
        browser.delete_all_cookies()
        browser.get("about:blank")
        assert server.stop() == 0


def test_a_limit_of_the_provider_is_said_with_its_cure(browser, address):
    visit(browser, address)
    browser.execute_script(
        """
        const told = {title: "Too many requests", detail: "Yahoo Finance asks to wait.", cure: "Drop a file instead."};
        window.fetch = async () => new Response(JSON.stringify(told), {status: 503, headers: {"Retry-After": "60"}});
        """
    )
    find(browser, "#ticker").send_keys("AAPL")
    find(browser, "#go").click()
    is_shown(browser, "#trouble")
    said = "Too many requests\nYahoo Finance asks to wait. Try again in 60 seconds.\nWhat helps: Drop a file instead."
    assert find(browser, "#trouble").text == said
    assert find(browser, "#trouble").get_dom_attribute("role") == "alert"


def test_names_from_others_are_text(browser, address):
    rows = [{"date": str(day.date()), "value": value} for day, value in walk(300).items()]
    browser.set_script_timeout(60)
    visit(browser, address)
    script = """
        const [name, rows, done] = arguments, headers = {"Content-Type": "application/json"};
        fetch("/v1/series", {method: "POST", headers, body: JSON.stringify({name, unit: name, rows})})
            .then(answer => answer.json()).then(series => done(series.id));
    """
    number = browser.execute_async_script(script, "<img src=x onerror=alert(1)>", rows)
    visit(browser, address, f"#/series/{number}")
    is_shown(browser, "#table tbody tr")
    assert find(browser, "#title").text.startswith("<img src=x onerror=alert(1)>: the next")
    assert browser.find_elements("css selector", "main img") == []


def test_it_prints_without_its_forms(browser, address, file):
    visit(browser, address)
    answered(browser, file)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert not any(find(browser, one).is_displayed() for one in ("#ask", "#train", "#downloads", "nav"))
    assert find(browser, "#verdict").is_displayed()
    rows = browser.find_elements("css selector", "#table tbody tr")
    assert all(row.is_displayed() for row in rows)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_the_keyboard_reaches_everything(browser, address, file):
    from selenium.webdriver import ActionChains, Keys

    visit(browser, address)
    answered(browser, file)
    reached = []  # from the first stop of the page to the last that is wanted, wherever the focus was
    while len(reached) < 150 and (
        not reached or reached[-1] != "Train on this series" or "To the content" not in reached
    ):
        ActionChains(browser).send_keys(Keys.TAB).perform()
        reached.append(browser.execute_script("return document.activeElement.id || document.activeElement.textContent"))
    reached = reached[reached.index("To the content") :]
    wanted = ["To the content", "Forecast", "Saved models", "ticker", "file", "horizon", "go", "by", "origin", "steps"]
    places = [reached.index(name) for name in wanted]
    assert places == sorted(places)
    assert "Train on this series" in reached
