"""Attributions of the input from a vision transformer's attention."""

from collections.abc import Sequence
from typing import Any

from explain.rules.cams import resized
from explain.rules.registry import register

Tensor = Any


@register(
    "legrad",
    title="LeGrad",
    equation="meanₗ meanₕ meanᵢ ReLU(dy/dWₗₕᵢ),  Wₗₕᵢ what query i attends to by head h of layer l",
    source="Bousselham et al., LeGrad, ICCV 2025, arXiv:2404.03214",
    level="input",
    warning="For vision transformers: where more attention would raise the score, not what the attention now carries.",
)
def legrad(attention: Sequence[Tensor], pixels: Tensor) -> Tensor:
    """Where more attention would raise the score, averaged over queries, heads and layers, at the input's size.

    The paper takes for each layer the score that the head would give for that layer's own tokens; here it is the
    explained score itself, as for every other rule. A class token and registers ask, but are not asked for.
    """
    import tensorflow as tf

    maps = [resized(tf.reduce_mean(tf.nn.relu(gradient), (1, 2)), pixels.shape[1:3]) for gradient in attention]
    return tf.add_n(maps) / len(maps)
