"""A Keras callback that shows how the maps of the same pictures change while a model is trained."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from explain.engine import explain
from explain.explanation import drawable
from explain.overlay import tiles
from explain.rules import rule_names
from explain.targets import HeadKind, Target, check_head

COLUMNS = 6  # tiles in a row


class TensorBoardMaps(keras.callbacks.Callback):
    """Writes the maps of fixed pictures for TensorBoard, at the end of every epoch: one image a picture and rule.

    The first tile is the picture with what the model says, the others are its maps at the layers asked for. What
    was traced at the first epoch serves all others.

    Args:
        pictures: uint8 RGB, one or n of them, of any sizes.
        folder: where event files go; `tensorboard --logdir` names it or one above.
        names: of the pictures; by default their places, from 0.
        rules: names of rules.
        layers: which layers, see `engine.explain`.
        target: what is explained, see `engine.explain`.
        every: so many epochs from one writing to the next.
        classes: names of the classes.
        preprocess: see `engine.explain`.
        head: see `engine.explain`.

    Raises:
        ImportError: where TensorBoard is not installed.
        ValueError: for a rule that does not exist, for other names than pictures, and for epochs below 1.

    Example:
        >>> import tempfile
        >>> model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 3), keras.layers.Flatten()])
        >>> model.add(keras.layers.Dense(2, activation="softmax"))
        >>> model.compile("sgd", "sparse_categorical_crossentropy")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     maps = TensorBoardMaps(np.zeros((1, 8, 8, 3), np.uint8), folder)
        ...     fitted = model.fit(np.zeros((4, 8, 8, 3)), np.zeros(4), epochs=2, verbose=0, callbacks=[maps])
        ...     len(list(Path(folder).glob("events.*")))
        1
    """

    def __init__(
        self,
        pictures: Any,
        folder: str | Path,
        names: Sequence[str] | None = None,
        rules: str | Sequence[str] = "gradcam",
        layers: str | Sequence[str] = "blocks",
        target: Target = "predicted",
        every: int = 1,
        classes: Sequence[str] | None = None,
        preprocess: Callable[[np.ndarray], Any] | None = None,
        head: HeadKind = "auto",
    ) -> None:
        super().__init__()
        try:
            from tensorboard.summary.writer.event_file_writer import EventFileWriter
        except ImportError:
            raise ImportError("TensorBoardMaps needs TensorBoard: pip install tensorboard") from None
        if every < 1:
            raise ValueError(f"every is a number of epochs, 1 or more, not {every}.")
        check_head(head)
        several = isinstance(pictures, (list, tuple)) and not hasattr(pictures, "pixels")
        many = several or getattr(pictures, "ndim", 3) == 4
        self.pictures = list(pictures) if many else [pictures]
        self.names = [str(place) for place in range(len(self.pictures))] if names is None else list(names)
        if len(self.names) != len(self.pictures):
            raise ValueError(f"{len(self.pictures)} pictures need as many names, not {len(self.names)}.")
        self.every = every
        self.options: dict[str, Any] = {"rules": rule_names(rules), "layers": layers, "target": target}
        self.options |= {"classes": classes, "preprocess": preprocess, "head": head}
        self.writer = EventFileWriter(str(folder))

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Write the maps, every so many epochs."""
        if (epoch + 1) % self.every == 0:
            self.write(self.model, epoch + 1)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Write what is left."""
        self.writer.flush()

    def write(self, model: keras.Model, step: int) -> None:
        """Write the maps of a model as it is now.

        Args:
            model: whose maps they are.
            step: where they stand in TensorBoard.

        Raises:
            ModelError, ValueError, TypeError: as `explain` does.
        """
        from PIL import Image
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        explanation = explain(model, self.pictures, **self.options)
        values = []
        for place, name in enumerate(self.names):
            likeliest = int(explanation.answers[place])
            known = explanation.classes[likeliest] if explanation.classes else f"class {likeliest}"
            says = f"{known} {explanation.probabilities[place, likeliest]:.0%}"
            for rule in explanation.rules:
                labels = [layer.address for layer in explanation.layers] if rule in explanation.maps else ["input"]
                drawn = [
                    explanation.overlay(label if rule in explanation.maps else None, rule, place) for label in labels
                ]
                sheet = tiles([drawable(explanation.pictures[place]), *drawn], COLUMNS, labels=[says, *labels])
                file = io.BytesIO()
                Image.fromarray(sheet).save(file, "PNG")
                height, width = sheet.shape[:2]
                image = Summary.Image(height=height, width=width, colorspace=3, encoded_image_string=file.getvalue())
                values.append(Summary.Value(tag=f"{name}/{rule}", image=image))
        self.writer.add_event(Event(wall_time=time.time(), step=step, summary=Summary(value=values)))
        self.writer.flush()

    def close(self) -> None:
        """Write what is left, and nothing more."""
        self.writer.close()
