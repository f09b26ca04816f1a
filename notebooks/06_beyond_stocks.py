# %% [markdown]
# # Beyond stocks
#
# The same functions forecast temperatures, loads and sales. These have what prices lack, seasons, so forecasts of them
# are much better than naive ones.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import forecast
from forecast.config import override
from forecast.report import plots

plt.style.use(plots.SHEET)
plt.rcParams["figure.dpi"] = 60
shown = ["mae", "coverage90", "mae_vs_naive"]

# %% [markdown]
# ## Weather: the temperature of the sea
#
# Sixty years of months off the coast of South America, with El Niño. The frequency is inferred from the dates, and with
# it the season of 12 rows and a lookback of three years.

# %%
sea = forecast.load("../data/sea_temperature.csv", unit="°C")
result = forecast.run(sea, models=["lstm", "linear"], config=override(forecast.ExperimentConfig(), {"horizon": 12}))
print("frequency", sea.frequency, " season", result.config.season, " lookback", result.config.lookback)
result.to_frame()[shown].round(3)

# %%
figure, ax = plt.subplots(figsize=(10, 3.4), layout="constrained")
plots.plot_forecast(result, ["lstm", "seasonal_naive"], ax)

# %% [markdown]
# `lstm` and `linear` have the same error. All of it is the *highway*, a linear map of the last rows that stands beside
# the network and knows the seasons. The network's own part did not help on earlier rows, so *shrinkage* sets it to
# zero. What both add to the last value:

# %%
explanation = forecast.explain(result.models["lstm"], sea)
figure, ax = plt.subplots(figsize=(10, 3), layout="constrained")
plots.plot_components(explanation, ax)

# %% [markdown]
# ## Load: hours, days and weeks
#
# There is no hourly file in `data/`, so here is a generated one: three months of electric load in megawatts with a
# daily pattern, less at weekends, and weather that lasts some days. Any pandas object can be loaded.

# %%
random = np.random.default_rng(3)
hours = pd.date_range("2024-01-01", periods=24 * 90, freq="h")
day = np.sin(2 * np.pi * (hours.hour - 7) / 24) + 0.4 * np.sin(4 * np.pi * (hours.hour - 4) / 24)
weather = np.zeros(len(hours))
for t in range(1, len(hours)):
    weather[t] = 0.98 * weather[t - 1] + random.normal(scale=6)
table = pd.DataFrame({"Load": 500 + 90 * day * np.where(hours.day_of_week < 5, 1, 0.6) + weather}, index=hours)
load = forecast.load(table, unit="MW")

# %%
config = override(forecast.ExperimentConfig(), {"horizon": 24, "max_steps": 60})
result = forecast.run(load, models=["dense", "linear"], config=config)
print("frequency", load.frequency, " season", result.config.season, " lookback", result.config.lookback)
result.to_frame()[shown].round(3)

# %%
figure, ax = plt.subplots(figsize=(10, 3.4), layout="constrained")
plots.plot_forecast(result, ["dense", "seasonal_naive"], ax)

# %% [markdown]
# ## Sales: promotions that are planned
#
# A shop plans its promotions ahead. A column that is known for the coming rows is a *future covariate*: the network
# sees it for the day that it forecasts. With and without:

# %%
shop = forecast.load("../data/shop_sales.csv", target="Sales", unit="pieces", columns=["Promotion"])
blind = override(forecast.ExperimentConfig(), {"horizon": 14})
results = {"without": forecast.run(shop, models=["lstm"], config=blind)}

# %% [markdown]
# The forecast needs the promotions of the coming days: rows after the last sales, with the sales left empty. Here one
# is planned from the fifth day on.

# %%
table = pd.read_csv("../data/shop_sales.csv", parse_dates=["Date"], index_col="Date")
coming = pd.date_range(table.index[-1] + pd.Timedelta(days=1), periods=14, name="Date")
planned = pd.DataFrame({"Sales": np.nan, "Promotion": [0] * 4 + [1] * 10}, index=coming)
with_plan = forecast.load(pd.concat([table, planned]), target="Sales", unit="pieces", future_columns=["Promotion"])
seeing = override(blind, {"future_columns": ("Promotion",), "calendar": ("weekday",)})
results["with promotions and weekdays"] = forecast.run(with_plan, models=["lstm"], config=seeing)
rows = {name: next(row for row in one.scores if row.model == "lstm") for name, one in results.items()}
pd.DataFrame(
    {name: {"error [pieces]": row.mae, "error / naive": row.mae_vs_naive} for name, row in rows.items()}
).T.round(3)

# %%
figure, axes = plt.subplots(2, 1, figsize=(10, 5.6), layout="constrained")
for (name, one), ax in zip(results.items(), axes, strict=True):
    plots.plot_forecast(one, ["lstm"], ax)
    ax.set_title(f"the next 14 days, {name}", loc="left")
    ax.set_xlim(shop.index[-45], coming[-1])

# %% [markdown]
# ## Several targets
#
# Several targets are several series, and one network can forecast all of them. `load_all` gives every series of a file.

# %%
both = forecast.load_all("../data/stock_price.csv:*", unit="points")
model = forecast.train(both, "gru")
for series in both:
    coming = model.predict(series)
    print(f"{series.name:8} {series.y[-1]:8.1f} on {coming.origin}, {coming.median[-1]:8.1f} on {coming.dates[-1]}")

# %%
from forecast.evaluation.holdout import test

pd.DataFrame({one.name: {"error / naive": test(model, one)[0].mae_vs_naive} for one in both}).T.round(3)
