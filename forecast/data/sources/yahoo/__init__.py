"""Yahoo Finance: a ticker to its bars.

ticker ── tickers ─┬─ cache: the copy on disk
                   └─ client: yfinance, retries, errors

tickers   bars from the cached copy, refreshed if it is old
cache     one Parquet file for each ticker and interval
client    requests through yfinance, and the reasons of failures
"""
