"""Saved models: their cards, bundles to take away, updates; and what was deleted, which can be restored."""

import io
import zipfile
from datetime import UTC, datetime
from typing import Any

from forecast.data.calendar.frequency import count_steps
from forecast.errors import BundleError
from forecast.inference.bundle.card import card
from forecast.inference.bundle.opening import read_description
from forecast.inference.trained_model import TrainedModel
from forecast.serve.handlers.base import Handler
from forecast.serve.handlers.jobs import Queueing, new_job
from forecast.serve.problems import Problem
from forecast.serve.requests import UpdateRequest, read_request

SCORES = ("mae", "mae_vs_naive", "crps", "crps_vs_naive", "coverage90", "log_loss", "log_loss_skill", "accuracy")


class ModelList(Handler):
    """`/v1/models`."""

    def get(self) -> None:
        found = []
        for name in self.state.workspace.names("models"):
            try:
                found.append(summary(name, self.state.model(name)))
            except (BundleError, Problem):
                continue
        self.send({"models": found})


class OneModel(Handler):
    """`/v1/models/NAME`."""

    def get(self, name: str) -> None:
        path = self.state.workspace.path("models", name)
        about = summary(name, self.state.model(name))
        self.send({**about, "card": card(path), "description": read_description(path)})

    def delete(self, name: str) -> None:
        self.send({"undo": f"/v1/trash/{self.state.workspace.delete('models', name)}/restore"})


class Bundle(Handler):
    """`/v1/models/NAME/bundle`."""

    def get(self, name: str) -> None:
        path, file = self.state.workspace.path("models", name), io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for one in sorted(path.iterdir()):
                archive.write(one, f"{name}/{one.name}")
        self.set_header("Content-Type", "application/zip")
        self.set_header("Content-Disposition", f'attachment; filename="{name}.zip"')
        self.write(file.getvalue())


class UpdateModel(Queueing):
    """`/v1/models/NAME/update`."""

    def post(self, name: str) -> None:
        model = self.state.model(name)
        number = read_request(UpdateRequest, self.body() if self.received else {}).series
        if number is None:
            known = model.trained_on[0].series
            number = next((one["id"] for one in self.state.workspace.every_series() if one["name"] == known), None)
            if number is None:
                raise Problem(404, "the series that the model was trained on must be stored.", value=known[:80])
        stored = self.state.workspace.series(number)
        job = new_job("update", f"{name}, update", stored["name"], [model.model])
        self.queue(job, {"source": stored["source"], "folder": f"series/{number}", "model": name})


class Restore(Handler):
    """`/v1/trash/ID/restore`."""

    def post(self, number: str) -> None:
        kind, name = self.state.workspace.restore(number)
        self.send({"restored": f"/v1/{kind}/{name}"})


def summary(name: str, model: TrainedModel) -> dict[str, Any]:
    """What a list says of a saved model."""
    known = model.trained_on[0]
    tested = model.tested[0] if model.tested else {}
    scores = {one: tested.get("scores", {}).get(one) for one in SCORES if one in tested.get("scores", {})}
    trained = datetime.fromisoformat(model.created)
    trained = trained if trained.tzinfo else trained.replace(tzinfo=UTC)
    horizon = model.config.resolved_horizon
    return {
        "name": name,
        "model": model.model,
        "task": model.config.task,
        "series": known.series,
        "unit": known.unit,
        "frequency": known.frequency,
        "horizon": horizon,
        "horizon_text": count_steps(horizon, known.frequency),
        "trained": model.created,
        "rows": known.rows,
        "last": known.last,
        "age_days": round((datetime.now(UTC) - trained).total_seconds() / 86400, 2),
        "scores": scores,
        "verdict": (tested.get("verdict") or {}).get("sentence"),
    }
