"""A model of several inputs or outputs as one that takes pictures and tells one set of classes apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

Model = Any


def narrowed(
    model: Model, picture: str | None = None, output: str | None = None, fixed: Mapping[str, Any] | None = None
) -> Model:
    """The model with one input and one output left; all others are held at values of their own.

    It shares its layers and weights with the given model, whose layers stand under its name:
    `explain(narrowed(model, "image", "species", {"age": 3}), pictures)`.

    Args:
        model: a functional Keras model.
        picture: name of the input that takes the pictures; not needed where the others are fixed.
        output: name of the output that is explained; not needed where there is but one.
        fixed: by name a value for each of the other inputs, the same for every picture: an array of the input's shape
            without the number of pictures, or what can be spread to it.

    Returns:
        A functional model.

    Raises:
        TypeError: for a model that does not name its inputs and outputs, as a subclassed one.
        ValueError: for names that are none, and for inputs that nothing is said of; it names what there is.

    Example:
        >>> import keras
        >>> image, age = keras.Input((8, 8, 3), name="image"), keras.Input((1,), name="age")
        >>> seen = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3, name="features")(image))
        >>> head = keras.layers.Dense(2, activation="softmax", name="species")
        >>> model = keras.Model([image, age], head(keras.layers.Concatenate()([seen, age])), name="net")
        >>> one = narrowed(model, "image", fixed={"age": 3})
        >>> one.input_shape, one.output_shape
        ((None, 8, 8, 3), (None, 2))
    """
    import keras

    if not getattr(model, "output_names", None) or not getattr(model, "inputs", None):
        raise TypeError("A functional model is needed, which names its inputs and outputs.")
    fixed = dict(fixed or {})
    by_name = {tensor.name: tensor for tensor in model.inputs}
    left = [name for name in by_name if name not in fixed]
    picture = left[0] if picture is None and len(left) == 1 else picture
    if picture not in left or len(left) > 1 or fixed.keys() - by_name.keys():
        told = ", ".join(by_name)
        raise ValueError(f"Of the inputs {told} one takes the pictures and all others are fixed, each by its name.")
    output = model.output_names[0] if output is None and len(model.output_names) == 1 else output
    if output not in model.output_names:
        raise ValueError(f"One of the outputs is explained: {', '.join(model.output_names)}.")

    class Fixed(keras.layers.Layer):
        """A value as often as there are pictures."""

        def __init__(self, value: np.ndarray, **options: Any) -> None:
            super().__init__(trainable=False, **options)
            self.value = value

        def call(self, pictures: Any) -> Any:
            return keras.ops.broadcast_to(self.value, (keras.ops.shape(pictures)[0], *self.value.shape))

    image = keras.Input(by_name[picture].shape[1:], dtype=by_name[picture].dtype, name=picture)
    given = []
    for name, tensor in by_name.items():
        if name == picture:
            given.append(image)
            continue
        kind = keras.backend.standardize_dtype(tensor.dtype)
        value = np.broadcast_to(np.asarray(fixed[name], kind), tuple(tensor.shape[1:]))
        given.append(Fixed(value, name=f"fixed_{name}", dtype=kind)(image))
    outputs = keras.tree.flatten(model(keras.tree.pack_sequence_as(model.input, given)))
    return keras.Model(image, outputs[model.output_names.index(output)], name=f"narrowed_{model.name}")
