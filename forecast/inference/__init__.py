"""From a trained model to forecasts."""
