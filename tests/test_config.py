import json
from dataclasses import asdict

import pytest
import typer.main
from typer.testing import CliRunner

from forecast.cli.main import app
from forecast.cli.options import CONFIG, TASK, given_fields, shared
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
        (
            lambda: TrainingConfig(seed=2**32),
            "`seed` must be at least 0 and below 4294967296. Received: seed=4294967296.",
        ),
        (
            lambda: ExperimentConfig(train_share=1.0),
            "`train_share` must be above 0 and below 1. Received: train_share=1.0",
        ),
        (lambda: ExperimentConfig(validation_share=0.0), "`validation_share` must be above 0"),
        (lambda: ExperimentConfig(task="both"), "`task` must be one of forecast, direction. Received: task=both."),
        (lambda: TrainingConfig(max_steps=0), "`max_steps` must be at least 1. Received: max_steps=0."),
        (lambda: TrainingConfig(validations=0), "`validations` must be at least 1. Received: validations=0."),
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


def test_a_configuration_file_may_name_a_few_fields(tmp_path):
    path = tmp_path / "config.json"
    path.write_text('{"horizon": 5, "network": {"units": 8}, "inputs": {"calendar": ["year"]}}')
    config = read_config(path)
    assert (config.horizon, config.network.units, config.inputs.calendar) == (5, 8, ("year",))
    assert config.training == ExperimentConfig().training


@pytest.mark.parametrize("text", ["horizon: 5", "[1]", '{"horizons": 5}'])
def test_a_file_that_is_no_configuration_is_refused(tmp_path, text):
    path = tmp_path / "config.json"
    path.write_text(text)
    with pytest.raises(ConfigError):
        read_config(path)


def given(*arguments):
    """The fields of the configuration that a command line gives."""
    program, found = typer.Typer(), {}

    @program.command()
    @shared(CONFIG, TASK)
    def command(ctx: typer.Context) -> None:
        found.update(given_fields(ctx.params))

    done = CliRunner().invoke(program, arguments, standalone_mode=False)
    if done.exception:
        raise done.exception
    return found


def test_options_that_are_not_given_leave_the_configuration_alone():
    assert given() == {}
    assert given("--recipe", "textbook", "--config", "config.json") == {}


@pytest.mark.parametrize(
    ("arguments", "fields"),
    [
        (["--steps", "7", "--l2", "0.5"], {"max_steps": 7, "l2": 0.5}),
        (["--no-highway", "--layer-norm"], {"highway": False, "layer_norm": True}),
        (["--feature", "Open", "--feature", "High, adjusted"], {"features": ("Open", "High, adjusted")}),
        (["--calendar", "weekday, month"], {"calendar": ("weekday", "month")}),
        (["--learning-rate", "1e-3", "--task", "direction"], {"learning_rate": 1e-3, "task": "direction"}),
    ],
)
def test_options_are_the_fields_of_the_configuration(arguments, fields):
    assert given(*arguments) == fields
    assert override(ExperimentConfig(), fields) != ExperimentConfig()


def test_help_ends_with_the_default():
    run = typer.main.get_command(app).commands["run"]
    texts = {option.opts[0]: option.help for option in run.params if hasattr(option, "help")}
    assert texts["--units"] == "Cells in a layer [32]."
    assert texts["--learning-rate"] == "Highest learning rate [0.004]."
    assert texts["--clip-norm"] == "Largest norm of a gradient, over all weights together [0.1]."
    assert texts["--highway"].endswith("[yes].")
    assert texts["--steps"] == "Training steps [100, more for many series]."
    assert texts["--task"].endswith("[forecast].")
    assert texts["--layers"] == "Layers of the model stack, as in lstm:64,rnn:32."


def test_every_field_is_an_option_but_those_of_a_recipe():
    config = asdict(ExperimentConfig())
    fields = {*config, *config["inputs"], *config["network"], *config["training"]} - {"inputs", "network", "training"}
    assert fields - {*CONFIG, *TASK} == {"normalisation", "loss", "validations", "seasons", "joint"}
