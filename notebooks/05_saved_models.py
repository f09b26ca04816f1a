# %% [markdown]
# # Saved models
#
# Train once, forecast often: a saved model, a *bundle*, is a folder that opens in a moment, needs no TensorFlow, and
# forecasts series that the model has never seen.

# %%
import time

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import forecast
from forecast.evaluation.scores import complete
from forecast.metrics.metrics import mae
from forecast.report import plots

plt.style.use(plots.SHEET)
plt.rcParams["figure.dpi"] = 60

# %% [markdown]
# ## Train once
#
# One network, trained on the S&P 500 alone. The last fifth of the rows stays unseen.

# %%
sp500 = forecast.load("../data/sp500.csv", unit="points")
nasdaq = forecast.load("../data/nasdaq.csv", unit="points")
model = forecast.train(sp500, "lstm")
folder = forecast.save_model(model, "../runs/notebook-lstm")
print(*sorted(f"{path.name:12} {path.stat().st_size / 1000:6.0f} kB" for path in folder.iterdir()), sep="\n")

# %% [markdown]
# `bundle.json` says what was trained on what and has the numbers of the scaler; `weights.npz` has plain arrays;
# `model.keras` is the same network for Keras. Nothing in the folder is code, so it is safe to open one from somebody
# else.
#
# ## Open again

# %%
started = time.perf_counter()
model = forecast.open_model(folder)
coming = model.predict(sp500)
print(f"opened and forecast in {time.perf_counter() - started:.2f} s")
print("trained on", model.trained_on[0].series, "from", model.trained_on[0].first, "to", model.trained_on[0].last)
print("in 30 sessions:", coming.median[-1].round(1), coming.unit)

# %% [markdown]
# ## A series that the model never saw
#
# A network here sees moves in the window's own scale, so the level of a series does not matter. The NASDAQ was not in
# the training. How good is the network there, beside one that was trained on the NASDAQ? `backtest` forecasts at past
# origins, `predict` the coming steps.

# %%
own = forecast.train(nasdaq, "lstm")
trained = {"trained on the S&P 500": model, "trained on NASDAQ": own}
tests = {name: complete(one.backtest(nasdaq)) for name, one in trained.items()}
rows = {}
for name, test in tests.items():
    naive = mae(test.actual, np.broadcast_to(test.last_value[:, None], test.actual.shape))
    rows[name] = {"error / naive on NASDAQ": mae(test.actual, test.quantiles[..., 3]) / naive}
pd.DataFrame(rows).T.round(3)

# %% [markdown]
# ## One model for many
#
# `train` takes a list of series and sees each equally often. With a thousand series it is still one network.

# %%
both = forecast.train([sp500, nasdaq], "lstm")
for series in (sp500, nasdaq):
    test = complete(both.backtest(series))
    naive = mae(test.actual, np.broadcast_to(test.last_value[:, None], test.actual.shape))
    print(f"{series.name:7} error / naive {mae(test.actual, test.quantiles[..., 3]) / naive:.3f}")

# %% [markdown]
# ## New rows
#
# New prices need no training: a forecast is made from the last rows. Two things follow every outcome that becomes
# known: the widths of the intervals, and *shrinkage*, a factor from 0 (the naive forecast) to 1 that multiplies the
# network's move. Here is that factor over the years since the training:

# %%
explanation = forecast.explain(model, sp500)
figure, ax = plt.subplots(figsize=(10, 2.6), layout="constrained")
ax.plot(sp500.index[explanation.moves.blocks.origin], explanation.moves.shrinkage[:, 1])
_ = ax.set(ylim=(-0.03, 1.03), title="shrinkage factor of the network's moves")

# %% [markdown]
# The same model on two dates a month apart, each time with the rows known then:

# %%
earlier = forecast.TimeSeries(
    sp500.name, sp500.index[:-21], sp500.values[:-21], sp500.columns, sp500.target, unit=sp500.unit
)
figure, ax = plt.subplots(figsize=(10, 3.2), layout="constrained")
ax.plot(sp500.index[-90:], sp500.y[-90:], color="black", label="actual")
for series, colour in ((earlier, "#E69F00"), (sp500, "#0072B2")):
    coming = model.predict(series)
    dates = pd.DatetimeIndex(coming.dates)
    ax.fill_between(dates, coming.quantiles[:, 0], coming.quantiles[:, -1], color=colour, alpha=0.2, linewidth=0)
    ax.plot(dates, coming.median, color=colour, label=f"forecast of {coming.origin}")
_ = ax.legend(loc="lower left")

# %% [markdown]
# ## Training on
#
# A model of some years ago is trained on with the rows that have come since. Its scaler and windows stay, and old rows
# stay in the mix, so that it does not forget. Did it help? Rows that neither the old nor the new model saw decide.

# %%
from forecast.evaluation.update import compare
from forecast.training.fine_tune import update

old = forecast.train(sp500[:3000], "lstm")
new = update(old, [sp500])
for score in compare(old, new, [sp500]):
    print(score.sentence)

# %% [markdown]
# A network that was trained on one index is also a start for another; `freeze` trains its last layer alone:

# %%
moved = forecast.train(nasdaq, "lstm", old.config, start=old, freeze=True)
test = complete(moved.backtest(nasdaq))
naive = mae(test.actual, np.broadcast_to(test.last_value[:, None], test.actual.shape))
print(f"error / naive on NASDAQ: {mae(test.actual, test.quantiles[..., 3]) / naive:.3f}, in {moved.seconds:.1f} s")

# %% [markdown]
# ## In plain Keras
#
# The network alone opens in Keras, without this package:

# %%
import keras

network = keras.saving.load_model(folder / "model.keras")
print(network.name, "with", network.count_params(), "weights, from", network.input_shape, "to", network.output_shape)

# %% [markdown]
# [docs/bundle.md](../docs/bundle.md) says what is in each file.
