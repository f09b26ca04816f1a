"""Whether anything can be lost, opened wrongly or left behind: damaged bundles and files, faults, kills, servers, soak.

    .venv/bin/python benchmarks/hammer.py                       all parts, in the sizes of `SIZES`: some hours
    .venv/bin/python benchmarks/hammer.py faults --count 50     50 more faults; each part goes on where it was

Each part works in its own process and goes on with the number after the last; what came of it is added up in
build/hammer.json, and written into benchmarks/hammer.md. An outcome in capitals must not be. Linux alone.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "benchmarks")]
STATE, NOTE = ROOT / "build" / "hammer.json", ROOT / "benchmarks" / "hammer.md"
# How many of each part are asked for, and how many one process does.
SIZES = {"bundles": 10_000, "files": 2_000, "faults": 500, "kills": 200, "servers": 50, "soak": 1_000}
AT_ONCE = {"bundles": 1_000, "files": 500, "faults": 25, "kills": 25, "servers": 25, "soak": 100}
WHAT = {
    "bundles": "damaged bundles, opened and forecast from",
    "files": "damaged files of ten formats, read",
    "faults": "errors at the n-th change that a command makes to its folder, each followed by a run without",
    "kills": "kills at the n-th change, each followed by a run to the end",
    "servers": "servers that answer wrongly in place of Yahoo Finance",
    "soak": "commands one after another",
}


def work(part: str, first: int, count: int) -> None:
    """Do a part in this process, and print what came of it as the last line."""
    from hammering import bundles, faults, files, servers, soak

    parts = {"bundles": bundles, "files": files, "faults": faults, "kills": faults, "servers": servers, "soak": soak}
    folder = Path(tempfile.mkdtemp(prefix="hammer-"))
    options = {"kill": part == "kills"} if part in ("faults", "kills") else {}
    try:
        parts[part].prepare(folder)
        print(json.dumps(parts[part].run(range(first, first + count), folder, **options)))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def hammer(part: str, count: int) -> None:
    """Do `count` more of a part, in processes of their own; one that dies is an outcome as well."""
    while count > 0:
        state = read_state()
        done = state.setdefault(part, {"done": 0, "seconds": 0.0, "outcomes": {}})
        size, begun = min(count, AT_ONCE[part]), time.monotonic()
        command = [sys.executable, __file__, part, "--count", str(size), "--first", str(done["done"])]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
        ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=environment, check=False)  # noqa: S603
        *lines, last = ended.stdout.splitlines() or [""]
        print("\n".join(lines), flush=True)
        found = json.loads(last) if ended.returncode == 0 else {"DIED": 1}
        outcomes = Counter(done["outcomes"]) + Counter(found)
        done |= {"done": done["done"] + size, "seconds": done["seconds"] + time.monotonic() - begun}
        done |= {"outcomes": dict(outcomes), "load": max(done.get("load", 0.0), *os.getloadavg())}
        STATE.parent.mkdir(exist_ok=True)
        STATE.write_text(json.dumps(state, indent=1))
        write_note(state)
        print(part, done["done"], dict(outcomes), flush=True)
        count -= size


def read_state() -> dict:
    """What has been done so far."""
    return json.loads(STATE.read_text()) if STATE.is_file() else {}


def write_note(state: dict) -> None:
    """Write what came of all parts as a page."""
    lines = [
        "# What was hammered",
        "",
        "Written by `benchmarks/hammer.py`. What it does, and what it promises, stands in "
        "[docs/security.md](../docs/security.md). An outcome in capitals must not be: something lost, opened wrongly, "
        "above 1 GB or 20 s, a traceback, or something left behind.",
        "",
        "| part | done | of | what came of it | must not be |",
        "|---|---|---|---|---|",
    ]
    for part, size in SIZES.items():
        done = state.get(part, {"done": 0, "outcomes": {}})
        plain = {name: count for name, count in done["outcomes"].items() if not _is_wrong(name) and ": " not in name}
        wrong = {name: count for name, count in done["outcomes"].items() if _is_wrong(name) and count}
        told = [", ".join(f"{count:,} {name}" for name, count in sorted(one.items())) for one in (plain, wrong)]
        lines.append(f"| {WHAT[part]} | {done['done']:,} | {size:,} | {told[0]} | {told[1] or 'none'} |")
    for part in SIZES:
        kinds = {
            n: c for n, c in state.get(part, {"outcomes": {}})["outcomes"].items() if ": " in n and not _is_wrong(n)
        }
        if kinds:
            told = ", ".join(f"{name.partition(': ')[2]} {count:,}" for name, count in sorted(kinds.items()))
            lines += ["", f"**{part}**: {told}."]
    minutes = sum(one["seconds"] for one in state.values()) / 60
    load = max((one.get("load", 0.0) for one in state.values()), default=0.0)
    lines += [
        "",
        f"All of it took {minutes:.0f} minutes, one part after the other, on {os.cpu_count()} cores with a load of up "
        f"to {load:.1f}. SLOW is 20 s of a processor more than the command took before, or three minutes by the clock.",
    ]
    NOTE.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _is_wrong(outcome: str) -> bool:
    head = outcome.partition(":")[0].split(" ")[0]
    return head.isupper()


def main() -> None:
    """The parts that were asked for, in their sizes, or so many more of one."""
    parser = argparse.ArgumentParser(description="Damages, breaks and kills, and counts what came of it.")
    parser.add_argument("part", nargs="?", choices=SIZES)
    parser.add_argument("--count", type=int)
    parser.add_argument("--first", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.first is not None:
        work(options.part, options.first, options.count)
        return
    for part in [options.part] if options.part else SIZES:
        left = SIZES[part] - read_state().get(part, {"done": 0})["done"]
        hammer(part, options.count if options.count is not None else left)


if __name__ == "__main__":
    main()
