"""Schema: what the columns of a table mean.

Table ── month_table ── date_columns ── series_id ── targets (ohlc) ── Schema

schema         `infer_schema`: dates, series and targets of a table
month_table    tables with one row a year and one column a month
date_columns   the column or columns of dates
series_id      the column that identifies the series of a long table
targets        the column to forecast
ohlc           the close, by its values, among columns without telling names
"""
