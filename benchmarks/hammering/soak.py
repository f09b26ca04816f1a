"""Commands one after another: no process, temporary file, lock or hidden folder stays."""

import os
from collections import Counter
from pathlib import Path

from damage import prices

from hammering.faults import CASES, SMALL
from hammering.measure import command, hidden, processes

# Commands that are refused, between those that succeed.
REFUSED = (
    ["run", "missing.csv"],
    ["predict", "p.csv", "--model", "nowhere"],
    ["inspect", "p.csv:none"],
    ["train", "p.csv", "--model", "oracle", "--save", "x"],
)
QUICK = [["models"], ["inspect", "p.csv"], ["show", "m"], ["predict", "p.csv", "--model", "m", "--json"], *REFUSED]


def prepare(folder: Path) -> None:
    """Make the files that commands use."""
    work = folder / "work"
    work.mkdir()
    prices(200).to_csv(work / "p.csv", index=False)
    command(["train", "p.csv", "--model", "linear", "--save", "m", *SMALL], work)
    command(CASES["run"][0], work)


def run(numbers: range, folder: Path) -> Counter[str]:
    """One command after the other: most are quick, each tenth writes a folder or starts processes."""
    outcomes, work = Counter[str](), folder / "work"
    os.environ.pop("FORECAST_WORKER", None)
    for number in numbers:
        slow = [arguments for arguments, _ in CASES.values()]
        arguments = slow[number // 10 % len(slow)] if number % 10 == 0 else QUICK[number % len(QUICK)]
        done = command(arguments, work)
        if wrong := done.wrong():
            outcomes[wrong] += 1
            print(f"{' '.join(arguments)}: {wrong} {done.errors[-300:]}")
        outcomes["commands"] += 1
        outcomes[f"status {done.status}"] += 1
    outcomes["LEFT BEHIND: processes"] += len(processes(folder))
    outcomes["LEFT BEHIND: hidden folders"] += len(hidden(work))
    outcomes["LEFT BEHIND: temporary files"] += len(list((folder / "tmp").iterdir()))
    return outcomes
