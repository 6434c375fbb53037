"""What a network gives its classifier, computed once for each picture: to train the classifier alone.

A network's `avg_pool` is the border: before it stands what is frozen, behind it the classifier.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from training.data.dataset import Dataset, Item, atomically, pixels, progress
from training.data.pipeline import Batches, order, targets, training_items
from training.recipe import Augment, Recipe, RecipeError

BORDER = "avg_pool"
BATCH = 64
PART = 64 * BATCH  # pictures a file: what an interruption may cost


def cut(network: keras.Model) -> tuple[keras.Model, keras.Model]:
    """The halves of a network, with its own layers: from pictures to features, from features to probabilities.

    Raises:
        RecipeError: for a network without such a border.
    """
    try:
        border = network.get_layer(BORDER)
    except ValueError:
        raise RecipeError(
            f"{network.name} has no mean over places before its classifier, so model.frozen, head_epochs and "
            "optimizer.layer_decay are not for it."
        ) from None
    x = features = keras.Input(border.output.shape[1:], name="features")
    for layer in network.layers[network.layers.index(border) + 1 :]:
        x = layer(x)
    return keras.Model(network.input, border.output), keras.Model(features, x)


def compute(half: keras.Model, items: Sequence[Item], cache: Path, mirrored: bool = False) -> np.ndarray:
    """Features of pictures, from `cache` as far as they are there.

    Args:
        half: from pictures to features.
        items: the pictures.
        cache: where features and decoded pictures are kept.
        mirrored: of the pictures mirrored left to right.

    Returns:
        float16, len(items) x channels.
    """
    stored = pixels(items, half.input_shape[1], cache)
    layers = [
        (layer.name, layer.output.shape, layer.compute_dtype, getattr(layer, "scale", 1), getattr(layer, "offset", 0))
        for layer in half.layers
    ]
    digest = hashlib.sha256(repr(layers).encode())
    for weight in half.get_weights():
        digest.update(weight.tobytes())
    digest.update("".join(f"{item.identity} {item.digest}\n" for item in items).encode() + bytes([mirrored]))
    parts = []
    for first in progress(range(0, len(items), PART), "features" + (" mirrored" if mirrored else "")):
        path = cache / "features" / f"{digest.hexdigest()[:16]}-{first}.npy"
        if not path.exists():
            pictures = stored[first : first + PART]
            pictures = (pictures[:, :, ::-1] if mirrored else pictures).astype(np.float32)
            batches = [half.predict_on_batch(pictures[k : k + BATCH]) for k in range(0, len(pictures), BATCH)]
            _save(path, np.concatenate(batches).astype(np.float16))
        parts.append(np.load(path))
    return np.concatenate(parts)


def _save(path: Path, values: np.ndarray) -> None:
    def write(draft: Path) -> None:
        with open(draft, "wb") as file:
            np.save(file, values)

    atomically(path, write)


class Features:
    """A recipe's data as features: batches for training and validation, like those of `data.pipeline`."""

    def __init__(self, half: keras.Model, dataset: Dataset, recipe: Recipe, cache: Path) -> None:
        if recipe.model.frozen and (recipe.augment != Augment(flip=recipe.augment.flip) or recipe.data.validate):
            raise RecipeError(
                "A frozen network knows pictures and mirrored ones: of augment only flip, no data.validate."
            )
        self.recipe = recipe
        items = training_items(dataset, recipe)
        self.views = [compute(half, items, cache, mirrored) for mirrored in ((False, True)[: 1 + recipe.augment.flip])]
        self.labels = targets([item.label for item in items], len(dataset.classes))
        self.validation = (
            compute(half, dataset.items["validation"], cache).astype(np.float32),
            targets(dataset.labels("validation"), len(dataset.classes)),
        )

    def training_batches(self, first: int, last: int) -> Batches:
        """Batches of the steps first to last (exclusive): float32 features, each of either view, and float32 labels."""
        batch, seed = self.recipe.batch, self.recipe.seed

        def make(number: int) -> tuple[np.ndarray, np.ndarray]:
            step = first + number
            places = order(len(self.labels), step * batch, (step + 1) * batch, seed)
            drawn = np.random.default_rng((seed, step)).integers(len(self.views), size=batch)
            views = np.stack([view[places] for view in self.views])
            return views[drawn, np.arange(batch)].astype(np.float32), self.labels[places]

        return Batches(last - first, make)

    def validation_batches(self) -> Batches:
        """The whole validation split."""
        features, labels = self.validation
        size = 1000

        def make(number: int) -> tuple[np.ndarray, np.ndarray]:
            here = slice(number * size, (number + 1) * size)
            return features[here], labels[here]

        return Batches(-(-len(labels) // size), make)
