# %% [markdown]
# # Why LSTM?
#
# A SimpleRNN can remember in principle. In practice learning what to remember fails, because the gradient that should
# teach it shrinks or grows by some factor with every row on its way back. Here that is measured.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import forecast
from forecast.models.equations import adding_problem as memory
from forecast.models.equations.backprop import gradient_by_lag
from forecast.report import plots

plt.style.use(plots.SHEET)
plt.rcParams["figure.dpi"] = 60
random = np.random.default_rng(0)
colours = {"rnn": "#D55E00", "gru": "#009E73", "lstm": "#0072B2"}

# %% [markdown]
# ## Vanishing and exploding
#
# `gradient_by_lag` says how strongly the last state depends on the input of each row before. For a SimpleRNN the walk
# back multiplies by the recurrent weights once a row. How large they are decides all: these are random matrices whose
# largest eigenvalue we set.

# %%
x = random.normal(size=(32, 60, 1))
kernel, bias, raw = 0.1 * random.normal(size=(1, 32)), np.zeros(32), random.normal(size=(32, 32))
raw /= np.abs(np.linalg.eigvals(raw)).max()
figure, ax = plt.subplots(figsize=(10, 3.2), layout="constrained")
for radius in (0.5, 0.9, 1.0, 1.2):
    norm = gradient_by_lag("rnn", x, kernel, radius * raw, bias, activation="linear")
    ax.semilogy(norm / norm[0], label=f"largest eigenvalue {radius}")
    print(f"largest eigenvalue {radius}: after 59 rows {norm[-1] / norm[0]:.1e} of the gradient is left")
ax.set(title="gradient by lag, linear recurrence", xlabel="rows back", ylabel="share of lag 0")
_ = ax.legend()

# %% [markdown]
# With a tanh everything shifts. It is flat where states are large, which takes something from the gradient at every
# row: what exploded is held level, what stayed level vanishes, and larger weights explode all the same. No one setting
# is safe at all lengths.

# %%
figure, ax = plt.subplots(figsize=(10, 3.2), layout="constrained")
for radius in (0.5, 0.9, 1.0, 1.2, 2.0):
    norm = gradient_by_lag("rnn", x, kernel, radius * raw, bias)
    ax.semilogy(norm / norm[0], label=f"largest eigenvalue {radius}")
ax.set(title="gradient by lag, SimpleRNN with tanh", xlabel="rows back", ylabel="share of lag 0")
_ = ax.legend()

# %% [markdown]
# In an LSTM the gradient has a road of its own, the cell state, and on it each row multiplies by the forget gate, which
# the network can open. With forget gates at a half, as with a bias of 0, it vanishes like any other; Keras starts with
# a bias of 1, and a network that needs more can learn it.

# %%
figure, ax = plt.subplots(figsize=(10, 3.2), layout="constrained")
kernel_4, recurrent_4 = 0.1 * random.normal(size=(1, 128)), 0.1 * random.normal(size=(32, 128))
for forget_bias in (0, 1, 3, 5):
    bias_4 = np.repeat([0.0, forget_bias, 0.0, 0.0], 32)
    norm = gradient_by_lag("lstm", x, kernel_4, recurrent_4, bias_4)
    ax.semilogy(norm / norm[0], label=f"forget gates at {1 / (1 + np.exp(-forget_bias)):.3f}")
ax.set(title="gradient by lag, LSTM", xlabel="rows back", ylabel="share of lag 0")
_ = ax.legend()

# %% [markdown]
# ## The adding problem
#
# A test that needs memory and nothing else (Hochreiter and Schmidhuber 1997): a sequence of numbers, two of them
# marked; say the sum of the two at the end. Who remembers nothing can only say 1, and errs by the variance of the sum,
# 1/6.

# %%
sequences, sums = memory.draw_adding(random, 3, 8)
print("numbers", sequences[0, :, 0].round(2))
print("marks  ", sequences[0, :, 1].astype(int))
print("sum    ", sums[0].round(2))

