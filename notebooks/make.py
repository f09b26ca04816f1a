"""Run the notebooks: each `NAME.py`, a script in cells, becomes `NAME.ipynb` with its outputs.

    python notebooks/make.py              all of them
    python notebooks/make.py 03_why_lstm  some of them

A cell that fails, or that writes to standard error, ends the run and leaves the notebook on disk as it was.
"""

import os
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

from forecast.runtime.atomic import atomic_file

FOLDER = Path(__file__).parent
SCRIPTS = sorted(FOLDER.glob("[0-9]*.py"))
# Longest time of a cell, in seconds: much more than it takes, for other work may run on the machine.
PATIENCE = 900
# Notebooks that run side by side, each on one thread: more would wait for one another.
AT_ONCE = 2


def cells_of(script: Path) -> nbformat.NotebookNode:
    """Return the notebook of a script without outputs; cells are numbered, so the same script gives the same file."""
    notebook = jupytext.read(script, fmt="py:percent")
    for number, cell in enumerate(notebook.cells, start=1):
        cell.id = f"cell-{number}"
        cell.metadata = {}
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return notebook


def run(script: Path) -> str:
    """Run a notebook beside its script and write it with its outputs; say how long that took."""
    started, notebook = time.perf_counter(), cells_of(script)
    client = NotebookClient(
        notebook,
        timeout=PATIENCE,
        startup_timeout=PATIENCE,
        resources={"metadata": {"path": FOLDER}},
        record_timing=False,
        extra_arguments=["--IPKernelApp.capture_fd_output=False"],  # TensorFlow's compiled parts write past Python
    )
    client.execute(stderr=subprocess.DEVNULL)
    if said := [output.text for cell in notebook.cells for output in cell.get("outputs", []) if is_noise(output)]:
        raise SystemExit(f"{script.name}: a cell wrote to standard error:\n{said[0]}")
    notebook.metadata.language_info = {"name": "python"}
    with atomic_file(script.with_suffix(".ipynb")) as path:  # tests may read it meanwhile
        nbformat.write(notebook, path)
    size = script.with_suffix(".ipynb").stat().st_size
    return f"{script.stem}: {time.perf_counter() - started:.0f} s, {size / 1000:.0f} kB"


def is_noise(output: nbformat.NotebookNode) -> bool:
    """Whether an output was written to standard error."""
    return output.get("name") == "stderr"


def main(names: list[str]) -> None:
    """Run the named notebooks, or all."""
    os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(FOLDER.parent), "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1")
    chosen = [script for script in SCRIPTS if not names or script.stem in names]
    if len(chosen) < len(names):
        raise SystemExit(f"a notebook is one of {', '.join(script.stem for script in SCRIPTS)}. Received: {names}.")
    with ProcessPoolExecutor(AT_ONCE) as pool:
        for told in as_completed([pool.submit(run, script) for script in chosen]):
            print(told.result(), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
