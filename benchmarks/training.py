"""How long it takes from a file to a tested forecast: `forecast` beside other libraries and the tutorials' recipes.

    make bench-peers                            once: the other libraries, in an environment of their own
    make bench                                  .venv/bin/python benchmarks/training.py
    .venv/bin/python benchmarks/training.py --repeat 3 --file data/nasdaq.csv --horizon 1 30

Each contender is a process of its own, timed from its start to its end. They take turns: after one round to warm up,
each round runs every contender once, so that noise of the machine hits all alike. Medians go to benchmarks/results.md,
and to a picture of seconds against loss (docs/race.png), after each round anew. Leave the machine alone meanwhile: the
results say how busy others kept it.
"""

import argparse
import csv
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import machine

ROOT = Path(__file__).resolve().parent.parent
RESULTS, PICTURE = ROOT / "benchmarks" / "results.md", ROOT / "docs" / "race.png"
LIMIT_SECONDS = 900
# A contender that takes longer is run once.
LONG_SECONDS = 60
REFERENCE = "neuralforecast"
STAGES = {
    "import": "`import keras` and its backend",
    "load": "`forecast.load`",
    "compile": "what the first step takes beyond a usual one: blocks, network, tracing, compiler",
    "steps": "the median training step times their number",
    "validation": "the rest of the training: validation losses, shrinkage, intervals",
    "test": "`model.predict` at every origin of the test rows",
    "files": "baselines, scores, tables, plots, bundles",
}


@dataclass(frozen=True)
class Contender:
    """A command that ends with a tested forecast.

    Attributes:
        about: What it does, for the reader of the results.
        environment: The folder of its Python.
        module: Without this it is skipped.
        command: Its words; {file}, {horizon} and {out} are filled in.
        backend: Of Keras, where it uses Keras.
        model: Whose scores are read, if it writes a table of them.
        scored: A command that writes that table where its own does not: run once a task, and not timed.
    """

    name: str
    about: str
    environment: str
    module: str
    command: str
    backend: str = ""
    model: str = "lstm"
    scored: str = ""


@dataclass(frozen=True)
class Task:
    """A file and a horizon."""

    file: Path
    horizon: int


@dataclass(frozen=True)
class Outcome:
    """One run: its seconds as seen from outside, and what it said of itself; or why there is nothing to say.

    `others` is the number of cores that other processes kept busy meanwhile.
    """

    seconds: float = 0.0
    answer: dict | None = None
    failure: str = ""
    others: float = 0.0


FORECAST = ".venv/bin/forecast run {file} --models lstm --horizon {horizon} --out {out}"
ABOUT = "the whole command, with tables, plots and bundles; 100 steps on blocks of 64 labels, seven quantiles"
PEER = "{python} benchmarks/peers/{script}.py {{file}} --horizon {{horizon}}"
HERE, THERE = ".venv", ".venv-peers"


def peer(name: str, about: str, environment: str, module: str, script: str, backend: str = "") -> Contender:
    """A contender that is a script in `benchmarks/peers`."""
    command = PEER.format(python=f"{environment}/bin/python", script=script)
    return Contender(name, f"{about} (`benchmarks/peers/{script}.py`)", environment, module, command, backend)


CONTENDERS = (
    Contender(
        "forecast, zero-shot",
        "`forecast predict` with the network that comes with the package: nothing is trained; its scores, of the same "
        "origins as the others', are those of `forecast run --models pretrained`",
        HERE,
        "forecast",
        ".venv/bin/forecast predict {file} --horizon {horizon}",
        model="pretrained",
        scored=".venv/bin/forecast run {file} --models pretrained --horizon {horizon} --out {out}",
    ),
    Contender("forecast, TensorFlow", ABOUT, HERE, "tensorflow", FORECAST, "tensorflow"),
    Contender("forecast, JAX", "the same with `KERAS_BACKEND=jax`", HERE, "jax", FORECAST, "jax"),
    peer(
        "textbook Keras",
        "the tutorials' recipe on TensorFlow: MinMax levels, 2 x LSTM(50), 60 rows, batch 32, up to 50 epochs with "
        "early stopping",
        HERE,
        "tensorflow",
        "textbook",
        "tensorflow",
    ),
    peer(
        "plain PyTorch",
        "standardised levels, 2 x LSTM(50), 60 rows, batch 32, up to 50 epochs with early stopping",
        THERE,
        "torch",
        "pytorch_lstm",
    ),
    peer(
        REFERENCE,
        "its LSTM with 2 x 32 cells, 64 rows, 200 steps, quantile loss",
        THERE,
        "neuralforecast",
        "neuralforecast_lstm",
    ),
    peer(
        "darts",
        "its RNNModel with 25 LSTM cells, 64 rows, up to 20 epochs; forecasts step by step",
        THERE,
        "darts",
        "darts_rnn",
    ),
)
BREAKDOWN = tuple(
    Contender(
        f"stages, {title}", "", HERE, module, ".venv/bin/python benchmarks/stages.py {file} --horizon {horizon}", module
    )
    for title, module in (("TensorFlow", "tensorflow"), ("JAX", "jax"))
)
Outcomes = dict[tuple[Task, str], list[Outcome]]


