"""What every family of networks begins and ends with: the input, and the classifier on pooled features."""

import keras
from keras import layers


def entry(size: int, input_size: int = 0) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """The input, RGB 0 to 255, and what the network sees of it.

    Args:
        size: height and width that the network sees, in pixels.
        input_size: height and width that come in; where it is another, pictures are resized in the graph (bilinearly).
    """
    image = keras.Input((input_size or size, input_size or size, 3), name="image")
    if input_size in (0, size):
        return image, image
    return image, layers.Resizing(size, size, name="resizing")(image)


def mean_over_places(x: keras.KerasTensor, dropout: float = 0.0, norm_first: bool = False) -> keras.KerasTensor:
    """From maps n x h x w x channels to features n x channels, the layer called `avg_pool`.

    Args:
        x: the maps.
        dropout: share of the maps' values dropped, with `norm_first` alone.
        norm_first: BatchNormalization and dropout stand before the mean.
    """
    if norm_first:
        x = layers.BatchNormalization(name="head_norm")(x)
        if dropout:
            x = layers.Dropout(dropout, name="head_dropout")(x)
    return layers.GlobalAveragePooling2D(name="avg_pool")(x)


def classifier(
    x: keras.KerasTensor, classes: int, dropout: float, hidden: int = 0, standardise: bool = False, prefix: str = ""
) -> keras.KerasTensor:
    """From features n x channels to float32 probabilities n x classes.

    Args:
        x: the features.
        classes: units; 1 means one sigmoid unit, more a softmax.
        dropout: share dropped before each dense layer.
        hidden: units of a layer between, with GELU; 0: none.
        standardise: bring each feature to mean 0 and deviation 1 first.
        prefix: of the layers' names.
    """
    if standardise:
        x = layers.BatchNormalization(name=f"{prefix}standardise")(x)
    if hidden:
        if dropout:
            x = layers.Dropout(dropout, name=f"{prefix}hidden_dropout")(x)
        x = layers.Dense(hidden, activation="gelu", name=f"{prefix}hidden")(x)
    if dropout:
        x = layers.Dropout(dropout, name=f"{prefix}dropout")(x)
    activation = "sigmoid" if classes == 1 else "softmax"
    # probabilities stay float32 under mixed precision
    return layers.Dense(classes, activation=activation, dtype="float32", name="predictions")(x)
