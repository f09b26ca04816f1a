"""Two arrays in, one float out.

distributions   tails in closed form
metrics         errors, skill, coverage, losses of quantiles and of probabilities
significance    tests of equal accuracy, corrections for several models, ranks
"""
