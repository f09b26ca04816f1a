import json

import pytest

from forecast.config import RECIPES, ExperimentConfig, NetworkConfig, TrainingConfig, override
from forecast.errors import ConfigError


@pytest.mark.parametrize("name", RECIPES)
def test_config_survives_json(name):
    config = RECIPES[name]
    assert ExperimentConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_a_misspelt_field_is_refused():
    fields = ExperimentConfig().to_dict()
    fields["network"]["unit"] = 3
    with pytest.raises(ConfigError, match="unit"):
        ExperimentConfig.from_dict(fields)


def test_a_wrong_type_is_refused():
    with pytest.raises(ConfigError, match="lookback"):
        ExperimentConfig.from_dict({"lookback": "64"})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ExperimentConfig(lookback=1), "`lookback` must be at least 2. Received: lookback=1."),
        (lambda: ExperimentConfig(horizon=0), "`horizon` must be at least 1. Received: horizon=0."),
        (lambda: ExperimentConfig(train_share=0.95), "train_share + validation_share"),
        (lambda: NetworkConfig(dropout=1.0), "`dropout` must be at least 0 and below 1. Received: dropout=1.0."),
        (lambda: NetworkConfig(activation="swish"), "`activation` must be one of tanh, relu, sigmoid, linear"),
        (lambda: TrainingConfig(learning_rate=0), "`learning_rate` must be above 0. Received: learning_rate=0."),
    ],
)
def test_each_rule_names_the_value(make, message):
    with pytest.raises(ConfigError) as caught:
        make()
    assert message in str(caught.value)


def test_override_reaches_every_part_and_leaves_the_original():
    config = ExperimentConfig()
    changed = override(config, {"horizon": 5, "units": 7, "seed": 3})
    assert (changed.horizon, changed.network.units, changed.training.seed) == (5, 7, 3)
    assert config == ExperimentConfig()


def test_override_refuses_a_name_that_no_field_has():
    with pytest.raises(ConfigError, match="unit"):
        override(ExperimentConfig(), {"unit": 7})
