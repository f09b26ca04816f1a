import numpy as np
import pandas as pd
import pytest

import forecast
from forecast.config import MEDIAN, QUANTILES
from forecast.inference import shrinkage
from forecast.models.volatility import smooth


def moves(size, rows=400, horizon=2):
    """Quantiles whose median says `size` and whose spread is one on each side."""
    spread = np.linspace(-1, 1, len(QUANTILES))
    return np.broadcast_to(size + spread, (rows, horizon, len(QUANTILES))).copy()


def parts_of(raw, linear, *, past=None, naive=None):
    """The parts, over past moves, the naive forecast, or the model's own spread; a highway moves the steps it moves."""
    given = past if past is not None else np.full(raw.shape, np.nan) if naive is None else naive
    base = shrinkage.Base(given, np.full(len(raw), past is not None))
    return shrinkage.parts_of(raw, linear, base, linear.any(axis=0))


def shrink(quantiles, y, losses=None, linear=None, past=None):
    """Shrinks moves that are all the network's, unless `linear` says otherwise; with the last expert losses."""
    losses = shrinkage.initial_losses() if losses is None else losses
    linear = np.zeros(y.shape) if linear is None else linear
    parts = parts_of(quantiles, linear, past=past)
    followed = shrinkage.follow_losses(parts, y, losses)
    factors = shrinkage.factors_of(followed, horizon=y.shape[1])
    return shrinkage.shrink(parts, factors), followed[-1]


def factor(shrunk, size):
    return shrunk[..., MEDIAN] / size


@pytest.mark.parametrize(("horizon", "most"), [(1, 0.25), (30, 0.1), (96, 0.0)])
def test_without_evidence_the_forecast_is_nearly_naive(horizon, most):
    """The more so, the longer the horizon, whose outcomes say the same thing several times."""
    shrunk, _ = shrink(moves(0.5, rows=1, horizon=horizon), np.full((1, horizon), np.nan))
    assert (factor(shrunk, 0.5) <= most).all()


def test_moves_that_come_true_are_believed_more_and_more():
    y = np.full((400, 2), 0.5)
    shrunk, _ = shrink(moves(0.5), y)
    believed = factor(shrunk, 0.5)[:, 0]
    assert believed[0] < 0.2
    assert believed[-1] > 0.95  # where it says all, its spread is all that is lost
    assert (np.diff(believed) >= 0).all()


def test_moves_that_do_not_come_are_not_believed():
    y = np.random.default_rng(0).normal(size=(400, 2))
    shrunk, _ = shrink(moves(0.5), y)
    assert (shrunk[200:, :, MEDIAN] == 0).all()


def test_the_spread_stays():
    shrunk, _ = shrink(moves(0.5), np.full((400, 2), 0.5))
    np.testing.assert_allclose(np.diff(shrunk, axis=-1), np.diff(moves(0.5), axis=-1))


def test_one_step_by_hand():
    """One outcome of 1 for a move of 1 without spread, none of it linear.

    The CRPS is the absolute error, and the factor k/5 of the network component has lost -k/5.
    """
    _, expert_losses = shrink(np.full((2, 1, len(QUANTILES)), 1.0), np.array([[1.0], [np.nan]]))
    np.testing.assert_allclose(expert_losses, -shrinkage.EXPERTS[:, 1])


def test_a_distribution_is_drawn_towards_that_of_past_moves_until_it_has_proved_better():
    """The whole of it: a network that says the right spread wins over past moves that were twice as wide."""
    y = np.random.default_rng(0).normal(size=(600, 1))
    normal = np.array([-1.6449, -1.2816, -0.6745, 0, 0.6745, 1.2816, 1.6449])
    own, past = (np.broadcast_to(size * normal, (600, 1, 7)) for size in (1.0, 2.0))
    shrunk, _ = shrink(own, y, past=past)
    np.testing.assert_allclose(shrunk[0], past[0], rtol=0.2)
    np.testing.assert_allclose(shrunk[-1], own[-1], rtol=0.1)
    kept, _ = shrink(past, y, past=own)
    np.testing.assert_allclose(kept[-1], own[-1])


