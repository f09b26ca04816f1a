"""Export a network for another runtime with Keras, and compare the outputs of that runtime with those of Keras.

What is exported is the network for one window: normalised differences in, normalised quantiles out, as docs/bundle.md
describes them. Shape (N, L, F+K) to (N, 1, H, Q); N is 1 for LiteRT.
"""

import os
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.errors import ConfigError, ModelError
from forecast.inference.trained_model import TrainedModel, check_model
from forecast.models import NETWORKS, find_model
from forecast.models.neural.architecture import with_weights
from forecast.runtime.atomic import atomic_file, atomic_folder, holds_other

Single = NDArray[np.float32]
Run = Callable[[Path, list[Single]], Single]

ENDINGS = {"saved_model": ".saved_model", "onnx": ".onnx", "litert": ".tflite"}
KERAS_NAMES = {"saved_model": "tf_saved_model", "onnx": "onnx", "litert": "litert"}
# Packages that each format needs beside TensorFlow.
NEEDED = {"saved_model": (), "onnx": ("tf2onnx", "onnxruntime"), "litert": ("ai_edge_litert",)}
# Windows that outputs are compared on, and the largest difference, as a share of the largest output.
WINDOWS, TOLERANCE = 16, 1e-4


def check_format(kind: str) -> None:
    """Check a format.

    Raises:
        ConfigError: the format is unknown, or a package that it needs is missing.
    """
    from importlib.util import find_spec

    if kind not in ENDINGS:
        raise ConfigError(f"`format` must be one of {', '.join(ENDINGS)}. Received: {kind}.")
    if missing := [package for package in NEEDED[kind] if find_spec(package) is None]:
        raise ConfigError(
            f"the format {kind} needs packages that are not installed: {', '.join(missing)}. "
            "pip install 'honest-forecast[export]'."
        )


def export(model: TrainedModel, kind: str, path: Path) -> float:
    """Export a network, if its runtime gives the same outputs as Keras.

    Args:
        kind: One of `ENDINGS`.
        path: File, or folder for `saved_model`; an earlier export is replaced.
    Returns:
        The largest difference on random inputs, as a share of the largest output.
    Raises:
        ConfigError: the model is no network, the format is unknown, or `path` holds something else.
        ModelError: Keras cannot export the network, or the outputs differ; nothing is written then.
        WriteError: the disk is full, or the folder cannot be written to.
    """
    check_model(model)
    check_format(kind)
    if not find_model(model.model).is_network:
        raise ConfigError(f"networks can be exported: {', '.join(NETWORKS)}. Received: {model.model}.")
    folder = kind == "saved_model"
    if holds_other(path, "saved_model.pb") if folder else path.is_dir():
        raise ConfigError(f"--out must be a new {'folder' if folder else 'file'}, or one to replace. {path} is none.")
    # LiteRT has no loops over lists of tensors: the recurrence is written out step by step
    unroll = kind == "litert"
    network = with_weights(model.model, model.problem, model.weights, length=model.problem.lookback, unroll=unroll)
    random = np.random.default_rng(0)
    inputs = [random.standard_normal((WINDOWS, *_lengths(one))).astype(np.float32) for one in network.inputs]
    expected = np.asarray(network.predict(inputs if len(inputs) > 1 else inputs[0], verbose=0))
    with (atomic_folder if folder else atomic_file)(path) as work:
        _write(network, kind, work)
        difference = float(np.abs(RUNTIMES[kind](work, inputs) - expected).max() / np.abs(expected).max())
        if not difference <= TOLERANCE:
            raise ModelError(f"{kind} differs from Keras by {difference:.1e} of the outputs; nothing was written.")
    return difference


def _lengths(tensor: Any) -> tuple[int, ...]:
    """The shape of one example: (L, F+K) for a window, (1, H, K) for moves of future columns, of one label."""
    return tuple(length or 1 for length in tensor.shape[1:])


def _write(network: Any, kind: str, path: Path) -> None:
    """Call Keras' export, without its messages on standard output."""
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the converters, which no user can act on
        try:
            network.export(str(path), format=KERAS_NAMES[kind], verbose=False)
        except (ImportError, ValueError, TypeError, RuntimeError, AttributeError, NotImplementedError) as error:
            reason = " ".join(str(error).split())[:300]
            raise ModelError(f"Keras cannot export this network as {kind}. {reason}.") from error


def _run_saved_model(path: Path, inputs: list[Single]) -> Single:
    import tensorflow as tf

    served = tf.saved_model.load(str(path))  # holds the variables
    return np.asarray(served.serve(inputs if len(inputs) > 1 else inputs[0]))


def _run_onnx(path: Path, inputs: list[Single]) -> Single:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_inputs()]
    return np.asarray(session.run(None, dict(zip(names, inputs, strict=True)))[0])


def _run_litert(path: Path, inputs: list[Single]) -> Single:
    """Run window by window; inputs are told apart by their rank, because the file may reorder them."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path))
    interpreter.allocate_tensors()
    places, (output,) = interpreter.get_input_details(), interpreter.get_output_details()
    by_rank = {one.ndim: one for one in inputs}
    found = []
    for number in range(len(inputs[0])):
        for place in places:
            interpreter.set_tensor(place["index"], by_rank[len(place["shape"])][number : number + 1])
        interpreter.invoke()
        found.append(interpreter.get_tensor(output["index"])[0])
    return np.array(found)


RUNTIMES: dict[str, Run] = {"saved_model": _run_saved_model, "onnx": _run_onnx, "litert": _run_litert}


def usage(model: TrainedModel) -> str:
    """Inputs and outputs of an exported network, in a sentence."""
    columns = model.problem.past_columns + model.problem.future_columns
    return (
        f"In: windows (N, {model.problem.lookback}, {columns}) of differences over their mean size. "
        "Out: moves in that unit; docs/bundle.md says how they become values."
    )
