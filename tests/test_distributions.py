"""Tails in closed form, beside those of SciPy."""

import numpy as np
import pytest
from scipy import stats

from forecast.metrics.distributions import chi_squared_tail, student_tail


@pytest.mark.parametrize("freedom", [2, 4, 14, 52, 366, 2000])
def test_the_tail_of_chi_squared_is_that_of_scipy(freedom):
    for statistic in (-1.0, 0.0, 1e-9, 0.3, freedom / 2, freedom, 1.5 * freedom, 3 * freedom, 5000.0):
        expected = stats.chi2.sf(statistic, freedom)
        assert chi_squared_tail(statistic, freedom=freedom) == pytest.approx(expected, rel=1e-10, abs=1e-300)


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 5, 21, 22, 860])
def test_the_tail_of_students_t_is_that_of_scipy(freedom):
    for statistic in (0.0, 1e-5, -0.2, 0.7, -1.96, 3.0, 12.0, -400.0, 1e200, np.inf):
        expected = 2 * stats.t.sf(abs(statistic), freedom)
        assert student_tail(statistic, freedom=freedom) == pytest.approx(expected, rel=1e-10, abs=1e-14)
