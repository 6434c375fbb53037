"""Trained models in `weights/<id>/`: listed without TensorFlow, verified before Keras sees them, loaded once.

A folder holds `card.json` (see `cards.Card`) and `model.keras`: plain Keras 3 layers, RGB 0 to 255 in, probabilities
out. Or a card alone, that names other checkpoints as members: an ensemble.
"""

from __future__ import annotations

import functools
import hashlib
import math
import os
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from explain import archive, twins
from explain.cards import Card, natural_order
from explain.engine import Progress, explain, input_size
from explain.ensembles import Ensemble
from explain.errors import CheckpointError
from explain.explanation import Explanation, Origin
from explain.pictures import Picture, fit
from explain.preprocessing import preprocessing
from explain.targets import HeadKind, Target
from explain.targets import head as output_of

if TYPE_CHECKING:
    import keras

Batch = np.ndarray | Sequence[np.ndarray] | Callable[[tuple[int, int]], Any]
Pictures = Batch | Picture | Sequence[Picture | np.ndarray]

DEFAULT = Path(__file__).resolve().parent.parent / "weights"

_ID = re.compile(r"[a-z0-9][a-z0-9-]*")
_BATCH_PIXELS = 2**21  # of one forward pass: 41 pictures of 224 x 224


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A loaded checkpoint. It is asked by `predict` and `explain` alone, as an `Ensemble` is.

    Attributes:
        card: what it says of itself.
        folder: where it lies.
        model: the Keras model.
        preprocess: what becomes of pictures before it, a name of `preprocessing.PREPROCESSING`; "none" of those in
            `weights`, which do it themselves.
        head: what comes out of it, see `targets.head`.

    Example:
        >>> checkpoint = load("cats-dogs-effnet-sgd")
        >>> grey = np.full((300, 400, 3), 127, np.uint8)
        >>> checkpoint.predict([grey]).shape
        (1, 2)
        >>> checkpoint.explain(grey, target="Cat").map().shape
        (6, 6)
    """

    card: Card
    folder: Path
    model: keras.Model
    preprocess: str = "none"
    head: HeadKind = "auto"

    @property
    def model_id(self) -> str:
        """Name of its folder."""
        return self.card.model_id

    @property
    def classes(self) -> tuple[str, ...]:
        """Names, in the order of the probabilities' columns."""
        return self.card.classes

    @property
    def input_size(self) -> tuple[int, int]:
        """Height and width that pictures are squashed to."""
        return self.card.input_size

    def predict(self, pictures: Batch) -> np.ndarray:
        """Probabilities of pictures, in batches of bounded memory.

        Args:
            pictures: n of them, uint8 H x W x 3 each, of any sizes; or a function that gives them for an input size
                (height, width), so that what was squashed once serves several models.

        Returns:
            float32 (n, classes), 0 to 1. One sigmoid unit p gives the columns 1 - p and p.

        Raises:
            TypeError, ValueError: as `pictures.fit` does.
        """
        height, width = self.input_size
        pictures = pictures(self.input_size) if callable(pictures) else pictures
        step = max(1, _BATCH_PIXELS // (height * width))
        result = [np.empty((0, len(self.classes)), np.float32)]
        prepare = preprocessing(self.preprocess)
        for start in range(0, len(pictures), step):
            batch = np.stack([self._given(picture) for picture in pictures[start : start + step]]).astype(np.float32)
            result.append(np.asarray(self._forward(batch if prepare is None else prepare(batch))))
        return np.concatenate(result)

    def explain(
        self,
        pictures: Pictures,
        target: Target = "predicted",
        rules: str | Sequence[str] = "gradcam",
        layers: str | Sequence[str] = "blocks",
        features: int = 0,
        parameters: Mapping[str, Mapping[str, Any]] | None = None,
        smoothing: int = 0,
        progress: Progress | None = None,
    ) -> Explanation:
        """What the model sees in pictures.

        Args:
            pictures: uint8 RGB, one or n of them, of any sizes; or a function that gives them for an input size
                (height, width), so that what was squashed once serves several models.
            target: what is explained, see `engine.explain`.
            rules: names of rules.
            layers: which layers, see `engine.explain`.
            features: how many of the most important channels to keep at every layer.
            parameters: of rules, see `engine.explain`.
            smoothing: over how many noisy copies, see `engine.explain`.
            progress: of rules of many passes, see `engine.explain`.

        Returns:
            Raw maps by rule and layer.

        Raises:
            ModelError, TypeError, ValueError: as `engine.explain` does.
        """
        explanation = explain(
            self.model,
            self._fitted(pictures(self.input_size) if callable(pictures) else pictures),
            target=target,
            layers=layers,
            rules=rules,
            preprocess=preprocessing(self.preprocess),
            features=features,
            classes=self.classes,
            head=self.head,
            parameters=parameters,
            smoothing=smoothing,
            progress=progress,
        )
        return replace(explanation, origin=Origin(self.model_id, self.card.digests.model))

    @property
    def lacking(self) -> frozenset[str]:
        """What rules may need and this model has not, as far as it was explained yet: see `classifier.lacking`."""
        from explain.classifier import lacking

        return lacking(self.model)

    @functools.cached_property
    def _takes(self) -> tuple[int | None, ...]:
        """Height, width and channels of its input, None where it takes any."""
        return input_size(self.model)

    def _given(self, picture: np.ndarray) -> np.ndarray:
        """uint8 H x W x 3 as it is given to the model, at the size that the card says; in grey where it takes that."""
        fitted = fit(picture, self.input_size)
        if self._takes[2] != 1:
            return fitted
        import cv2

        return cv2.cvtColor(fitted, cv2.COLOR_RGB2GRAY)[..., None]

    def _fitted(self, pictures: Any) -> Any:
        """Pictures for `explain`, which squashes them itself where the model says to what."""
        if self._takes == (*self.input_size, 3):
            return pictures
        many = isinstance(pictures, (list, tuple)) and not hasattr(pictures, "pixels")
        arrays = [np.asarray(getattr(picture, "pixels", picture)) for picture in (pictures if many else [pictures])]
        if any(array.dtype != np.uint8 for array in arrays):
            return pictures
        return [self._given(picture) for array in arrays for picture in (array if array.ndim == 4 else [array])]

    @functools.cached_property
    def _forward(self) -> Any:
        import tensorflow as tf

        def probabilities(batch: Any) -> Any:
            return output_of(self.model(batch, training=False), batch, self.head).probabilities

        signature = [tf.TensorSpec((None, *self.input_size, self._takes[2] or 3), tf.float32)]
        return tf.function(probabilities, signature, autograph=False)


class Available(NamedTuple):
    """What lies in a folder of checkpoints.

    Attributes:
        cards: of those that can be loaded, by id.
        problems: (folder's name, as it can be shown, and one sentence) of the others.
    """

    cards: list[Card]
    problems: list[tuple[str, str]]


def available(weights: str | os.PathLike[str] = DEFAULT) -> Available:
    """What lies in a folder of checkpoints, verified but for building the models. Without TensorFlow.

    Files and hidden folders are passed over; numbers in ids are put in order as numbers. Archives are read once, and
    again when they have changed.

    Args:
        weights: the folder.

    Returns:
        The cards, and what is wrong with the rest.

    Example:
        >>> [card.title for card in available().cards if card.network == "vgg16"]
        ['VGG16, high accuracy', 'VGG16, low accuracy']
    """
    cards, problems = [], []
    for name in sorted(_folders(weights), key=natural_order):
        try:
            cards.append(_verified(_folder(name, weights)))
        except CheckpointError as error:
            problems.append((_shown(name), str(error)))
    return Available(cards, problems)


# --- loaded once ------------------------------------------------------------------------------------------------------

# Of models in memory, by `_footprint`, which counts generously; the least recently used leave. The twelve shipped
# count 1.09 GB; with all of them in use the page was measured at 1.7 GB, and what reads uploads takes its own.
KEPT_BYTES = 5 * 2**28
TRACE_BYTES = 64 * 2**20  # of a model's compiled passes, about


class _Kept(NamedTuple):
    """A model in memory: its files' version, and its bytes."""

    version: tuple[Any, ...]
    checkpoint: Checkpoint
    size: int


_guard = threading.Lock()
_kept: OrderedDict[Path, _Kept] = OrderedDict()
_loading: dict[Path, threading.Lock] = {}  # as many as there are folders


def load(model_id: str, weights: str | os.PathLike[str] = DEFAULT) -> Checkpoint | Ensemble:
    """The checkpoint of that id, verified, and kept in memory until `KEPT_BYTES` of others were used more recently.

    Only names of folders in `weights` are ids; nothing else is ever opened. Safe under threads: two that ask for one
    checkpoint wait for the same loading, and hold up nobody else. An ensemble's members are kept as they are by
    themselves, so a checkpoint that belongs to several is in memory once.

    Args:
        model_id: name of a folder.
        weights: where the folder lies.

    Returns:
        A checkpoint, or an ensemble where the card names members.

    Raises:
        CheckpointError: for an id that is none, and for a checkpoint that cannot be used.

    Example:
        >>> load("cats-dogs-effnet-sgd").classes
        ('Cat', 'Dog')
    """
    folder = _folder(model_id, weights)
    if Card.read(folder).members:
        card = _verified(folder)
        return Ensemble(card, folder, tuple(_checkpoint(_folder(member, weights)) for member in card.members))
    return _checkpoint(folder)


def _checkpoint(folder: Path) -> Checkpoint:
    """The single model of a folder, as it is kept, else loaded."""
    with _guard:
        loading = _loading.setdefault(folder, threading.Lock())
    with loading:
        version = _version(folder)
        with _guard:
            kept = _kept.get(folder)
            if kept is not None and kept.version == version:
                _kept.move_to_end(folder)
                return kept.checkpoint
        checkpoint = _load(folder)
        with _guard:
            _kept[folder] = _Kept(version, checkpoint, _footprint(checkpoint))
            _kept.move_to_end(folder)
            while len(_kept) > 1 and sum(kept.size for kept in _kept.values()) > KEPT_BYTES:
                _kept.popitem(last=False)
    return checkpoint


def loaded(cards: Iterable[Card], weights: str | os.PathLike[str] = DEFAULT) -> list[str]:
    """Which checkpoints are in memory, so that they answer without being loaded.

    Args:
        cards: of the checkpoints in question.
        weights: where their folders lie.

    Returns:
        Ids, in the order of the cards. Of an ensemble, where all its members are.

    Example:
        >>> checkpoint = load("cats-dogs-effnet-sgd")
        >>> "cats-dogs-effnet-sgd" in loaded(available().cards)
        True
    """
    folder = Path(weights).resolve()
    with _guard:
        kept = set(_kept)
    return [card.model_id for card in cards if {folder / name for name in card.members or [card.model_id]} <= kept]


def _footprint(checkpoint: Checkpoint) -> int:
    """Bytes of a model: its weights, and what its compiled passes take as a rule."""
    weights = checkpoint.model.weights
    return TRACE_BYTES + sum(int(np.prod(value.shape)) * np.dtype(value.dtype).itemsize for value in weights)


# --- folders and cards ------------------------------------------------------------------------------------------------


def _folders(weights: str | os.PathLike[str]) -> set[str]:
    try:
        names = os.listdir(weights)
    except OSError:
        return set()
    return {name for name in names if os.path.isdir(os.path.join(weights, name)) and not name.startswith(".")}


def _shown(name: str) -> str:
    """A folder's name, without bytes that are no text, control characters and more than a line takes."""
    text = os.fsencode(name).decode(errors="replace")
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)[:80]


