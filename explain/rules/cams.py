"""Class activation maps of one pass: from a layer's activations and gradients, float32 n x h x w x channels each.

A rule returns float32 n x h x w: unnormalised, at the layer's own resolution.
"""

from typing import Any

from explain.rules.registry import register

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
    equation="ReLU(Σₖ wₖ Aₖ),  wₖ = Σᵢ αₖᵢ ReLU(Gₖᵢ),  αₖᵢ = Gₖᵢ² / (2 Gₖᵢ² + Gₖᵢ³ Σⱼ Aₖⱼ)",
    source="Chattopadhay et al., Grad-CAM++, WACV 2018, arXiv:1710.11063",
    warning="Derived for layers behind a ReLU: where a channel's activations sum to less than zero, α has a pole.",
)
def gradcam_plus_plus(activations: Tensor, gradients: Tensor) -> Tensor:
    """Channels weighted by their positive gradients, each place by its share alpha.

    The paper explains Y = exp(y), whose derivatives behind piecewise linear layers are exp(y) G, exp(y) G^2 and
    exp(y) G^3, and asks for (its equations 10 and 19)

        alpha_ki = G_ki^2 / (2 G_ki^2 + G_ki^3 sum_j A_kj),   w_k = sum_i alpha_ki ReLU(exp(y) G_ki)

    The factor exp(y), the same for all places of a picture, is left out: it would overflow. Only G > 0 count in w,
    and there G^2 cancels, so that nothing underflows: alpha ReLU(G) = ReLU(G) / (2 + ReLU(G) sum_j A_kj).
    0/0 (no gradient), and the pole itself, is 0.
    """
    import tensorflow as tf

    rising = _positive(gradients)
    totals = _total(activations)[:, tf.newaxis, tf.newaxis, :]
    return _positive(_combine(activations, _total(_ratio(rising, 2.0 + rising * totals))))


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
