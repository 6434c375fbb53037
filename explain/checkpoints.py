"""Trained models in `weights/<id>/`: listed without TensorFlow, verified before Keras sees them, loaded once.

A folder holds `card.json` (id, title, description, classes, input: [height, width], digests.model and whatever else
there is to say) and `model.keras`: plain Keras 3 layers, RGB 0 to 255 in, probabilities out.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
import threading
import zipfile
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from explain.pictures import fit

if TYPE_CHECKING:
    import keras

DEFAULT = Path(__file__).resolve().parent.parent / "weights"
KEPT = 6  # models in memory; the least recently used leaves

_ID = re.compile(r"[a-z0-9][a-z0-9-]*")
_BATCH_PIXELS = 2**21  # of one forward pass: 41 pictures of 224 x 224

# The archive: nothing but these, of at most so many bytes
_MEMBERS = {"metadata.json": 2**16, "config.json": 2**24, "model.weights.h5": 2**30}
_EXPANSION = 200  # unpacked to packed; a config of many like layers reaches 30

# What a model may be made of, by the module that its configuration names
_PLAIN = {
    r"keras": r"Sequential|Model|Functional|\w*DTypePolicy",
    r"keras\.src\.models\.(functional|sequential|model)": r"Functional|Sequential|Model",
    r"keras\.layers": r"[A-Z]\w+",
    r"keras\.(initializers|regularizers|constraints|dtype_policies)": r"[A-Z]\w+",
    r"keras\.(optimizers|optimizers\.schedules|losses|metrics)": r"[A-Z]\w+",  # of a nested model that was compiled
    r"keras\.src\.ops\.\w+": r"[A-Z]\w+",  # x + y between layers
}
# Layers that run code from the file, or open files and addresses that it names
_NOT_PLAIN = {"Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"}
_NOT_PLAIN |= {"StringLookup", "IntegerLookup", "IndexLookup", "TextVectorization"}
_DATA = {"__keras_tensor__", "__tensor__", "__numpy__", "__bytes__", "__ellipsis__", "__slice__", "__tuple__"}


class CheckpointError(ValueError):
    """A checkpoint that cannot be used. `str(error)` is one sentence for a person, without any path.

    `code` is stable: "unknown" (no such id), "card", "archive" (missing, damaged or not a plain .keras archive),
    "digest" (not the file the card speaks of), "code" (asks for code of its own), "load" (Keras cannot build it) or
    "mismatch" (it is not what the card says).
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A loaded checkpoint. Probabilities are asked of `predict` alone, so that several models may stand behind it."""

    id: str
    card: dict[str, Any]
    folder: Path
    model: keras.Model

    @property
    def classes(self) -> tuple[str, ...]:
        """Names, in the order of the probabilities' columns."""
        return tuple(self.card["classes"])

    @property
    def input_size(self) -> tuple[int, int]:
        """Height and width that pictures are squashed to."""
        return tuple(self.card["input"])

    def predict(self, pictures: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
        """Probabilities, float32 (n, classes), of n pictures: uint8 H x W x 3 each, of any sizes.

        One sigmoid unit p gives the columns 1 - p and p. In batches of bounded memory. Raises as `pictures.fit` does.
        """
        height, width = self.input_size
        step = max(1, _BATCH_PIXELS // (height * width))
        result = [np.empty((0, len(self.classes)), np.float32)]
        for start in range(0, len(pictures), step):
            batch = np.stack([fit(picture, (height, width)) for picture in pictures[start : start + step]])
            output = np.asarray(self._forward(batch.astype(np.float32)), np.float32)
            result.append(np.concatenate([1 - output, output], axis=1) if output.shape[1] == 1 else output)
        return np.concatenate(result)

    @functools.cached_property
    def _forward(self) -> Any:
        import tensorflow as tf

        signature = [tf.TensorSpec((None, *self.input_size, 3), tf.float32)]
        return tf.function(lambda batch: self.model(batch, training=False), signature, autograph=False)


class Available(NamedTuple):
    """`cards` of the checkpoints that can be loaded, by id; `problems`: (folder's name, one sentence) of the others."""

    cards: list[dict[str, Any]]
    problems: list[tuple[str, str]]


def available(weights: str | os.PathLike = DEFAULT) -> Available:
    """What lies in the folder `weights`, verified but for building the models. Without TensorFlow.

    Files and hidden folders are passed over. Archives are read once, and again when they have changed.
    """
    cards, problems = [], []
    for name in sorted(_folders(weights)):
        try:
            cards.append(_verified(_folder(name, weights)))
        except CheckpointError as error:
            problems.append((name, str(error)))
    return Available(cards, problems)


def load(id: str, weights: str | os.PathLike = DEFAULT) -> Checkpoint:
    """The checkpoint of that id, verified, and kept in memory until six others were used more recently.

    Only names of folders in `weights` are ids; nothing else is ever opened. Safe under threads: two that ask for one
    checkpoint wait for the same loading, and hold up nobody else. Raises CheckpointError.
    """
    folder = _folder(id, weights)
    with _guard:
        loading = _loading.setdefault(folder, threading.Lock())
    with loading:
        version = _version(folder)
        with _guard:
            if folder in _kept and _kept[folder][0] == version:
                _kept.move_to_end(folder)
                return _kept[folder][1]
        checkpoint = _load(folder)
        with _guard:
            _kept[folder] = version, checkpoint
            _kept.move_to_end(folder)
            while len(_kept) > KEPT:
                _kept.popitem(last=False)
    return checkpoint


_guard = threading.Lock()
_kept: OrderedDict[Path, tuple[Any, Checkpoint]] = OrderedDict()
_loading: dict[Path, threading.Lock] = {}  # as many as there are folders


# --- folder and card --------------------------------------------------------------------------------------------------


def _folders(weights: str | os.PathLike) -> set[str]:
    try:
        with os.scandir(weights) as entries:
            return {entry.name for entry in entries if entry.is_dir() and not entry.name.startswith(".")}
    except OSError:
        return set()


def _folder(id: str, weights: str | os.PathLike) -> Path:
    if not isinstance(id, str) or id not in _folders(weights):
        raise CheckpointError("unknown", "There is no model of that name.")
    if not _ID.fullmatch(id):
        raise CheckpointError("unknown", "A model's folder is named by small letters, digits and hyphens alone.")
    return Path(weights).resolve() / id


def _version(folder: Path) -> tuple[Any, ...]:
    """Changes when one of the files does."""
    found = []
    for name in ("card.json", "model.keras"):
        try:
            status = os.stat(folder / name)
        except OSError:
            found.append(None)
        else:
            found.append((status.st_ino, status.st_size, status.st_mtime_ns))
    return tuple(found)


def _card(folder: Path) -> dict[str, Any]:
    def wrong(what: str) -> CheckpointError:
        return CheckpointError("card", f"The card of {folder.name} {what}.")

    try:
        with open(folder / "card.json", "rb") as file:
            card = json.loads(file.read(2**20))
    except OSError:
        raise wrong("is missing") from None
    except (ValueError, RecursionError):
        raise wrong("cannot be read") from None
    if not isinstance(card, dict):
        raise wrong("cannot be read")
    if card.get("id") != folder.name:
        raise wrong("belongs to another model")
    for key in ("title", "description"):
        if not isinstance(card.get(key), str) or not card[key]:
            raise wrong(f"has no {key}")
    classes, size, digests = card.get("classes"), card.get("input"), card.get("digests")
    if not isinstance(classes, list) or not all(isinstance(name, str) and name for name in classes):
        raise wrong("names no classes")
    if len(classes) < 2 or len(set(classes)) < len(classes):
        raise wrong("names fewer than two classes, or one of them twice")
    sides = isinstance(size, list) and len(size) == 2 and all(type(side) is int and 1 <= side <= 4096 for side in size)
    if not sides:
        raise wrong("gives no input size, which is [height, width]")
    digest = digests.get("model") if isinstance(digests, dict) else None
    if not isinstance(digest, str) or not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise wrong("gives no digest of its model")
    return card


# --- before Keras sees the file ---------------------------------------------------------------------------------------


def _verified(folder: Path) -> dict[str, Any]:
    """The card, once the archive is the one that it speaks of and asks for no code."""
    card = _card(folder)
    _verify(folder, card["digests"]["model"], _version(folder))
    return card


@functools.lru_cache(maxsize=256)
def _verify(folder: Path, digest: str, version: tuple[Any, ...]) -> None:
    id = folder.name
    try:
        with open(folder / "model.keras", "rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != digest:
                raise CheckpointError("digest", f"The model file of {id} is not the one that its card speaks of.")
            _check_archive(id, file)
    except OSError:
        raise CheckpointError("archive", f"The model file of {id} is missing or cannot be read.") from None


def _check_archive(id: str, file: Any) -> None:
    damaged = CheckpointError("archive", f"The model file of {id} is damaged or no plain Keras archive.")
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            if sorted(member.filename for member in members) != sorted(_MEMBERS):
                raise damaged
            for member in members:
                large = member.file_size > _MEMBERS[member.filename]
                if large or member.file_size > _EXPANSION * member.compress_size + 2**16:
                    raise damaged
            config = json.loads(archive.read("config.json"))
        if not isinstance(config, dict):
            raise damaged
        # what to train with is never built here
        asked = _first_code({key: value for key, value in config.items() if key != "compile_config"})
    except CheckpointError:
        raise
    except Exception:  # zipfile and zlib raise many kinds
        raise damaged from None
    if asked is not None:
        what = f" ({asked})" if re.fullmatch(r"[\w.> ]{1,80}", asked) else ""
        raise CheckpointError(
            "code", f"The model file of {id} asks for code of its own{what}, which is never run here."
        )


def _first_code(config: Any) -> str | None:
    """The first object of a configuration that is not plain Keras, as "module.name"; None if there is none."""
    if isinstance(config, dict):
        if "class_name" in config and not _plain(config):
            return f"{config.get('module')}.{config['class_name']}"
        config = list(config.values())
    if isinstance(config, list):
        return next((found for value in config if (found := _first_code(value)) is not None), None)
    return None


def _plain(config: dict[str, Any]) -> bool:
    name, module, registered = config["class_name"], config.get("module"), config.get("registered_name")
    if name in _DATA:
        return module is None
    if not isinstance(name, str) or not isinstance(module, str) or registered not in (None, name):
        return False
    allowed = (names for pattern, names in _PLAIN.items() if re.fullmatch(pattern, module))
    return name not in _NOT_PLAIN and any(re.fullmatch(names, name) for names in allowed)


# --- Keras ------------------------------------------------------------------------------------------------------------


def _load(folder: Path) -> Checkpoint:
    card, id = _verified(folder), folder.name
    import keras

    try:
        model = keras.models.load_model(folder / "model.keras", compile=False, safe_mode=True)
        inputs, outputs = model.input_shape, model.output_shape
    except Exception as error:  # its message may hold paths: it stays the cause, for the log
        raise CheckpointError("load", f"Keras {keras.__version__} cannot build the model {id}.") from error
    size, number = card["input"], len(card["classes"])
    takes = len(inputs) == 4 and all(got in (None, want) for got, want in zip(inputs[1:], [*size, 3], strict=True))
    gives = len(outputs) == 2 and (outputs[1] == number or (outputs[1] == 1 and number == 2))
    if not takes or not gives:
        raise CheckpointError("mismatch", f"The model {id} takes or gives something else than its card says.")
    return Checkpoint(id, card, folder, model)
