"""Forecasts of thousands of series."""
