"""What a run needs before it begins, and whether the machine has it: disk for its files, memory for a step."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from training import TrainingError
from training.data.dataset import Dataset, Item, kept
from training.data.pipeline import ROOM, training_items
from training.evaluate import TRAINING
from training.hardware import memory
from training.models import first_trained
from training.recipe import Recipe

# what a step need not keep of these: it is known from what stands before or behind them
FREE = (
    keras.layers.InputLayer,
    keras.layers.Rescaling,
    keras.layers.BatchNormalization,
    keras.layers.Add,
    keras.layers.Dropout,
)


class NeedsError(TrainingError):
    """A run needs more than the machine has; the message says of what, and what to do."""


def check(recipe: Recipe, dataset: Dataset, network: keras.Model, stage: int, folder: Path, cache: Path) -> None:
    """Refuse a run that cannot end here.

    Args:
        recipe: what is to be done.
        dataset: its data.
        network: what is fitted, as it is built for the stage.
        stage: the first that is still to be done.
        folder, cache: where its files go.

    Raises:
        NeedsError: when disk or memory would not do.
    """
    wanted, free = disk(recipe, dataset, network, cache), shutil.disk_usage(_existing(folder)).free
    if wanted > free:
        raise NeedsError(
            f"{recipe.id} needs {_size(wanted)} of disk for decoded pictures and states; {_size(free)} are free in "
            f"{folder.parent}. Make room, or name another place by --runs-dir."
        )
    wanted, has = step_memory(recipe, network, stage), memory()
    if has and wanted > has:
        raise NeedsError(
            f"A step of {recipe.batch} pictures needs {_size(wanted)} of memory or more; here are {_size(has)}. "
            f"Take fewer at a time: --set batch={max(1, int(recipe.batch * has / wanted) // 4 * 4)}."
        )


def disk(recipe: Recipe, dataset: Dataset, network: keras.Model, cache: Path) -> int:
    """Bytes of files that are not there yet: decoded pictures, the state and the draft beside it, weights twice."""
    parts: dict[Path, int] = {}

    def decoded(items: Sequence[Item], size: int, name: str) -> None:
        if items and not (path := kept(items, f"{name}-{size}", cache)).exists():
            parts[path] = len(items) * size * size * 3

    sides = {recipe.model.input or size for size, _ in recipe.stages}
    for side in sides:
        decoded(dataset.items["validation"], side, "pixels")
        if not recipe.model.frozen:
            decoded(training_items(dataset, recipe), round(side * ROOM), "pixels-up-to")
        else:
            decoded(training_items(dataset, recipe), side, "pixels")
    decoded(dataset.items["test"], recipe.input_size, "pixels")
    parts[cache] = min(TRAINING, len(dataset.items["train"])) * recipe.input_size**2 * 3
    return sum(parts.values()) + 4 * network.count_params() * (2 * (1 + _slots(recipe)) + 2)


def step_memory(recipe: Recipe, network: keras.Model, stage: int) -> int:
    """Bytes that a step of the largest stage to come holds at least: weights, gradients, the optimizer's, and of each
    trained layer what it gives. What a step holds for moments, or its workspace, comes on top."""
    here = recipe.stages[stage][0]
    most = 0
    for number in range(stage, len(recipe.stages)):
        start = first_trained(network, recipe.stage_trained(number))
        held = sum(map(_output, network.layers[start:])) * recipe.batch
        most = max(most, round(held * (recipe.stages[number][0] / here) ** 2))
    trained = sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)
    return most + 4 * (network.count_params() + trained * (1 + _slots(recipe)))


def _output(layer: keras.Layer) -> int:
    """Bytes of what a layer gives for one picture."""
    if isinstance(layer, FREE):
        return 0
    return int(np.prod(layer.output.shape[1:])) * (2 if "16" in layer.compute_dtype else 4)


def _slots(recipe: Recipe) -> int:
    """What the optimizer keeps of each weight."""
    return {"adam": 2}.get(recipe.optimizer.name, 1) + (recipe.average > 0)


def _existing(folder: Path) -> Path:
    """The folder, or the next one above it that is there."""
    return next(place for place in (folder, *folder.absolute().parents) if place.exists())


def _size(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.0f} MB"
