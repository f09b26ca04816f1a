"""Results show themselves: in a line, in a notebook, as a picture and as a table; names from files do nothing there."""

import re
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from conftest import SMALL, make_series, random_walk
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from pictures import made_experiment, made_explanation, made_model

import forecast
from forecast.config import override
from forecast.display.chart import Chart, Line
from forecast.display.draw import MOST_POINTS, draw, svg, thinned
from forecast.errors import ConfigError

mpl.use("Agg")
EVIL = '<script>alert("x")</script>\x1b[31m $a$ \u202e'


@pytest.fixture(scope="module")
def results():
    """One of each kind, of a series with a name that a page must not run."""
    series = replace(make_series(random_walk()), name=EVIL, unit=EVIL)
    experiment = forecast.run(series, models=["linear"], config=SMALL)
    model = experiment.models["linear"]
    comparison = forecast.compare(series, models=["linear"], config=SMALL, plan=forecast.WalkForward(folds=2))
    found = [series, experiment, model, model.predict(series), model.backtest(series), comparison]
    return {type(one).__name__: one for one in [*found, forecast.explain(model, series)]}


KINDS = ("TimeSeries", "Experiment", "TrainedModel", "Forecast", "Backtest", "Comparison", "Explanation")


@pytest.mark.parametrize("kind", KINDS)
class TestResult:
    def test_its_repr_is_a_short_line(self, results, kind):
        text = repr(results[kind])
        assert text.startswith(f"{kind}(")
        assert len(text) < 400
        assert text.isprintable()

    def test_its_html_runs_and_loads_nothing_that_a_file_brought(self, results, kind):
        html = results[kind]._repr_html_()
        assert len(html) < 60_000
        assert "<table" in html
        assert "<script" not in html
        assert not re.search(r"""(src|href)=["'](?!#)|url\((?!#)|\x1b|\u202e""", html)

    def test_it_is_legible_on_a_dark_page(self, results, kind):
        """What is black or white on paper has the colour of the page's text, or none."""
        html = results[kind]._repr_html_()
        assert not re.search(r"(fill|stroke|color|background)\s*:\s*(#000000|#ffffff|black|white)", html)
        assert ("<svg" in html) == ("currentColor" in html) == (kind != "TrainedModel")  # a linear one has no losses

    def test_its_table_is_written_and_read_again(self, results, kind, tmp_path):
        table = results[kind].to_frame()
        pd.testing.assert_frame_equal(
            pd.read_parquet(results[kind].to_parquet(tmp_path / "table.parquet")), table, check_freq=False
        )
        read = pd.read_csv(results[kind].to_csv(tmp_path / "table.csv"))
        assert len(read) == len(table)
        assert set(map(str, table.columns)) <= set(read.columns)

    def test_others_take_it_as_arrow(self, results, kind):
        assert pl.DataFrame(results[kind]).height == pa.table(results[kind]).num_rows == len(results[kind].to_frame())


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "TrainedModel"])
class TestPlot:
    def test_axes_go_in_and_come_out(self, results, kind):
        ax = Figure().subplots()
        assert results[kind].plot(ax) is ax
        assert ax.has_data()
        assert results[kind].plot() is plt.gca()
        plt.close("all")

    def test_it_zooms_without_a_network(self, results, kind):
        shown = results[kind].plot(interactive=True)
        assert shown.figure.renderers
        frame = shown._repr_html_()
        assert "<script" not in frame  # the page within is text of an attribute
        assert "<script>alert" not in shown.page()
        assert not re.search(r"<(script|link)[^>]+(src|href)=", shown.page())


def test_both_kinds_of_axes_are_an_error(results):
    with pytest.raises(ConfigError, match="Received: both"):
        results["Forecast"].plot(Figure().subplots(), interactive=True)


def test_a_network_shows_its_losses():
    ax = made_model().plot(Figure().subplots())
    assert [line.get_label() for line in ax.get_lines()] == ["training", "validation", "weights kept"]


def test_a_model_without_losses_says_so(results):
    with pytest.raises(ConfigError, match="has no chart: to_frame"):
        results["TrainedModel"].plot()


def test_a_forecast_is_a_table_of_dates(results):
    made = results["Forecast"]
    table = made.to_frame()
    assert isinstance(table.index, pd.DatetimeIndex)
    assert [step.q50 for step in made] == made.median.tolist() == table["q50"].tolist()
    assert pd.DataFrame(made)["date"].tolist() == table.index.tolist()


