"""Two arrays in, one float out."""
