"""Class activation maps of one pass: from a layer's activations and gradients, float32 n x h x w x channels each.

A rule returns float32 n x h x w: unnormalised, at the layer's own resolution.
"""

import functools
import operator
from collections.abc import Sequence
from typing import Any

from explain.rules.registry import Passes, register

Tensor = Any


def _mean(x: Tensor) -> Tensor:
    """Mean over all places: n x h x w x channels to n x channels."""
    import tensorflow as tf

    return tf.reduce_mean(x, axis=(1, 2))


def _total(x: Tensor) -> Tensor:
    """Sum over all places: n x h x w x channels to n x channels."""
    import tensorflow as tf

    return tf.reduce_sum(x, axis=(1, 2))


def _across(x: Tensor) -> Tensor:
    """Sum over all channels: n x h x w x channels to n x h x w."""
    import tensorflow as tf

    return tf.reduce_sum(x, axis=-1)


def _combine(activations: Tensor, weights: Tensor) -> Tensor:
    """Channels weighted and summed: n x h x w x channels and n x channels to n x h x w."""
    import tensorflow as tf

    return tf.einsum("nhwc,nc->nhw", activations, weights)


def _positive(x: Tensor) -> Tensor:
    """ReLU."""
    import tensorflow as tf

    return tf.nn.relu(x)


def resized(maps: Tensor, size: Any) -> Tensor:
    """n x h x w at another size, bilinearly."""
    import tensorflow as tf

    return tf.image.resize(maps[..., tf.newaxis], size)[..., 0]


def _ratio(x: Tensor, y: Tensor) -> Tensor:
    """x / y, and 0 where y is 0."""
    import tensorflow as tf

    return tf.math.divide_no_nan(x, y)


@register(
    "gradcam",
    title="Grad-CAM",
    equation="ReLU(Σₖ wₖ Aₖ),  wₖ = meanᵢ Gₖᵢ",
    source="Selvaraju et al., Grad-CAM, ICCV 2017, arXiv:1610.02391",
    warning="Averaging the gradient can light up places that the score did not use, most so in early layers.",
)
def gradcam(activations: Tensor, gradients: Tensor) -> Tensor:
    """Channels weighted by their mean gradient: ReLU(sum_k w_k A_k), w_k = mean_i G_ki."""
    return _positive(_combine(activations, _mean(gradients)))


@register(
    "gradcam++",
    title="Grad-CAM++",
    equation="ReLU(Σₖ wₖ Aₖ),  wₖ = Σᵢ αₖᵢ ReLU(Gₖᵢ),  αₖᵢ = Gₖᵢ² / (2 Gₖᵢ² + Gₖᵢ³ Σⱼ ReLU(Aₖⱼ))",
    source="Chattopadhay et al., Grad-CAM++, WACV 2018, arXiv:1710.11063",
    warning="Derived for layers behind a ReLU; of others α counts what a ReLU would leave, else it would have poles.",
)
def gradcam_plus_plus(activations: Tensor, gradients: Tensor) -> Tensor:
    """Channels weighted by their positive gradients, each place by its share alpha.

    The paper explains Y = exp(y), whose derivatives behind piecewise linear layers are exp(y) G, exp(y) G^2 and
    exp(y) G^3, and asks for (its equations 10 and 19)

        alpha_ki = G_ki^2 / (2 G_ki^2 + G_ki^3 sum_j A_kj),   w_k = sum_i alpha_ki ReLU(exp(y) G_ki)

    The factor exp(y), the same for all places of a picture, is left out: it would overflow. Only G > 0 count in w,
    and there G^2 cancels, so that nothing underflows: alpha ReLU(G) = ReLU(G) / (2 + ReLU(G) sum_j A_kj).

    The paper's A are behind a ReLU. Where they are not, the sum is over ReLU(A_kj): with a sum below zero the places
    where the denominator is next to nothing would make the map, and which those are is decided by roundings.
    """
    import tensorflow as tf

    rising = _positive(gradients)
    totals = _total(_positive(activations))[:, tf.newaxis, tf.newaxis, :]
    return _positive(_combine(activations, _total(rising / (2.0 + rising * totals))))


@register(
    "hirescam",
    title="HiResCAM",
    equation="ReLU(Σₖ Gₖ ⊙ Aₖ)",
    source="Draelos and Carin, Use HiResCAM instead of Grad-CAM, 2020, arXiv:2011.08891",
)
def hirescam(activations: Tensor, gradients: Tensor) -> Tensor:
    """Gradient times activation, place by place: ReLU(sum_k G_k * A_k).

    Before the ReLU, and where nothing but a dense layer follows, the map's sum is the score less the bias. The
    positive part is taken as in Grad-CAM, so that both can be compared.
    """
    return _positive(_across(gradients * activations))


