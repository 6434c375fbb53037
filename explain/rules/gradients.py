"""Attributions of the input in one pass: from the gradients of the score to the picture and to all biases."""

from collections.abc import Sequence
from typing import Any

from explain.rules.cams import gradcam, resized
from explain.rules.registry import Passes, register

Tensor = Any

BLIND = "Shows edges whatever the upper layers, and so the class, are: with these at random it hardly changes."


@register(
    "gradient",
    title="Gradient",
    equation="maxₖ |dy/dxₖ|",
    source="Simonyan et al., Deep Inside Convolutional Networks, ICLR workshop 2014, arXiv:1312.6034",
    level="input",
    warning="Where a small change would change the score, not what the score is made of; noisy.",
)
def gradient(slopes: Tensor) -> Tensor:
    """The largest absolute gradient among a pixel's channels: max_k |dy/dx_k|."""
    import tensorflow as tf

    return tf.reduce_max(tf.abs(slopes), -1)


@register(
    "gradient-input",
    title="Gradient x input",
    equation="Σₖ xₖ dy/dxₖ",
    source="Shrikumar et al., Not Just a Black Box, 2016, arXiv:1605.01713",
    level="input",
    warning="What is black, or zero as the model takes it, can have no part in the score; noisy.",
)
def gradient_input(pixels: Tensor, slopes: Tensor) -> Tensor:
    """Each pixel's part of a score that is linear around the picture: sum_k x_k dy/dx_k; it may be negative."""
    import tensorflow as tf

    return tf.reduce_sum(pixels * slopes, -1)


@register(
    "fullgrad",
    title="FullGrad",
    equation="Σₜ Σₖ resized(stretched |tₖ|),  t = x dy/dx and, of every bias b, b dy/db by place",
    source="Srinivas and Fleuret, Full-Gradient Representation, NeurIPS 2019, arXiv:1905.00780",
    level="input",
    warning="Counts what speaks against the class as much as what speaks for it.",
)
def fullgrad(terms: Sequence[Tensor]) -> Tensor:
    """The input's part of the score and that of every bias at every place, together: sum_t sum_k psi(t_k).

    psi takes the absolute value, stretches it over all channels of a term from 0 to 1 and brings it to the input's
    size. Where the model is piecewise linear, the terms themselves sum to the score (but for biases of dense layers). A
    normalisation's offset less its scaled mean is a bias, too; what preprocessing adds belongs to the input.
    """
    import tensorflow as tf

    size = terms[0].shape[1:3]
    total = 0.0
    for term in terms:
        parts = tf.abs(term)
        least = tf.reduce_min(parts, (1, 2, 3), keepdims=True)
        spread = tf.reduce_max(parts, (1, 2, 3), keepdims=True) - least
        total += resized(tf.reduce_sum(tf.math.divide_no_nan(parts - least, spread), -1), size)
    return total


@register(
    "guided-backprop",
    title="Guided backpropagation",
    equation="maxₖ |g dy/dxₖ|,  g: every ReLU passes back only what is positive, where it is active",
    source="Springenberg et al., Striving for Simplicity, ICLR workshop 2015, arXiv:1412.6806",
    level="input",
    warning=BLIND,
    passes=Passes(2, 2),
)
def guided_backprop(guided: Tensor) -> Tensor:
    """The largest absolute guided gradient among a pixel's channels; for models with ReLUs.

    That it ignores the model's upper layers was shown by Adebayo et al., Sanity Checks for Saliency Maps, NeurIPS 2018,
    arXiv:1810.03292.
    """
    import tensorflow as tf

    return tf.reduce_max(tf.abs(guided), -1)


@register(
    "guided-gradcam",
    title="Guided Grad-CAM",
    equation="maxₖ |g dy/dxₖ| ⊙ resized(Grad-CAM of the last layer)",
    source="Selvaraju et al., Grad-CAM, ICCV 2017, arXiv:1610.02391",
    level="input",
    warning=f"Grad-CAM of the last layer asked for, with fine detail that is not the model's. {BLIND}",
    passes=Passes(2, 2),
)
def guided_gradcam(layers: Sequence[tuple[Tensor, Tensor]], guided: Tensor) -> Tensor:
    """Guided backpropagation where Grad-CAM of the last layer asked for is hot."""
    return guided_backprop(guided) * resized(gradcam(*layers[-1]), guided.shape[1:3])
