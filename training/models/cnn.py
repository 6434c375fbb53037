"""Plain convolutional networks for small pictures, each a `Plan`: the steps of the original's ladder, and a deeper one.

Blocks of 3 x 3 convolutions, each block but the last followed by pooling; then dense layers, or none: the mean over
places and the classifier. What the original does not say (widths, kernels of the first rungs) is chosen sensibly.
"""

from dataclasses import dataclass

import keras
from keras import layers

from training.models.ends import classifier, entry
from training.models.fast import FastBatchNormalization, FastConv2D


@dataclass(frozen=True)
class Plan:
    """A network.

    Attributes:
        blocks: (channels, convolutions) of each block.
        shortcuts: for each block, how many of its last convolutions stand in a residual branch; empty: none.
        pool_first: pooling stands behind a block's first convolution, not behind its last.
        kernel: height and width of the kernels.
        norm: BatchNormalization behind each convolution.
        overlap: pooling over 3 x 3 places at every second one (AlexNet's), not over 2 x 2.
        dense: units of hidden dense layers on all places; empty: the mean over places.
        drop: share dropped at each pooling.
        drop_after: behind the pooling, not before it.
        activation: of convolutions and dense layers.
    """

    blocks: tuple[tuple[int, int], ...]
    shortcuts: tuple[int, ...] = ()
    pool_first: bool = False
    kernel: int = 3
    norm: bool = True
    overlap: bool = False
    dense: tuple[int, ...] = ()
    drop: float = 0.0
    drop_after: bool = False
    activation: str = "relu"


VGG = ((64, 2), (128, 2), (256, 3), (512, 3))
PLANS = {
    "simple": Plan(((32, 1), (64, 1), (128, 1)), norm=False, dense=(256, 128)),
    "lenet": Plan(((6, 1), (16, 1)), kernel=5, norm=False, dense=(120, 84), activation="tanh"),
    "alexnet": Plan(((64, 1), (192, 1), (384, 1), (256, 1)), overlap=True, dense=(512, 512)),
    "deeper": Plan(((32, 2), (64, 2), (128, 2), (256, 2)), dense=(512,)),
    "deeper-drop-before": Plan(((32, 2), (64, 2), (128, 2), (256, 2)), dense=(512,), drop=0.3),
    "deeper-drop-after": Plan(((32, 2), (64, 2), (128, 2), (256, 2)), dense=(512,), drop=0.3, drop_after=True),
    "vgg": Plan(VGG, dense=(512,), drop=0.3, drop_after=True),
    "vgg-no-dense": Plan(VGG, drop=0.3, drop_after=True),
    "residual": Plan(VGG, shortcuts=(1, 1, 2, 2), drop=0.3, drop_after=True),
    "best": Plan(((64, 1), (128, 3), (256, 1), (448, 3)), shortcuts=(0, 2, 0, 2), pool_first=True),
}


def cnn(
    plan: str | Plan,
    classes: int,
    size: int,
    dropout: float = 0.0,
    unit: bool = False,
    fast: bool = False,
    input_size: int = 0,
    hidden: int = 0,
    standardise: bool = False,
) -> keras.Model:
    """Build a network with fresh weights.

    Args:
        plan: a name of `PLANS`, or a plan of one's own.
        classes: units of the head; 1 means one sigmoid unit, more a softmax.
        size: height and width in pixels that the network sees, at least 16.
        dropout: share dropped before the classifier.
        unit: scale the input to 0 to 1, not to -2 to 2.
        fast: train by layers that are faster on a CPU, with the same weights in the same order (see `fast`).
        input_size: height and width of the input, resized in the graph to `size`; 0: `size`.
        hidden, standardise: of the classifier, see `ends.classifier`.

    Returns:
        A functional model: float N x input x input x 3, RGB, 0 to 255, to float32 probabilities N x classes.
    """
    name = plan if isinstance(plan, str) else "custom"
    plan = PLANS[plan] if isinstance(plan, str) else plan

    def convolve(x, channels, name):
        wide = fast and plan.kernel == 3 and x.shape[-1] >= 64
        x = (FastConv2D if wide else layers.Conv2D)(
            channels, plan.kernel, padding="same", kernel_initializer="he_normal", name=f"{name}_conv"
        )(x)
        if plan.norm:
            x = (FastBatchNormalization if fast else layers.BatchNormalization)(name=f"{name}_bn")(x)
        return layers.Activation(plan.activation, name=f"{name}_activation")(x)

    def pool(x, name):
        if plan.drop and not plan.drop_after:
            x = layers.Dropout(plan.drop, name=f"{name}_dropout")(x)
        x = layers.MaxPooling2D(3 if plan.overlap else 2, 2, padding="same", name=f"{name}_pool")(x)
        if plan.drop and plan.drop_after:
            x = layers.Dropout(plan.drop, name=f"{name}_dropout")(x)
        return x

    image, x = entry(size, input_size)
    scale, offset = (1 / 255, 0) if unit else (1 / 64, -2)
    x = layers.Rescaling(scale, offset, name="preprocessing")(x)
    shortcuts = plan.shortcuts or (0,) * len(plan.blocks)
    for number, ((channels, convolutions), inside) in enumerate(zip(plan.blocks, shortcuts, strict=True), 1):
        block = f"block{number}"
        last = number == len(plan.blocks)
        for k in range(1, convolutions + 1):
            if k == convolutions - inside + 1:
                entry_of_branch = x
            x = convolve(x, channels, f"{block}{'abcdefg'[k - 1]}")
            if k == 1 and plan.pool_first and number > 1:
                x = pool(x, block)
        if inside:
            x = layers.Add(name=f"{block}_add")([x, entry_of_branch])
        if not last and not plan.pool_first:
            x = pool(x, block)
    if plan.dense:
        x = pool(x, f"block{len(plan.blocks)}") if not plan.pool_first else x
        x = layers.Flatten(name="flatten")(x)
        for number, units in enumerate(plan.dense, 1):
            x = layers.Dense(units, activation=plan.activation, kernel_initializer="he_normal", name=f"dense{number}")(
                x
            )
            if plan.drop:
                x = layers.Dropout(plan.drop, name=f"dense{number}_dropout")(x)
    else:
        x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
    return keras.Model(image, classifier(x, classes, dropout, hidden, standardise), name=f"cnn_{name}")
