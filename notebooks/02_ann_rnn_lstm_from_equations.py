# %% [markdown]
# # ANN, RNN and LSTM from their equations
#
# A neural network is a few lines of algebra. Here are all of them, in numpy, each compared with Keras. The same
# functions, `forecast.models.equations.cells`, make the forecasts of every saved network.

# %%
import matplotlib.pyplot as plt
import numpy as np

import forecast
from forecast.models.equations import backprop, cells, gates
from forecast.report import plots

plt.style.use(plots.SHEET)
plt.rcParams["figure.dpi"] = 60
random = np.random.default_rng(7)

# %% [markdown]
# ## A neuron
#
# A neuron multiplies its inputs by weights, adds them up with a bias, and bends the sum by an *activation*: `y =
# tanh(w·x + b)`.

# %%
x = np.array([0.5, -1.0, 2.0])
w = np.array([0.8, 0.1, -0.4])
b = 0.2
print("sum       ", w @ x + b)
print("activation", np.tanh(w @ x + b))

# %% [markdown]
# Without activations, layers of neurons would be one large sum. Left: activations. Right: their slopes. A network
# learns by slopes, so where they are near 0 it hardly learns: a sigmoid or tanh far from the middle is flat.

# %%
z = np.linspace(-4, 4, 201)
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3), layout="constrained")
for name, function in cells.ACTIVATIONS.items():
    left.plot(z, function(z), label=name)
    right.plot(z, backprop.SLOPES[name](function(z)), label=name)
left.set(title="activation", ylim=(-1.5, 3))
right.set(title="slope")
_ = right.legend()

# %% [markdown]
# ## A Dense network (ANN)
#
# A layer is many neurons side by side: its weights are a matrix. Two layers can approximate a curve. The task: given
# `x`, return `sin(2x)`.

# %%
x = np.linspace(-2, 2, 60)[:, None]
y = np.sin(2 * x)
first, second = random.normal(size=(1, 16)), 0.3 * random.normal(size=(16, 1))
first_bias, second_bias = np.zeros(16), np.zeros(1)

hidden = np.tanh(x @ first + first_bias)
output = hidden @ second + second_bias
print("inputs", x.shape, " hidden", hidden.shape, " outputs", output.shape)
print("mean squared error before any learning:", np.mean((output - y) ** 2).round(3))

# %% [markdown]
# **Backward.** How does the error change with each weight? The chain rule goes from the end to the beginning: first the
# output layer, whose result says how the outputs of the hidden layer should change.

# %%
d_output = 2 * (output - y) / len(y)
last = backprop.dense(hidden, second, output, d_output, "linear")
found = backprop.dense(x, first, hidden, last.inputs, "tanh")

# %% [markdown]
# Is that right? Compare with TensorFlow, which differentiates automatically.

# %%
import tensorflow as tf

weights = [tf.Variable(array) for array in (first, first_bias, second, second_bias)]
with tf.GradientTape() as tape:
    forward = tf.tanh(x @ weights[0] + weights[1]) @ weights[2] + weights[3]
    loss = tf.reduce_mean((forward - y) ** 2)
by_tensorflow = tape.gradient(loss, weights)
by_hand = (found.kernel, found.bias, last.kernel, last.bias)
for name, ours, theirs in zip(("W1", "b1", "W2", "b2"), by_hand, by_tensorflow, strict=True):
    print(name, "largest difference", np.abs(ours - theirs.numpy()).max())

# %% [markdown]
# **Learning** is gradient descent: each weight takes a small step against its gradient, again and again.

# %%
errors = []
for _ in range(4000):
    hidden = np.tanh(x @ first + first_bias)
    output = hidden @ second + second_bias
    errors.append(np.mean((output - y) ** 2))
    last = backprop.dense(hidden, second, output, 2 * (output - y) / len(y), "linear")
    found = backprop.dense(x, first, hidden, last.inputs, "tanh")
    for weight, gradient in (
        (first, found.kernel),
        (first_bias, found.bias),
        (second, last.kernel),
        (second_bias, last.bias),
    ):
        weight -= 0.05 * gradient
print("error before", errors[0].round(3), " after", errors[-1].round(5))

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3), layout="constrained")
left.semilogy(errors)
left.set(title="error during training", xlabel="training step")
right.plot(x, y, color="black", label="sin(2x)")
right.plot(x, output, "--", label="network")
right.set_title("what the network has learned")
_ = right.legend()

# %% [markdown]
# ## SimpleRNN: a network with a memory
#
# A Dense network sees a window at once. A recurrent network reads it row by row and keeps a *hidden state* `h`, which
# is all that it remembers: `h = tanh(W x + R h + b)`. The weights are the same for every row.

