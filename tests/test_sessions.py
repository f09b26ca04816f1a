import warnings

import numpy as np
import pytest

from forecast.data.calendar import sessions
from forecast.data.calendar.sessions import find_sessions
from forecast.errors import ConfigError


def test_sessions_reach_as_far_as_asked_and_end_where_the_exchange_does():
    assert find_sessions("XNYS", np.datetime64("2026-07-31"), ahead=2000).days[-1] > np.datetime64("2034-01-01")
    assert find_sessions("XSAU", np.datetime64("2026-07-31")).days[0] >= np.datetime64("2021-01-01")
    assert [find_sessions(name, np.datetime64("2026-07-31")) for name in ("", "24/7", "24/5")] == [None] * 3


def test_sessions_run_on_the_clocks_of_the_exchange():
    found = find_sessions("XNYS", np.datetime64("2026-07-31"))
    half = np.flatnonzero(found.days == np.datetime64("2026-11-27"))[0]
    assert found.zone == "America/New_York"
    assert found.opens[half] == np.datetime64("2026-11-27T09:30")
    assert found.closes[half] == np.datetime64("2026-11-27T13:00")


def test_a_calendar_with_false_holidays_is_not_used():
    """Pandas 3.1 and exchange_calendars 4.13 open Tel Aviv on Passover; a sound one is welcome."""
    found = find_sessions("XTAE", np.datetime64("2026-07-31"))
    assert found is None or np.datetime64("2026-04-02") not in found.days


def test_an_exchange_whose_calendar_cannot_be_built_has_none(monkeypatch):
    def fail(*_):
        raise NotImplementedError

    monkeypatch.setattr(sessions, "_get_calendar", fail)
    sessions._build_sessions.cache_clear()
    assert find_sessions("ASEX", np.datetime64("2026-07-31")) is None
    sessions._build_sessions.cache_clear()


def test_the_package_does_not_warn():
    sessions._build_sessions.cache_clear()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert find_sessions("XNYS", np.datetime64("2020-07-31")) is not None


def test_an_exchange_that_the_package_does_not_know_is_said_in_one_line():
    with pytest.raises(ConfigError, match=r"`exchange` must be one .* Received: XNEW\. Install"):
        find_sessions("XNEW", np.datetime64("2026-07-31"))
