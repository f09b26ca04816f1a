"""Parsing: columns of text to dates and numbers, decided from the whole column.

column ── dates ── date_formats ── months
   └───── numbers

dates          the dates of a column, and the format that fits best
date_formats   patterns of dates, and every order of their fields
months         names of months in 25 languages
numbers        the numbers of a column, and the decimal mark of a table
"""
