import json

import pytest

from forecast.config import RECIPES, ExperimentConfig, InputConfig, NetworkConfig, TrainingConfig, override, read_config
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
        (lambda: NetworkConfig(layers="lstm"), "`layers` must be KIND:UNITS,..., as in lstm:64,rnn:32"),
        (lambda: NetworkConfig(layers="tree:3"), "of lstm, gru, rnn, sru, dense. Received: layers=tree:3."),
        (lambda: NetworkConfig(recurrent_dropout=-1.0), "`recurrent_dropout` must be at least 0 and below 1"),
        (lambda: TrainingConfig(seeds=0), "`seeds` must be at least 1. Received: seeds=0."),
        (lambda: TrainingConfig(jitter=-0.1), "`jitter` must be at least 0. Received: jitter=-0.1."),
        (lambda: InputConfig(calendar=("moon",)), "`calendar` must be one of hour, weekday, month, year"),
        (lambda: InputConfig(("a",), ("a",)), "`future_columns` must name other columns than `features`"),
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


def test_a_file_of_settings_may_name_a_few(tmp_path):
    path = tmp_path / "settings.json"
    path.write_text('{"horizon": 5, "network": {"units": 8}, "inputs": {"calendar": ["year"]}}')
    config = read_config(path)
    assert (config.horizon, config.network.units, config.inputs.calendar) == (5, 8, ("year",))
    assert config.training == ExperimentConfig().training


@pytest.mark.parametrize("text", ["horizon: 5", "[1]", '{"horizons": 5}'])
def test_a_file_that_is_no_settings_is_refused(tmp_path, text):
    path = tmp_path / "settings.json"
    path.write_text(text)
    with pytest.raises(ConfigError):
        read_config(path)
