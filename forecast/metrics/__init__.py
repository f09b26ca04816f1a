"""Two arrays in, one float out.

metrics         errors, skill, coverage, losses of quantiles and of probabilities
significance    tests of equal accuracy, corrections for several models, ranks
"""
