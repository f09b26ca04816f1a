"""Cells: numbers, dates, and the words that columns are named by."""
