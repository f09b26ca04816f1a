"""The report in a real browser: no request to a network, no error, a table that sorts, a chart that shows values."""

import base64
import json
import shutil
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from chromium import asked, complaints, open_browser, resize, violations, wait_for
from conftest import SMALL, make_series, random_walk

import forecast
from forecast.cli.main import app
from forecast.errors import ConfigError
from forecast.report.html import PAGE, make_page

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("page") / "run"
    forecast.run(make_series(random_walk(300), name="<made>"), models=["linear", "dense"], config=SMALL, out=out)
    return out


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    yield from open_browser(tmp_path_factory.mktemp("chromium"))


def open_page(browser, path):
    """Open a page and wait until it is complete, charts included."""
    browser.get(path.as_uri())
    ready = "return document.readyState == 'complete' && (!window.Bokeh || Bokeh.documents.length == 1)"
    assert wait_for(lambda: browser.execute_script(ready))


def column(browser, table, place):
    script = f"return [...document.querySelectorAll('#{table} tbody tr')].map(r => r.cells[{place}].textContent)"
    return browser.execute_script(script)


def test_the_page_needs_nothing_and_complains_of_nothing(browser, folder):
    asked(browser)
    open_page(browser, folder / PAGE)
    wanted = [url for url in asked(browser) if not url.startswith("data:")]
    assert wanted == [(folder / PAGE).as_uri()]
    assert complaints(browser) == []
    assert browser.find_element("css selector", "h1").text.startswith("<made>: the next 3 steps")
    assert "naive" in browser.find_element("css selector", ".verdict").text


def test_a_click_sorts_the_scores_and_another_turns_them_round(browser, folder):
    open_page(browser, folder / PAGE)
    button = browser.find_elements("css selector", "#scores th button")[1]
    assert "below 1 is better" in button.find_element("xpath", "..").get_dom_attribute("data-meaning")
    button.click()
    ratios = [float(text) for text in column(browser, "scores", 1)]
    assert ratios == sorted(ratios)
    button.click()
    assert [float(text) for text in column(browser, "scores", 1)] == sorted(ratios, reverse=True)
    browser.find_elements("css selector", "#scores th button")[0].click()
    names = column(browser, "scores", 0)
    assert names == sorted(names)


def test_a_chart_shows_the_value_under_the_pointer(browser, folder):
    from selenium.webdriver import ActionChains

    open_page(browser, folder / PAGE)
    chart = browser.find_element("id", "chart-backtest")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", chart)
    say = """
        const found = [], look = root => { for (const one of root.querySelectorAll('*')) {
            if (one.className?.includes?.('bk-Tooltip') || one.tagName == 'BK-TOOLTIP') found.push(one);
            if (one.shadowRoot) look(one.shadowRoot); } };
        look(document);
        return found.map(one => (one.shadowRoot || one).textContent).join(' ');
    """

    def told():
        for across in np.linspace(-0.4, 0.4, 9):
            for down in np.linspace(-0.35, 0.35, 9):
                offset = int(across * chart.size["width"]), int(down * chart.size["height"])
                ActionChains(browser, duration=5).move_to_element_with_offset(chart, *offset).perform()
                if "value" in (text := browser.execute_script(say)):
                    return text
        return ""

    assert any(name in told() for name in ("linear", "dense", "actual"))


def test_the_page_shows_the_pictures_of_the_run(browser, folder):
    open_page(browser, folder / PAGE)
    shown = [image.get_dom_attribute("src") for image in browser.find_elements("css selector", "img")]
    kept = [(folder / "plots" / f"{name}.png").read_bytes() for name in ("errors", "calibration", "losses")]
    assert [base64.b64decode(source.removeprefix("data:image/png;base64,")) for source in shown] == kept


def test_the_forecast_stands_there_as_numbers(browser, folder):
    open_page(browser, folder / PAGE)
    scores = pd.read_csv(folder / "scores.csv", index_col="model").mae_vs_naive[["linear", "dense"]]
    rows = pd.read_csv(folder / "forecast.csv", index_col="model").loc[scores.idxmin()]
    assert column(browser, "forecast", 1) == rows.date.tolist()
    for place, name in ((2, "q50"), (5, "q05"), (6, "q95")):
        shown = [float(text.replace(",", "")) for text in column(browser, "forecast", place)]
        np.testing.assert_allclose(shown, rows[name], atol=0.006 * (rows.q95 - rows.q05).iloc[0])


def test_rows_are_equally_spaced_and_no_legend_covers_them(browser, folder):
    open_page(browser, folder / PAGE)
    look = """
        const {model} = Bokeh.documents[0].roots().map(root => ({model: root})).filter(({model}) =>
            model.renderers.some(one => one.name == 'naive' && one.data_source.data.x.length == 4))[0];
        const line = name => [...model.renderers.filter(one => one.name == name)[0].data_source.data.x];
        return [line('actual'), line('naive'), model.below.map(one => one.type), model.center.map(one => one.type)];
    """
    actual, coming, below, inside = browser.execute_script(look)
    assert actual + coming[1:] == list(range(len(actual) + 3))
    assert coming[0] == actual[-1]
    assert "Legend" in below
    assert "Legend" not in inside