def _folder(model_id: str, weights: str | os.PathLike[str]) -> Path:
    if not isinstance(model_id, str) or model_id not in _folders(weights):
        raise CheckpointError("unknown", "There is no model of that name.")
    if not _ID.fullmatch(model_id):
        raise CheckpointError("unknown", "A model's folder is named by small letters, digits and hyphens alone.")
    return Path(weights).resolve() / model_id


def _version(folder: Path) -> tuple[Any, ...]:
    """Changes when one of the files does."""
    version: list[tuple[int, int, int] | None] = []
    for name in ("card.json", "model.keras"):
        try:
            status = os.stat(folder / name)
        except OSError:
            version.append(None)
        else:
            version.append((status.st_ino, status.st_size, status.st_mtime_ns))
    return tuple(version)


def _verified(folder: Path) -> Card:
    """The card, once the archive is the one that it speaks of and asks for no code, or once its members do."""
    card = Card.read(folder)
    if card.model_id != folder.name:
        sentence = "The card of {model_id} belongs to another model."
        raise CheckpointError("card", sentence, model_id=folder.name, part="id")
    if card.members:
        return _with_members(card, folder)
    if (card.parameters or 0) > _verify(folder, card.digests.model, _version(folder)):  # a byte each, at least
        sentence = "The card of {model_id} tells of more parameters than its model file can hold."
        raise CheckpointError("card", sentence, model_id=folder.name, part="parameters")
    return card


