"""The parts of hammer.py: each does what is due with one number, and says what came of it.

bundles    damaged bundles, with checksums that fit or not
files      damaged files of ten formats
faults     an error, or a kill, at the n-th change that a command makes
servers    servers that answer wrongly in place of Yahoo Finance
soak       commands one after another, and what they leave behind
measure    time, memory and leftovers
"""
