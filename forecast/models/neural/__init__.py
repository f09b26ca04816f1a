"""Networks in Keras.

network.py             the models: batches, shrinkage of the head, forecasts
architecture.py        layers, head and highway as a Keras model
sru_cell.py            the one cell that Keras has not
training_loop.py       gradient descent, validation, the choice of the best weights
data_parallel_step.py  one training step by several processes
checkpoints.py         state of a killed training, logs for TensorBoard
"""