def execute(command: list[str], *, backend: str = "") -> subprocess.CompletedProcess[str]:
    """Runs one command to its end, in the repository."""
    settings = {"KERAS_BACKEND": backend} if backend else {}
    return subprocess.run(  # noqa: S603  the commands above
        command, cwd=ROOT, env=os.environ | settings, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False
    )


def missing(contender: Contender) -> str:
    """Why this contender cannot run at all; empty if it can."""
    python = ROOT / contender.environment / "bin" / "python"
    if not python.exists():
        return f"skipped: there is no {contender.environment}" + "; make bench-peers" * (contender.environment == THERE)
    look = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({contender.module!r}) is None)"
    return (
        f"skipped: no {contender.module} in {contender.environment}"
        if execute([str(python), "-c", look]).returncode
        else ""
    )


def run_once(contender: Contender, task: Task) -> Outcome:
    """Starts the contender, waits for it and reads its answer."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        started, (busy, ours) = time.perf_counter(), machine.processor_seconds()
        try:
            done = execute(words_of(contender.command, task, out), backend=contender.backend)
        except subprocess.TimeoutExpired:
            return Outcome(failure=f"failed: longer than {LIMIT_SECONDS} s")
        seconds = time.perf_counter() - started
        if done.returncode:
            return Outcome(failure=f"failed: {last_line(done.stderr)}")
        busy, ours = (after - before for after, before in zip(machine.processor_seconds(), (busy, ours), strict=True))
        others = max(0.0, busy - ours) / seconds
        if contender.scored:
            return Outcome(seconds, score_once(contender, task), others=others)
        return Outcome(seconds, read_answer(done.stdout, out / "scores.csv", contender.model), others=others)


def words_of(command: str, task: Task, out: Path) -> list[str]:
    """The words of a command."""
    return [word.format(file=task.file, horizon=task.horizon, out=out) for word in command.split()]


@cache
def score_once(contender: Contender, task: Task) -> dict:
    """The scores of a contender whose own command tells none."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        execute(words_of(contender.scored, task, out)).check_returncode()
        return read_answer("", out / "scores.csv", contender.model)


def read_answer(printed: str, scores: Path, model: str) -> dict:
    """The scores of a model in a table where there is one, else the JSON line that was printed."""
    if scores.exists():
        with scores.open() as table:
            row = next(row for row in csv.DictReader(table) if row["model"] == model)
            return {name: float(row[name]) for name in ("mae_vs_naive", "crps")}
    return json.loads(next(line for line in reversed(printed.splitlines()) if line.startswith("{")))


def last_line(text: str) -> str:
    """The last line that says something, without this machine's paths and what would break a table."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["no message"]
    return named(lines[-1]).replace("|", "/")[:200]


def named(text: str) -> str:
    """Text with this repository's files named from its root."""
    return text.replace(f"{ROOT}/", "").replace(str(Path.home()), "~")


def run_rounds(tasks: list[Task], *, repeat: int, warm: bool) -> Iterator[Outcomes]:
    """Every contender on every task, in turns; gives what there is after each round. What fails is not run again.

    The first round warms up, on the first task alone: it brings the files into memory, and is forgotten.
    """
    contenders = (*CONTENDERS, *BREAKDOWN)
    reasons = {contender.name: missing(contender) for contender in contenders}
    outcomes = {(task, name): [Outcome(failure=why)] * bool(why) for task in tasks for name, why in reasons.items()}
    if warm:
        run_round("warm-up", contenders, tasks[:1], {key: list(done) for key, done in outcomes.items()})
    for number in range(1, repeat + 1):
        run_round(f"round {number} of {repeat}", contenders, tasks, outcomes)
        yield outcomes


def run_round(name: str, contenders: Iterable[Contender], tasks: list[Task], outcomes: Outcomes) -> None:
    """Each contender once on each task; what comes out is added to `outcomes`."""
    for task in tasks:
        for contender in contenders:
            done = outcomes[task, contender.name]
            if not failures(done) and not (done and done[-1].seconds > LONG_SECONDS):
                done.append(run_once(contender, task))
                report(name, task, contender, done[-1])


def failures(outcomes: list[Outcome]) -> list[Outcome]:
    """Those of the outcomes that are failures."""
    return [outcome for outcome in outcomes if outcome.failure]


