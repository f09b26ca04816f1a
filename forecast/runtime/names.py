"""Names of files that are made of the names of series."""

import re


def slug(text: str) -> str:
    """The text with a hyphen for each run of characters that a file name should not hold."""
    return re.sub(r"[^A-Za-z0-9._^=-]+", "-", text)
