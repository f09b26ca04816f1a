"""Networks in Keras.

network              the models: batches, shrinkage of the head, forecasts
architecture         layers, head and highway as a Keras model
sru_cell             the one cell that Keras has not
joint                several targets in one network
training_loop        gradient descent, validation, the choice of the best weights
data_parallel_step   one training step by several processes
checkpoints          state of a killed training, logs for TensorBoard
"""
