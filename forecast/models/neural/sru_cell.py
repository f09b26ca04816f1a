"""The Simple Recurrent Unit as a Keras cell; imported only after Keras."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="forecast")
class SRUCell(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """One step of a Simple Recurrent Unit (Lei et al. 2017), for `keras.layers.RNN`.

        f = sigmoid(W_f x + b_f)    r = sigmoid(W_r x + b_r)    c = f * c + (1 - f) * W x
        h = r * activation(c) + (1 - r) * x

    No matrix multiplies the state, so all products of a sequence can be formed at once. The last x is W_x x where the
    input is not as wide as the cell. A saved network knows the cell by its registered name, `forecast>SRUCell`.

    Inputs: (N, F). State and output: (N, units).
    """

    def __init__(self, units: int, activation: str = "tanh", kernel_regularizer: Any = None, **settings: Any) -> None:
        super().__init__(**settings)
        self.units = self.state_size = self.output_size = units
        self.activation = keras.activations.get(activation)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        parts = 3 if input_shape[-1] == self.units else 4
        self.kernel = self.add_weight(
            shape=(input_shape[-1], parts * self.units), name="kernel", regularizer=self.kernel_regularizer
        )
        self.bias = self.add_weight(shape=(2 * self.units,), initializer="zeros", name="bias")
        self.built = True

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:  # noqa: ARG002  # Keras hands it over
        parts = ops.split(ops.matmul(inputs, self.kernel), self.kernel.shape[1] // self.units, axis=-1)
        bias_f, bias_r = ops.split(self.bias, 2)
        forget, reset = ops.sigmoid(parts[1] + bias_f), ops.sigmoid(parts[2] + bias_r)
        cell = forget * states[0] + (1 - forget) * parts[0]
        skipped = parts[3] if len(parts) == 4 else inputs
        return reset * self.activation(cell) + (1 - reset) * skipped, [cell]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "activation": keras.activations.serialize(self.activation),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
        }
