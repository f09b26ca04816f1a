"""A saved network takes in new rows."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from forecast.cli.commands.inputs import SeriesArguments, load_keras, load_many, say_interrupted
from forecast.cli.json_output import print_json
from forecast.cli.options import SOURCE, shared
from forecast.cli.progress import TrainingBar, note, say


@shared(SOURCE)
def update(
    ctx: typer.Context,
    model: Annotated[Path, typer.Argument(metavar="DIR", help="Saved model.")],
    series: SeriesArguments,
    save: Annotated[Path | None, typer.Option(help="Folder for the new bundle [DIR itself].")] = None,
    steps: Annotated[int | None, typer.Option(help="Training steps [half of the first training's].", min=1)] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Highest learning rate [a quarter].")] = None,
    freeze: Annotated[bool, typer.Option("--freeze", help="Leave all layers but the head as they are.")] = False,
    keep_anyway: Annotated[
        bool, typer.Option("--keep-anyway", help="Replace the old bundle even if the update harmed.")
    ] = False,
) -> None:
    """Train a saved network on with new rows.

    Same scaler, windows and layers, old rows kept in the mix.

    Says whether that helped on the last rows, which neither the old nor the new model saw. The old bundle stays until
    the new one is whole, and if the update harmed beyond luck; the exit status is 1 then.

    Example: forecast update models/sp500 NEWER.csv
    """
    from dataclasses import asdict

    from forecast.cli.tables.layout import print_sentences
    from forecast.evaluation.update import compare
    from forecast.inference import bundle
    from forecast.inference.predict import assumptions
    from forecast.models import Callbacks
    from forecast.runtime.json_values import finite
    from forecast.training import fine_tune as updating

    old = bundle.open_model(model)
    bundle.check_folder(save or model)
    several = load_many(series, ctx.params, old.config)
    for sentence in assumptions(old, several):
        note(sentence)
    load_keras([old.model])
    with TrainingBar() as bar:
        new = updating.update(
            old, several, steps=steps, learning_rate=learning_rate, freeze=freeze, callbacks=Callbacks(bar.advance)
        )
    say_interrupted([new] if new.interrupted else [], ())
    worth = compare(old, new, several)
    tested = tuple({**finite(asdict(one)), "verdict": {"sentence": one.sentence}} for one in worth)
    place, rows = save or model, sum(known.rows for known in new.trained_on)
    harmed = place.resolve() == model.resolve() and not keep_anyway and any(one.harmed for one in worth)
    if not harmed:
        bundle.save_model(replace(new, tested=tested), place)
    if ctx.params["as_json"]:
        print_json({"model": new.model, "save": None if harmed else str(place), "rows": rows, "worth": tested})
    else:
        print_sentences(one.sentence for one in worth)
    if harmed:
        say(
            f"forecast: {model} is as it was, because the update harmed. Give --save DIR to keep the new model beside "
            "it, or --keep-anyway to replace it."
        )
        raise typer.Exit(1)
    if not ctx.params["as_json"]:
        print(f"{new.model} has now learned from {rows:,} rows of {len(new.trained_on)} series and is in {place}")
