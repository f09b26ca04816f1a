"""Results as tables on standard output, with units in their headers.

layout         how tables and sentences fit a terminal
results        scores and verdicts, and the tables of models, audit and tune
sources        the tables of fetch and inspect
forecasts      the coming steps, or the probabilities of directions
comparison     a walk-forward comparison
judgement      forecasts that others made
explanation    an explanation, also as JSON
"""
