# %% [markdown]
# # An honest backtest
#
# Thousands of tutorials forecast stock prices with an LSTM, and their plots look wonderful. Here is their recipe step
# by step, why it looks so good, and why its forecast is worse than yesterday's price.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import forecast
from forecast.config import MEDIAN, TEXTBOOK, override
from forecast.metrics import metrics
from forecast.report import plots

plt.style.use(plots.SHEET)
plt.rcParams["figure.dpi"] = 60
series = forecast.load("../data/sp500.csv", unit="points")

# %% [markdown]
# ## The textbook recipe
#
# First the years up to 2012, in which the index went up and down within one range.
#
# **1. Scale all prices to between 0 and 1.** The smallest price of the training rows becomes 0, the largest 1.

# %%
rows = int((series.index < "2013").sum())
early = forecast.load(pd.DataFrame({"Close": series.y[:rows]}, index=series.index[:rows]), unit="points")
train, test = early.y[: int(0.7 * rows)], early.y[int(0.8 * rows) :]
low, high = train.min(), train.max()
print(
    "training rows from 0 to 1, test rows from", *((test - low) / (high - low)).round(2)[[test.argmin(), test.argmax()]]
)

# %% [markdown]
# **2. Cut windows** of the last 60 prices, each with the next price as its label. **3. Train** layers of LSTM on the
# squared error. In this package the recipe is `TEXTBOOK`.

# %%
config = override(TEXTBOOK, {"horizon": 1, "max_steps": 500, "depth": 1, "units": 32})
textbook = forecast.run(early, models=["lstm"], config=config)

# %% [markdown]
# **4. Admire the plot.** The forecast follows the price through every turn. Publish it.

# %%
figure, ax = plt.subplots(figsize=(10, 3.4), layout="constrained")
plots.plot_backtest(textbook, "lstm", ax, step=1)

# %% [markdown]
# ## What the plot hides
#
# It shows forecasts *one day ahead*, and prices hardly move in a day. Anything near yesterday's price looks right. So
# ask what the plot does not show: how large is the error beside that of yesterday's price itself, the naive forecast?

# %%
backtest = textbook.backtests["lstm"]
actual, yesterday = backtest.actual[:, 0], backtest.last_value
median = backtest.quantiles[:, 0, MEDIAN]
print(f"error of the network:      {metrics.mae(actual, median):5.1f} points")
print(f"error of yesterday's price: {metrics.mae(actual, yesterday):4.1f} points")
print(next(verdict.sentence for verdict in textbook.verdicts if verdict.model == "lstm"))

# %% [markdown]
# A closer look at the last weeks:

# %%
weeks = slice(-45, None)
dates = early.index[backtest.origin[weeks] + 1]
figure, ax = plt.subplots(figsize=(10, 3.4), layout="constrained")
ax.plot(dates, actual[weeks], color="black", label="actual")
ax.plot(dates, median[weeks], label="network, for that day")
ax.plot(dates, yesterday[weeks], linestyle=":", label="yesterday's price")
_ = ax.legend()

# %% [markdown]
# **It is a late copy.** Compare the forecast of a day with the price of that day, and with the prices of the days
# before. It should be nearest to the first.

# %%
distances = {
    f"{lag} days before": metrics.mae(actual[20 - lag : len(actual) - lag], median[20:])
    for lag in (0, 1, 2, 4, 6, 8, 10, 20)
}
pd.Series(distances, name="mean distance from the forecast [points]").round(2).to_frame()

# %% [markdown]
# The **lag detector** says it in numbers: which share of the forecasts' changes, from one day to the next, do changes
# of the price explain that were known already, and which share the change that came?

# %%
lag = next(verdict.lag for verdict in textbook.verdicts if verdict.model == "lstm")
print(f"explained by what was known before: {lag.copied:.0%}")
print(f"explained by what came:             {lag.foreseen:.0%}")

# %% [markdown]
# ## New highs
#
# Now the whole series. The same recipe meets prices that no training row ever reached:

# %%
train, test = series.y[: int(0.7 * len(series))], series.y[int(0.8 * len(series)) :]
low, high = train.min(), train.max()
print(
    "training rows from 0 to 1, test rows from", *((test - low) / (high - low)).round(2)[[test.argmin(), test.argmax()]]
)
textbook = forecast.run(series, models=["lstm"], config=config)
print(next(verdict.sentence for verdict in textbook.verdicts if verdict.model == "lstm"))

# %%
figure, ax = plt.subplots(figsize=(10, 3.4), layout="constrained")
plots.plot_backtest(textbook, "lstm", ax, step=1)

# %% [markdown]
# In training the network has never seen an input beyond 1, and there its activations are flat: its forecasts stay
# behind.

# %% [markdown]
# ## What window normalisation changes
#
# Do not forecast the price, forecast the *move* from the last price, in units of how much the last rows moved. Then new
# highs look like any other day, and a network that has learned nothing says "no move", which is yesterday's price.

# %%
config = override(forecast.ExperimentConfig(), {"horizon": 1})
ours = forecast.run(series, models=["lstm"], config=config)
rows = {
    "textbook, whole series": next(row for row in textbook.scores if row.model == "lstm"),
    "moves": next(row for row in ours.scores if row.model == "lstm"),
    "yesterday's price": next(row for row in ours.scores if row.model == "naive"),
}
pd.DataFrame(
    {name: {"error [points]": row.mae, "error / naive": row.mae_vs_naive} for name, row in rows.items()}
).T.round(3)

