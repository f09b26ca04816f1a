# %% [markdown]
# # Stacking and combining
#
# Two ways to use more than one network: cells of several kinds inside one, and several forecasts averaged into one.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import forecast
from forecast.config import MEDIAN, override
from forecast.metrics.metrics import mae
from forecast.report import plots

plt.style.use(plots.SHEET)
plt.rcParams["figure.dpi"] = 60
shop = forecast.load("../data/shop_sales.csv", target="Sales", unit="pieces")
prices = forecast.load("../data/sp500.csv", unit="points")
config = override(forecast.ExperimentConfig(), {"horizon": 14, "highway": False})

# %% [markdown]
# ## LSTM and SimpleRNN in one network
#
# The model `stack` takes its layers from the setting `layers`: here an LSTM reads the series and a SimpleRNN reads the
# LSTM. The highway is off, so that only the networks forecast.

# %%
stacked = override(config, {"layers": "lstm:32,rnn:16"})
results = {
    series.name: forecast.run(series, models=["stack", "lstm", "rnn", "dense"], config=stacked)
    for series in (shop, prices)
}
for name, weight in results[shop.name].models["stack"].weights.items():
    print(f"{name:24} {weight.shape}")

# %%
ratios = pd.DataFrame({name: {row.model: row.mae_vs_naive for row in one.scores} for name, one in results.items()})
ratios.round(3)

# %% [markdown]
# These are errors over that of the naive forecast. A network with cells of two kinds is neither better nor worse than
# the others.
#
# ## Seeds
#
# Networks start with random weights, so two trainings of the same network give two forecasts. How far apart are they?
# `seeds` trains several, from the first seed on, and averages their quantiles: an *ensemble*.

# %%
several = override(config, {"seeds": 3})
seeds = {series.name: forecast.run(series, models=["rnn"], config=several) for series in (shop, prices)}
pd.DataFrame(
    {
        name: {
            **{f"seed {number}": ratio for number, ratio in enumerate(one.seeds["rnn"])},
            "mean of the seeds' errors": np.mean(one.seeds["rnn"]),
            "error of their average": next(row.mae_vs_naive for row in one.scores if row.model == "rnn"),
        }
        for name, one in seeds.items()
    }
).round(4)

# %% [markdown]
# The average has a smaller error than its members have on average. This is arithmetic, not luck: errors of opposite
# sign cancel. How much it helps depends on how different the members are.
#
# ## Models
#
# Different models make different errors, so averaging them should help more. The mean of the medians of the four
# networks, beside the best and the worst of them:

# %%
names = ["stack", "lstm", "rnn", "dense"]
rows = {}
for series_name, one in results.items():
    tests = [one.backtests[name] for name in names]
    actual, last = tests[0].actual, tests[0].last_value[:, None]
    naive = mae(actual, np.broadcast_to(last, actual.shape))
    medians = np.array([test.quantiles[..., MEDIAN] for test in tests])
    single = [mae(actual, median) / naive for median in medians]
    rows[series_name] = {
        "best alone": min(single),
        "worst alone": max(single),
        "mean of all": mae(actual, medians.mean(axis=0)) / naive,
        "correlation of their errors": np.corrcoef((medians - actual).reshape(len(names), -1))[0, 1:].mean(),
    }
pd.DataFrame(rows).round(3)

# %% [markdown]
# ## When does combining help?
#
# When the errors differ. The last row above is their correlation: near 1 all networks are wrong at the same time, and
# their mean is as wrong as each. The mean need not beat the best of them, but nobody knows beforehand which one that
# is. Day by day on the shop's sales:

# %%
one = results["shop_sales"]
figure, ax = plt.subplots(figsize=(10, 3.2), layout="constrained")
for name in names:
    test = one.backtests[name]
    dates = shop.index[test.origin + 7]
    ax.plot(dates[-90:], (test.quantiles[:, 6, MEDIAN] - test.actual[:, 6])[-90:], label=name)
ax.axhline(0, color="black", linewidth=0.8)
ax.set(title="errors a week ahead", ylabel="pieces")
_ = ax.legend(ncols=4)

# %% [markdown]
# All are wrong on the same days. Which days are these?

# %%
table = pd.read_csv("../data/shop_sales.csv", parse_dates=["Date"], index_col="Date")
test = one.backtests["rnn"]
promoted = table["Promotion"].to_numpy()[test.origin + 7] == 1
error = np.abs(test.quantiles[:, 6, MEDIAN] - test.actual[:, 6])
print(f"mean error of rnn a week ahead: {error[promoted].mean():.0f} pieces on {promoted.sum()} days of a promotion,")
print(f"                                {error[~promoted].mean():.0f} pieces on {(~promoted).sum()} other days")

# %% [markdown]
# Days of a promotion, which none of the networks is told. A future covariate, as in [the notebook
# before](06_beyond_stocks.ipynb), helps more than any number of networks.
