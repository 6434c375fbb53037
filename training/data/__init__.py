"""Data sets: found or downloaded, checked, split the same way on every edition, kept as uint8 arrays."""

from pathlib import Path

from training.data import cats_dogs, cifar100
from training.data.dataset import DataError, Dataset

DATASETS = {module.NAME: module for module in (cats_dogs, cifar100)}


def load(name: str, folder: Path | None, cache: Path, handful: int = 0) -> Dataset:
    """A data set by its name; see the module's own `load`."""
    if name not in DATASETS:
        raise DataError(f"There is no data set {name!r}. There are: {', '.join(DATASETS)}.")
    return DATASETS[name].load(folder, cache, handful)
