"""VGG16's thirteen convolutions (Simonyan and Zisserman, arXiv 1409.1556) with BatchNormalization before each pooling.

The head is light: global average pooling, dropout and one dense layer, instead of three dense layers over 25,088
values. Of VGG16's 138 million parameters 124 million stand in those; without them the file is 33 MB, the network takes
any input size, so it can be trained at growing ones, and its last maps lead straight to the score.
"""

import keras
from keras import layers

from training.models.ends import classifier, entry
from training.models.fast import FastBatchNormalization, FastConv2D

BLOCKS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))  # (channels, convolutions)


def vgg16(
    classes: int,
    size: int,
    dropout: float = 0.5,
    unit: bool = False,
    fast: bool = False,
    input_size: int = 0,
    hidden: int = 0,
    standardise: bool = False,
) -> keras.Model:
    """Build a network with fresh weights.

    Args:
        classes: units of the head; 1 means one sigmoid unit, more a softmax.
        size: height and width in pixels that the network sees, at least 32.
        dropout: share dropped before the head.
        unit: scale the input to 0 to 1, not to -1 to 1.
        fast: train by layers that are faster on a CPU, with the same weights in the same order (see `fast`).
        input_size: height and width of the input, resized in the graph to `size`; 0: `size`.
        hidden, standardise: of the classifier, see `ends.classifier`.

    Returns:
        A functional model: float N x input x input x 3, RGB, 0 to 255, to float32 probabilities N x classes.
    """
    image, x = entry(size, input_size)
    scale, offset = (1 / 255, 0) if unit else (1 / 127.5, -1)
    x = layers.Rescaling(scale, offset, name="preprocessing")(x)
    for block, (channels, convolutions) in enumerate(BLOCKS, 1):
        for number in range(1, convolutions + 1):
            wide = fast and x.shape[-1] >= 128
            x = (FastConv2D if wide else layers.Conv2D)(
                channels,
                3,
                padding="same",
                activation="relu",
                kernel_initializer="he_normal",
                name=f"block{block}_conv{number}",
            )(x)
        x = (FastBatchNormalization if fast else layers.BatchNormalization)(name=f"block{block}_bn")(x)
        x = layers.MaxPooling2D(name=f"block{block}_pool")(x)
    x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
    x = classifier(x, classes, dropout, hidden, standardise)
    return keras.Model(image, x, name="vgg16")