# %% [markdown]
# The same small network with three kinds of cells, at growing lengths. Every step sees new sequences, so each error is
# an error on data never seen.

# %%
lengths = (10, 25, 50)
lessons = {
    (kind, length): memory.learn_adding(kind, length, steps=1000)
    for kind in ("rnn", "gru", "lstm")
    for length in lengths
}

# %%
table = pd.DataFrame(
    {f"{length} rows": [lessons[kind, length].errors[-100:].mean() for kind in colours] for length in lengths},
    index=list(colours),
)
table.loc["remembers nothing"] = memory.FORGETFUL
table.round(4)

# %%
figure, axes = plt.subplots(1, 3, figsize=(10, 3.2), layout="constrained", sharey=True)
for length, ax in zip(lengths, axes, strict=True):
    for kind, colour in colours.items():
        errors = lessons[kind, length].errors.reshape(-1, 20).mean(axis=1)
        ax.semilogy(np.arange(len(errors)) * 20, errors, color=colour, label=kind)
    ax.axhline(memory.FORGETFUL, color="black", linestyle=":")
    ax.set(title=f"{length} rows", xlabel="step")
axes[0].set_ylabel("squared error")
_ = axes[0].legend()

# %% [markdown]
# What have they learned about the past? The gradient by lag of the trained networks, on new sequences of the longest
# kind:

# %%
sequences, _ = memory.draw_adding(random, 64, lengths[-1])
figure, ax = plt.subplots(figsize=(10, 3.2), layout="constrained")
for kind, colour in colours.items():
    norm = gradient_by_lag(kind, sequences, *lessons[kind, lengths[-1]].weights)
    ax.semilogy(norm / norm.max(), color=colour, label=kind)
ax.set(title="gradient by lag after training", xlabel="rows back", ylabel="share of the largest")
_ = ax.legend()

# %% [markdown]
# ## Clipping, activations and learning rates
#
# A gradient that explodes now and then throws away in one step what was learned in hundreds. *Clipping* cuts its norm.
# A SimpleRNN at 12 rows, at two learning rates:

# %%
trials = {
    (rate, clip): memory.learn_adding("rnn", 12, steps=600, learning_rate=rate, clip_norm=clip).errors[-100:].mean()
    for rate in (0.003, 0.03)
    for clip in (None, 1.0, 0.1)
}
rows = [
    {"learning rate": rate, "clipped at": clip or "never", "error": error} for (rate, clip), error in trials.items()
]
pd.DataFrame(rows).round(4)

# %% [markdown]
# One seed each, so that small differences are luck. The learning rate is what matters most: with one that is too large,
# no clipping helps.
#
# And the activation. `relu` has a slope of 1 wherever it is awake, so that nothing vanishes through it, but nothing
# holds its states back either. `sigmoid` has a slope of at most a quarter.

# %%
errors = {
    activation: memory.learn_adding("rnn", 12, steps=600, activation=activation).errors[-100:].mean()
    for activation in ("tanh", "relu", "sigmoid")
}
pd.Series(errors, name="error of a SimpleRNN at 12 rows").round(4).to_frame()

# %% [markdown]
# ## When the simple network is enough
#
# Memory is worth its price only where the past matters. Here are LSTM, SimpleRNN and a Dense network on two series,
# seven days ahead, as errors over that of the naive forecast:

# %%
shop = forecast.load("../data/shop_sales.csv", target="Sales", unit="pieces")
prices = forecast.load("../data/sp500.csv", unit="points")
config = forecast.ExperimentConfig(network=forecast.NetworkConfig(highway=False), horizon=7)
scores = {
    series.name: {
        row.model: row.mae_vs_naive
        for row in forecast.run(series, models=["lstm", "rnn", "dense"], config=config).scores
    }
    for series in (shop, prices)
}
pd.DataFrame(scores).round(3)

# %% [markdown]
# On prices no cell finds much, and a rhythm of seven rows can be held by every one of them: the simple networks keep up
# with the LSTM. Gates pay where what matters lies far back.
