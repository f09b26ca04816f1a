"""Names of files."""

import pytest

from forecast.runtime.names import slug


@pytest.mark.parametrize(
    ("name", "file"),
    [("^GSPC", "^GSPC"), ("S&P 500", "S-P-500"), ("a/b: c", "a-b-c"), ("x=1_2.5", "x=1_2.5"), ("Zürich", "Z-rich")],
)
def test_names_of_series_become_names_of_files(name, file):
    assert slug(name) == file