def test_components_and_base_make_the_raw_forecast():
    """With both factors at 1; where past moves are the base, the model's own quantiles are smoothed over the steps."""
    random = np.random.default_rng(3)
    raw, linear = np.sort(random.normal(size=(5, 30, 7)), axis=-1), random.normal(size=(5, 30))
    parts = parts_of(raw, linear)
    np.testing.assert_allclose(shrinkage.shrink(parts, np.ones((5, 2))), raw)
    parts = parts_of(raw, linear, past=raw + 1)
    np.testing.assert_allclose(shrinkage.shrink(parts, np.ones((5, 2))), smooth(raw))
    np.testing.assert_allclose(shrinkage.shrink(parts, np.zeros((5, 2))), raw + 1)


def test_around_the_naive_forecast_the_spread_comes_with_the_highway_where_there_is_one():
    random = np.random.default_rng(5)
    raw, naive = (size * np.sort(random.normal(size=(4, 3, 7)), axis=-1) for size in (1, 5))
    naive -= naive[..., [MEDIAN]]
    linear = random.normal(size=(4, 3)) * [1, 1, 0]
    parts = parts_of(raw, linear, naive=naive)
    np.testing.assert_allclose(shrinkage.shrink(parts, np.ones((4, 2))), raw)
    np.testing.assert_array_equal(shrinkage.shrink(parts, np.zeros((4, 2))), naive)
    moved = shrinkage.shrink(parts, np.tile([1.0, 0.0], (4, 1)))
    spread = raw - raw[..., [MEDIAN]]
    np.testing.assert_allclose(moved[:, :2], linear[:, :2, None] + spread[:, :2])
    np.testing.assert_allclose(moved[:, 2], naive[:, 2])


@pytest.mark.parametrize("model", ["forest", "esn"])
def test_a_model_that_is_shrunk_to_nothing_is_the_naive_forecast_with_its_interval(model):
    """Seven years of months, noise around a line: its own interval was half as wide as its error around naive."""
    months = pd.Series(
        0.5 * np.arange(84) + 2 * np.random.default_rng([84, 1]).normal(size=84),
        pd.date_range("2000-01-01", periods=84, freq="MS"),
    )
    run = forecast.run(months, models=[model], horizon=12)
    own, naive = (next(row for row in run.scores if row.model == name) for name in (model, "naive"))
    assert own.crps < 1.1 * naive.crps
    assert own.coverage90 > naive.coverage90 - 0.1


def test_the_linear_part_is_believed_from_the_start_and_lost_when_it_errs():
    linear = np.full((400, 2), 0.5)
    right, _ = shrink(moves(0.5), linear, linear=linear)
    wrong, _ = shrink(moves(0.5), -linear, linear=linear)
    assert factor(right, 0.5)[0, 0] == pytest.approx(0.5)
    assert factor(right, 0.5)[-1, 0] > 0.98
    assert (wrong[-1, :, MEDIAN] == 0).all()


def test_each_part_is_judged_by_itself():
    """The linear part comes true, the model's own says the contrary of the rest."""
    random = np.random.default_rng(0)
    linear, own = random.normal(size=(2, 400, 2))
    quantiles = moves(0.0) + (linear + own)[:, :, None]
    shrunk, _ = shrink(quantiles, linear - own, linear=linear)
    np.testing.assert_allclose(shrunk[200:, :, MEDIAN], linear[200:], atol=0.25)


def test_the_state_carries_on_where_it_stopped():
    random = np.random.default_rng(1)
    quantiles, y = moves(0.4, rows=60, horizon=1), 0.4 + random.normal(size=(60, 1)) / 10
    whole, expert_losses = shrink(quantiles, y)
    _, middle = shrink(quantiles[:31], y[:31])
    rest, end = shrink(quantiles[30:], y[30:], middle)
    np.testing.assert_allclose(rest, whole[30:])
    np.testing.assert_allclose(end, expert_losses)


@pytest.mark.parametrize("cut", [5, 50, 99])
def test_nothing_looks_past_the_origin(cut):
    random = np.random.default_rng(2)
    quantiles = np.sort(random.normal(size=(100, 3, 7)), axis=-1)
    y = random.normal(size=(100, 3))
    garbled = y.copy()
    for step in range(3):  # the outcome of step h+1 from row n is known at row n+h+1
        garbled[max(cut - step, 0) :, step] = 1e9
    one, _ = shrink(quantiles, y)
    other, _ = shrink(quantiles, garbled)
    np.testing.assert_array_equal(one[: cut + 1], other[: cut + 1])


