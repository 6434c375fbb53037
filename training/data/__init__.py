"""Data sets: found or downloaded, checked, split the same way on every edition, kept as uint8 arrays."""

from pathlib import Path

from training.data import cats_dogs, cifar100, offline
from training.data.dataset import DataError, Dataset, with_validation
from training.recipe import Data

DATASETS = {module.NAME: module for module in (cats_dogs, cifar100)}


def load(name: str, folder: Path | None, cache: Path, handful: int = 0) -> Dataset:
    """A data set by its name; see the module's own `load`."""
    if name not in DATASETS:
        raise DataError(f"There is no data set {name!r}. There are: {', '.join(DATASETS)}.")
    return DATASETS[name].load(folder, cache, handful)


def split(dataset: Dataset, settings: Data) -> Dataset:
    """The data set as a recipe splits it."""
    return with_validation(dataset, settings.validation) if settings.validation else dataset


def with_copies(dataset: Dataset, settings: Data, seed: int, cache: Path, folder: Path | None = None) -> Dataset:
    """The data set with the augmented copies that a recipe trains on.

    Args:
        dataset: as the recipe splits it.
        settings: the recipe's.
        seed: the recipe's; of a `folder` its own.
        cache: where copies are made that are not there.
        folder: of `python -m training augment`; None: in the cache.
    """
    if not settings.copies:
        if folder:
            raise DataError("The recipe trains on no augmented copies; --set data.copies=1 makes it.")
        return dataset
    if folder is None:
        folder = cache / "augmented" / offline.key(dataset, settings.copies, seed)
        offline.make(dataset, settings.copies, seed, folder)
    return offline.add(dataset, settings.copies, folder, cache)
