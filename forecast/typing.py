"""The types of arrays that every room uses."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# Row numbers of a series.
Rows = NDArray[np.int64]
# Yes or no, a row each.
Flags = NDArray[np.bool_]
