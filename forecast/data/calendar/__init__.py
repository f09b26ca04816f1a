"""What a time grid is found from: exchanges and their sessions, steps between rows, windows of the week.

ticker, name ── exchanges ──────────────────────────┐
dates ── infer_exchange ── sessions ── session_bars ┼── data/infer_grid
  ├───── row_steps ─────────────────────────────────┤
  └───── week_windows ──────────────────────────────┘

frequency        dates and steps in words
exchanges        the exchange of a ticker, or of a name that a user typed
infer_exchange   the exchange whose holidays a series leaves out
sessions         the trading sessions of an exchange, cached on disk
session_bars     bars within those sessions, on any clock
row_steps        the step that nearly all rows are whole multiples of
week_windows     the hours of the week in which a series has rows
"""
