"""Results on several targets as files, in a folder that is there whole or not at all.

TARGET/        the folder of a run on each target: tables, plots, bundles, report.html
scores.csv     one row a target and model
forecast.csv   the coming steps of each target
joint.json     the series, and the folder and bottom line of each target
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from forecast.data.calendar.frequency import has_times
from forecast.errors import ConfigError
from forecast.evaluation.joint import JointExperiment
from forecast.evaluation.run_plan import RunPlan
from forecast.report import writer
from forecast.runtime.atomic import atomic_folder, holds_other
from forecast.runtime.names import unique_slug
from forecast.runtime.parallel.standby import Standby

RECORD = "joint.json"
# What such a run writes into its folder beside the folders of targets.
FILES = {"scores.csv", "forecast.csv", RECORD}


def check_folder(folder: Path, plans: Sequence[RunPlan], *, overwrite: bool = False) -> None:
    """Refuse a folder that holds something else than an earlier run on several targets.

    Args:
        overwrite: Whether what the new run does not make may be lost.
    Raises:
        ConfigError: it does, or the earlier run has other targets or models; names what would be lost.
    """
    if holds_other(folder, RECORD):
        raise ConfigError(f"--out must be a new folder or that of an earlier run on targets. {folder} holds others.")
    if overwrite or not folder.is_dir():
        return
    targets = {unique_slug(plan.dataset.series.target): plan for plan in plans}
    if lost := sorted(path.name for path in folder.iterdir() if path.name not in {*targets, *FILES}):
        raise ConfigError(
            f"--out must not hold what this run does not make. In {folder} would be lost: {', '.join(lost)}. "
            "Choose another --out, or give --overwrite."
        )
    for name, plan in targets.items():
        writer.check_kept(folder / name, plan.dataset.series, plan.models)


def write_joint(experiment: JointExperiment, folder: Path, trainers: Standby | None = None) -> None:
    """Write what the module's docstring lists; an earlier run in `folder` is replaced.

    Args:
        trainers: As for `writer.write_experiment`.
    """
    folders = {target: unique_slug(target) for target in experiment}
    with atomic_folder(folder) as work:
        for target, name in folders.items():
            places = {"home": folder / name, "earlier": folder / name}
            writer.write_experiment(experiment[target], work / name, trainers, **places)
        timed = has_times(next(iter(experiment.targets.values())).series.index)
        for table in ("scores", "forecast"):
            writer.write_table(experiment.to_frame(table), work / f"{table}.csv", timed=timed)
        text = json.dumps(record(experiment, folders), indent=1, ensure_ascii=False)
        (work / RECORD).write_text(text + "\n", encoding="utf-8")


def record(experiment: JointExperiment, folders: Mapping[str, str]) -> dict[str, object]:
    """The series, and the folder and bottom line of each target, as plain JSON values."""
    found = {
        target: {"folder": name, "bottom_line": experiment[target].bottom_line} for target, name in folders.items()
    }
    return {"series": next(iter(experiment.targets.values())).series.name, "targets": found}