def test_what_a_highway_saved_in_training_is_believed_from_the_start():
    """Of a wave, which saves most of naive's error, all; of returns, which save 1 %, about half."""
    factors = [shrinkage.factors_of(shrinkage.head_start(share), horizon=12)[0] for share in (0.8, 0.01, 0.0)]
    assert factors[0] > 0.95
    assert pytest.approx(factors[2]) == 0.5
    assert factors[2] < factors[1] < 0.55


def test_a_window_that_did_not_move_decides_nothing_by_itself():
    """Its scale is next to nothing: an outcome is 1e10 scales away, which must not outweigh a hundred others."""
    y = np.full((200, 2), 0.5)
    quantiles = moves(0.5, rows=200)
    y[20], quantiles[20] = 0.0, 1e10 * quantiles[20]
    shrunk, _ = shrink(quantiles, y)
    assert factor(shrunk, 0.5)[-1, 0] > 0.6


@pytest.mark.parametrize("stride", [1, 2, 3, 5])
def test_losses_at_origins_some_rows_apart_stand_for_the_rows_between(stride):
    """Each outcome counts at the first origin that knows it: a loop over all pairs of an origin and a step."""
    random, rows, horizon = np.random.default_rng(0), 12, 4
    base = np.sort(random.normal(size=(rows, horizon, len(QUANTILES))), axis=-1)
    parts = shrinkage.Parts(base, 0.3 * random.normal(size=(rows, horizon, 1)), 0.3 * random.normal(size=base.shape))
    y = random.normal(size=(rows, horizon))
    levels, expected = np.array(QUANTILES), np.zeros((rows, len(shrinkage.EXPERTS)))

    def crps(quantiles, value):
        return 2 * np.maximum(levels * (value - quantiles), (levels - 1) * (value - quantiles)).mean()

    for origin in range(rows):
        for step in range(horizon):
            known = next((later for later in range(rows) if later * stride >= origin * stride + step + 1), None)
            for expert, (linear, network) in enumerate(shrinkage.EXPERTS if known is not None else ()):
                at = base[origin, step]
                drawn = at + linear * parts.linear[origin, step] + network * parts.network[origin, step]
                saved = crps(drawn, y[origin, step]) - crps(at, y[origin, step])
                expected[known, expert] += stride / horizon * saved
    np.testing.assert_allclose(shrinkage.new_losses(parts, y, stride=stride), expected, atol=1e-12)


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_the_losses_of_experts_are_those_of_the_definition(share, monkeypatch):
    """CRPS minus that of the base, origin by origin and step by step, with outcomes that are missing or far away."""
    random, horizon, rows = np.random.default_rng(4), 3, 40
    raw, base = (np.sort(random.normal(size=(rows, horizon, len(QUANTILES))), axis=-1) for _ in range(2))
    linear, y = share * random.normal(size=(rows, horizon)), random.normal(size=(rows, horizon))
    y[5], y[7, 1], y[-1] = 90.0, np.nan, np.nan
    parts = parts_of(raw, linear, past=None if share else base, naive=base)
    levels, found = np.array(QUANTILES), np.zeros((rows, len(shrinkage.EXPERTS)))

    def crps(outcome, quantiles):
        error = outcome - quantiles
        return 2 * np.maximum(levels * error, (levels - 1) * error).mean()

    for row in range(rows):
        known = []
        for step in range(1, min(horizon, row) + 1):
            at = row - step, step - 1
            if np.isfinite(y[at]):
                farthest = max(np.abs(y[at] - parts.base[at]).max(), np.abs(parts.network[at]).max())
                experts = [parts.base[at] + a * parts.linear[at] + b * parts.network[at] for a, b in shrinkage.EXPERTS]
                lost = [crps(y[at], one) - crps(y[at], parts.base[at]) for one in experts]
                known.append(np.array(lost) * min(1.0, shrinkage.FARTHEST / farthest))
        if known:
            found[row] = np.mean(known, axis=0) * min(horizon, row) / horizon
    for origins, cells in ((7, 2000), (256, 1 << 17)):
        monkeypatch.setattr(shrinkage, "ORIGINS", origins)
        monkeypatch.setattr(shrinkage, "CELLS", cells)
        np.testing.assert_allclose(shrinkage.new_losses(parts, y), found, atol=1e-12)
