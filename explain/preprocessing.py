"""What becomes of pictures before a model: the ways of `keras.applications`, by their names there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

MEANS, DEVIATIONS = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's red, green and blue, 0 to 1
BGR_MEANS = (103.939, 116.779, 123.68)


@dataclass(frozen=True)
class Preprocessing:
    """From a float32 batch of 0 to 255 to what a model was trained with: (value / scale - means) / deviations.

    Attributes:
        about: in a few words.
        scale: what values are divided by first.
        means: taken off, one a channel or one for all.
        deviations: divided by, alike.
        reverse: whether channels are turned to blue, green, red first.
    """

    about: str
    scale: float = 1.0
    means: float | tuple[float, ...] = 0.0
    deviations: float | tuple[float, ...] = 1.0
    reverse: bool = False

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        batch = batch[..., ::-1] if self.reverse else batch
        prepared = (batch / self.scale - self.means) / self.deviations
        return np.ascontiguousarray(prepared, np.float32)


PREPROCESSING = {
    "none": Preprocessing("0 to 255 as they are"),
    "unit": Preprocessing("0 to 1", scale=255),
    "tf": Preprocessing("-1 to 1", scale=127.5, means=1.0),
    "caffe": Preprocessing("BGR less ImageNet's means", means=BGR_MEANS, reverse=True),
    "torch": Preprocessing("0 to 1, by ImageNet's means and deviations", scale=255, means=MEANS, deviations=DEVIATIONS),
}


def preprocessing(name: str) -> Callable[[np.ndarray], np.ndarray] | None:
    """The way of that name, as `explain` takes it.

    Args:
        name: of `PREPROCESSING`.

    Returns:
        A function from a float32 batch n x height x width x channels; None where nothing is to be done.

    Raises:
        ValueError: for a name that does not exist.

    Example:
        >>> preprocessing("tf")(np.array([[[[0, 127.5, 255]]]], np.float32)).ravel().tolist()
        [-1.0, 0.0, 1.0]
    """
    if name not in PREPROCESSING:
        raise ValueError(f"preprocess is one of {', '.join(PREPROCESSING)}, not {name!r}.")
    return None if name == "none" else PREPROCESSING[name]
