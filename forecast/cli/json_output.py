"""Standard output with --json: one document and nothing else."""

import json
from typing import Any

import typer

from forecast.runtime.json_values import finite


def print_json(record: Any) -> None:
    """Print a record as one line of JSON; a number that is not defined is null."""
    typer.echo(json.dumps(finite(record), allow_nan=False))
