"""Print an explanation as tables, or turn it into plain JSON values."""

from typing import Any

import numpy as np
from rich.table import Table

from forecast.cli.tables.layout import add_columns, new_table, print_paragraph, print_sentences, print_table
from forecast.inference.explain.explain import Explanation
from forecast.inference.explain.occlusion import Lags
from forecast.models import find_model

# Rows in the table of lags: those on which the forecast depends most.
MOST_LAGS = 8
STEPS = ("last_value", "past_moves", "highway", "model", "forecast")


def print_explanation(explanation: Explanation) -> None:
    """Print components, shrinkage, the strongest lags, gates, and notes on what the model lacks."""
    print_table(_steps_table(explanation))
    print_sentences([_shrinkage_line(explanation), ""])
    if explanation.lags is not None:
        print_table(_lags_table(explanation, explanation.lags))
    if explanation.layers:
        print_sentences([""])
        print_table(_gates_table(explanation))
    print_paragraph(explanation.notes)


def _shrinkage_line(explanation: Explanation) -> str:
    model, (linear, network) = explanation.model, explanation.shrinkage
    if not find_model(model).learned or not explanation.moves.blocks.moves:
        return f"No shrinkage: the forecast keeps all that {model} adds."
    shares = [(network, model)] if _adds(explanation) else []
    shares += [(linear, "the highway")] if explanation.has_highway else []
    kept = " and ".join(f"{share:.0%} of what {part} adds" for share, part in shares)
    return f"Shrinkage: the forecast keeps {kept}, as far as such moves reduced the error of earlier forecasts."


def _adds(explanation: Explanation) -> bool:
    """Whether a model has a part of its own beside the highway; `linear` is the highway by itself."""
    return find_model(explanation.model).is_network or not explanation.has_highway


def _steps_table(explanation: Explanation) -> Table:
    series, rows = explanation.series, explanation.steps
    table = new_table(
        f"{series.name}: what {explanation.model} adds to the value of {explanation.origin} [{series.unit}]"
    )
    own = [explanation.model] if _adds(explanation) else []
    add_columns(table, "step", "date", "last", "past moves", "highway", *own, "forecast")
    for step in sorted({0, min(4, len(rows) - 1), len(rows) - 1}):
        last, usual, linear, network, forecast = rows[step]
        cells = f"{last:.6g}", f"{usual:+.4g}", f"{linear:+.4g}", *([f"{network:+.4g}"] if own else [])
        table.add_row(str(step + 1), explanation.dates[step], *cells, f"{forecast:.6g}")
    return table


def _lags_table(explanation: Explanation, lags: Lags) -> Table:
    table = new_table(
        f"Change of the forecast when a row is hidden, mean over test rows and steps [{explanation.series.unit}]"
    )
    own = [f"{explanation.model}, unshrunk"] if _adds(explanation) else []
    add_columns(table, "row", "forecast", "highway, unshrunk", *own)
    strongest = np.argsort(-np.maximum(lags.forecast, 1e-9 * (lags.network + lags.linear)), kind="stable")[:MOST_LAGS]
    for lag in sorted(strongest):
        parts = (f"{part[lag]:.3g}" for part in (lags.forecast, lags.linear, *([lags.network] if own else [])))
        table.add_row("last" if lag == 0 else f"{lag} before", *parts)
    return table


def _gates_table(explanation: Explanation) -> Table:
    rows = len(explanation.window) - 1
    table, text = (
        new_table(f"Gates and absolute states over the last {rows} rows, mean over units"),
        ("layer", "gate or state"),
    )
    add_columns(table, *text, "mean", "lowest row", "highest row", "last row", text=text)
    for layer, parts in explanation.layers.items():
        for name, part in parts.items():
            sizes = np.abs(part).mean(axis=1)
            shown = sizes.mean(), sizes.min(), sizes.max(), sizes[-1]
            table.add_row(layer, name, *(f"{value:.3f}" for value in shown))
    return table


def explanation_record(explanation: Explanation) -> dict[str, Any]:
    """Turn an explanation into plain JSON values; gates and absolute states are means over units, one a row."""
    linear, network = explanation.shrinkage
    lags = explanation.lags
    return {
        "model": explanation.model,
        "series": explanation.series.name,
        "unit": explanation.series.unit,
        "origin": explanation.origin,
        "shrinkage": {"highway": linear if explanation.has_highway else None, "model": network},
        "steps": [
            {"step": number, "date": date, **dict(zip(STEPS, row.tolist(), strict=True))}
            for number, (date, row) in enumerate(zip(explanation.dates, explanation.steps, strict=True), start=1)
        ],
        "lags": lags
        and {"forecast": lags.forecast.tolist(), "highway": lags.linear.tolist(), "model": lags.network.tolist()},
        "gates": {
            layer: {name: np.abs(part).mean(axis=1).tolist() for name, part in parts.items()}
            for layer, parts in explanation.layers.items()
        },
        "notes": list(explanation.notes),
    }
