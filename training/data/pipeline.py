"""Batches for training and evaluation: uint8 arrays from disk, gathered by number, augmented, prefetched."""

import itertools
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np

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


class Batches(keras.utils.PyDataset):
    """Batches by number, made in some threads before they are needed, and handed over in their order.

    Args:
        count: how many.
        make: from a number, 0 to count - 1, to (float32 inputs, float32 labels).
    """

    def __init__(self, count: int, make: Callable[[int], tuple[np.ndarray, np.ndarray]]) -> None:
        super().__init__(workers=min(8, max(2, (os.cpu_count() or 1) // 2)), max_queue_size=8)
        self.count, self.make = count, make

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        return self.make(number)


def training_batches(dataset: Dataset, recipe: Recipe, size: int, first: int, last: int, cache: Path) -> Batches:
    """Batches of the steps first to last (exclusive), counted from the run's beginning.

    The same step holds the same pictures, equally augmented, whenever and wherever it is made.

    Returns:
        Of (float32 pictures batch x size x size x 3, 0 to 255; float32 labels batch x k).
    """
    items = training_items(dataset, recipe)
    stored, sizes = pixels_up_to(items, round(size * ROOM), cache)
    labels = targets([item.label for item in items], len(dataset.classes))

    def make(number: int) -> tuple[np.ndarray, np.ndarray]:
        step = first + number
        places = order(len(items), step * recipe.batch, (step + 1) * recipe.batch, recipe.seed)
        return augment(stored[places], sizes[places], labels[places], step, recipe.augment, size, recipe.seed)

    return Batches(last - first, make)


def validation_batches(dataset: Dataset, recipe: Recipe, size: int, epoch: int, cache: Path) -> Batches:
    """What is validated after an epoch (counted from 0): the whole split, or as many of it as the recipe says."""
    count, all_of_it = recipe.data.validate, len(dataset.items["validation"])
    places = order(all_of_it, epoch * count, (epoch + 1) * count, recipe.seed) if 0 < count < all_of_it else None
    return evaluation_batches(dataset, "validation", size, cache, places=places)


def evaluation_batches(
    dataset: Dataset, split: str, size: int, cache: Path, batch: int = 100, places: np.ndarray | None = None
) -> Batches:
    """Pictures of a split, squashed to size, unaugmented: (float32 pictures, float32 labels).

    `places`: which, in which order; None: all, in the split's.
    """
    stored = pixels(dataset.items[split], size, cache)
    labels = targets(dataset.labels(split), len(dataset.classes))
    places = np.arange(len(stored)) if places is None else places

    def make(number: int) -> tuple[np.ndarray, np.ndarray]:
        here = places[number * batch : (number + 1) * batch]
        return stored[here].astype(np.float32), labels[here]

    return Batches(-(-len(places) // batch), make)