@functools.lru_cache(maxsize=256)
def _verify(folder: Path, digest: str, version: tuple[Any, ...]) -> int:
    """Bytes of the weights in a model file that is the one meant."""
    return archive.verify(folder / "model.keras", folder.name, digest)


def _with_members(card: Card, folder: Path) -> Card:
    """An ensemble's card, once its members can be used and go together, with a digest made of theirs."""

    def wrong(member: str, fault: str, what: str) -> CheckpointError:
        sentence = "The ensemble {model_id} names {member}, which " + what + "."
        shown = member if _ID.fullmatch(member) else "a member"
        return CheckpointError("members", sentence, model_id=folder.name, member=shown, fault=fault)

    digest = hashlib.sha256(str(float(card.temperature)).encode())
    for place, name in enumerate(card.members):
        try:
            other = _folder(name, folder.parent)
            if Card.read(other).members:
                raise wrong(name, "ensemble", "is an ensemble itself")
            member = _verified(other)
        except CheckpointError as error:
            if error.code == "members":
                raise
            if error.code == "unknown":
                raise wrong(name, "missing", "is not there") from None
            raise wrong(name, "unusable", "cannot be used") from error
        if member.classes != card.classes:
            raise wrong(name, "classes", "tells other classes apart")
        if place == 0 and member.input_size != card.input_size:
            raise wrong(name, "input", "takes pictures of another size")
        digest.update(member.digests.model.encode())
    return replace(card, digests=replace(card.digests, model=digest.hexdigest()))


