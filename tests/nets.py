"""Hand-set nets: small enough to be worked out on paper, built in every way Keras knows.

`KINDS` are builders of one and the same function in different make. Each returns a model and the address of its layer
`features`, whose output is the input itself (a 1 x 1 convolution with the identity, then ReLU). A dense head with the
weights `GRADIENTS` follows. For the picture `PICTURE` the logits are 1, -1 and 0.
"""

import tempfile

import keras
import numpy as np
from keras import layers, ops

FEW = {  # parameters by which rules of many passes cost little
    "smoothgradcam++": {"samples": 2},
    "scorecam": {"channels": 3},
    "ablationcam": {"channels": 3},
    "smoothgrad": {"samples": 2},
    "integrated-gradients": {"steps": 4},
    "rise": {"masks": 20, "cells": 4},
}
PICTURE = np.array([[[[1, 1], [2, 1]], [[0, 2], [1, 1]]]], np.float32)  # 1 x 2 x 2 x 2, channels last
CHANNELS = PICTURE[0].transpose(2, 0, 1)  # ((1, 2), (0, 1)) and ((1, 1), (2, 1))

# Gradient of each logit to `features`, places x channels; class 1 falls with every activation, class 2 knows none.
GRADIENTS = np.stack(
    [
        [[[1, -1], [0, 1]], [[-1, -1], [2, 0]]],
        -np.ones((2, 2, 2)),
        np.zeros((2, 2, 2)),
    ]
).astype(np.float32)
BIAS = np.array([0, 8, 0], np.float32)
LOGITS = np.array([[1, -1, 0]], np.float32)
PROBABILITIES = np.exp(LOGITS) / np.exp(LOGITS).sum()


def _along(direction, rows):
    """The positive part of rows in a direction."""
    return np.maximum(np.array(rows) @ np.array(direction) / np.linalg.norm(direction), 0)


def _kernel_component(distances, width):
    """The first component of a Gaussian kernel's centred matrix; the second place has most activation."""
    centring = np.eye(4) - 1 / 4
    values, vectors = np.linalg.eigh(centring @ np.exp(-np.array(distances) / width) @ centring)
    component = vectors[:, -1] * np.sqrt(values[-1])
    return np.maximum(component * np.sign(component[1]), 0).reshape(2, 2)


# Maps of class 0 on `features`, or of the input, by hand.
MAPS = {
    # mean gradients 1/2 and -1/4
    "gradcam": [[0.25, 0.75], [0, 0.25]],
    # sums of A 4 and 5; 1 / (2 + 4) + 2 / (2 + 4 * 2) = 11/30 and 1 / (2 + 5) = 1/7
    "gradcam++": [[107 / 210, 184 / 210], [60 / 210, 107 / 210]],
    # 1 - 1, 0 + 1, 0 - 2, 2 + 0
    "hirescam": [[0, 1], [0, 2]],
    # 1, 0 + 1, 0, 2
    "layercam": [[1, 1], [0, 2]],
    # weights 3/4 and -2/5
    "xgradcam": [[0.35, 1.1], [0, 0.35]],
    # of four values none is two deviations above their mean
    "fem": [[0, 0], [0, 0]],
    # a linear head has no curvature
    "shapleycam": [[0.25, 0.75], [0, 0.25]],
    # of one layer, from 60/210 to 184/210
    "refinecam": [[47 / 124, 1], [0, 47 / 124]],
    # A'A = ((6, 4), (4, 7)), so v ~ (4, (1 + sqrt 65) / 2)
    "eigencam": _along([4, (1 + 65**0.5) / 2], [[[1, 1], [2, 1]], [[0, 2], [1, 1]]]),
    # B'B = ((5, -1), (-1, 6)), so v ~ (-1, (1 + sqrt 5) / 2)
    "eigengradcam": _along([-1, (1 + 5**0.5) / 2], [[[1, -1], [0, 1]], [[0, -2], [2, 0]]]),
    # squared distances of the places, their mean 22/16
    "kpcacam": _kernel_component([[0, 1, 2, 0], [1, 0, 5, 1], [2, 5, 0, 2], [0, 1, 2, 0]], 22 / 16),
    # gradients do not change with the picture
    "smoothgradcam++": [[107 / 210, 184 / 210], [60 / 210, 107 / 210]],
    # seen through the first channel the logit is 2, through the second -2
    "scorecam": [
        [1, 1 + 1 / (1 + np.exp(-4))],
        [2 / (1 + np.exp(4)), 1],
    ],
    # without the first channel the logit is -2, without the second 3
    "ablationcam": [[1, 4], [0, 1]],
    # of the two channels the one with the larger gradient
    "gradient": [[1, 1], [1, 2]],
    "smoothgrad": [[1, 1], [1, 2]],
    # 1 - 1, 0 + 1, 0 - 2, 2 + 0
    "gradient-input": [[0, 1], [-2, 2]],
    "integrated-gradients": [[0, 1], [-2, 2]],
    "occlusion": [[0, 1], [-2, 2]],
    # of their absolute values, halved as the largest is 2
    "fullgrad": [[1, 0.5], [1, 1]],
    # only what is positive comes back
    "guided-backprop": [[1, 1], [0, 2]],
    "guided-gradcam": [[0.25, 0.75], [0, 0.5]],
    # masks that keep everything
    "rise": [[PROBABILITIES[0, 0]] * 2] * 2,
    # of `attending`: each place times (2, -1), by one query of five
    "legrad": [[0.2, 0.6], [0, 0.2]],
}
# Parameters for that, where the rule's defaults are no numbers for paper.
PARAMETERS = {
    "smoothgrad": {"noise": 0},
    "occlusion": {"window": 0.5, "stride": 0.5, "fill": 0.0},
    "rise": {"masks": 3, "keep": 1.0},
}

