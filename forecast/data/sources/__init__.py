"""The only door to file formats and the network.

In: whatever a user names a series by. Out: one checked `TimeSeries`, many of them, or an `Inspection` of what is there.

    file ──── files ── encoding, text ── layout ─┐             names, when, ohlc    findings
    Parquet ─ parquet (only what is needed) ─────┼── opening ── meaning ─────────── cleaning ── loading ── TimeSeries
    frame ───────────────────────────────────────┤             dates, numbers       inspection     │
    ticker ── yahoo ─────────────────────────────┘                                                many
"""

from forecast.data.sources.expand import expand, load_each
from forecast.data.sources.load import Source, inspect, load, load_all

__all__ = ["Source", "expand", "inspect", "load", "load_all", "load_each"]
