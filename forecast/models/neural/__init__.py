"""Networks in Keras: architecture, training loop, checkpoints."""
