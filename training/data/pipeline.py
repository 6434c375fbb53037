"""Batches for training and evaluation: uint8 arrays from disk, gathered by number, augmented, prefetched."""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import tensorflow as tf

from training.data.augment import augment
from training.data.dataset import DataError, Dataset, Item, pixels, pixels_up_to
from training.recipe import Recipe

ROOM = 8 / 7  # training pictures are kept a little larger than the training size, so that a mild crop loses no detail


def training_items(dataset: Dataset, recipe: Recipe) -> tuple[Item, ...]:
    """The pictures the recipe trains on, with the labels it gives them.

    Raises:
        DataError: for a kind of labels that there is not.
    """
    items, classes = dataset.items["train"], len(dataset.classes)
    if count := recipe.data.per_class:
        by_class = ([item for item in items if item.label == label][:count] for label in range(classes))
        items = tuple(itertools.chain.from_iterable(by_class))
    labels = [item.label for item in items]
    if recipe.data.labels == "swapped":
        labels = [(label + 1) % classes for label in labels]
    elif recipe.data.labels == "random":
        labels = np.random.default_rng(recipe.seed).integers(classes, size=len(items)).tolist()
    elif recipe.data.labels != "true":
        raise DataError(f"There are no {recipe.data.labels!r} labels. There are: true, swapped, random.")
    return tuple(replace(item, label=label) for item, label in zip(items, labels, strict=True))


def steps_per_epoch(dataset: Dataset, recipe: Recipe) -> int:
    """Steps of one epoch: as the recipe says, or as many whole batches as there are (at least one)."""
    return recipe.steps_per_epoch or max(1, len(training_items(dataset, recipe)) // recipe.batch)


def order(count: int, first: int, last: int, seed: int) -> np.ndarray:
    """Places first to last (exclusive) of an endless row of pictures: one shuffled pass over the data after another."""
    passes = range(first // count, (last - 1) // count + 1)
    row = np.concatenate([np.random.default_rng((seed, number)).permutation(count) for number in passes])
    return row[first - passes[0] * count :][: last - first]


def targets(labels: np.ndarray, classes: int) -> np.ndarray:
    """float32 labels as the network's output: n x 1 for two classes, else one-hot."""
    labels = np.asarray(labels)
    return (labels[:, None] if classes == 2 else np.eye(classes)[labels]).astype(np.float32)


def training_batches(
    dataset: Dataset, recipe: Recipe, size: int, first: int, last: int, cache: Path
) -> tf.data.Dataset:
    """Batches of the steps first to last (exclusive), counted from the run's beginning.

    The same step holds the same pictures, equally augmented, whenever and wherever it is made.

    Returns:
        Of (float32 pictures batch x size x size x 3, 0 to 255; float32 labels batch x k).
    """
    items = training_items(dataset, recipe)
    stored, sizes = pixels_up_to(items, round(size * ROOM), cache)
    labels = targets([item.label for item in items], len(dataset.classes))

    def gather(step: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        places = order(len(items), int(step) * recipe.batch, (int(step) + 1) * recipe.batch, recipe.seed)
        return stored[places], sizes[places], labels[places]

    def batch(step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        pictures, shapes, wanted = tf.numpy_function(gather, [step], [tf.uint8, tf.int32, tf.float32])
        pictures.set_shape((recipe.batch, *stored.shape[1:]))
        shapes.set_shape((recipe.batch, 2))
        wanted.set_shape((recipe.batch, labels.shape[1]))
        return augment(pictures, shapes, wanted, step, recipe.augment, size, recipe.seed)

    steps = tf.data.Dataset.range(first, last)
    ready = steps.map(batch, num_parallel_calls=2, deterministic=True).prefetch(2)
    return ready.apply(tf.data.experimental.assert_cardinality(last - first))


def validation_batches(dataset: Dataset, recipe: Recipe, size: int, epoch: int, cache: Path) -> tf.data.Dataset:
    """What is validated after an epoch (counted from 0): the whole split, or as many of it as the recipe says."""
    count, all_of_it = recipe.data.validate, len(dataset.items["validation"])
    places = order(all_of_it, epoch * count, (epoch + 1) * count, recipe.seed) if 0 < count < all_of_it else None
    return evaluation_batches(dataset, "validation", size, cache, places=places)


def evaluation_batches(
    dataset: Dataset, split: str, size: int, cache: Path, batch: int = 100, places: np.ndarray | None = None
) -> tf.data.Dataset:
    """Pictures of a split, squashed to size, unaugmented: (float32 pictures, float32 labels).

    `places`: which, in which order; None: all, in the split's.
    """
    stored = pixels(dataset.items[split], size, cache)
    labels = targets(dataset.labels(split), len(dataset.classes))
    places = np.arange(len(stored)) if places is None else places

    def gather(first: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        here = places[int(first) : int(first) + batch]
        return stored[here], labels[here]

    def load(first: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        pictures, wanted = tf.numpy_function(gather, [first], [tf.uint8, tf.float32])
        pictures.set_shape((None, *stored.shape[1:]))
        wanted.set_shape((None, labels.shape[1]))
        return tf.cast(pictures, tf.float32), wanted

    return tf.data.Dataset.range(0, len(places), batch).map(load).prefetch(2)