# %%
print(next(verdict.sentence for verdict in ours.verdicts if verdict.model == "lstm"))

# %% [markdown]
# No miracle: the price of the S&P 500 can hardly be forecast a day ahead. If a test says otherwise, look for leakage.

# %% [markdown]
# ## What can be won: the spread
#
# Tomorrow's level is yesterday's, but how far it will be from there can be forecast: wild days come together. So look
# at the whole distribution. Its error is the CRPS; naive's distribution is that of all past moves, the same in calm
# weeks and in wild ones. `har` forecasts how much the coming days move.

# %%
spread = forecast.run(series, models=["har"], config=override(forecast.ExperimentConfig(), {"horizon": 10}))
har, naive = (next(row for row in spread.scores if row.model == name) for name in ("har", "naive"))
print(f"CRPS of har over that of naive: {har.crps / naive.crps:.3f}")
print(next(verdict.sentence for verdict in spread.verdicts if verdict.model == "har"))

# %%
figure, ax = plt.subplots(figsize=(10, 3.4), layout="constrained")
for name in ("naive", "har"):
    backtest = spread.backtests[name]
    last = backtest.last_value[:, None]
    ax.fill_between(
        series.index[backtest.origin + 1],
        *(100 * (backtest.quantiles[:, 0, [0, -1]] / last - 1)).T,
        alpha=0.4,
        label=name,
    )
moved = 100 * (backtest.actual[:, 0] / backtest.last_value - 1)
ax.plot(series.index[backtest.origin + 1], moved, ".", markersize=2, color="black", label="what came")
ax.set_ylabel("next day's move [%]")
_ = ax.legend()

# %% [markdown]
# From the spread follow *value at risk*, the loss that one day in twenty or in a hundred exceeds, and *expected
# shortfall*, the mean of the losses beyond. They are tested as well: a right share of exceptions (Kupiec), none that
# follow one another (Christoffersen), losses beyond that are no larger than said (Acerbi and Szekely). P-values below
# 0.05 speak against a model. Naive, whose moves of 2008 count as much as those of last week, is too wide here.

# %%
risks = spread.to_frame("risks").loc[["har", "naive"]]
risks[risks["step"] == 1].drop(columns="step").round(3)

# %% [markdown]
# ## Leakage, planted and found
#
# *Leakage* is the use of values that are not known at the origin. Here it is planted: a column with the price of the
# next day, a few points off, as a wrong `shift` or a careless join makes it.

# %%
noise = np.random.default_rng(0).normal(scale=5, size=len(series))
table = pd.DataFrame({"Close": series.y, "Signal": np.append(series.y[1:], series.y[-1]) + noise}, index=series.index)
leaky = forecast.load(table, target="Close", unit="points", columns=["Signal"])
config = override(forecast.ExperimentConfig(), {"horizon": 1, "features": ("Signal",)})
wonderful = forecast.run(leaky, models=["lstm"], config=config)
print(next(verdict.sentence for verdict in wonderful.verdicts if verdict.model == "lstm"))

# %% [markdown]
# Too good to be true. First ask which rows the forecast depends on. Each row is hidden from the model in turn: the
# forecast depends on the last few rows, far more than prices allow.

# %%
explanation = forecast.explain(wonderful.models["lstm"], leaky)
figure, ax = plt.subplots(figsize=(10, 3), layout="constrained")
plots.plot_lags(explanation, ax)

# %% [markdown]
# Then ask which column it is. Today's move of a column should have next to nothing to do with tomorrow's move of the
# price:

# %%
moves = table.diff()
tomorrow = moves["Close"].shift(-1)
pd.Series({name: moves[name].corr(tomorrow) for name in table}, name="correlation with tomorrow's move").round(
    3
).to_frame()

# %% [markdown]
# ## A test that cannot see the future
#
# The best proof that a program does not look ahead: change the future and see whether past forecasts change. Every row
# after a cut is replaced by nonsense; forecasts made before the cut must stay the same, to the last digit.

# %%
cut = len(series) - 300
values = series.values.copy()
values[cut:] = 1 + 1000 * np.random.default_rng(1).random(values[cut:].shape)
garbled = forecast.TimeSeries(series.name, series.index, values, series.columns, series.target, unit=series.unit)
model = ours.models["lstm"]
before, after = model.backtest(series), model.backtest(garbled)
early = before.origin < cut
print("forecasts made before the cut:", early.sum())
print("largest difference:", np.abs(before.quantiles[early] - after.quantiles[early]).max())
print(
    "forecasts made after it differ by up to", np.abs(before.quantiles[~early] - after.quantiles[~early]).max().round()
)

# %% [markdown]
# `forecast audit` does this for any model in several ways, and names the leakage if there is any:

# %%
from forecast.evaluation.leakage import audit_model

print(audit_model(series, "linear").sentence)

# %% [markdown]
# ## More than one period
#
# One test is one period. A *walk-forward test* trains anew at several cutoffs, each time on the past alone, and
# forecasts what follows:

# %%
compared = forecast.compare(series, models=["linear", "dense"], plan=forecast.WalkForward(folds=3))
result = compared.results[series.name]
for verdict in result.verdicts:
    print(verdict.sentence)

# %%
from forecast.evaluation.walk_forward.series_result import fold_ratios

fold_ratios(result).round(3)

# %% [markdown]
# To remember: a naive forecast in every table, normalisation by window, test rows that nobody has touched, verdicts
# that test for luck, and doubt where results are too good. [docs/test.md](../docs/test.md) says how this package tests.
