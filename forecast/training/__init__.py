"""From series to a trained model.

train        the whole recipe, for one series or many
pretrain     the network that comes with the package, on simulated series
fine_tune    train a saved network on with new rows
tuning/      search over hyperparameters
"""
