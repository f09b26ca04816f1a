"""The models: one contract, one registry, one line in the registry for each.

estimator.py          the contract: Estimator, Problem, Fit, and what models share
baselines.py          naive, drift, seasonal_naive: what every model is measured against
linear.py             ridge regression by itself
highway.py            the ridge regression that carries what is linear past a network
forest.py             a random forest
tree_arrays.py        the trees of a forest as arrays
reservoir.py          an echo state network
statistical.py        ETS, Theta, ARIMA and Croston's method by statsforecast
pretrained/           the network that comes with the package, trained on simulated series
volatility/           the size of coming moves: what windows are measured by, GARCH and HAR
direction_classes.py  down, flat and up, and the mixture with base rates
neural/               networks: built and trained by Keras
equations/            the same networks in numpy: forecasts without TensorFlow
"""

from difflib import get_close_matches

from forecast.errors import ConfigError
from forecast.models.baselines import NAIVE, Baseline, drift, seasonal_naive
from forecast.models.estimator import Callbacks, Estimator, Fit, OnStep, Problem, Step, Validation, WarmStart, Weights
from forecast.models.forest import Forest
from forecast.models.linear import Linear
from forecast.models.neural.network import Network
from forecast.models.pretrained import FineTuned, Pretrained
from forecast.models.reservoir import Reservoir
from forecast.models.statistical import Demand, Statistical, arima, croston, ets, theta
from forecast.models.volatility.garch import Garch
from forecast.models.volatility.har import Har

_ALL: tuple[Estimator, ...] = (
    Network("lstm", "Long Short-Term Memory cells, stacked (Hochreiter and Schmidhuber 1997)"),
    Network("gru", "Gated Recurrent Units, stacked (Cho et al. 2014)"),
    Network("rnn", "SimpleRNN cells, stacked (Elman 1990)"),
    Network("sru", "Simple Recurrent Units, stacked (Lei et al. 2017)"),
    Network("dense", "Dense network (ANN) on the last `lookback` rows"),
    Network("stack", "Cells of several kinds in one network, as in --layers lstm:64,rnn:32"),
    Pretrained("pretrained", "The network that comes with the package: trained on simulated series, not on yours"),
    FineTuned("finetuned", "The same network, whose head goes on to learn from the series' own windows, in seconds"),
    Linear("linear", "Ridge regression on the last `lookback` rows: the networks' highway by itself"),
    Reservoir("esn", "Echo state network: a random reservoir with a linear readout (Jaeger 2001)"),
    Forest("forest", "Random forest on the last `lookback` rows (Breiman 2001)"),
    Statistical(
        "ets", "Exponential smoothing, additive (Hyndman et al. 2002); extra `statistics`", ets, longest_season=24
    ),
    Statistical("theta", "Theta method (Assimakopoulos and Nikolopoulos 2000); extra `statistics`", theta),
    Statistical(
        "arima",
        "ARIMA (Box and Jenkins 1970; Hyndman and Khandakar 2008); extra `statistics`",
        arima,
        longest_season=12,
    ),
    Demand(
        "croston",
        "Intermittent demand, many zeros (Croston 1972; Syntetos and Boylan 2005); extra `statistics`",
        croston,
        longest_season=1,
    ),
    Garch("garch", "GJR-GARCH with filtered historical simulation, estimated by arch (Glosten et al. 1993)"),
    Har("har", "Heterogeneous autoregression of volatility, from ranges where there are (Corsi 2009)"),
    NAIVE,
    Baseline("drift", "The line from the first known value through the last", drift),
    Baseline("seasonal_naive", "The value one season ago", seasonal_naive),
)
MODELS: dict[str, Estimator] = {model.name: model for model in _ALL}
NETWORKS = tuple(name for name, model in MODELS.items() if model.is_network)
LEARNERS = tuple(name for name, model in MODELS.items() if model.goes_on)
BASELINES = tuple(name for name, model in MODELS.items() if isinstance(model, Baseline))


def find_model(name: str) -> Estimator:
    """Look up a registered model by its name, in any case.

    Raises:
        ConfigError: the name is not registered; lists those that are.
    """
    wanted = str(name).strip().casefold()
    found = MODELS.get(wanted)
    if found is None:
        near = get_close_matches(wanted, MODELS, n=1)
        cure = f" Did you mean {near[0]}?" if near else ""
        raise ConfigError(f"a model must be one of {', '.join(MODELS)}. Received: {name}.{cure}")
    return found


def find_network(name: str) -> Network:
    """Look up a registered network.

    Raises:
        ConfigError: no network is registered by that name; lists those that are.
    """
    model = find_model(name)
    if not isinstance(model, Network):
        raise ConfigError(f"a network must be one of {', '.join(NETWORKS)}. Received: {name}.")
    return model


def find_learner(name: str) -> Network | FineTuned:
    """Look up a registered model whose training goes on with new rows.

    Raises:
        ConfigError: none is registered by that name; lists those that are.
    """
    model = find_model(name)
    if not isinstance(model, Network | FineTuned):
        learners = ", ".join(LEARNERS)
        raise ConfigError(f"a training goes on, or begins with random weights, for {learners}. Received: {name}.")
    return model


__all__ = [
    "BASELINES",
    "LEARNERS",
    "MODELS",
    "NETWORKS",
    "Callbacks",
    "Estimator",
    "Fit",
    "OnStep",
    "Problem",
    "Step",
    "Validation",
    "WarmStart",
    "Weights",
    "find_learner",
    "find_model",
    "find_network",
]
