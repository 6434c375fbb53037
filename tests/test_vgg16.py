"""VGG16 against its published figures, and the order of its layers."""

import keras

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
