import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.preprocessing import MinMaxScaler

from forecast.data.scaling import fit_scaler

TABLES = hnp.arrays(
    np.float64, st.tuples(st.integers(2, 20), st.integers(1, 3)), elements=st.floats(-1e6, 1e6, allow_subnormal=False)
)


@given(TABLES)
def test_agrees_with_scikit_learn(values):
    oracle = MinMaxScaler().fit(values)
    np.testing.assert_allclose(fit_scaler(values).transform(values), oracle.transform(values), rtol=1e-9, atol=1e-9)


@given(TABLES)
def test_inverse_undoes_transform(values):
    scaler = fit_scaler(values)
    for column in range(values.shape[1]):
        back = scaler.inverse(scaler.transform(values)[:, column], column=column)
        np.testing.assert_allclose(back, values[:, column], rtol=1e-9, atol=1e-9 * (1 + np.abs(values).max()))


def test_constant_feature_has_span_one():
    scaler = fit_scaler(np.full((3, 1), 7.0))
    assert (scaler.minimum[0], scaler.span[0]) == (7, 1)