KINDS = {}


def kind(build):
    KINDS[build.__name__] = build
    return build


def identity(channels=2, name="features", **options):
    """A 1 x 1 convolution that leaves its input as it is."""
    kernel = keras.initializers.Constant(np.eye(channels, dtype=np.float32).reshape(1, 1, channels, channels))
    return layers.Conv2D(channels, 1, use_bias=False, kernel_initializer=kernel, name=name, **options)


def dense(kernel, bias=None, name="head", **options):
    kernel = np.asarray(kernel, np.float32)
    bias = np.zeros(kernel.shape[1], np.float32) if bias is None else bias
    constant = keras.initializers.Constant
    return layers.Dense(
        kernel.shape[1], kernel_initializer=constant(kernel), bias_initializer=constant(bias), name=name, **options
    )


def head(activation="softmax", **options):
    return dense(GRADIENTS.reshape(3, -1).T, BIAS, activation=activation, **options)


@kind
def functional():
    x = keras.Input((2, 2, 2))
    y = identity(activation="relu")(x)
    return keras.Model(x, head()(layers.Flatten()(y))), "features"


@kind
def sequential():
    return keras.Sequential([keras.Input((2, 2, 2)), identity(activation="relu"), layers.Flatten(), head()]), "features"


@kind
def sequential_built_late():
    return keras.Sequential([identity(activation="relu"), layers.Flatten(), head()]), "features"


@kind
def nested():
    backbone = keras.Sequential([keras.Input((2, 2, 2)), identity(activation="relu")], name="backbone")
    return keras.Sequential([keras.Input((2, 2, 2)), backbone, layers.Flatten(), head()]), "backbone/features"


@kind
def nested_deeper():
    x = keras.Input((2, 2, 2))
    inner = keras.Model(x, identity(activation="relu")(x), name="inner")
    x = keras.Input((2, 2, 2))
    middle = keras.Model(x, layers.Dropout(0.5)(inner(x)), name="middle")
    x = keras.Input((2, 2, 2))
    return keras.Model(x, head()(layers.Flatten()(middle(x)))), "middle/inner/features"


@kind
def shared_layer():
    x = keras.Input((2, 2, 2))
    features = identity(activation="relu")
    return keras.Model(x, head()(layers.Flatten()(features(features(x))))), "features#2"


@kind
def shared_model():
    backbone = keras.Sequential([keras.Input((2, 2, 2)), identity(activation="relu")], name="backbone")
    x = keras.Input((2, 2, 2))
    return keras.Model(x, head()(layers.Flatten()(backbone(backbone(x))))), "backbone#2/features"


@kind
def reloaded():
    with tempfile.TemporaryDirectory() as folder:
        nested()[0].save(f"{folder}/model.keras")
        return keras.saving.load_model(f"{folder}/model.keras"), "backbone/features"


@kind
def softmax_as_layer():
    x = keras.Input((2, 2, 2))
    y = identity(activation="relu")(x)
    return keras.Model(x, layers.Softmax()(head(None)(layers.Flatten()(y)))), "features"


