"""From a finished run to a checkpoint: one small, plain Keras file; and from the run folder into weights/."""

import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from explain import checkpoints
from explain.cards import Card
from training import TrainingError
from training.data.dataset import atomically
from training.models import build
from training.recipe import Recipe

PARTS = ("model.keras", "card.json", "history.csv", "evaluation")


class ShipError(TrainingError):
    """A run is not to be shipped; the message says why and what to do."""


def round_mantissa(values: np.ndarray) -> np.ndarray:
    """float32 values to the nearest with ten bits of mantissa, float16's precision at float32's range (ties to even).

    The thirteen zero bits behind it are what deflate saves.
    """
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    return ((bits + 0x0FFF + ((bits >> 13) & 1)) & np.uint32(0xFFFFE000)).view(np.float32)


def export(recipe: Recipe, classes: tuple[str, ...], weights: list[np.ndarray], path: Path) -> keras.Model:
    """Write weights as the plain network of the recipe's last stage: float32, rounded, deflated.

    Returns:
        The network, loaded from the file.
    """
    network = build(recipe.model, classes, recipe.size)
    network.set_weights([round_mantissa(value) for value in weights])

    def write(draft: Path) -> None:
        with tempfile.TemporaryDirectory() as folder:
            whole = Path(folder) / "model.keras"
            network.save(whole)
            with (
                zipfile.ZipFile(whole) as stored,
                zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as small,
            ):
                for name in sorted(stored.namelist()):
                    member = zipfile.ZipInfo(name)  # of 1980: equal weights give equal files
                    member.compress_type = zipfile.ZIP_DEFLATED
                    content = stored.read(name)
                    if name == "metadata.json":  # without the date
                        content = json.dumps({"keras_version": json.loads(content)["keras_version"]})
                    small.writestr(member, content)

    atomically(path, write)
    return keras.models.load_model(path, compile=False, safe_mode=True)


def ship(run: Path, weights: Path) -> Path:
    """Put a finished run's checkpoint into `weights/<id>/`, in place of what is there, once it is known to load.

    Raises:
        ShipError: when the run is not finished or was only a trial of the machinery.
        CheckpointError: when the model is not what its card says.
    """
    card_file = run / "card.json"
    if not card_file.exists():
        raise ShipError(f"{run.name} is not finished: no card.json in its run folder. Run it again to go on.")
    card = Card.read(run)
    if card.smoke:
        raise ShipError(f"{run.name} was a smoke run on a handful of pictures; only whole runs are shipped.")

    def copy(folder: Path) -> None:
        for part in PARTS:
            copied = shutil.copytree if (run / part).is_dir() else shutil.copyfile
            copied(run / part, folder / part)

    return put(card.model_id, copy, weights, check=lambda draft: checkpoints.load(card.model_id, draft))


def put(model_id: str, write: Callable[[Path], object], weights: Path, check: Callable[[Path], object]) -> Path:
    """Make `weights/<id>/` in one step, in place of what is there.

    Args:
        model_id: names the folder.
        write: makes the folder's files.
        weights: the folder of all checkpoints.
        check: raises when what was written below a folder like `weights` is not to be put there.
    """
    weights.mkdir(parents=True, exist_ok=True)
    target = weights / model_id
    with tempfile.TemporaryDirectory(dir=weights, prefix=".shipping-") as draft:
        new, old = Path(draft) / model_id, Path(draft) / ".old"
        new.mkdir()
        write(new)
        check(Path(draft))
        if target.exists():
            os.replace(target, old)
        try:
            os.replace(new, target)
        except BaseException:  # the draft's folder goes in any case, and the old checkpoint would go with it
            if old.exists():
                os.replace(old, target)
            raise
    return target
