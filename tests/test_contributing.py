"""What CONTRIBUTING.md says to those who come after: its worked example runs, and its map leads to files."""

import re
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import test_contract
from conftest import EVERY, make_series, random_walk

import forecast
from forecast.models import MODELS
from forecast.training.train import train

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text()
LINES = 40


@pytest.fixture
def analogues(monkeypatch):
    """The model of the page, registered under its name by the line that the page gives."""
    (code,) = re.findall(r"^```python\n(.*?)^```$", TEXT, re.M | re.S)
    assert len(code.splitlines()) <= LINES
    module = ModuleType("forecast.models.analogues")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(code, vars(module))
    line = re.search(r"`(Analogues\(.*\))`", TEXT)[1]
    monkeypatch.setitem(MODELS, "analogues", eval(line, vars(module)))
    return MODELS["analogues"]


def test_the_worked_example_finds_the_window_that_was_like_this_one(analogues):
    """On a series that repeats itself the nearest windows are those of the same phase: the forecast is the truth."""
    wave = make_series(50 + 10 * np.sin(np.arange(1200) * np.pi / 6) + 1e-4 * random_walk(1200))
    model = train(wave, "analogues", EVERY)
    backtest = model.backtest(wave)
    known = np.isfinite(backtest.actual).all(axis=1)
    assert np.abs(backtest.quantiles[known, :, 3] - backtest.actual[known]).max() < 0.01


@pytest.mark.parametrize("rule", [rule for name, rule in vars(test_contract).items() if name.startswith("test_")])
def test_the_worked_example_keeps_the_contract(analogues, rule, walk, tmp_path):
    def trained(name):
        return train(walk, name, EVERY)

    given = {"name": analogues.name, "trained": trained, "walk": walk, "tmp_path": tmp_path}
    rule(**{name: given[name] for name in rule.__code__.co_varnames[: rule.__code__.co_argcount]})


@pytest.mark.usefixtures("jobs_here")
def test_the_worked_example_takes_the_whole_job(analogues, tmp_path):
    walk = make_series(random_walk(300))
    result = forecast.run(walk, models=["analogues"], horizon=3, lookback=8, out=tmp_path / "run")
    assert [row.model for row in result.scores] == ["analogues", "naive", "drift", "seasonal_naive"]
    assert analogues.summary in forecast.open_model(tmp_path / "run" / "models" / "analogues")._repr_html_()
    assert not any(forecast.audit_model(walk, "analogues", horizon=3, lookback=8).changed.values())


def test_the_map_leads_to_files():
    """Every path in backquotes is there, below the root or the package; the new module of the example is not yet."""
    paths = set(re.findall(r"`([a-z_]+/[\w./]+\.\w+)`", TEXT)) - {"models/analogues.py"}
    assert len(paths) > 20
    assert not [path for path in paths if not ((ROOT / path).exists() or (ROOT / "forecast" / path).exists())]


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#:]+)\)", TEXT):
        assert (ROOT / target).is_file(), target