@kind
def activations_as_layers():
    x = keras.Input((2, 2, 2))
    y = layers.ReLU(name="features")(identity(name="convolution")(x))
    return keras.Model(x, layers.Activation("softmax")(head(None)(layers.Flatten()(y)))), "features"


@kind
def functional_operations():
    x = keras.Input((2, 2, 2))
    y = identity()(ops.relu(x)) + 0.0
    return keras.Model(x, ops.softmax(head(None)(ops.reshape(y, (-1, 8))))), "features"


@kind
def only_logits():
    x = keras.Input((2, 2, 2))
    return keras.Model(x, head(None)(layers.Flatten()(identity(activation="relu")(x)))), "features"


@kind
def log_probabilities():
    x = keras.Input((2, 2, 2))
    return keras.Model(x, head("log_softmax")(layers.Flatten()(identity(activation="relu")(x)))), "features"


@kind
def mixed_precision():
    x = keras.Input((2, 2, 2))
    y = identity(activation="relu", dtype="mixed_float16")(x)
    y = layers.Flatten(dtype="mixed_float16")(y)
    return keras.Model(
        x, layers.Activation("softmax", dtype="float32")(head(None, dtype="mixed_float16")(y))
    ), "features"


class Several(layers.Layer):
    """Returns a list, so it has no map of its own; the layers behind take it apart."""

    def call(self, x):
        return [x, {"half": x / 2}]


@kind
def structures_between_layers():
    x = keras.Input((2, 2, 2))
    y = identity(activation="relu")(x)
    whole, rest = Several(name="several")(y)
    return keras.Model(x, head()(layers.Flatten()(layers.Add()([whole, rest["half"], rest["half"]]) / 2))), "features"


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.parts = [identity(), layers.Flatten()]
        self.head = head(None)

    def call(self, x):
        return ops.softmax(self.head(self.parts[1](self.parts[0](ops.relu(x)))))


@kind
def subclassed():
    return Subclassed(), "features"