# %%
sequence = random.normal(size=(1, 10, 1))  # one sequence, ten rows, one feature
kernel, recurrent, bias = random.normal(size=(1, 4)), 0.5 * random.normal(size=(4, 4)), np.zeros(4)
h = np.zeros((1, 4))
for t in range(10):
    h = np.tanh(sequence[:, t] @ kernel + h @ recurrent + bias)
print("the state after ten rows:", h.round(4))

# %% [markdown]
# The same in Keras with these weights, and in the function that forecasts from saved models:

# %%
import keras

layer = keras.layers.SimpleRNN(4)
layer(sequence.astype("float32"))
layer.set_weights([kernel, recurrent, bias])
print("Keras:                   ", np.asarray(layer(sequence.astype("float32"))).round(4))
print("cells.rnn:               ", cells.rnn(sequence, kernel, recurrent, bias, np.tanh)[:, -1].round(4))

# %% [markdown]
# ## LSTM: a memory with gates
#
# A SimpleRNN rewrites its whole state at every row. An LSTM has a *cell state* `c` beside it, and three *gates* between
# 0 and 1: `i` is how much is let in, `f` how much is kept, `o` how much is shown.

# %%
kernel, recurrent, bias = random.normal(size=(1, 16)), 0.5 * random.normal(size=(4, 16)), np.zeros(16)
bias[4:8] = 1  # forget gates that are mostly open, as Keras starts with
h, c = np.zeros((1, 4)), np.zeros((1, 4))
for t in range(10):
    i, f, g, o = np.split(sequence[:, t] @ kernel + h @ recurrent + bias, 4, axis=1)
    i, f, o = cells.sigmoid(i), cells.sigmoid(f), cells.sigmoid(o)
    c = f * c + i * np.tanh(g)
    h = o * np.tanh(c)
print("the state after ten rows:", h.round(4))

# %%
layer = keras.layers.LSTM(4)
layer(sequence.astype("float32"))
layer.set_weights([kernel, recurrent, bias])
print("Keras:                   ", np.asarray(layer(sequence.astype("float32"))).round(4))
print("cells.lstm:              ", cells.lstm(sequence, kernel, recurrent, bias, np.tanh)[:, -1].round(4))

# %% [markdown]
# ## Back-propagation through time
#
# How does the last state depend on weights that were used ten times? Unroll the loop: the gradient goes back from row
# to row, and the gradients of the weights at all rows are added up. By hand, for the SimpleRNN, with the sum of the
# last state as the loss:

# %%
kernel, recurrent, bias = random.normal(size=(1, 4)), 0.5 * random.normal(size=(4, 4)), np.zeros(4)
states = np.concatenate([np.zeros((1, 1, 4)), cells.rnn(sequence, kernel, recurrent, bias, np.tanh)], axis=1)
d_kernel, d_recurrent, d_h = np.zeros_like(kernel), np.zeros_like(recurrent), np.ones((1, 4))
for t in reversed(range(10)):
    d_z = d_h * (1 - states[:, t + 1] ** 2)  # through the tanh of row t
    d_kernel += sequence[:, t].T @ d_z
    d_recurrent += states[:, t].T @ d_z
    d_h = d_z @ recurrent.T  # on to the row before
print("gradient of the kernel:", d_kernel.round(4))

# %% [markdown]
# Compared with automatic differentiation:

# %%
layer = keras.layers.SimpleRNN(4)
layer(sequence.astype("float32"))
layer.set_weights([kernel, recurrent, bias])
with tf.GradientTape() as tape:
    loss = tf.reduce_sum(layer(sequence.astype("float32")))
gradients = tape.gradient(loss, [weight.value for weight in layer.trainable_weights])
print("largest difference, kernel:          ", np.abs(d_kernel - gradients[0].numpy()).max())
print("largest difference, recurrent kernel:", np.abs(d_recurrent - gradients[1].numpy()).max())

# %% [markdown]
# For LSTM and GRU the way back has more steps; `forecast.models.equations.backprop` has them.

# %%
kernel, recurrent, bias = random.normal(size=(1, 16)), 0.5 * random.normal(size=(4, 16)), np.zeros(16)
d_hidden = np.zeros((1, 10, 4))
d_hidden[:, -1] = 1
ours = backprop.recurrent("lstm", sequence, kernel, recurrent, bias, d_hidden)

