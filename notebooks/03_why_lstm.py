# %% [markdown]
# # Why LSTM?
#
# In principle a SimpleRNN can remember. In practice it fails to learn what to remember: on its way back the gradient
# shrinks or grows by some factor at every row. Here this is measured.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import forecast
from forecast.models.equations.adding_problem import FORGETFUL, draw_adding, learn_adding
from forecast.models.equations.backprop import gradient_by_lag
from forecast.report import plots

plt.style.use(plots.SHEET)
plt.rcParams["figure.dpi"] = 60
random = np.random.default_rng(0)
colours = {"rnn": "#D55E00", "gru": "#009E73", "lstm": "#0072B2"}

# %% [markdown]
# ## Vanishing and exploding
#
# `gradient_by_lag` says how strongly the last state depends on the input of each earlier row. In a SimpleRNN the
# gradient is multiplied by the recurrent weights once a row, so their largest eigenvalue decides. Here are random
# matrices whose largest eigenvalue is set.

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
# With a tanh the gradient is smaller, because tanh is flat where states are large: a gradient that exploded stays
# level, one that stayed level vanishes, and larger weights still explode. No eigenvalue is safe at all lengths.

# %%
figure, ax = plt.subplots(figsize=(10, 3.2), layout="constrained")
for radius in (0.5, 0.9, 1.0, 1.2, 2.0):
    norm = gradient_by_lag("rnn", x, kernel, radius * raw, bias)
    ax.semilogy(norm / norm[0], label=f"largest eigenvalue {radius}")
ax.set(title="gradient by lag, SimpleRNN with tanh", xlabel="rows back", ylabel="share of lag 0")
_ = ax.legend()

# %% [markdown]
# In an LSTM the gradient also flows along the cell state, where each row multiplies it by the forget gate, and the
# network can open that gate. With forget gates at one half, a bias of 0, the gradient still vanishes. Keras starts with
# a bias of 1, and a network can learn a larger one.

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
# A test of memory alone (Hochreiter and Schmidhuber 1997): in a sequence of numbers two are marked; return their sum at
# the end. Without memory the best answer is 1, and its mean squared error is the variance of the sum, 1/6.

# %%
sequences, sums = draw_adding(random, 3, 8)
print("numbers", sequences[0, :, 0].round(2))
print("marks  ", sequences[0, :, 1].astype(int))
print("sum    ", sums[0].round(2))

# %% [markdown]
# The same small network with three kinds of cells, at a short length and a long one. Each training step draws new
# sequences, so each error is one on new data.

# %%
lengths = (10, 50)
lessons = {
    (kind, length): learn_adding(kind, length, steps=1000) for kind in ("rnn", "gru", "lstm") for length in lengths
}

# %%
table = pd.DataFrame(
    {f"{length} rows": [lessons[kind, length].errors[-100:].mean() for kind in colours] for length in lengths},
    index=list(colours),
)
table.loc["remembers nothing"] = FORGETFUL
table.round(4)

# %%
figure, axes = plt.subplots(1, 2, figsize=(10, 3.2), layout="constrained", sharey=True)
for length, ax in zip(lengths, axes, strict=True):
    for kind, colour in colours.items():
        errors = lessons[kind, length].errors.reshape(-1, 20).mean(axis=1)
        ax.semilogy(np.arange(len(errors)) * 20, errors, color=colour, label=kind)
    ax.axhline(FORGETFUL, color="black", linestyle=":")
    ax.set(title=f"{length} rows", xlabel="step")
axes[0].set_ylabel("squared error")
_ = axes[0].legend()

# %% [markdown]
# How far back do they look? The gradient by lag of the trained networks, on new sequences of the greatest length:

# %%
sequences, _ = draw_adding(random, 64, lengths[-1])
figure, ax = plt.subplots(figsize=(10, 3.2), layout="constrained")
for kind, colour in colours.items():
    norm = gradient_by_lag(kind, sequences, *lessons[kind, lengths[-1]].weights)
    ax.semilogy(norm / norm.max(), color=colour, label=kind)
ax.set(title="gradient by lag after training", xlabel="rows back", ylabel="share of the largest")
_ = ax.legend()

# %% [markdown]
# ## Clipping, activations and learning rates
#
# One exploding gradient can undo in one step what was learned in hundreds. *Clipping* limits its norm. A SimpleRNN at
# 12 rows, at two learning rates:

# %%
trials = {
    (rate, clip): learn_adding("rnn", 12, steps=600, learning_rate=rate, clip_norm=clip).errors[-100:].mean()
    for rate in (0.003, 0.03)
    for clip in (None, 1.0)
}
rows = [
    {"learning rate": rate, "clipped at": clip or "never", "error": error} for (rate, clip), error in trials.items()
]
pd.DataFrame(rows).round(4)

# %% [markdown]
# One seed each, so small differences are luck. The learning rate matters most: if it is too large, no clipping helps.
#
# And the activation. `relu` has a slope of 1 wherever it is positive, so no gradient vanishes through it, but nothing
# bounds its states either. `sigmoid` has a slope of at most a quarter.

# %%
errors = {"tanh": trials[0.003, 1.0]} | {
    activation: learn_adding("rnn", 12, steps=600, activation=activation).errors[-100:].mean()
    for activation in ("relu", "sigmoid")
}
pd.Series(errors, name="error of a SimpleRNN at 12 rows").round(4).to_frame()

# %% [markdown]
# ## When the simple network is enough
#
# Memory helps only where the distant past matters. Here are LSTM, SimpleRNN and a Dense network without the highway on
# two series, seven days ahead. The numbers are errors over that of the naive forecast; `linear` is a ridge regression:

# %%
shop = forecast.load("../data/shop_sales.csv", target="Sales", unit="pieces")
prices = forecast.load("../data/sp500.csv", unit="points")
config = forecast.ExperimentConfig(network=forecast.NetworkConfig(highway=False), horizon=7)
scores = {
    series.name: {
        row.model: row.mae_vs_naive
        for row in forecast.run(series, models=["lstm", "rnn", "dense", "linear"], config=config).scores
    }
    for series in (shop, prices)
}
pd.DataFrame(scores).round(3)

# %% [markdown]
# On prices no cell finds much. On sales every cell can hold a pattern of seven rows: the simple networks do as well as
# the LSTM, and the ridge regression better than all of them. Gates pay where what matters lies far back.
