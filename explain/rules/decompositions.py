"""Maps by the first principal component of a layer's activations.

A component has no sign of its own. It is given the one in which the map goes with the plain sum over the channels, or,
where the channels sum to nothing as behind a layer normalisation, in which the map's largest value is positive; then
what is negative is cut off as in every class activation map. Components are sought over at most 28 x 28 places.
"""

from typing import Any

from explain.rules.registry import register

Tensor = Any

MOST_PLACES = 28  # a side
CANCELLED = 1e-4  # of the channels' absolute values: a smaller sum over them may be rounding


def _smaller(x: Tensor) -> Tensor:
    """A map of at most `MOST_PLACES` a side, by the mean over areas."""
    import tensorflow as tf

    size = [min(side, MOST_PLACES) for side in x.shape[1:3]]
    return x if size == x.shape[1:3].as_list() else tf.image.resize(x, size, "area")


def _rows(x: Tensor) -> Tensor:
    """n x h x w x channels as n x places x channels."""
    import tensorflow as tf

    return tf.reshape(x, (-1, x.shape[1] * x.shape[2], x.shape[3]))


def _sign(maps: Tensor, rows: Tensor) -> Tensor:
    """1 or -1 for maps of n x places, by the sum over channels of n x places x channels: n x 1."""
    import tensorflow as tf

    along = tf.reduce_sum(maps * tf.reduce_sum(rows, 2), 1, keepdims=True)
    most = tf.reduce_sum(tf.abs(maps) * tf.reduce_sum(tf.abs(rows), 2), 1, keepdims=True)
    largest = tf.gather(maps, tf.argmax(tf.abs(maps), 1), axis=1, batch_dims=1)[:, tf.newaxis]
    return tf.sign(tf.where(tf.abs(along) > CANCELLED * most, along, largest))


def _first_direction(rows: Tensor) -> Tensor:
    """The first right singular vector of n x places x channels, through the smaller Gram matrix: n x channels."""
    import tensorflow as tf

    largest = tf.reduce_max(tf.abs(rows), (1, 2), keepdims=True)
    rows = tf.math.divide_no_nan(rows, largest)  # squares neither overflow nor vanish
    places, channels = rows.shape[1:]
    if channels <= places:
        _, vectors = tf.linalg.eigh(tf.matmul(rows, rows, transpose_a=True))
        direction = vectors[..., -1]
    else:
        _, vectors = tf.linalg.eigh(tf.matmul(rows, rows, transpose_b=True))
        direction = tf.einsum("npc,np->nc", rows, vectors[..., -1])
        direction = tf.math.divide_no_nan(direction, tf.norm(direction, axis=1, keepdims=True))
    return direction * _sign(tf.einsum("npc,nc->np", rows, direction), rows)


def _projected(x: Tensor) -> Tensor:
    """The positive part of what a map has in its first direction, at its own resolution."""
    import tensorflow as tf

    return tf.nn.relu(tf.einsum("nhwc,nc->nhw", x, _first_direction(_rows(_smaller(x)))))


@register(
    "eigencam",
    title="Eigen-CAM",
    equation="ReLU(A v),  v the first right singular vector of A (places x channels), Σₖ vₖ > 0",
    source="Muhammad and Yeasin, Eigen-CAM, IJCNN 2020, arXiv:2008.00299",
    warning="Does not depend on the class: it shows what varies most in the layer.",
    decomposes=True,
)
def eigencam(activations: Tensor) -> Tensor:
    """Activations in their first direction: ReLU(A v), A = U S V', v = V_1.

    As in the paper nothing is centred. Behind a ReLU all of v, and so the map, is positive (Perron and Frobenius).
    """
    return _projected(activations)


@register(
    "eigengradcam",
    title="EigenGrad-CAM",
    equation="ReLU(B v),  B = G ⊙ A (places x channels), v its first right singular vector, Σₖ vₖ > 0",
    source="Gildenblat et al., PyTorch library for CAM methods, 2021, after Muhammad and Yeasin, arXiv:2008.00299",
    warning="Shows the one direction in which gradient times activation is largest, be it for or against the class.",
    decomposes=True,
)
def eigengradcam(activations: Tensor, gradients: Tensor) -> Tensor:
    """Gradient times activation in its first direction: ReLU(B v), B = G * A = U S V', v = V_1.

    The sum over channels, with which the map's sign goes, is HiResCAM's map before its ReLU.
    """
    return _projected(gradients * activations)


@register(
    "kpcacam",
    title="KPCA-CAM",
    equation="ReLU(√λ u),  u, λ the first eigenpair of the centred exp(−‖Aᵢ − Aⱼ‖² / mean‖Aᵢ − Aⱼ‖²)",
    source="Karmani et al., KPCA-CAM, MMSP 2024, arXiv:2410.00267",
    warning="Does not depend on the class, and its resolution is at most 28 x 28.",
    decomposes=True,
)
def kpcacam(activations: Tensor) -> Tensor:
    """The first component of kernel principal component analysis over places, ReLU(sqrt(lambda) u).

    The kernel is Gaussian, with the mean squared distance between two places as width, so that the unit of the
    activations does not matter; the paper leaves kernel and width open. The analysis is centred, so the map is
    positive on one side of the mean alone: the side where the sum over channels is larger, or, where all sums are the
    same, the side of the place that is farthest from it.
    """
    import tensorflow as tf

    small = _smaller(activations)
    rows = _rows(small)
    centred = rows - tf.reduce_mean(rows, 1, keepdims=True)
    squares = tf.reduce_sum(centred**2, 2)
    distances = squares[:, :, tf.newaxis] + squares[:, tf.newaxis, :]
    distances = tf.nn.relu(distances - 2 * tf.matmul(centred, centred, transpose_b=True))
    width = 2 * tf.reduce_mean(squares, 1)[:, tf.newaxis, tf.newaxis]
    flat = width <= 1e-10 * tf.reduce_mean(rows**2, (1, 2), keepdims=True) * rows.shape[2]  # nothing but rounding
    kernel = tf.where(flat, 1.0, tf.exp(-tf.math.divide_no_nan(distances, width)))
    means = tf.reduce_mean(kernel, 1, keepdims=True)
    kernel += tf.reduce_mean(means, 2, keepdims=True) - means - tf.linalg.matrix_transpose(means)
    values, vectors = tf.linalg.eigh(kernel)
    component = vectors[..., -1] * tf.sqrt(tf.nn.relu(values[:, -1:]))
    maps = tf.reshape(tf.nn.relu(component * _sign(component, centred)), (-1, *small.shape[1:3], 1))
    return tf.image.resize(maps, activations.shape[1:3])[..., 0]
