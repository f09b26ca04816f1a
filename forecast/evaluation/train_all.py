"""The models of one plan or several, trained and tested one after another, or the networks in processes beside.

In: a `RunPlan` a target. Out: `TrainedModels` for each; a network that all of them name is trained once for all. While
networks are trained in other processes, this one trains and tests the models that are none; each model gets the weights
that it would get here.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from forecast.data.dataset import Dataset
from forecast.errors import ForecastError, SeriesTooShort
from forecast.evaluation.holdout import Tests
from forecast.evaluation.run_plan import RunPlan
from forecast.evaluation.tasks import task_of
from forecast.inference.trained_model import TrainedModel
from forecast.models import Callbacks, find_model
from forecast.runtime.parallel.standby import Standby
from forecast.training.train import train_together

# A model and the places of the plans that it is trained for.
Job = tuple[str, tuple[int, ...]]
# Of each job, for each of its plans, the test, if it was made, and the model; or the error of a series that is too
# short.
Found = dict[Job, Any]


@dataclass(frozen=True, eq=False)
class TrainedModels:
    """What became of the models of a plan.

    Attributes:
        models: Those that were trained, in the plan's order.
        tests: The tests that were made meanwhile.
        skipped: Networks that Ctrl-C left out.
        left_out: Why others need a longer series, one sentence each.
    """

    models: dict[str, TrainedModel]
    tests: Tests
    skipped: tuple[str, ...]
    left_out: tuple[str, ...]


def train_all(
    plans: Sequence[RunPlan],
    callbacks: Callbacks | None = None,
    trainers: Standby | None = None,
    meanwhile: Callable[[], None] = lambda: None,
) -> list[TrainedModels]:
    """Train the models of plans, one a target of the same rows.

    Args:
        callbacks: Who is told of the progress of each training, and where it is kept.
        trainers: Processes for the networks, which have Keras; without any they are trained here.
        meanwhile: Called where this process would only wait for the trainers.
    Raises:
        SeriesTooShort: the series is too short for naive.
    """
    if trainers:
        found = _side_by_side(plans, callbacks or Callbacks(), trainers, meanwhile)
    else:
        found = _in_turn(plans, callbacks)
    return [_of_plan(plan, place, found) for place, plan in enumerate(plans)]


def with_test(plan: RunPlan, name: str) -> RunPlan:
    """Train and test one model of a plan, which `train_all` then does not do again.

    Raises:
        SeriesTooShort: the series is too short for it.
    """
    (tested,) = _train_and_test([plan.dataset], name)
    return replace(plan, tests={**plan.tests, name: tested})


def _of_plan(plan: RunPlan, place: int, found: Found) -> TrainedModels:
    """What became of the models of one plan."""
    every: dict[str, Any] = {
        **plan.tests,
        **{
            name: one if isinstance(one, SeriesTooShort) else one[places.index(place)]
            for (name, places), one in found.items()
            if place in places
        },
    }
    tests = {name: one for name, one in every.items() if not isinstance(one, SeriesTooShort)}
    left_out = {name: error for name, error in every.items() if isinstance(error, SeriesTooShort)}
    if "naive" in left_out:
        raise left_out["naive"]
    return TrainedModels(
        models={name: tests[name][1] for name in plan.models if name in tests},
        tests={name: one for name, one in tests.items() if one[0] is not None},
        skipped=tuple(name for name in plan.models if name not in every),
        left_out=tuple(f"{name} is left out. {left_out[name]}" for name in plan.models if name in left_out),
    )


def _jobs(plans: Sequence[RunPlan]) -> Iterator[Job]:
    """Each model with the plans that it is trained for: a network for all together, others for one after another."""
    left = [[name for name in plan.models if name not in plan.tests] for plan in plans]
    for name in dict.fromkeys(name for names in left for name in names):
        places = tuple(place for place, names in enumerate(left) if name in names)
        if find_model(name).is_network and len(places) == len(plans):
            yield name, places
        else:
            yield from ((name, (place,)) for place in places)


def _in_turn(plans: Sequence[RunPlan], callbacks: Callbacks | None) -> Found:
    """The models, not tested yet; after Ctrl-C no further network."""
    found: Found = {}
    interrupted = False
    for name, places in _jobs(plans):
        if interrupted and find_model(name).is_network:
            continue
        one = _or_too_short(partial(_train, _datasets(plans, places), name, callbacks))
        if isinstance(one, SeriesTooShort) and name == "naive":
            raise one
        found[name, places] = one if isinstance(one, SeriesTooShort) else [(None, model) for model in one]
        interrupted = interrupted or (isinstance(one, list) and one[0].interrupted)
    return found


def _side_by_side(
    plans: Sequence[RunPlan], callbacks: Callbacks, trainers: Standby, meanwhile: Callable[[], None]
) -> Found:
    """The models and their tests."""
    progress = callbacks.progress or (lambda _: None)
    jobs = {f"{name} {places}": (name, places) for name, places in _jobs(plans)}
    there = {key: job for key, job in jobs.items() if find_model(job[0]).is_network}
    with trainers.interruptible():
        for key, (name, places) in there.items():
            trainers.submit(key, _train_there, _datasets(plans, places), name, replace(callbacks, progress=None))
        with trainers.watched(progress):
            found = {
                key: _or_too_short(partial(_train_and_test, _datasets(plans, places), name))
                for key, (name, places) in jobs.items()
                if key not in there
            }
            meanwhile()
        found |= trainers.finish(progress)
    for one in found.values():
        if isinstance(one, ForecastError) and not isinstance(one, SeriesTooShort):
            raise one
    return {jobs[key]: one for key, one in found.items()}


def _datasets(plans: Sequence[RunPlan], places: Sequence[int]) -> list[Dataset]:
    return [plans[place].dataset for place in places]


def _train(datasets: Sequence[Dataset], name: str, callbacks: Callbacks | None) -> list[TrainedModel]:
    return train_together([[one] for one in datasets], name, callbacks=callbacks)


def _train_there(tell: Callable[[Any], None], datasets: Sequence[Dataset], name: str, callbacks: Callbacks) -> Any:
    return _train_and_test(datasets, name, replace(callbacks, progress=tell))


def _train_and_test(
    datasets: Sequence[Dataset], name: str, callbacks: Callbacks | None = None
) -> list[tuple[Any, TrainedModel]]:
    models = _train(datasets, name, callbacks)
    return [task_of(one.config).test(model, one) for one, model in zip(datasets, models, strict=True)]


def _or_too_short(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except SeriesTooShort as error:
        return error
