"""A Keras 3 model of any origin, opened from its file so that it answers as a checkpoint does: no card by hand.

What a card would say is read from the model; what cannot be told is asked for in one sentence.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from explain import archive, checkpoints, targets
from explain.cards import Card, Digests
from explain.checkpoints import Checkpoint
from explain.engine import input_size
from explain.ensembles import Ensemble
from explain.errors import CheckpointError, ModelError
from explain.files import open_regular, parse_json, read_bytes
from explain.graph import reachable
from explain.preprocessing import PREPROCESSING, preprocessing
from explain.saving import digest

Model = Any
Tensor = Any

LEGACY = (".h5", ".hdf5")
NUMBERS = "numbers"  # in place of a file of class names
_KERAS_2 = r"tf_keras\.|keras\.(src\.)?engine\."
_MOST_NAMES = 2**22  # bytes of a file of class names
_MOST_WEIGHTS = 2**36
_PREPARED = 32  # what is left of a range of 255 where a model prepares its pictures itself; torch's way leaves 4.4


def open_model(
    path: str | os.PathLike[str],
    classes: str | os.PathLike[str] | Sequence[str] | Mapping[str, int] | None = None,
    preprocess: str | None = None,
    trust: bool = False,
    size: tuple[int, int] | None = None,
    head: targets.HeadKind = "auto",
) -> Checkpoint | Ensemble:
    """A model from a file of one's own, asked by `predict` and `explain` as every checkpoint is.

    Args:
        path: a .keras file; a legacy .h5 file where Keras 3 can build what is in it; or a folder with a card, of
            `weights/` for example, which is loaded as `checkpoints.load` does.
        classes: names in order, a mapping between names and indices, or a file of them: a name a line, or JSON (a list,
            or an object between names and indices, also Keras' own imagenet_class_index.json). None: numbers.
        preprocess: what pictures of 0 to 255 become before the model: "none", "unit" (0 to 1), "tf" (-1 to 1), "caffe"
            (BGR less ImageNet's means) or "torch" (unit, less ImageNet's means, by its deviations). None: as the model
            says, which is "none" where it prepares pictures itself, as by a Rescaling or Normalization before its
            first weights, however nested.
        trust: run code that the file asks for (Lambda layers, classes of your own). For files of your own alone.
        size: height and width of pictures, for a model that takes any.
        head: what comes out of the model, where that cannot be told; see `targets.head`.

    Returns:
        The checkpoint. Its card holds what the model itself says, its id is made of the file's name.

    Raises:
        ModelError: "format" (a file that Keras 3 does not open, with how to convert it), "preprocess", "size",
            "classes" or "channels" (what has to be said, or does not fit), and as `explain` for what is no classifier.
        CheckpointError: "archive" for a damaged file, "code" for one that asks for code, "load" where Keras cannot
            build it, "weights".
        ValueError: for a preprocess or a head that does not exist.

    Example:
        >>> import keras, tempfile
        >>> layers = [keras.Input((8, 8, 3)), keras.layers.Rescaling(1 / 255), keras.layers.Conv2D(2, 3)]
        >>> layers += [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(1, activation="sigmoid")]
        >>> folder = tempfile.TemporaryDirectory()
        >>> keras.Sequential(layers).save(folder.name + "/My net.keras")
        >>> mine = open_model(folder.name + "/My net.keras", classes=["cat", "dog"])
        >>> mine.model_id, mine.classes, mine.input_size, mine.preprocess
        ('my-net', ('cat', 'dog'), (8, 8), 'none')
        >>> mine.explain(np.zeros((20, 30, 3), np.uint8), "cat").map().shape
        (6, 6)
    """
    if preprocess is not None:
        preprocessing(preprocess)  # refuses what is none
    targets.check_head(head)
    path = Path(path)
    if path.is_dir() and (path / "card.json").exists():
        folder = path.resolve()
        return checkpoints.load(folder.name, folder.parent)
    resolved = path.resolve()
    title = resolved.parent.name if resolved.stem == "model" and resolved.parent.name else resolved.stem
    name = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "model"
    model = _read(path, name, trust)
    sides = _sides(model, name, size)
    look = _look(model, sides, head)
    names = _names(classes, look.classes, name)
    if preprocess is None:
        if not look.prepares:
            raise ModelError(
                "preprocess",
                "How {model_id} was given its pictures cannot be told, as nothing prepares them before its first "
                "weights: say preprocess (--preprocess) {choices}.",
                model_id=name,
                choices=", ".join(f"{choice} ({way.about})" for choice, way in PREPROCESSING.items()),
            )
        preprocess = "none"
    card = Card(
        model_id=name,
        title=title,
        description="A model of one's own.",
        classes=names,
        input_size=sides[:2],
        parameters=int(model.count_params()),
        digests=Digests(model=digest(path)),
    )
    return Checkpoint(card, path.resolve().parent, model, preprocess, head)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give a command line the options that `open_models` takes.

    Args:
        parser: gets --classes, --preprocess, --size, --head and --trust.
    """
    parser.add_argument(
        "--classes",
        nargs="+",
        type=Path,
        metavar="FILE",
        help=f"class names, one a line, or JSON; one file for all models, or one for each, {NUMBERS} for one without "
        f"names (default: {NUMBERS})",
    )
    parser.add_argument(
        "--preprocess",
        nargs="+",
        choices=PREPROCESSING,
        metavar="HOW",
        help="what pictures become before the model, one for all or one for each: "
        + ", ".join(f"{name} ({way.about})" for name, way in PREPROCESSING.items())
        + " (default: none, where the model does it itself)",
    )
    parser.add_argument("--size", nargs="+", type=_size, metavar="HEIGHTxWIDTH", help="of models that take any size")
    parser.add_argument(
        "--head", choices=targets.HEADS, default="auto", help="what comes out of the model (default: auto)"
    )
    parser.add_argument(
        "--trust", action="store_true", help="run code that a model file asks for; of your own files alone"
    )


def open_models(paths: Sequence[Path], asked: argparse.Namespace) -> list[Checkpoint | Ensemble]:
    """Models from files of one's own, each with an id of its own.

    Args:
        paths: as `open_model` takes them.
        asked: what `add_options` read.

    Returns:
        The models, in order.

    Raises:
        ModelError, CheckpointError: as `open_model` does, and "options" where an option is given for another number
            of models.
    """

    def each(values: Sequence[Any] | None, option: str) -> Sequence[Any]:
        values = values or [None]
        if len(values) not in (1, len(paths)):
            sentence = "{option} is given once, or once for each of {count} models."
            raise ModelError("options", sentence, option=option, count=len(paths))
        return list(values) * (len(paths) if len(values) == 1 else 1)

    models: list[Checkpoint | Ensemble] = []
    options = (each(getattr(asked, name), f"--{name}") for name in ("classes", "preprocess", "size"))
    for path, classes, preprocess, size in zip(paths, *options, strict=True):
        names = None if str(classes) == NUMBERS else classes
        try:
            model = open_model(path, names, preprocess, asked.trust, size, asked.head)
        except ModelError as error:
            if error.code != "preprocess" or len(paths) == 1:
                raise
            told = str(error).removesuffix(".")
            sentence = "{told}; one for each model, in their order."
            raise ModelError("preprocess", sentence, told=told, **error.facts) from None
        model_id, number = model.model_id, 2
        while model_id in [other.model_id for other in models]:
            model_id, number = f"{model.model_id}-{number}", number + 1
        title = model.card.title if number == 2 else f"{model.card.title} ({number - 1})"
        models.append(replace(model, card=replace(model.card, model_id=model_id, title=title)))
    return models


def _size(text: str) -> tuple[int, int]:
    height, _, width = text.lower().partition("x")
    if not (height.isdecimal() and width.isdecimal() and int(height) and int(width)):
        raise argparse.ArgumentTypeError(f"{text!r} is no HEIGHTxWIDTH, as 224x224")
    return int(height), int(width)


# --- files ------------------------------------------------------------------------------------------------------------


def _read(path: Path, name: str, trust: bool) -> Model:
    """The model of a file, which is checked for code first."""
    if path.is_dir():
        if (path / "saved_model.pb").exists():
            raise ModelError(
                "format",
                "{model_id} is a SavedModel folder, of which Keras 3 reaches no layer: where it was made, load it by "
                "keras.models.load_model, and save that as {model_id}.h5 (Keras 2) or {model_id}.keras (Keras 3).",
                model_id=name,
            )
        raise ModelError("format", "{model_id} is a folder, and no model: name a .keras or .h5 file.", model_id=name)
    suffix = path.suffix.lower()
    if suffix not in (".keras", *LEGACY):
        raise ModelError(
            "format",
            "{model_id} is no .keras or .h5 file: save the model by model.save('{model_id}.keras') with Keras 3.",
            model_id=name,
        )
    import keras

    try:
        with open_regular(path) as file:
            if trust:
                held = _MOST_WEIGHTS
            elif suffix in LEGACY:
                held = archive.check_legacy(file, name)
            else:
                held = archive.check(file, name, _MOST_WEIGHTS)
        config = None if trust or suffix in LEGACY else archive.config_of(path)
        return checkpoints.built(path, name, config, held, trust)
    except OSError:
        raise ModelError(
            "format", "There is no file {model_id}{suffix} to be read.", model_id=name, suffix=suffix
        ) from None
    except CheckpointError as error:
        asked = str(error.facts.get("asked", ""))
        if re.match(_KERAS_2, asked):
            raise ModelError(
                "format", "Keras 2 wrote {model_id}: save it there as {model_id}.h5.", model_id=name
            ) from None
        if error.code == "code":
            sentence = (
                "The file of {model_id} asks for code ({asked}), which is run only for who says trust=True (--trust), "
                "of a file of their own."
            )
            raise CheckpointError("code", sentence, asked=asked or "unnamed", model_id=name) from None
        if error.code == "load":
            sentence = (
                "Keras {keras} cannot build {model_id}: where it has classes of your own, import their module first; "
                "what an earlier Keras wrote has to be built anew by its code, given its weights (load_weights), and "
                "saved as {model_id}.keras."
            )
            raise CheckpointError("load", sentence, keras=keras.__version__, model_id=name) from error.__cause__
        raise


# --- what the model says ----------------------------------------------------------------------------------------------


def _sides(model: Model, name: str, size: tuple[int, int] | None) -> tuple[int, int, int]:
    """Height, width and channels of the pictures that it takes."""
    height, width, channels = input_size(model)
    if channels not in (None, 1, 3):
        sentence = "{model_id} takes pictures of {channels} channels, where three (RGB) or one (grey) can be given."
        if height in (1, 3):
            sentence = (
                "{model_id} takes channels first ({height} x {width} x {channels}): build it anew with "
                "data_format='channels_last', and load its weights."
            )
        raise ModelError("channels", sentence, model_id=name, height=height, width=width, channels=channels)
    if size is None and (height is None or width is None):
        sentence = "{model_id} takes pictures of any size: say which by size=(height, width), or --size HEIGHTxWIDTH."
        raise ModelError("size", sentence, model_id=name)
    wanted = size or (height, width)
    if any(own not in (None, asked) for own, asked in zip((height, width), wanted, strict=True)):
        sentence = "{model_id} takes pictures of {height} x {width} pixels alone, not {asked}."
        asked = " x ".join(map(str, wanted))
        raise ModelError("size", sentence, model_id=name, height=height, width=width, asked=asked)
    return int(wanted[0]), int(wanted[1]), channels or 3  # type: ignore[arg-type]


class _Look(NamedTuple):
    """What a first pass of a model shows: number of classes, and whether it prepares its pictures itself."""

    classes: int
    prepares: bool


def _look(model: Model, shape: tuple[int, int, int], head: targets.HeadKind) -> _Look:
    """One pass of a black and a white picture.

    A model prepares its pictures where the range of 0 to 255 is gone by its first weights: what reaches them is far
    narrower, or reaches below zero. A `Rescaling(2, -1)`, which is meant for 0 to 1, leaves it wider.
    """
    import tensorflow as tf

    batch = np.stack([np.zeros(shape, np.float32), np.full(shape, 255, np.float32)])

    @tf.function(autograph=False)
    def look(batch: Tensor) -> tuple[Tensor, Tensor]:
        probabilities = targets.head(model(batch, training=False), batch, head).probabilities
        arriving = tf.cast(_arriving(batch), tf.float32)
        return probabilities, tf.reduce_mean(tf.reshape(arriving, (2, -1)), 1)

    probabilities, arriving = look(tf.constant(batch))
    black, white = sorted(arriving.numpy().tolist())
    return _Look(probabilities.shape[1], white - black <= _PREPARED or black <= -white / 8)


def _arriving(start: Tensor) -> Tensor:
    """What reaches a model's first weights of its input: of the first operation that a variable goes into.

    What a Normalization was adapted to are constants of the graph.
    """
    import tensorflow as tf

    reached, weighed = reachable(start), set()
    for operation in start.graph.get_operations():
        if operation in reached or operation.type == "Placeholder":
            continue
        if any(tensor.dtype == tf.resource or tensor.op in weighed for tensor in operation.inputs):
            weighed.add(operation)
    for operation, sources in reached.items():
        if sources and any(tensor.dtype == tf.resource or tensor.op in weighed for tensor in operation.inputs):
            return next(tensor for tensor in operation.inputs if tensor.op in reached and tensor.dtype.is_floating)
    return start


def _names(classes: Any, count: int, name: str) -> tuple[str, ...]:
    """Names of the classes, numbers where none are given."""
    if classes is None:
        return tuple(map(str, range(count)))
    if isinstance(classes, (str, os.PathLike)):
        classes = _names_of(Path(classes), name)
    names = targets.class_names(classes) or ()
    if len(names) != count or len(set(names)) < count:
        sentence = "{model_id} tells {count} classes apart, and {given} different names are given."
        raise ModelError("classes", sentence, model_id=name, count=count, given=len(set(names)))
    return tuple(map(str, names))


def _names_of(path: Path, name: str) -> Any:
    """A list or mapping of names from a file."""
    try:
        text = read_bytes(path, _MOST_NAMES).decode("utf-8-sig")
        if path.suffix.lower() != ".json":
            return [line.strip() for line in text.splitlines() if line.strip()]
        content = parse_json(text)
    except (OSError, ValueError):
        sentence = "The file of class names for {model_id} cannot be read: one name a line, or JSON."
        raise ModelError("classes", sentence, model_id=name) from None
    if isinstance(content, dict):  # JSON has no numbers as keys, and Keras' own file gives [synset, name]
        pairs = [(key, value[-1] if isinstance(value, list) else value) for key, value in content.items()]
        numbered = all(re.fullmatch(r"\d+", key) for key, _ in pairs) and not all(type(v) is int for _, v in pairs)
        content = {int(key): value for key, value in pairs} if numbered else dict(pairs)
    return content
