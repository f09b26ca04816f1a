"""The ridge regressions of the highway, against the normal equations of all columns at once."""

import numpy as np
import pytest

from forecast.models import highway
from forecast.models.highway import PENALTIES, Moments, solve_ridge

P, H, N = 6, 3, 200


@pytest.mark.parametrize("columns", [0, 2])
@pytest.mark.parametrize("few", [0, P], ids=["Cholesky", "LU"])
def test_solutions_solve_the_normal_equations_of_lags_and_future_columns(columns, few, monkeypatch):
    monkeypatch.setattr(highway, "FEW", few)
    random = np.random.default_rng(0)
    x, z, y = random.normal(size=(N, P)), random.normal(size=(N, H, columns)), random.normal(size=(N, H))
    lags, future = solve_ridge(Moments.of(x, y, z, float(N)))
    for number, penalty in enumerate(PENALTIES):
        for step in range(H):
            both = np.concatenate([x, z[:, step]], axis=1)
            own = penalty * (z[:, step] ** 2).sum(axis=0) + 1e-9
            ridge = both.T @ both + np.diag(np.concatenate([np.full(P, penalty * N), own]))
            expected = np.linalg.solve(ridge, both.T @ y[:, step])
            found = np.concatenate([lags[number, :, step], future[number, step]])
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
