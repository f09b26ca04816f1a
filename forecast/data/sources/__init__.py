"""The only door to file formats and the network: from any source to checked series.

file ───── formats/ ───────────────────────┐   parsing/: dates, numbers, months
Parquet ── parquet (only what is needed) ──┼── schema/ ── clean ── load ── TimeSeries
frame ─────────────────────────────────────┤                └──── inspection
ticker ─── yahoo/ ─────────────────────────┘

load             `load`, `load_all`, `inspect`: from a source to series
keywords         sources with the keywords that people type beside them
expand           a folder, pattern, dataset or list to the references of its series
resolve          the name of a source to its table
formats/         bytes to a table of columns
parquet          only the rows or columns that some series need
yahoo/           a ticker to its bars, from Yahoo Finance or a cached copy
parsing/         cells to dates and numbers
schema/          what the columns of a table mean
series_rows      the rows of one series in a table
row_checks       rows that are refused or dropped
quality_checks   dates and values that look wrong
clean            rows to a `TimeSeries`
inspection       what `inspect` tells of a source
"""

from forecast.data.sources.expand import expand, load_each
from forecast.data.sources.keywords import as_list, load_for, load_several, load_together, split_keywords
from forecast.data.sources.load import Source, inspect, load, load_all

__all__ = [
    "Source",
    "as_list",
    "expand",
    "inspect",
    "load",
    "load_all",
    "load_each",
    "load_for",
    "load_several",
    "load_together",
    "split_keywords",
]
