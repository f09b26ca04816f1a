"""How many threads numpy's matrix products take: one, where they are small.

Threads that share a small product wait for one another longer than they work; where other processes keep the cores
busy, a product that takes microseconds alone takes milliseconds in two threads.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any


@contextmanager
def one_thread() -> Iterator[None]:
    """Do what follows, or the function decorated, with one thread a product; nothing else changes.

    For the whole process: products of other threads of it, too, take one meanwhile.
    """
    with _libraries().limit(limits=1, user_api="blas"):
        yield


@cache
def _libraries() -> Any:
    """The libraries of matrix products that are loaded; finding them takes longer than a forecast."""
    import numpy as np  # noqa: F401  brings one of them
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
