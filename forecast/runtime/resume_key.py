"""The key under which finished work is found again: the same inputs give the same key, other inputs another one.

In: everything that the numbers of a piece of work depend on. Out: a hexadecimal SHA-256, for the name of its file.
"""

import hashlib
import json
from typing import Any

from forecast.runtime.versions import package_version


def resume_key(**inputs: Any) -> str:
    """Hash the inputs and the version of this package.

    Args:
        inputs: Everything that the result depends on, as JSON values; of arrays and files their own hash.
    """
    text = json.dumps({"inputs": inputs, "version": package_version()}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
