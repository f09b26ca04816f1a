"""Is it any good? Held-out tests, scores, verdicts."""
