"""Names of files that are made from names of series."""

import re


def slug(name: str) -> str:
    """Replace each run of characters outside A-Z, a-z, 0-9 and `._^=-` by one hyphen, as in `sp500.csv-Close`.

    Tickers such as `^GSPC`, `GC=F` and `BRK-B` stay as they are.
    """
    return re.sub(r"[^A-Za-z0-9._^=-]+", "-", name)
