"""A trained model as a folder that can be moved, opened and used again; docs/bundle.md describes it.

    bundle.json    everything but the arrays, for people and programs
    weights.npz    the arrays by name, enough to forecast without TensorFlow
    model.keras    the same network for `keras.saving.load_model`, in plain layers (networks only)

The same files in one zip file are a bundle as well. Nothing in it is code or a pickle.

    saving.py       from a TrainedModel to the files
    opening.py      from the files to a TrainedModel; everything is checked before it is used
    description.py  bundle.json
    schema.py       what each entry of bundle.json must be
    arrays.py       weights.npz
    storage.py      folder or zip file: names, sizes and hashes of the files
    card.py         a bundle as text for `forecast show`
    keras_file.py   forecasts by Keras from model.keras
    exporting.py    networks for other runtimes
"""

from forecast.inference.bundle.description import FORMAT
from forecast.inference.bundle.opening import open_model, read_description
from forecast.inference.bundle.saving import check_folder, check_size, save_model, write_bundle

__all__ = ["FORMAT", "check_folder", "check_size", "open_model", "read_description", "save_model", "write_bundle"]
