"""Tuning: a search over hyperparameters, judged on validation rows.

tune         the search, from series to the best configuration
objective    what is searched, and how good some hyperparameters are
study        the trials in a file: rounds, pruning, continuing after a kill
"""
