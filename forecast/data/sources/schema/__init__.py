"""Schema: what the columns of a table mean.

Table ── month_table ── date_columns ── series_id ── targets (ohlc) ── Schema

schema         `infer_schema`: dates, series and targets of a table
month_table    tables with one row a year and one column a month
row_table      tables with one series a row and one column a step
date_columns   the column or columns of dates
counts         counts in place of dates, where a table has none
series_id      the column that identifies the series of a long table
targets        the column to forecast
ohlc           the close, by its values, among columns without telling names
"""
