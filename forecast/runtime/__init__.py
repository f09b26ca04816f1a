"""The machine under it."""
