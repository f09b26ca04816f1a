"""MinMax scaling to [0, 1], fitted on training rows alone, kept as two rows of numbers.

In: values in the series' unit. Out: scaled values, and the way back. The window's own normalisation, which stands
on top of it, is part of the blocks (`windows.py`).
"""

from dataclasses import dataclass

import numpy as np

from forecast.typing import Array


@dataclass(frozen=True, eq=False)
class Scaler:
    """What scikit-learn's `MinMaxScaler` learned: minimum and range of each feature, shape (F,)."""

    minimum: Array
    span: Array

    def transform(self, values: Array) -> Array:
        """Values (T, F) in the series' unit -> scaled; training rows lie in [0, 1], later rows need not."""
        return (values - self.minimum) / self.span

    def parts(self, columns: int) -> "tuple[Scaler, Scaler]":
        """The scalers of the first `columns` features, and of the rest."""
        first, rest = slice(columns), slice(columns, None)
        return Scaler(self.minimum[first], self.span[first]), Scaler(self.minimum[rest], self.span[rest])

    def inverse(self, values_scaled: Array, *, column: int) -> Array:
        """Scaled values of one feature, of any shape -> the series' unit."""
        return np.asarray(values_scaled * self.span[column] + self.minimum[column])


def fit_scaler(values: Array) -> Scaler:
    """Minimum and range of the training rows `values`, shape (T, F); a constant feature has range 1."""
    span = np.ptp(values, axis=0)
    constant = span < 10 * np.finfo(np.float64).eps  # as scikit-learn has it
    return Scaler(minimum=values.min(axis=0), span=np.where(constant, 1.0, span))