layer = keras.layers.LSTM(4)
layer(sequence.astype("float32"))
layer.set_weights([kernel, recurrent, bias])
with tf.GradientTape() as tape:
    loss = tf.reduce_sum(layer(sequence.astype("float32")))
gradients = tape.gradient(loss, [weight.value for weight in layer.trainable_weights])
for name, theirs in zip(("kernel", "recurrent", "bias"), gradients, strict=True):
    print(f"{name:9} largest difference", np.abs(getattr(ours, name) - theirs.numpy()).max())

# %% [markdown]
# ## The gates at work
#
# One impulse, then zeros, into an LSTM with one cell whose forget gate is set by hand. After each row the cell keeps a
# share of the impulse: the forget gate to the power of the rows since.

# %%
impulse = np.zeros((1, 40, 1))
impulse[0, 5] = 3
figure, ax = plt.subplots(figsize=(10, 3), layout="constrained")
for forget_bias in (0, 1, 2, 4):
    kernel, bias = np.array([[0.0, 0.0, 2.0, 0.0]]), np.array([0.0, forget_bias, 0.0, 0.0])
    parts = gates.lstm(impulse, kernel, np.zeros((1, 4)), bias, np.tanh)
    ax.plot(parts["cell"][0, :, 0], label=f"forget gate {parts['forget'][0, 0, 0]:.2f}")
ax.set(title="cell state after an impulse at row 5", xlabel="row", ylim=(0, 0.8))
_ = ax.legend(loc="upper right")

# %% [markdown]
# ## A neuron of the brain and a unit of an LSTM
#
# The words come from the brain: neuron, excitation, inhibition, gate, memory. What do both share, and what not?
#
# - **Excitation and inhibition.** The brain has two kinds of neurons: one excites all that it reaches, the other
#   inhibits all of them (Dale's principle). A unit has weights of both signs, and training may turn a sign round.
# - **Adding up.** The membrane of a neuron adds up currents, and leaks. The cell state adds up inputs, and the forget
#   gate is the leak.
# - **What is sent.** A neuron sends spikes, all or nothing, at moments of its own; a unit a number between -1 and 1, at
#   each row.
# - **Gates.** Inhibition near the body of a neuron divides what its branches bring, and circuits through the basal
#   ganglia decide what working memory takes in and keeps (O'Reilly and Frank 2006). `i`, `f` and `o` multiply too; each
#   is computed from the row and the last output.
# - **Memory.** In the brain milliseconds in the membrane, seconds in activity that a circuit keeps up, years in the
#   strength of synapses. Here rows in `c`, as long as `f` is near 1, and what training found, in the weights; nothing
#   goes from one window to the next.
# - **Learning.** A synapse changes by what it meets: two neurons, and a few signals for all. Back-propagation gives
#   every weight the slope of one common error, backwards through time; no way is known in which a brain would do that.
#
# So a unit is no model of a neuron. What both do share can be computed: with gates that stand still, the cell state
# *is* the leaky membrane, `v = f v + current`.

# %%
current = (parts["input"] * parts["candidate"])[0, :, 0]
leak, potential, course = parts["forget"].max(), 0.0, []
for arriving in current:
    potential = leak * potential + arriving
    course.append(potential)
print("largest difference from the cell state:", np.abs(course - parts["cell"][0, :, 0]).max())

# %% [markdown]
# And a trained network: it forecasts the sales of a shop, which repeat every week. Each row of a heat map is one unit
# of its first layer; the top panel is its input. The *highway*, a linear map beside the network that would find the
# weeks alone, is switched off.

# %%
from forecast.config import override

series = forecast.load("../data/shop_sales.csv", target="Sales", unit="pieces")
config = override(
    forecast.ExperimentConfig(), {"highway": False, "depth": 1, "units": 16, "max_steps": 300, "horizon": 7}
)
model = forecast.train(series, "lstm", config)
explanation = forecast.explain(model, series)

# %%
figure, axes = plt.subplots(6, 1, figsize=(10, 9.5), layout="constrained", height_ratios=[2, 1, 1, 1, 1, 1])
plots.plot_window(explanation, axes[0])
for part, ax in zip(("input", "forget", "output", "cell", "hidden"), axes[1:], strict=True):
    plots.plot_gate(explanation, "lstm_1", part, ax)

# %% [markdown]
# The bands repeat every seven rows: units have learned the days of the week from the differences alone. How much does
# each row matter? Hide it from the network and see how far the forecast changes:

# %%
figure, ax = plt.subplots(figsize=(10, 3), layout="constrained")
plots.plot_lags(explanation, ax)

# %% [markdown]
# The [next notebook](03_why_lstm.ipynb) shows why gates were invented.
