"""How often value at risk and expected shortfall hold on daily prices: shares beyond, and tests that fail. Offline.

    .venv/bin/python benchmarks/risk.py                            the bundled prices
    .venv/bin/python benchmarks/risk.py FOLDER --models linear     every daily price file of a folder

Default settings but for the horizon, 10 steps, at every origin of the last fifth. Of tests at 5 % that are right, one
in twenty fails. Results go to benchmarks/risk.md.
"""

import argparse
import os
from dataclasses import asdict
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import machine
import pandas as pd
from distribution import ROOT, daily_prices

import forecast
from forecast.data.dataset import prepare
from forecast.evaluation.risk import assess

RESULTS = ROOT / "benchmarks" / "risk.md"
HORIZON, TESTS = 10, ("kupiec", "christoffersen", "acerbi_szekely")


def risks_of(series: forecast.TimeSeries, models: list[str]) -> pd.DataFrame:
    """One row a model, step and level; none where the series does not walk."""
    dataset = prepare(series, forecast.ExperimentConfig(horizon=HORIZON))
    backtests = {name: forecast.train(series, name, dataset.config).backtest(dataset) for name in models}
    return pd.DataFrame([asdict(risk) for risk in assess(backtests, dataset)])


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Means over the series: share beyond, share of tests that fail at 5 %, share of yellow and red lights."""
    tested = rows.assign(
        **{name: (rows[name] < 0.05).where(rows[name].notna()) for name in TESTS},
        **{zone: rows["zone"] == zone for zone in ("yellow", "red")},
    )
    table = tested.groupby(["model", "level", "step"], sort=False)[["beyond", *TESTS, "yellow", "red"]].mean()
    return (100 * table.astype(float)).round(1).reset_index()


def markdown(table: pd.DataFrame) -> str:
    """The table in Markdown; shares in percent."""
    head = "| model | level | step | beyond VaR [%] | Kupiec fails [%] | Christoffersen fails [%] | "
    head += "Acerbi-Szekely fails [%] | yellow [%] | red [%] |"
    rows = ["| " + " | ".join(map(str, row)) + " |" for row in table.itertuples(index=False)]
    return "\n".join([head, "|---" * len(table.columns) + "|", *rows])


def main() -> None:
    """Measure, print, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "data")
    parser.add_argument("--models", default="linear,garch,har,naive")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    found = [risks_of(series, options.models.split(",")) for series in daily_prices(options.folder)]
    text = markdown(summary(pd.concat(found)))
    count = sum(not one.empty for one in found)
    print(f"{count} series\n\n{text}")
    head = f"# Value at risk on daily prices\n\n{machine.describe()}\n\n`benchmarks/risk.py`, {count} series.\n\n"
    options.out.write_text(f"{head}{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
