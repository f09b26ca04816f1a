"""The leak audit: the project's own models pass, and each planted leak is caught by its name."""

import numpy as np
import pandas as pd
import pytest
from conftest import EVERY, make_series, random_walk
from sklearn.linear_model import Ridge

from forecast.errors import ConfigError, ModelError
from forecast.evaluation.leakage import CHOICE, SCALER, SHUFFLED, TARGET, audit, audit_model

LAGS, CUTOFF = 5, 160
TABLE = pd.DataFrame({"y": random_walk(220, seed=4)})


def windows(values):
    """Lags (n, LAGS) up to each row from LAGS - 1 on, and the row after, NaN behind the last."""
    x = np.lib.stride_tricks.sliding_window_view(values, LAGS)
    return x, np.append(values[LAGS:], np.nan)


def forecaster(*, scale="train", stop="validation", learn="past", peek=False):
    """A ridge regression of levels, with one leak or none."""

    def forecast(table, cutoff):
        values = table["y"].to_numpy()
        seen = values if scale == "all" else values[:cutoff]
        scaled = (values - seen.min()) / np.ptp(seen)
        x, y = windows(scaled)
        if peek:
            x = np.column_stack([x, np.nan_to_num(y)])
        last = np.arange(LAGS - 1, len(values))
        past = np.flatnonzero(last < cutoff - 1)
        rows = np.random.default_rng(0).permutation(len(y) - 1)[: len(past)] if learn == "shuffled" else past
        check = {"validation": past[-30:], "test": np.flatnonzero((last >= cutoff - 1) & (last < len(values) - 1))}[
            stop
        ]
        fitted = [Ridge(alpha=alpha).fit(x[rows], y[rows]) for alpha in (1e-3, 1e-1, 1e1, 1e3)]
        best = min(fitted, key=lambda one: np.abs(one.predict(x[check]) - y[check]).mean())
        return best.predict(x[last >= cutoff - 1])

    return forecast


def test_an_honest_forecaster_passes():
    found = audit(forecaster(), TABLE, cutoff=CUTOFF)
    assert found.leak is None
    assert set(found.changed.values()) == {0}
    assert found.forecasts == 31
    assert found.sentence.startswith("No leak was found: none of 31 forecasts")


@pytest.mark.parametrize(
    ("leaky", "leak"),
    [
        ({"scale": "all"}, SCALER),
        ({"stop": "test"}, CHOICE),
        ({"learn": "shuffled"}, SHUFFLED),
        ({"peek": True}, TARGET),
    ],
    ids=lambda case: getattr(case, "name", ""),
)
@pytest.mark.parametrize("seed", range(3))
def test_a_planted_leak_is_caught_by_its_name(leaky, leak, seed):
    table = pd.DataFrame({"y": random_walk(220, seed=seed)})
    found = audit(forecaster(**leaky), table, cutoff=CUTOFF, seed=seed)
    assert found.leak == leak
    assert leak.name in found.sentence
    assert max(found.changed.values()) > 0


def test_a_peek_of_several_rows_is_a_target_in_the_features():
    def forecast(table, cutoff):
        ahead = table["y"].rolling(5, center=True, min_periods=1).mean()  # a centred mean knows two rows more
        return ahead.to_numpy()[cutoff - 1 :]

    assert audit(forecast, TABLE, cutoff=CUTOFF).leak == TARGET


def test_what_cannot_be_audited_says_why():
    random = np.random.default_rng(0)
    with pytest.raises(ModelError, match="Fix the forecaster's seeds"):
        audit(lambda table, cutoff: random.normal(size=len(table) - cutoff + 1), TABLE, cutoff=CUTOFF)
    with pytest.raises(ConfigError, match="for each row from cutoff - 1"):
        audit(lambda table, cutoff: np.zeros(3), TABLE, cutoff=CUTOFF)
    with pytest.raises(ConfigError, match="must leave 8 test rows"):
        audit(forecaster(), TABLE, cutoff=215)


def test_the_table_of_the_caller_stays_as_it_is():
    def spoil(table, cutoff):
        table.iloc[:] = 0
        return np.zeros(len(table) - cutoff + 1)

    before = TABLE.copy()
    audit(spoil, TABLE, cutoff=CUTOFF)
    pd.testing.assert_frame_equal(TABLE, before)


@pytest.mark.parametrize("name", ["lstm", "dense", "linear", "esn", "forest", "drift", "seasonal_naive"])
def test_models_of_the_registry_pass(name):
    """One of each kind; test_no_lookahead.py looks into all of them."""
    assert audit_model(make_series(random_walk(140)), name, EVERY).leak is None