class Block(layers.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.convolution = identity()

    def build(self, shape):
        self.convolution.build(shape)

    def call(self, x):
        return 2 * self.convolution(x / 2)


@kind
def custom_layer():
    x = keras.Input((2, 2, 2))
    return keras.Model(x, head()(layers.Flatten()(Block(name="block")(x)))), "block"


def one_unit(activation="sigmoid", shape=(2, 2, 2)):
    """One unit whose logit is that of class 0."""
    x = keras.Input(shape)
    y = layers.Flatten()(identity(activation="relu")(x))
    return keras.Model(x, dense(GRADIENTS[0].reshape(-1, 1), activation=activation)(y))


def averaging(size=(4, 5), kernel=((1, -2), (3, 0), (-1, 1)), activation="softmax"):
    """Identity, global average pooling, dense: where CAM itself is defined."""
    x = keras.Input((*size, len(kernel)))
    y = layers.GlobalAveragePooling2D()(identity(len(kernel), activation="relu")(x))
    return keras.Model(x, dense(kernel, activation=activation)(y))


def convolutional(seed=0, activation="tanh", size=(8, 8)):
    """Three convolutions with random weights, pooled after each: nothing about it is special."""
    keras.utils.set_random_seed(seed)
    x = y = keras.Input((*size, 3))
    for index, channels in enumerate((4, 6, 5)):
        y = layers.Conv2D(channels, 3, padding="same", activation=activation, name=f"conv{index}")(y)
        y = layers.MaxPooling2D(2, name=f"pool{index}")(y) if index < 2 else y
    y = layers.GlobalAveragePooling2D()(y)
    return keras.Model(x, layers.Dense(3, activation="softmax", name="head")(y))


def quadratic():
    """One logit, the sum of all squared activations: A'A, with gradient 2 A and Hessian 2."""
    x = keras.Input((2, 2, 2))
    y = identity(activation="relu")(x)
    y = layers.Flatten()(y * y)
    return keras.Model(x, dense(np.stack([np.ones(8), np.zeros(8), -np.ones(8)], 1), activation="softmax")(y))


class Beside(layers.Layer):
    """Tokens beside those of the picture: so many before, a class token first, and so many behind."""

    def __init__(self, before=1, behind=0, **options):
        super().__init__(**options)
        self.before, self.behind = before, behind

    def build(self, shape):
        self.first = self.add_weight(shape=(1, self.before, shape[-1]), initializer="zeros", name="first")
        self.last = self.add_weight(shape=(1, self.behind, shape[-1]), initializer="zeros", name="last")

    def call(self, x):
        parts = [(self.first, self.before), (None, 0), (self.last, self.behind)]
        return ops.concatenate(
            [
                x if part is None else ops.broadcast_to(part, (ops.shape(x)[0], count, x.shape[-1]))
                for part, count in parts
                if part is None or count
            ],
            1,
        )


def attending():
    """A class token, zero, that attends to the four places and to itself alike; its logits are (2, -1) x, 0 and 0."""
    x = keras.Input((2, 2, 2))
    y = layers.Reshape((4, 2))(identity(activation="relu")(x))
    y = Beside(name="tokens")(y)
    attention = layers.MultiHeadAttention(1, 2, use_bias=False, name="attention")
    model = keras.Model(x, dense([[2, 0, 0], [-1, 0, 0]], activation="softmax")(attention(y, y)[:, 0]))
    zero, one = np.zeros((2, 1, 2), np.float32), np.eye(2, dtype=np.float32).reshape(2, 1, 2)
    attention.set_weights([zero, zero, one, one.reshape(1, 2, 2)])
    return model


def transformer(size=(24, 32), patch=8, blocks=2, before=1, behind=0, pooled=False, classes=3, seed=0):
    """A small vision transformer with random weights: patches, tokens beside them, attention, a head."""
    keras.utils.set_random_seed(seed)
    x = keras.Input((*size, 3))
    y = layers.Conv2D(8, patch, patch, name="patches")(x)
    y = layers.Reshape((y.shape[1] * y.shape[2], 8), name="rows")(y)
    y = Beside(before, behind, name="tokens")(y) if before or behind else y
    for block in range(blocks):
        z = layers.LayerNormalization(name=f"norm{block}")(y)
        y = layers.Add(name=f"attended{block}")([y, layers.MultiHeadAttention(2, 4, name=f"attention{block}")(z, z)])
        z = layers.Dense(16, activation="gelu")(layers.LayerNormalization()(y))
        y = layers.Add(name=f"block{block}")([y, layers.Dense(8)(z)])
    y = layers.LayerNormalization(name="norm")(y)
    y = layers.GlobalAveragePooling1D()(y) if pooled else y[:, 0]
    model = keras.Model(x, layers.Dense(classes, activation="softmax", name="head")(y))
    random = np.random.default_rng(seed)
    if before or behind:
        tokens = model.get_layer("tokens")
        tokens.set_weights([random.normal(size=weights.shape) for weights in tokens.get_weights()])
    return model


RED, BLUE = (slice(2, 8), slice(3, 9)), (slice(9, 15), slice(8, 14))  # rows and columns


def planted(size=(18, 18)):
    """A net that knows evidence for its first class (red) and for its second (blue), and nothing else."""
    x = keras.Input((*size, 3))
    y = layers.Rescaling(1 / 255, name="preprocessing")(x)
    kernel = np.zeros((3, 3, 3, 4), np.float32)
    kernel[..., 0] = np.array([1, -1, -1]) / 9
    kernel[..., 1] = np.array([-1, -1, 1]) / 9
    bias = np.array([-0.1, -0.1, 0, 0], np.float32)
    y = layers.Conv2D(4, 3, padding="same", activation="relu", name="colours")(y)
    y = layers.MaxPooling2D(2, name="pool")(y)
    y = identity(4, activation="relu")(y)
    y = layers.GlobalAveragePooling2D()(y)
    model = keras.Model(x, dense([[30, 0, 0], [0, 30, 0], [0, 0, 0], [0, 0, 0]], activation="softmax")(y))
    model.get_layer("colours").set_weights([kernel, bias])
    return model


def planted_picture():
    """Red and blue of equal size, in a grey that is noisy."""
    picture = np.random.default_rng(0).integers(90, 110, (18, 18, 1)).repeat(3, 2).astype(np.uint8)
    picture[RED] = (220, 30, 30)
    picture[BLUE] = (30, 30, 220)
    return picture


def nested_copy(model, names):
    """The same net with all but its last `names` in a model of its own."""
    backbone = keras.Model(model.input, model.get_layer(names[0]).input, name="backbone")
    y = x = keras.Input(model.input_shape[1:])
    y = backbone(y)
    for name in names:
        y = model.get_layer(name)(y)
    return keras.Model(x, y)