def test_several_forecasts_are_a_long_table(results):
    table = results["Experiment"].to_frame("forecast")
    assert table.groupby("model").size().to_dict() == dict.fromkeys(("linear", "naive", "drift", "seasonal_naive"), 3)
    assert isinstance(table.index, pd.DatetimeIndex)
    with pytest.raises(ConfigError, match="one of scores, verdicts, risks, forecast, backtest"):
        results["Experiment"].to_frame("score")


def test_a_backtest_has_the_dates_of_its_rows(results):
    series, table = results["TimeSeries"], results["Backtest"].to_frame()
    known = table[table["actual"].notna()]
    np.testing.assert_array_equal(known["actual"], series.to_frame().loc[known.index, series.target])
    pd.testing.assert_index_equal(
        pd.DatetimeIndex(table[table["step"] == 1].index[:-1]), series.index[-len(table) // 3 + 1 :], check_names=False
    )


def test_a_comparison_is_a_short_line_however_many_series_it_has(results):
    assert len(repr(results["Comparison"])) + len(repr(results["Comparison"].results)) < 1000
    assert len(repr(results["Experiment"].verdicts)) < 1000


def test_directions_show_their_probabilities():
    config = override(SMALL, {"task": "direction"})
    result = forecast.run(make_series(random_walk()), models=["dense"], config=config)
    assert "log loss" in result._repr_html_()
    (made, *_) = result.forecasts.values()
    assert made.to_frame().sum(axis=1).iloc[0] == pytest.approx(1)
    with pytest.raises(ConfigError, match="has no chart"):
        result.plot()


def test_an_experiment_and_an_explanation_draw_what_the_files_show():
    experiment, explanation = made_experiment(), made_explanation()
    labels = [line.get_label() for line in experiment.plot(Figure().subplots()).get_lines()]
    assert {"actual", "lstm", "naive"} <= set(labels)
    assert "past moves" not in [line.get_label() for line in explanation.plot(Figure().subplots()).get_lines()]


def test_a_long_line_keeps_its_extremes_and_its_ends():
    y = np.random.default_rng(0).normal(size=100_000)
    y[[500, 77_777]] = 9, -9
    y[1000:2000] = np.nan
    rows = thinned(y)
    assert len(rows) <= MOST_POINTS + 2
    assert {0, 500, 77_777, 99_999} <= set(rows)
    chart = Chart("long", "", [Line(np.arange(100_000), y)])
    assert len(svg(chart)) < 60_000
    assert svg(chart) == svg(chart)


def test_an_inspection_shows_every_series():
    table = pd.DataFrame({"a": random_walk(), EVIL: random_walk(seed=2)}, pd.bdate_range("2020-01-01", periods=200))
    found = forecast.inspect(table)
    assert repr(found).isprintable()
    assert len(found.to_frame()) == 2
    assert "<script" not in found._repr_html_()
    assert found.plot(Figure().subplots()).has_data()


@pytest.mark.usefixtures("jobs_here")
def test_a_search_shows_its_trials(walk):
    found = forecast.tune(walk, "dense", SMALL, trials=2, lookback=8, max_steps=2)
    assert found.to_frame().index.tolist() == [1, 2]
    assert {"lookback", "max_steps"}.isdisjoint(found.objective.ranges)
    assert "2 trials" in repr(found)
    assert "best so far" in found._repr_html_()


@pytest.mark.parametrize("frequency", ["s", "5min", "h", "D", "B", "W", "MS", "QS", "YS"])
def test_dates_below_a_chart_are_those_of_its_rows(frequency):
    """Each label stands at the first row of the year, month, day ... that it names, and none warns."""
    for rows in (2, 30, 145):
        dates = pd.date_range("2001-03-05 10:30", periods=rows, freq=frequency)
        ax = Figure().subplots()
        draw(Chart("made", "USD", [Line(dates, np.arange(rows))]), ax)
        places = ax.get_xticks()
        assert len(places) == len(set(places)) <= 13
        assert all(0 <= place < rows for place in places)
        years = [
            (label.get_text(), dates[int(place)].year)
            for label, place in zip(ax.get_xticklabels(), places, strict=True)
        ]
        assert all(int(text) == year for text, year in years if re.fullmatch(r"(19|20)\d\d", text))