def report(round_name: str, task: Task, contender: Contender, outcome: Outcome) -> None:
    """One line on the terminal."""
    said = outcome.failure or f"{outcome.seconds:.1f} s, others on {outcome.others:.1f} cores"
    print(f"{round_name}, {named(str(task.file))}, horizon {task.horizon}, {contender.name}: {said}", flush=True)


def median_seconds(outcomes: list[Outcome]) -> float:
    """The median of the runs; NaN where they failed."""
    return float("nan") if failures(outcomes) else statistics.median(outcome.seconds for outcome in outcomes)


def score_row(name: str, outcomes: list[Outcome], reference: float) -> str:
    """One line of a table of contenders."""
    if failed := failures(outcomes):
        return f"| {name} | {failed[0].failure} | | | | |"
    seconds = [outcome.seconds for outcome in outcomes]
    median = statistics.median(seconds)
    error, crps = (
        statistics.median(outcome.answer[score] for outcome in outcomes) for score in ("mae_vs_naive", "crps")
    )
    ratio = "" if reference != reference else f"{median / reference:.2f}"
    return f"| {name} | {median:.1f} | {min(seconds):.1f} .. {max(seconds):.1f} | {ratio} | {error:.3f} | {crps:.2f} |"


def score_table(task: Task, outcomes: Outcomes) -> list[str]:
    """The contenders side by side on one task."""
    reference = median_seconds(outcomes[task, REFERENCE])
    return [
        f"## {title(task)}",
        "",
        f"| contender | median [s] | min .. max [s] | ratio to {REFERENCE} | MAE / naive | CRPS |",
        "|---|---|---|---|---|---|",
        *(score_row(contender.name, outcomes[task, contender.name], reference) for contender in CONTENDERS),
        "",
    ]


def stage_columns(outcomes: Outcomes) -> dict[str, list[dict]]:
    """What each run of `stages.py` said, by the head of its column."""
    names = [contender.name for contender in BREAKDOWN]
    several = len({task.file for task, _ in outcomes}) > 1
    return {
        f"{name.removeprefix('stages, ')}, H={task.horizon}" + f", {task.file.name}" * several: [o.answer for o in done]
        for (task, name), done in outcomes.items()
        if name in names and not failures(done)
    }


def stage_table(columns: dict[str, list[dict]]) -> list[str]:
    """Where the time of `forecast` goes, stage by stage."""
    medians = [
        {stage: statistics.median(answer["seconds"][stage] for answer in answers) for stage in STAGES}
        for answers in columns.values()
    ]
    return [
        "## Where the time of `forecast` goes",
        "",
        "Seconds by stage, the same work through the Python API (`benchmarks/stages.py`):",
        "",
        f"| stage | {' | '.join(columns)} | what |",
        "|---" * (len(columns) + 2) + "|",
        *(f"| {stage} | {cells([m[stage] for m in medians])} | {what} |" for stage, what in STAGES.items()),
        f"| **sum** | {cells([sum(m.values()) for m in medians])} | without the start of Python |",
        "",
    ]


def cells(values: list[float], form: str = ".2f") -> str:
    """Numbers as cells of a table."""
    return " | ".join(f"{value:{form}}" for value in values)


def rate_table(columns: dict[str, list[dict]]) -> list[str]:
    """The training step beside plain matrix products."""
    large, small = machine.matmul_rate(1024, 1024, 1024), machine.matmul_rate(16, 32, 128)
    rows = []
    for name, answers in columns.items():
        step = statistics.median(answer["step_seconds"] for answer in answers)
        flops = answers[0]["step_flops"]
        rate = flops / step / 1e9
        numbers = f"{1e3 * step:.1f} | {flops / 1e6:.0f} | {rate:.1f} | {rate / large:.0%} | {rate / small:.0%}"
        rows.append(f"| {name} | {numbers} |")
    return [
        "## The training step beside a matrix product",
        "",
        f"numpy, float32: {large:.0f} GFLOP/s for (1024, 1024) @ (1024, 1024), {small:.1f} GFLOP/s for (16, 32) @ "
        "(32, 128), the product that a cell of 32 units takes at each row of 16 blocks. Rows follow one another, so a "
        "training step is made of small products: it cannot pass their rate on one core, and what it stays below that "
        "goes into gates, memory and the way from row to row.",
        "",
        "| `forecast` | step [ms] | MFLOP | GFLOP/s | of the large product | of the small product |",
        "|---|---|---|---|---|---|",
        *rows,
        "",
        "MFLOP of a step: 3 * B * (T * 2 * cells + S * 2 * head), backward as twice forward: B = 16 blocks of T = "
        "lookback + S - 1 = 127 rows and S = 64 labels; `cells` and `head` count the weights of their matrices, "
        "sum of 4 u (i + u) for layers of u units with i inputs, and u * H * 7 for seven quantiles.",
        "",
    ]


