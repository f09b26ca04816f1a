# %% [markdown]
# # From a file or a ticker to a forecast
#
# Ten minutes from a table of prices to a forecast that was tested honestly. All data are in the folder `data/`; nothing
# is downloaded.

# %%
import matplotlib.pyplot as plt

import forecast
from forecast.report import plots
from forecast.report import writer as report

plt.style.use(plots.SHEET)
plt.rcParams["figure.dpi"] = 60

# %% [markdown]
# **A series.** `load` reads any table of dates and numbers: CSV, Excel, Parquet, a pandas object. With a network,
# `forecast.load("AAPL")` asks Yahoo Finance instead. What it assumed on the way stands in `notes`, what looks wrong in
# the rows in `findings`.

# %%
series = forecast.load("../data/sp500.csv", unit="points")
print(len(series), "rows of", series.target, "from", series.index[0].date(), "to", series.index[-1].date())
print(*series.notes, sep="\n")

# %% [markdown]
# **A run** trains the models that you name, tests them on the last fifth of the rows, which they have never seen, and
# forecasts the next 30 sessions. Three simple forecasts always take part: `naive` says that every day is like the last
# known one, `drift` follows the line through all rows, `seasonal_naive` repeats the last week.

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
# **The scores.** `mae` is the mean error in points. The number to look at is `mae_vs_naive`, the error over that of the
# naive forecast: below 1 the model has found something.

# %%
report.scores_table(result).set_index("model")[["mae", "rmse", "mape", "coverage90", "mae_vs_naive"]].round(3)

# %% [markdown]
# Smaller than 1 is not yet *better*: it may be luck. That is what the verdicts are for.

# %%
for verdict in result.verdicts:
    print(verdict.sentence)

# %% [markdown]
# **The test as a picture.** What the LSTM had said 30 sessions before, beside what came. The band is its 90 % interval:
# about nine in ten values should lie in it, and `coverage90` above says how many did.

# %%
figure, ax = plt.subplots(figsize=(10, 3.4), layout="constrained")
plots.plot_backtest(result, "lstm", ax, step=30)

# %% [markdown]
# **The forecast.** The line is the median, the fan around it holds 50, 80 and 90 % of what may come.

# %%
figure, ax = plt.subplots(figsize=(10, 3.6), layout="constrained")
plots.plot_forecast(result, ["lstm", "dense", "naive"], ax)

# %% [markdown]
# **The model is kept.** `out` wrote tables, pictures and one folder for each model. Such a folder forecasts again, this
# series or another, in a moment and without TensorFlow.

# %%
model = forecast.open_model("../runs/quickstart/models/lstm")
coming = model.predict(series)
for date, low, middle, high in list(zip(coming.dates, *coming.quantiles[:, [0, 3, 6]].T, strict=True))[::7]:
    print(f"{date}   {middle:7.1f} points   (90 %: {low:7.1f} to {high:7.1f})")

# %% [markdown]
# On the command line the same is `forecast run data/sp500.csv --unit points --models lstm,dense`. How the networks work
# is the matter of the [next notebook](02_ann_rnn_lstm_from_equations.ipynb); why the test is done this way, that of
# [the fourth](04_honest_backtest.ipynb).
