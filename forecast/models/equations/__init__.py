"""Cells and their gradients as numpy equations, named as in the literature.

cells             SimpleRNN, LSTM, GRU, SRU and Dense: what saved models forecast with
backprop          their backward passes, step by step
gates             gates and states of a trained network over a window
adding_problem    the task that shows vanishing gradients (Hochreiter and Schmidhuber 1997)
"""
