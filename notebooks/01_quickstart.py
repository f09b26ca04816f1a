# %% [markdown]
# # From a file or a ticker to a forecast
#
# From a table of prices to a tested forecast in ten minutes. All data are in the folder `data/`; nothing is downloaded.

# %%
import matplotlib.pyplot as plt

import forecast
from forecast.report import plots

plt.style.use(plots.SHEET)
plt.rcParams["figure.dpi"] = 60

# %% [markdown]
# **A series.** `load` reads any table of dates and numbers: CSV, Excel, Parquet, a pandas object. With a network,
# `forecast.load("AAPL")` asks Yahoo Finance instead. `notes` has the assumptions that it made, `findings` what looks
# wrong in the rows.

# %%
series = forecast.load("../data/sp500.csv", unit="points")
print(len(series), "rows of", series.target, "from", series.index[0].date(), "to", series.index[-1].date())
print(*series.notes, sep="\n")

# %% [markdown]
# **A run** trains the models that you name, tests them on the last fifth of the rows, which they have never seen, and
# forecasts the next 30 sessions. Three simple forecasts, the *baselines*, always take part: `naive` repeats the last
# known value, `drift` follows the line from the first value through the last, `seasonal_naive` repeats the last week.

# %%
result = forecast.run(series, models=["lstm", "dense"], out="../runs/quickstart")
split = result.split
print("training  ", series.index[0].date(), "to", series.index[split.validation - 1].date())
print("validation", series.index[split.validation].date(), "to", series.index[split.test - 1].date())
print("test      ", series.index[split.test].date(), "to", series.index[-1].date())

# %%
figure, ax = plt.subplots(figsize=(10, 3.2), layout="constrained")
plots.plot_history(result, ax)

# %% [markdown]
# **The scores.** `mae` is the mean absolute error in points. The first number to look at is `mae_vs_naive`, the error
# over that of the naive forecast: below 1 is better than naive.

# %%
result.to_frame()[["mae", "rmse", "mape", "coverage90", "mae_vs_naive"]].round(3)

# %% [markdown]
# Below 1 is not yet *better*: it may be luck. The verdicts say which.

# %%
for verdict in result.verdicts:
    print(verdict.sentence)

# %% [markdown]
# **The test as a plot.** What the LSTM had forecast 30 sessions before, beside what came. The band is its 90 %
# interval: about nine in ten values should be inside, and `coverage90` above says how many were.

# %%
figure, ax = plt.subplots(figsize=(10, 3.4), layout="constrained")
plots.plot_backtest(result, "lstm", ax, step=30)

# %% [markdown]
# **The forecast.** The line is the median, the bands around it are the 50, 80 and 90 % intervals.

# %%
figure, ax = plt.subplots(figsize=(10, 3.6), layout="constrained")
plots.plot_forecast(result, ["lstm", "dense", "naive"], ax)

# %% [markdown]
# **The saved model.** `out` wrote tables, plots and one folder for each model, a *bundle*. It forecasts this series or
# another in a moment, without TensorFlow.

# %%
model = forecast.open_model("../runs/quickstart/models/lstm")
model.predict(series)

# %% [markdown]
# The same on the command line: `forecast run data/sp500.csv --unit points --models lstm,dense`. The [next
# notebook](02_ann_rnn_lstm_from_equations.ipynb) shows how the networks work, [the fourth](04_honest_backtest.ipynb)
# why the test is done this way, and the [glossary](../docs/glossary.md) explains every term.