@register(
    "layercam",
    title="LayerCAM",
    equation="ReLU(Σₖ ReLU(Gₖ) ⊙ Aₖ)",
    source="Jiang et al., LayerCAM, IEEE Transactions on Image Processing 2021, doi:10.1109/TIP.2021.3089943",
)
def layercam(activations: Tensor, gradients: Tensor) -> Tensor:
    """Positive gradient times activation, place by place: ReLU(sum_k ReLU(G_k) * A_k)."""
    return _positive(_across(_positive(gradients) * activations))


@register(
    "xgradcam",
    title="XGrad-CAM",
    equation="ReLU(Σₖ wₖ Aₖ),  wₖ = Σᵢ Gₖᵢ Aₖᵢ / Σᵢ Aₖᵢ",
    source="Fu et al., Axiom-based Grad-CAM, BMVC 2020, arXiv:2008.02312",
    warning="Derived for layers behind a ReLU: where a channel's activations cancel out, its weight has a pole.",
)
def xgradcam(activations: Tensor, gradients: Tensor) -> Tensor:
    """Channels weighted by their gradient's mean where they are active: w_k = sum_i G_ki A_ki / sum_i A_ki.

    Before the ReLU the map's sum is that of gradient times activation. A channel that sums to 0 has weight 0.
    """
    return _positive(_combine(activations, _ratio(_total(gradients * activations), _total(activations))))


@register(
    "fem",
    title="FEM",
    equation="ReLU(Σₖ mₖ [Aₖ > mₖ + 2 sₖ]),  mₖ, sₖ mean and standard deviation of Aₖ over places",
    source="Fuad et al., Features Understanding in 3D CNNs, IPTA 2020, doi:10.1109/IPTA50016.2020.9286629",
    warning="Does not depend on the class. On fewer than 2 x 3 places nothing can be two deviations above the mean.",
)
def fem(activations: Tensor) -> Tensor:
    """Where channels are far above their mean, each by its mean: ReLU(sum_k m_k [A_k > m_k + 2 s_k])."""
    import tensorflow as tf

    means = tf.reduce_mean(activations, (1, 2), keepdims=True)
    rare = activations > means + 2 * tf.math.reduce_std(activations, (1, 2), keepdims=True)
    return _positive(_across(means * tf.cast(rare, tf.float32)))


@register(
    "shapleycam",
    title="ShapleyCAM",
    equation="ReLU(Σₖ wₖ Aₖ),  wₖ = meanᵢ(Gₖᵢ − ½ (H A)ₖᵢ),  H = d²y/dA²",
    source="Cai, CAMs as Shapley Value-based Explainers, The Visual Computer 2025, arXiv:2501.06261",
    warning="Where only ReLUs and pooling follow, there is no curvature and this is Grad-CAM.",
    passes=lambda layers, size: Passes(1, 1 + len(layers)),
)
def shapleycam(activations: Tensor, gradients: Tensor, curvature: Tensor) -> Tensor:
    """Grad-CAM with the second-order term of the Shapley value: w_k = mean_i (G_ki - (H A)_ki / 2).

    The paper's utility is the logit with the logarithm of the probability added; here it is the explained score alone,
    as for every other rule.
    """
    return _positive(_combine(activations, _mean(gradients - curvature / 2)))


@register(
    "refinecam",
    title="RefineCAM",
    equation="Πₘ stretched(Grad-CAM++ₘ),  m this layer and all behind it",
    source="Domeniconi et al., How to Evaluate and Refine your CAM, 2026, arXiv:2605.14641",
    warning="One layer without heat leaves none before it. It depends on which layers are asked for.",
)
def refinecam(layers: Sequence[tuple[Tensor, Tensor]]) -> list[Tensor]:
    """What this layer and all asked for behind it agree on: the product of their Grad-CAM++ maps, each from 0 to 1.

    The map of the first layer is that of the paper, over all layers; it is brought to that layer's resolution
    bilinearly. A map that is the same everywhere counts as zero.
    """
    import tensorflow as tf

    maps = [gradcam_plus_plus(*layer) for layer in layers]
    low = [tf.reduce_min(heat, (1, 2), keepdims=True) for heat in maps]
    spread = [tf.reduce_max(heat, (1, 2), keepdims=True) - least for heat, least in zip(maps, low, strict=True)]
    maps = [_ratio(heat - least, range_) for heat, least, range_ in zip(maps, low, spread, strict=True)]
    return [
        functools.reduce(operator.mul, (resized(later, heat.shape[1:3]) for later in maps[place:]))
        for place, heat in enumerate(maps)
    ]