@pytest.mark.parametrize("width", [1400, 390])
def test_nothing_is_wider_than_the_window(browser, folder, width):
    resize(browser, width)
    open_page(browser, folder / PAGE)
    root = browser.find_element("css selector", "html")
    assert root.get_property("scrollWidth") == root.get_property("clientWidth")
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 390])
def test_nobody_is_kept_from_reading_it(browser, folder, width, scheme):
    resize(browser, width, scheme)
    open_page(browser, folder / PAGE)
    assert violations(browser) == []
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_terms_are_explained_under_the_pointer_at_the_focus_and_after_a_tap(browser, folder):
    from selenium.webdriver import ActionChains

    open_page(browser, folder / PAGE)
    median = browser.find_element("css selector", "#forecast .term")
    box = browser.find_element("id", "meaning")
    ActionChains(browser).move_to_element(median).perform()
    assert box.text == "The quantile of 50 %: the truth is as likely above as below."
    ActionChains(browser).send_keys("\ue00c").perform()  # Escape
    assert not box.is_displayed()
    head = browser.find_elements("css selector", "#scores th button")[1]
    browser.execute_script("arguments[0].focus()", head)
    assert "below 1 is better" in box.text
    assert head.get_dom_attribute("aria-describedby") == "meaning"
    median.click()
    assert "50 %" in box.text


def test_the_page_is_small_and_its_numbers_are_those_of_the_tables(folder):
    assert (folder / PAGE).stat().st_size < 4_000_000

    class Cells(HTMLParser):
        def __init__(self):
            super().__init__()
            self.values = []

        def handle_starttag(self, tag, attributes):
            if tag == "td" and dict(attributes).get("data-value") is not None:
                self.values.append(dict(attributes)["data-value"])

    cells = Cells()
    cells.feed((folder / PAGE).read_text())
    scores = pd.read_csv(folder / "scores.csv")
    shown = {float(value) for value in cells.values if value}
    for name in ("mae", "rmse", "crps", "coverage90", "mae_vs_naive"):
        assert set(scores[name]) <= shown


def test_the_page_can_be_made_again_and_says_where_the_models_are(folder, capsys):
    before = (folder / PAGE).read_text()
    (folder / PAGE).unlink()
    app(["report", str(folder)], standalone_mode=False)
    assert str(folder / PAGE) in capsys.readouterr().out
    after = (folder / PAGE).read_text()
    assert f"--model {folder}/models/" in before
    assert f"--model {folder}/models/" in after


def test_names_are_text_and_nothing_else(folder):
    """A name from a file is escaped."""
    text = (folder / PAGE).read_text()
    assert "&lt;made&gt;" in text
    assert "<made>" not in text.replace("\\u003cmade", "")


def test_a_comparison_has_its_page(tmp_path, browser):
    several = [make_series(random_walk(120, seed), name) for seed, name in ((1, "one"), (2, "two"))]
    plan = forecast.WalkForward(folds=2, stride=10)
    forecast.compare(several, models=["linear"], config=SMALL, plan=plan, out=tmp_path / "compared")
    open_page(browser, tmp_path / "compared" / PAGE)
    assert column(browser, "series", 0) == ["one", "two"]
    assert column(browser, "models", 0) == ["linear", "naive", "drift", "seasonal_naive"]
    browser.find_elements("css selector", "#series th button")[1].click()
    assert [float(text) for text in column(browser, "series", 1)] == sorted(map(float, column(browser, "series", 1)))
    links = browser.find_elements("css selector", "#series a")
    assert all((tmp_path / "compared" / link.get_dom_attribute("href")).is_file() for link in links)
    assert len(links) == 2
    assert violations(browser) == []


def test_a_run_on_directions_has_its_page(tmp_path, browser):
    series = make_series(random_walk(300), name="<made>")
    found = forecast.run(series, models=["dense"], config=replace(SMALL, task="direction"), out=tmp_path / "run")
    open_page(browser, tmp_path / "run" / PAGE)
    assert column(browser, "scores", 0) == ["dense", "base_rate", "persistence"]
    assert column(browser, "scores", 1) == [f"{row.log_loss:.4f}" for row in found.scores]
    assert column(browser, "forecast", 4) == [f"{100 * one.probabilities[2]:.1f}" for one in found.forecasts.values()]
    assert f"{tmp_path / 'run'}/models/dense" in browser.find_element("css selector", "body").text
    assert violations(browser) == []


def test_other_folders_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="holds none that can be read"):
        make_page(tmp_path)


def test_texts_of_a_run_do_nothing_on_its_page(folder, tmp_path):
    """Names and units of others: no markup, no script, no control characters."""
    shutil.copytree(folder, tmp_path / "run")
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    wicked = "</script><script>alert(1)</script>\x1b[31m\u202e"
    record["series"] |= {"name": wicked, "unit": wicked, "target": wicked, "notes": [wicked]}
    (tmp_path / "run" / "run.json").write_text(json.dumps(record))
    text = make_page(tmp_path / "run").read_text()
    assert "<script>alert" not in text
    assert "\\x1b[31m\\u202e" in text
    assert not {"\x1b", "\u202e"} & set(text)


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "run.json").write_text("[" * 100_000),
        lambda folder: (folder / "run.json").write_text("[]"),
        lambda folder: (folder / "run.json").write_text('{"config": {"task": "dance"}}'),
        lambda folder: (folder / "backtest.csv").write_bytes(b"\0\xff"),
        lambda folder: (folder / "forecast.csv").write_text("model,step\n"),
        lambda folder: (folder / "forecast.csv").unlink(),
        lambda folder: (folder / "compare.json").write_text('{"series": 3}'),
        lambda folder: (folder / "compare.json").write_text("{"),
    ],
)
def test_a_damaged_folder_is_one_line(folder, tmp_path, damage):
    shutil.copytree(folder, tmp_path / "run")
    damage(tmp_path / "run")
    rule = "a report is made of the folder of a run or a comparison|run.json must be what a run wrote"
    with pytest.raises(ConfigError, match=rule) as refused:
        make_page(tmp_path / "run")
    assert "\n" not in str(refused.value)
