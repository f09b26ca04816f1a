"""Plots match their golden pictures, share one style, and use colours that the colour-blind can tell apart."""

import itertools
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.testing.compare import compare_images
from pictures import GOLDEN, PICTURES, draw, made_backtest, made_experiment
from pictures import MODELS as MADE

from forecast.display.style import LINES, TRUTH
from forecast.models import MODELS
from forecast.report import plots
from forecast.report.plots.experiment import save_plots

# Root mean square difference, of 255: letters may differ by machine, lines and colours may not.
TOLERANCE = 6
# Red, green and blue (linear) as seen without one of the three kinds of cones: Machado, Oliveira and Fernandes (2009),
# severity 1.
CONES = {
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_as_it_was(name, tmp_path):
    assert compare_images(GOLDEN / f"{name}.png", draw(name, tmp_path), tol=TOLERANCE) is None


def test_a_wrong_line_is_beyond_the_tolerance(tmp_path):
    """Draw the thin lines of one picture in another model's colour."""
    figure, axes = plots.panels(1, 7, 3)
    experiment = made_experiment()
    experiment.backtests["gru"] = experiment.backtests["lstm"]
    plots.plot_backtest(experiment, "gru", axes[0], step=3)
    figure.savefig(tmp_path / "backtest.png", dpi=50)
    assert "did not match" in compare_images(GOLDEN / "backtest.png", tmp_path / "backtest.png", tol=TOLERANCE)


def test_every_golden_picture_is_drawn():
    assert {path.stem for path in GOLDEN.glob("*.png")} == set(PICTURES)


def test_global_settings_stay_as_they_were(tmp_path):
    before = dict(mpl.rcParams)
    tested = {name: made_backtest(name) for name in MADE}
    save_plots(replace(made_experiment(), backtests=tested), tmp_path)
    assert dict(mpl.rcParams) == before
    assert sorted(path.stem for path in tmp_path.iterdir()) == [
        "backtest", "comparison", "forecast", "history", "losses",
    ]  # fmt: skip


def test_axes_of_one_s_own_get_colours_grid_and_frame():
    ax = Figure().subplots()
    plots.plot_history(made_experiment(), ax)
    assert not ax.spines["top"].get_visible()
    assert ax.get_xgridlines()[0].get_visible()


def test_letters_are_readable_when_a_picture_is_as_wide_as_a_page():
    """A picture 10 inches wide is printed on 6.3; journals ask for seven points or more."""
    with mpl.rc_context(fname=plots.SHEET):
        sizes = [mpl.rcParams[f"{name}.labelsize"] for name in ("axes", "xtick", "ytick")]
        assert min(*sizes, mpl.rcParams["legend.fontsize"], mpl.rcParams["axes.titlesize"]) * 6.3 / 10 >= 6.9


def seen(colour, cones):
    """Convert a colour to CIELAB as seen with such eyes."""
    light = np.array(to_rgb(colour))
    light = np.where(light > 0.04045, ((light + 0.055) / 1.055) ** 2.4, light / 12.92)
    light = np.clip(light if cones is None else np.array(CONES[cones]) @ light, 0, 1)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ light
    x, y, z = np.cbrt(xyz / [0.9505, 1, 1.089])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("cones", [None, *CONES])
def test_models_are_told_apart_by_all_eyes(cones):
    """Two models differ in line style, or by 10 or more in CIELAB: 2 is just noticeable, 10 seen at a glance."""
    assert set(LINES) == set(MODELS)
    for one, other in itertools.combinations(LINES.values(), 2):
        if one[1] == other[1]:
            assert np.linalg.norm(seen(one[0], cones) - seen(other[0], cones)) > 10, (one, other)
    for colour, _ in LINES.values():
        assert np.linalg.norm(seen(colour, cones) - seen(TRUTH, cones)) > 20