# --- Keras ------------------------------------------------------------------------------------------------------------


def _load(folder: Path) -> Checkpoint:
    card, model_id = _verified(folder), folder.name
    path = folder / "model.keras"
    model = built(path, model_id, archive.config_of(path), _verify(folder, card.digests.model, _version(folder)))
    inputs: Any
    outputs: Any
    inputs, outputs = (getattr(model, name, ()) for name in ("input_shape", "output_shape"))
    count, expected = len(card.classes), (*card.input_size, 3)
    takes = len(inputs) == 4 and all(size in (None, side) for size, side in zip(inputs[1:], expected, strict=True))
    gives = len(outputs) == 2 and (outputs[1] == count or (outputs[1] == 1 and count == 2))
    if not takes or not gives:
        sentence = "The model {model_id} takes or gives something else than its card says."
        raise CheckpointError("mismatch", sentence, model_id=model_id)
    twins.mark(model)
    return Checkpoint(card, folder, model)


def built(path: Path, model_id: str, config: dict[str, Any] | None, held: int, trust: bool = False) -> keras.Model:
    """The model of a file that was checked.

    Args:
        path: of the file.
        model_id: what sentences call it.
        config: of its archive, by which it must not ask for more weights than it holds; None where there is none.
        held: bytes of weights in the file.
        trust: run code that it asks for.

    Raises:
        CheckpointError: "weights" or "load".
    """
    import keras

    try:
        if config is not None and _asked(config) > held:
            sentence = "The model file of {model_id} asks for more weights than it holds."
            raise CheckpointError("weights", sentence, model_id=model_id)
        return keras.models.load_model(path, compile=False, safe_mode=not trust)
    except CheckpointError:
        raise
    except Exception as error:  # its message may hold paths: it stays the cause, for the log
        sentence = "Keras {keras} cannot build the model {model_id}."
        raise CheckpointError("load", sentence, model_id=model_id, keras=keras.__version__) from error


def _asked(config: dict[str, Any]) -> int:
    """Bytes of all weights that a configuration asks for, without allocating one."""
    import keras
    from keras.src.backend.common import global_state  # no public door

    waiting = list(global_state.get_global_attribute("uninitialized_variables") or [])  # of this thread
    try:
        with keras.StatelessScope(initialize_variables=False):
            model = keras.saving.deserialize_keras_object(config, safe_mode=True)
            return sum(math.prod(weight.shape) * np.dtype(weight.dtype).itemsize for weight in model.variables)
    finally:  # Keras would make them when it leaves the next scope
        global_state.set_global_attribute("uninitialized_variables", waiting)
