"""Yahoo Finance: the client, its cache, and tickers."""
