"""When the next rows of a series are due.

dates ── frequency ───────────────────────────┬── future dates
  └───── infer_exchange ── sessions ──────────┤
ticker, name ── exchanges ──┘    intraday ────┘

frequency        the offset alias of a series, and the dates of its next rows
exchanges        the exchange of a ticker, or of a name that a user typed
infer_exchange   the exchange whose holidays a series leaves out
sessions         the trading sessions of an exchange, cached on disk
intraday         the next bars within the sessions
"""
