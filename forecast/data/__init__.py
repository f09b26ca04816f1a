"""From a file or a ticker to windows."""
