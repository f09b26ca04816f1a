"""File formats: bytes to a table of columns.

bytes ── files ─┬─ text ── encoding ── delimited ─┬── table_bounds ── table
                ├─ Excel ─────────────────────────┘                     │
                └─ Parquet, pandas ─────────────────────────────────────┘

files             the reader for a file, by its first bytes; packed files, Parquet and pandas
encoding          the encoding of a text file
delimited         the delimiter of a text, and its columns
workbook          the sheet of an Excel or OpenDocument file
workbook_process  its cells, read in a process of its own
table_bounds      preamble, header, body and footer among rows of cells
table             the `Table` that every reader returns
"""
