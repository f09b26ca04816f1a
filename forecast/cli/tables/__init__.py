"""Results as tables on standard output, with units in their headers.

results        scores and verdicts, and the tables of fetch, inspect, models, audit and tune
forecasts      the coming steps, or the probabilities of directions
comparison     a walk-forward comparison
explanation    an explanation, also as JSON
"""
