# %% [markdown]
# # A whole job in fifteen lines
#
# Load, run, plot, compare, save, open again, update, explain: each is one call. Results show themselves; `to_frame`
# gives each as a table, `plot` as a picture, `plot(interactive=True)` as one to zoom into.

# %%
import pandas as pd

import forecast

prices = pd.read_csv("../data/sp500.csv", parse_dates=["Date"], index_col="Date")
series = forecast.load(prices[:"2015"], name="S&P 500", unit="points")

# %% [markdown]
# **Train and test.** Options of the configuration are keywords; one that does not exist is refused with the nearest
# name. The last fifth of the rows is the test.

# %%
result = forecast.run(series, models=["lstm", "linear"], horizon=10)
result

# %%
result.plot()

# %% [markdown]
# **Compare** at several cutoffs, each time with models trained on the past alone.

# %%
forecast.compare(series, models=["linear"], horizon=10, folds=4)

# %% [markdown]
# **Save and open.** A saved model forecasts without TensorFlow, from anything that `load` takes.

# %%
forecast.save_model(result.models["lstm"], "../runs/fifteen-lines")
model = forecast.open_model("../runs/fifteen-lines")
model.predict(series)

# %% [markdown]
# **Update** with three more years. The new model says whether that helped, on rows that neither model saw.

# %%
latest = forecast.load(prices, name="S&P 500", unit="points")
newer = forecast.update(model, latest)
newer

# %% [markdown]
# **Explain** the next forecast: what the linear highway and the network add to the last value.

# %%
forecast.explain(newer, latest)
