"""Networks of `keras.applications` with their own preprocessing inside: RGB, 0 to 255, comes in for every one of them.

What a network's `preprocess_input` does stands in its graph as one Rescaling. Networks that expect blue first (the
ResNets: their weights come from Caffe) take red first here: their first kernel's input channels are turned round once,
when weights are copied, instead of every picture's.
"""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
from keras import layers

from training.models.ends import classifier, entry, mean_over_places
from training.models.imagenet_weights import WeightsError


@dataclass(frozen=True)
class Published:
    """A network.

    Attributes:
        builder: its name in `keras.applications`.
        scale, offset: of the preprocessing, times and plus, of all channels or of red, green and blue.
        licence: of its ImageNet weights.
        blue_first: its published first kernel expects blue, green, red.
    """

    builder: str
    scale: float | tuple[float, ...]
    offset: float | tuple[float, ...]
    licence: str
    blue_first: bool = False


SYMMETRIC = (1 / 127.5, -1.0)  # to -1 to 1
CAFFE = (1.0, (-123.68, -116.779, -103.939))
TORCH = ((1 / (255 * 0.229), 1 / (255 * 0.224), 1 / (255 * 0.225)), (-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225))
PUBLISHED = {
    "xception": Published("Xception", *SYMMETRIC, "MIT"),
    "mobilenetv2": Published("MobileNetV2", *SYMMETRIC, "Apache-2.0"),
    "inceptionv3": Published("InceptionV3", *SYMMETRIC, "Apache-2.0"),
    "resnet50": Published("ResNet50", *CAFFE, "MIT", blue_first=True),
    "resnet101": Published("ResNet101", *CAFFE, "MIT", blue_first=True),
    "resnet152": Published("ResNet152", *CAFFE, "MIT", blue_first=True),
    "densenet121": Published("DenseNet121", *TORCH, "BSD-3-Clause"),
}


def published(
    variant: str,
    classes: int,
    size: int,
    dropout: float = 0.0,
    unit: bool = False,
    input_size: int = 0,
    hidden: int = 0,
    standardise: bool = False,
    norm_first: bool = False,
) -> keras.Model:
    """Build a network with fresh weights.

    Args:
        variant: a name of `PUBLISHED`.
        classes: units of the head; 1 means one sigmoid unit, more a softmax.
        size: height and width in pixels that the network sees, at least 76.
        dropout: share dropped before the classifier.
        unit: scale the input to 0 to 1, not as the ImageNet weights expect it.
        input_size: height and width of the input, resized in the graph to `size`; 0: `size`.
        hidden, standardise: of the classifier, see `ends.classifier`.
        norm_first: see `ends.mean_over_places`.

    Returns:
        A functional model: float N x input x input x 3, RGB, 0 to 255, to float32 probabilities N x classes.
    """
    plan = PUBLISHED[variant]
    image, x = entry(size, input_size)
    scale, offset = (1 / 255, 0.0) if unit else (plan.scale, plan.offset)
    x = layers.Rescaling(scale, offset, name="preprocessing")(x)
    backbone = _builder(plan)(include_top=False, weights=None, input_tensor=x)
    x = mean_over_places(backbone.output, dropout, norm_first)
    x = classifier(x, classes, 0.0 if norm_first else dropout, hidden, standardise)
    return keras.Model(image, x, name=f"published_{variant}")


def _builder(plan: Published) -> Callable[..., keras.Model]:
    return getattr(keras.applications, plan.builder)


def copy_backbone(source: keras.Model, network: keras.Model, variant: str) -> None:
    """Give a network of `published` the weights of its bare backbone, as `keras.applications` builds it, in place."""
    values = source.get_weights()
    if PUBLISHED[variant].blue_first:
        values[0] = values[0][:, :, ::-1]
    fresh = network.get_weights()
    if [np.shape(value) for value in values] != [np.shape(value) for value in fresh[: len(values)]]:
        raise WeightsError(f"keras.applications.{PUBLISHED[variant].builder} is built otherwise than {network.name}.")
    network.set_weights(values + fresh[len(values) :])


def assign(network: keras.Model, variant: str) -> str:
    """Give a network of `published` its ImageNet weights but for the classifier, in place.

    Returns:
        Source and licence, for the card.

    Raises:
        WeightsError: when the weights are not to be had, with what to do.
    """
    plan = PUBLISHED[variant]
    try:
        source = _builder(plan)(include_top=False, weights="imagenet")
    except Exception as error:
        raise WeightsError(
            f"The ImageNet weights of {plan.builder} could not be downloaded ({error}). "
            "Run once where there is a network; they stay in ~/.keras."
        ) from error
    copy_backbone(source, network, variant)
    return f"ImageNet, keras.applications.{plan.builder} of Keras {keras.__version__} ({plan.licence})"
