"""From series to a trained model."""
