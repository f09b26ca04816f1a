# %% [markdown]
# # A first answer
#
# A network comes with the package. It learned from simulated series alone, and forecasts a series that it never saw at
# once. This notebook shows what it does, what it weighs, and where it fails.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import forecast
from forecast.models.pretrained.candidates import NAMES, candidates
from forecast.report import plots

plt.style.use(plots.SHEET)
plt.rcParams["figure.dpi"] = 60
sea = forecast.load("../data/sea_temperature.csv", unit="°C")
prices = forecast.load("../data/sp500.csv", unit="points")
forecast.predict(sea, horizon=12).to_frame().round(2)

# %% [markdown]
# ## What it knows
#
# The same forecast with its test: on rows that it never saw, beside the naive forecasts.

# %%
config = forecast.ExperimentConfig(horizon=12)
found = forecast.run(sea, models=["pretrained"], config=config)
found.to_frame()[["mae", "mae_vs_naive", "crps", "coverage90"]].round(3)

# %%
figure, ax = plt.subplots(figsize=(9, 3))
plots.plot_forecast(found, ["pretrained", "seasonal_naive", "naive"], ax)

# %% [markdown]
# ## What it weighs
#
# The network weighs 37 forecasts in closed form. Here are a few of them for the same series: the naive forecast, a
# smoothed level without the season, the value one season ago, and a ridge regression for each step ahead.

# %%
window = sea.y[None, -500:]
made = candidates(window, (12,), 12, positive=True)[0]
shown = ("last", "season_smoothed", "season_ago", "direct_of_moves")
pd.DataFrame({name: made[:, NAMES.index(name)] for name in shown}, index=np.arange(1, 13)).round(2)

# %% [markdown]
# ## Where it fails
#
# A random walk cannot be forecast, and a network that sees patterns everywhere would lose to the last value. On prices
# and walks `pretrained` has to prove itself first: its forecast is that of past moves over their expected size. A walk
# whose moves are normal and all of one size does not even drift, unless its mean is beyond chance. A single walk may
# favour one of the two by a per cent or two; over many, both err the same (`benchmarks/walks.py`).

# %%
walk = 100 + np.random.default_rng(0).standard_normal(1500).cumsum()
series = {"sp500": prices, "a walk": forecast.load(pd.Series(walk, name="walk"))}
rows = {name: forecast.run(one, models=["pretrained"]).scores[0] for name, one in series.items()}
pd.DataFrame({name: {"MAE over naive": row.mae_vs_naive, "coverage": row.coverage90} for name, row in rows.items()})

# %% [markdown]
# ## Fine-tuned
#
# Its head can go on to learn from the series, in seconds. The validation rows say how far, not at all included: the row
# of step 0 is the network as it comes.

# %%
tuned = forecast.train(sea, "finetuned", config)
losses = [(one.step, one.loss, one.validation_loss) for one in tuned.history]
pd.DataFrame(losses, columns=["step", "loss", "validation loss"]).set_index("step").round(3)

# %% [markdown]
# It sees the target alone: promotions, weather and holidays that are known ahead are for the networks that are trained
# on the series. How it was trained, and how to train one's own, says [its page](../docs/pretrained.md).