def heading(command: str, outcomes: Outcomes) -> list[str]:
    """What was measured, where and how."""
    rounds = max(len(done) for done in outcomes.values())
    others = [outcome.others for done in outcomes.values() for outcome in done]
    here = machine.versions(ROOT / HERE / "bin/python", ("forecast", "keras", "tensorflow", "jax", "numpy", "pandas"))
    names = ("torch", "neuralforecast", "darts", "pytorch-lightning", "numpy", "pandas")
    there = machine.versions(ROOT / THERE / "bin/python", names)
    return [
        "# From a file to a tested forecast",
        "",
        f"Written by `{command}` on {datetime.now(UTC):%Y-%m-%d}. Not edited by hand.",
        "",
        f"- Machine: {machine.describe()}.",
        f"- Other processes kept {statistics.mean(others):.1f} cores busy on average, at most {max(others):.1f} in one "
        "run; with more than 0.2 the seconds below are not to be trusted.",
        f"- `{HERE}`: {here}.",
        f"- `{THERE}`: {there or 'not there'}.",
        f"- Seconds: a whole process, from its start to its end; medians of {rounds} rounds, contenders in turns; "
        f"what takes longer than {LONG_SECONDS} s is run once.",
        "- MAE / naive: the error on the last 20 % of the rows over that of the naive forecast, on the same origins: "
        "all whose H steps are known. 70 % train, 10 % validate.",
        "- CRPS: twice the mean pinball loss of seven quantiles, in the unit of the file; the MAE where a contender "
        "forecasts one value.",
        "",
    ]


def notes() -> list[str]:
    """What each contender does."""
    return ["## Contenders", "", *(f"- **{contender.name}**: {contender.about}." for contender in CONTENDERS), ""]


def page(command: str, outcomes: Outcomes) -> list[str]:
    """The lines of the results."""
    lines = heading(command, outcomes)
    for task in dict.fromkeys(task for task, _ in outcomes):
        lines += score_table(task, outcomes)
    columns = stage_columns(outcomes)
    lines += [*stage_table(columns), *rate_table(columns)] if columns else []
    lost = {f"- {name}: {failures(done)[0].failure}." for (_, name), done in outcomes.items() if failures(done)}
    lines += ["## Skipped or failed", "", *sorted(lost), ""] if lost else []
    return [*lines, *notes()]


def write(lines: list[str]) -> None:
    """The results, whole or not at all."""
    unfinished = RESULTS.with_suffix(".part")
    unfinished.write_text("\n".join(lines).rstrip() + "\n")
    unfinished.replace(RESULTS)


def draw(outcomes: Outcomes) -> None:
    """The picture of seconds against loss."""
    from race_plot import draw_race

    tasks = dict.fromkeys(task for task, _ in outcomes)
    draw_race(
        {title(task): points_of({one.name: outcomes[task, one.name] for one in CONTENDERS}) for task in tasks}, PICTURE
    )


def points_of(outcomes: dict[str, list[Outcome]]) -> list[tuple[str, float, float]]:
    """Name, median seconds and median loss of the contenders that came to an end."""
    return [
        (name, median_seconds(done), statistics.median(outcome.answer["crps"] for outcome in done))
        for name, done in outcomes.items()
        if done and not failures(done)
    ]


def title(task: Task) -> str:
    """The heading of a task."""
    ahead = "1 step" if task.horizon == 1 else f"1 to {task.horizon} steps"
    return f"{named(str(task.file))}, {ahead} ahead"


def read_command_line() -> argparse.Namespace:
    """The options; files are made absolute."""
    parser = argparse.ArgumentParser(description="Times forecast beside its peers, and writes benchmarks/results.md.")
    parser.add_argument("--file", type=Path, nargs="+", default=[ROOT / "data" / "sp500.csv"])
    parser.add_argument("--horizon", type=int, nargs="+", default=[1, 30])
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--cold", action="store_true", help="without the round that warms up")
    return parser.parse_args()


def main() -> None:
    """Measures, and writes after each round."""
    options = read_command_line()
    command = named(shlex.join([".venv/bin/python", "benchmarks/training.py", *sys.argv[1:]]))
    tasks = [Task(file.resolve(), horizon) for file in options.file for horizon in options.horizon]
    for outcomes in run_rounds(tasks, repeat=options.repeat, warm=not options.cold):
        write(page(command, outcomes))
        draw(outcomes)
    print(f"Written: {named(str(RESULTS))}, {named(str(PICTURE))}")


if __name__ == "__main__":
    main()
