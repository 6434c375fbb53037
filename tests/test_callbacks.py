"""Maps of fixed pictures in TensorBoard, epoch by epoch."""

import doctest
import io
import sys

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

from explain import TensorBoardMaps, callbacks, explain
from explain.overlay import tiles

PICTURES = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), np.uint8)


def images(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    accumulator = EventAccumulator(str(folder)).Reload()
    return {tag: accumulator.Images(tag) for tag in accumulator.Tags()["images"]}


def net():
    x = keras.Input((16, 16, 3))
    y = layers.Conv2D(4, 3, activation="relu", name="conv")(layers.Rescaling(1 / 255)(x))
    model = keras.Model(x, layers.Dense(2, activation="softmax")(layers.GlobalAveragePooling2D()(y)))
    model.compile(keras.optimizers.SGD(1.0), "sparse_categorical_crossentropy")
    return model


def test_every_epoch_has_the_maps_of_its_weights(tmp_path):
    model = net()
    maps = TensorBoardMaps(
        [PICTURES[0], np.zeros((30, 20, 3), np.uint8)],
        tmp_path,
        names=["first", "black"],
        rules=["gradcam", "gradient"],
        layers="last",
        target=1,
        every=2,
        classes=["cat", "dog"],
    )
    model.fit(PICTURES.astype(np.float32), np.array([0, 1]), epochs=4, verbose=0, callbacks=[maps])
    written = images(tmp_path)
    assert set(written) == {"first/gradcam", "first/gradient", "black/gradcam", "black/gradient"}
    assert [event.step for event in written["first/gradcam"]] == [2, 4]
    explanation = explain(model, PICTURES[0], 1, rules=["gradcam"], layers="last")
    says = int(explanation.probabilities[0].argmax())
    labels = [f"{['cat', 'dog'][says]} {explanation.probabilities[0, says]:.0%}", "conv"]
    expected = tiles([PICTURES[0], explanation.overlay()], 6, labels=labels)
    image = Image.open(io.BytesIO(written["first/gradcam"][1].encoded_image_string))
    assert np.array_equal(np.asarray(image), expected)
    assert written["first/gradcam"][0].encoded_image_string != written["first/gradcam"][1].encoded_image_string


def test_what_is_wrong_is_said_before_the_training(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="There is no rule"):
        TensorBoardMaps(PICTURES, tmp_path, rules="gradcan")
    with pytest.raises(ValueError, match="2 pictures need as many names, not 1"):
        TensorBoardMaps(PICTURES, tmp_path, names=["one"])
    with pytest.raises(ValueError, match="every is a number of epochs"):
        TensorBoardMaps(PICTURES, tmp_path, every=0)
    monkeypatch.setitem(sys.modules, "tensorboard.summary.writer.event_file_writer", None)
    with pytest.raises(ImportError, match="pip install tensorboard"):
        TensorBoardMaps(PICTURES, tmp_path)


def test_examples():
    assert doctest.testmod(callbacks).failed == 0
