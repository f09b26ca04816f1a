"""Results on disk and on paper."""
