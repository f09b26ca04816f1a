"""What the routes share: the folder, the jobs, the sandbox, opened models, recent answers, and counters."""

import asyncio
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

from forecast.inference.bundle import open_model
from forecast.inference.bundle.opening import identity
from forecast.inference.trained_model import TrainedModel
from forecast.serve.jobs.store import JobStore
from forecast.serve.metrics import Metrics
from forecast.serve.sandbox.client import Sandbox
from forecast.serve.settings import ServerSettings
from forecast.serve.workspace import Workspace

# Models that stay open, and answers that are kept.
MOST_MODELS, MOST_ANSWERS = 32, 64


class Recent:
    """The values that were used last, by key."""

    def __init__(self, most: int) -> None:
        self._most, self._values = most, OrderedDict[Hashable, Any]()

    def get(self, key: Hashable) -> Any:
        """The value, or None."""
        if key not in self._values:
            return None
        self._values.move_to_end(key)
        return self._values[key]

    def put(self, key: Hashable, value: Any) -> None:
        """Keep a value, and drop the one that was not used for longest."""
        self._values[key] = value
        self._values.move_to_end(key)
        while len(self._values) > self._most:
            self._values.popitem(last=False)


@dataclass
class State:
    """One for each process of the server."""

    settings: ServerSettings
    workspace: Workspace
    store: JobStore
    sandbox: Sandbox
    metrics: Metrics = field(default_factory=Metrics)
    answers: Recent = field(default_factory=lambda: Recent(MOST_ANSWERS))
    models: Recent = field(default_factory=lambda: Recent(MOST_MODELS))
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    def model(self, name: str) -> TrainedModel:
        """A saved model, opened once for as long as its files stay the same.

        Raises:
            Problem: there is none of that name.
            BundleError: it does not open.
        """
        path = self.workspace.path("models", name)
        key = (name, identity(path))
        found = self.models.get(key)
        if found is None:
            found = open_model(path)
            self.models.put(key, found)
        model: TrainedModel = found
        return model

    def identity(self, name: str | None) -> Hashable:
        """What changes when a model is replaced."""
        return identity(self.workspace.path("models", name)) if name else ()
