"""Values that JSON can hold; it has no NaN and no infinity."""

from math import isfinite
from typing import Any


def finite(value: Any) -> Any:
    """Replace each undefined number (NaN, infinity) in a record by None, which JSON writes as null."""
    if isinstance(value, dict):
        return {name: finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [finite(one) for one in value]
    return None if isinstance(value, float) and not isfinite(value) else value
