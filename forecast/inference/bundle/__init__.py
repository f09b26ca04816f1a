"""A trained model as a folder that can be moved, opened and used again; docs/bundle.md describes it.

    bundle.json    everything but the arrays, for people and programs
    weights.npz    the arrays that forecast without TensorFlow, by name, and what is kept of each series
    model.keras    the same network for `keras.saving.load_model`, plain layers (networks only)

The same files in one zip file are a bundle as well. Nothing in it is code or a pickle.

    saving -> files on disk -> storage (sizes, hashes) -> arrays, description (formats) -> opening -> TrainedModel
"""

from forecast.inference.bundle.description import FORMAT
from forecast.inference.bundle.opening import open_model, read_description
from forecast.inference.bundle.saving import check_folder, check_size, save_model, write_bundle

__all__ = ["FORMAT", "check_folder", "check_size", "open_model", "read_description", "save_model", "write_bundle"]
