"""EfficientNet of any width, depth and resolution (Tan and Le, arXiv 1905.11946), and its Lite variants.

Layers carry the names of `keras.applications`, so weights move between the two by name. The preprocessing stands
inside: the input is RGB, 0 to 255.
"""

import math
from dataclasses import dataclass, replace

import keras
from keras import layers

from training.models.ends import classifier, entry, mean_over_places
from training.models.fast import FastBatchNormalization, FastDepthwiseConv2D, FastPointwiseConv2D, FastSwish
from training.models.folded import FoldedConvolution

# (repeats, kernel, stride, expansion, channels) of the seven stages at width 1 and depth 1: the paper's table 1.
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
LAST_STRIDE = max(stage for stage, (_, _, stride, _, _) in enumerate(STAGES) if stride > 1)
BASES = (1.2, 1.1, 1.15)  # of depth, width and resolution, by the paper's grid search
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

CONVOLUTION_INIT = {"class_name": "VarianceScaling", "config": {"scale": 2.0, "mode": "fan_out"}}


@dataclass(frozen=True)
class Variant:
    """One member of the family.

    Attributes:
        width, depth: what channels and repeats are multiplied by.
        size: height and width in pixels that it is made for.
        dropout: share dropped before the head.
        lite: for integer hardware: no squeeze-and-excitation, ReLU6 for swish, stem and head of fixed width, first and
            last stage never repeated more.
        last_stride: of the last stage that has one; 1 takes it out, so that small pictures leave larger maps.
    """

    width: float
    depth: float
    size: int
    dropout: float = 0.2
    lite: bool = False
    last_stride: int = 2

    def channels(self, channels: int) -> int:
        """Channels at this width, to the nearest multiple of eight, never more than a tenth below."""
        wanted = channels * self.width
        rounded = max(8, int(wanted + 4) // 8 * 8)
        return rounded + 8 if rounded < 0.9 * wanted else rounded

    def repeats(self, stage: int) -> int:
        """How often the block of a stage (0 to 6) stands in a row at this depth."""
        repeats = STAGES[stage][0]
        return repeats if self.lite and stage in (0, len(STAGES) - 1) else math.ceil(self.depth * repeats)

    def stride(self, stage: int) -> int:
        """Of a stage's first block."""
        return self.last_stride if stage == LAST_STRIDE else STAGES[stage][2]


def compound(phi: float, bases: tuple[float, float, float] = BASES) -> tuple[float, float, float]:
    """Compound scaling (the paper's equation 3): by which factors depth, width and resolution grow together.

    Args:
        phi: 0 leaves a network as it is; each further 1 costs `depth x width^2 x resolution^2` of the bases as much,
            1.92 times with the paper's.
        bases: the factors at phi = 1, for depth, width and resolution.

    Returns:
        Factors of depth, width and resolution. The published B1 to B7 follow them only roughly (see `VARIANTS`).

    Example:
        >>> [round(factor, 3) for factor in compound(2)]
        [1.44, 1.21, 1.322]
    """
    depth, width, resolution = (base**phi for base in bases)
    return depth, width, resolution


def _compounded(base: Variant, phi: float) -> Variant:
    """A variant scaled by the formula, its size to the nearest multiple of eight."""
    depth, width, resolution = compound(phi)
    size = round(base.size * resolution / 8) * 8
    return replace(base, depth=base.depth * depth, width=base.width * width, size=size)


# A small one for pictures of 64 pixels, and four that cost 4 times its multiply-adds, each within 5 % (channels and
# repeats are whole numbers): three that grow in one dimension, one in all three.
SMALL = Variant(0.5, 0.6, 64, last_stride=1)
SCALED = {
    "baseline": SMALL,
    "deeper": replace(SMALL, depth=2.8),
    "wider": replace(SMALL, width=1.1),
    "sharper": replace(SMALL, size=128),
    "compound": _compounded(SMALL, 2),
}
VARIANTS = {
    "b0": Variant(1.0, 1.0, 224, 0.2),
    "b1": Variant(1.0, 1.1, 240, 0.2),
    "b2": Variant(1.1, 1.2, 260, 0.3),
    "b3": Variant(1.2, 1.4, 300, 0.3),
    "b4": Variant(1.4, 1.8, 380, 0.4),
    "b5": Variant(1.6, 2.2, 456, 0.4),
    "b6": Variant(1.8, 2.6, 528, 0.5),
    "b7": Variant(2.0, 3.1, 600, 0.5),
    "lite0": Variant(1.0, 1.0, 224, 0.2, lite=True),
    "lite1": Variant(1.0, 1.1, 240, 0.2, lite=True),
    "lite2": Variant(1.1, 1.2, 260, 0.3, lite=True),
    **{f"small-{name}": variant for name, variant in SCALED.items()},
}


def efficientnet(
    variant: str | Variant,
    classes: int,
    size: int | None = None,
    dropout: float | None = None,
    drop_connect: float = 0.0,
    frozen_statistics: bool = False,
    unit: bool = False,
    input_size: int = 0,
    hidden: int = 0,
    standardise: bool = False,
    norm_first: bool = False,
    fast: bool = False,
) -> keras.Model:
    """Build a network with fresh weights.

    Args:
        variant: a name of `VARIANTS`, or a `Variant` of one's own.
        classes: units of the head; 1 means one sigmoid unit, more a softmax.
        size: height and width in pixels that the network sees; None: the variant's own.
        dropout: share dropped before the head; None: the variant's own.
        drop_connect: share of pictures for which the last block is skipped, growing linearly from 0 (stochastic depth).
        frozen_statistics: BatchNormalization always uses its stored mean and variance, also while training; its
            scale and offset are trained all the same. Each is one layer with its convolution then (`folded`): for
            training only, the checkpoint is the plain network with the same weights.
        unit: scale the input to 0 to 1, not as the ImageNet weights expect it.
        input_size: height and width of the input, resized in the graph to `size`; 0: `size`.
        hidden, standardise: of the classifier, see `ends.classifier`.
        norm_first: see `ends.mean_over_places`.
        fast: train by layers that are faster on a CPU, with the same weights in the same order (see `fast`).

    Returns:
        A functional model: float N x input x input x 3, RGB, 0 to 255, to float32 probabilities N x classes.

    Raises:
        KeyError: for a variant that is not in `VARIANTS`.
    """
    name = variant if isinstance(variant, str) else "custom"
    variant = VARIANTS[variant] if isinstance(variant, str) else variant
    size = size or variant.size
    dropout = variant.dropout if dropout is None else dropout

    def activate(x, name):
        if variant.lite:
            return layers.ReLU(6.0, name=name)(x)
        return (FastSwish(name=name) if fast else layers.Activation("swish", name=name))(x)

    def convolve(x, channels, kernel, stride, conv_name, bn_name):
        """A convolution (depthwise where channels is None) and its BatchNormalization."""
        if frozen_statistics:
            return FoldedConvolution(channels, kernel, stride, CONVOLUTION_INIT, name=conv_name)(x)
        if channels is None:
            convolution = (FastDepthwiseConv2D if fast else layers.DepthwiseConv2D)(
                kernel, stride, "same", use_bias=False, depthwise_initializer=CONVOLUTION_INIT, name=conv_name
            )
        else:
            convolution = (FastPointwiseConv2D if fast and kernel == 1 else layers.Conv2D)(
                channels, kernel, stride, "same", use_bias=False, kernel_initializer=CONVOLUTION_INIT, name=conv_name
            )
        normalise = FastBatchNormalization if fast else layers.BatchNormalization
        return normalise(name=bn_name)(convolution(x))

    def squeeze_excite(x, channels, name):
        y = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_se_squeeze")(x)
        for filters, activation, part in ((channels, "swish", "reduce"), (x.shape[-1], "sigmoid", "expand")):
            y = (FastPointwiseConv2D if fast else layers.Conv2D)(
                filters, 1, activation=activation, kernel_initializer=CONVOLUTION_INIT, name=f"{name}_se_{part}"
            )(y)
        return layers.Multiply(name=f"{name}_se_excite")([x, y])

    def block(x, channels, kernel, stride, expansion, drop, name):
        """Inverted residual: widen, filter channels, (squeeze and excite), narrow; a shortcut where shapes allow."""
        entry, width = x, x.shape[-1]
        if expansion != 1:
            x = convolve(x, width * expansion, 1, 1, f"{name}_expand_conv", f"{name}_expand_bn")
            x = activate(x, f"{name}_expand_activation")
        x = activate(convolve(x, None, kernel, stride, f"{name}_dwconv", f"{name}_bn"), f"{name}_activation")
        if not variant.lite:
            x = squeeze_excite(x, max(1, width // 4), name)
        x = convolve(x, channels, 1, 1, f"{name}_project_conv", f"{name}_project_bn")
        if stride == 1 and channels == width:
            if drop:
                x = layers.Dropout(drop, noise_shape=(None, 1, 1, 1), name=f"{name}_drop")(x)
            x = layers.Add(name=f"{name}_add")([x, entry])
        return x

    def outer(channels):  # stem and head
        return channels if variant.lite else variant.channels(channels)

    image, x = entry(size, input_size)
    if unit:
        x = layers.Rescaling(1 / 255, name="preprocessing")(x)
    elif variant.lite:
        x = layers.Rescaling(1 / 128, -127 / 128, name="preprocessing")(x)
    else:
        scale = [1 / (255 * std) for std in IMAGENET_STD]
        offset = [-mean / std for mean, std in zip(IMAGENET_MEAN, IMAGENET_STD, strict=True)]
        x = layers.Rescaling(scale, offset, name="preprocessing")(x)
    x = activate(convolve(x, outer(32), 3, 2, "stem_conv", "stem_bn"), "stem_activation")
    total, done = sum(variant.repeats(stage) for stage in range(len(STAGES))), 0
    for stage, (_, kernel, _, expansion, channels) in enumerate(STAGES):
        for repeat in range(variant.repeats(stage)):
            x = block(
                x,
                variant.channels(channels),
                kernel,
                variant.stride(stage) if repeat == 0 else 1,
                expansion,
                drop_connect * done / total,
                f"block{stage + 1}{chr(ord('a') + repeat)}",
            )
            done += 1
    x = activate(convolve(x, outer(1280), 1, 1, "top_conv", "top_bn"), "top_activation")
    x = mean_over_places(x, dropout, norm_first)
    x = classifier(x, classes, 0.0 if norm_first else dropout, hidden, standardise, prefix="top_")
    return keras.Model(image, x, name=f"efficientnet_{name}")
