"""Trees of scikit-learn as arrays."""
