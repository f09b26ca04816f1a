"""Damaged files of ten formats, read in this process."""

import time
from collections import Counter
from pathlib import Path

import numpy as np
from damage import damaged, prices, write_formats

from forecast.data.sources import load
from forecast.errors import ForecastError
from hammering.measure import SECONDS, limit_memory


def prepare(folder: Path) -> None:
    """Write one file of each format."""
    write_formats(prices(), folder)


def run(numbers: range, folder: Path) -> Counter[str]:
    """Damage one file after the other."""
    outcomes, contents = Counter[str](), {path: path.read_bytes() for path in sorted(folder.iterdir())}
    for path in contents:
        load(path)
    limit_memory()
    for number in numbers:
        random = np.random.default_rng(number)
        path = list(contents)[number % len(contents)]
        path.write_bytes(damaged(contents[path], random, list(contents.values()))[1])
        begun = time.monotonic()
        try:
            load(path)
            outcome = "read"
        except ForecastError as error:
            outcome = "refused" if "\n" not in str(error) else "MORE THAN ONE LINE"
        except Exception as error:
            outcome = f"TRACEBACK {type(error).__name__}"
            print(f"file {number}: {path.name}, {outcome}: {error}"[:300])
        outcomes[outcome] += 1
        outcomes[f"format: {path.name}"] += 1
        outcomes["SLOW"] += time.monotonic() - begun > SECONDS
        path.write_bytes(contents[path])
    return outcomes
