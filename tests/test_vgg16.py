"""VGG16 against its published figures, and the order of its layers."""

import keras
import numpy as np
import pytest

from training.models.efficientnet import efficientnet
from training.models.vgg16 import vgg16


def test_the_convolutions_are_the_published_ones():
    ours = vgg16(classes=1, size=64)
    theirs = keras.applications.VGG16(weights=None, include_top=False)
    convolutions = [layer for layer in ours.layers if isinstance(layer, keras.layers.Conv2D)]
    published = [layer for layer in theirs.layers if isinstance(layer, keras.layers.Conv2D)]
    assert [layer.kernel.shape for layer in convolutions] == [layer.kernel.shape for layer in published]
    assert sum(layer.count_params() for layer in convolutions) == 14_714_688
    assert {layer.kernel_initializer.__class__.__name__ for layer in convolutions} == {"HeNormal"}


def test_normalisation_stands_between_the_convolutions_and_each_pooling():
    kinds = [type(layer).__name__ for layer in vgg16(classes=1, size=64).layers]
    poolings = [place for place, kind in enumerate(kinds) if kind == "MaxPooling2D"]
    assert len(poolings) == 5
    assert kinds.count("BatchNormalization") == 5
    for place in poolings:
        assert kinds[place - 2 : place] == ["Conv2D", "BatchNormalization"]


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        (lambda: vgg16(1, 32), [-1.0, -0.2, 1.0]),
        (lambda: vgg16(1, 32, unit=True), [0.0, 0.4, 1.0]),
        (lambda: efficientnet("b0", 1, 32, unit=True), [0.0, 0.4, 1.0]),
        (lambda: efficientnet("lite0", 1, 32), [-127 / 128, -25 / 128, 1.0]),
    ],
)
def test_preprocessing_stands_inside(network, expected):
    values = network().get_layer("preprocessing")(np.full((1, 1, 1, 3), [0.0, 102.0, 255.0], np.float32))
    np.testing.assert_allclose(np.ravel(values), expected, atol=1e-6)
