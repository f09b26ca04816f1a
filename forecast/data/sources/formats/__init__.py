"""File formats: bytes to columns of text."""
