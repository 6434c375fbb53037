"""What a model adds to its maps: biases, and the constants of normalisations and preprocessing."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from explain.graph import reachable, source_of

Tensor = Any

_ADDING = {"Add", "AddV2", "BiasAdd", "Sub"}
_MIXING = {"Conv2D", "Conv2DBackpropInput", "DepthwiseConv2dNative", "MatMul", "BatchMatMulV2", "Einsum"}


class Added(NamedTuple):
    """An operation that adds something that does not depend on the picture.

    Attributes:
        output: of the operation, n x h x w x channels.
        constant: what is added, of a shape that fits the output.
        sign: 1, or -1 where it is subtracted.
        early: whether no weights lie before it, as in preprocessing.
    """

    output: Tensor
    constant: Tensor
    sign: int
    early: bool


def added(start: Tensor) -> list[Added]:
    """What is added to maps on the way from a tensor, in order of execution; maps of a single place are left out.

    Args:
        start: the model's input, a symbolic tensor of a graph that the model was traced in.

    Returns:
        One for each such operation.
    """
    reached = reachable(start)
    weighted: set[Any] = set()  # operations behind weights
    biases = []
    for operation, sources in reached.items():
        if operation.type in _MIXING or any(source in weighted for source in sources):
            weighted.add(operation)
        if operation.type not in _ADDING:
            continue
        output = operation.outputs[0]
        outside = [place for place, tensor in enumerate(operation.inputs) if source_of(tensor).op not in reached]
        is_map = output.shape.rank == 4 and output.dtype.is_floating and output.shape[1:3].num_elements() != 1
        if is_map and len(outside) == 1:
            sign = -1 if operation.type == "Sub" and outside == [1] else 1
            biases.append(Added(output, operation.inputs[outside[0]], sign, operation not in weighted))
    return biases


def terms(pixels: Tensor, slopes: Tensor, biases: Sequence[Added], gradients: Sequence[Tensor | None]) -> list[Tensor]:
    """What the input and every bias add to the score of a model that is linear around the picture.

    What preprocessing adds counts as part of the input, so that the range of the model's values does not matter.

    Args:
        pixels: the model's input, float32 n x H x W x channels.
        slopes: gradients of the score to it.
        biases: of the model.
        gradients: of the score to their outputs; None for those that it does not depend on.

    Returns:
        float32 n x h x w x channels each, the input's first. Where the model is piecewise linear and adds nothing but
        to maps, all of them together sum to the score.
    """
    import tensorflow as tf

    of_input, others = pixels * slopes, []
    for bias, gradient in zip(biases, gradients, strict=True):
        if gradient is None:
            continue
        term = bias.sign * tf.cast(bias.constant, tf.float32) * tf.cast(gradient, tf.float32)
        if bias.early and term.shape[1:] == of_input.shape[1:]:
            of_input += term
        else:
            others.append(term)
    return [of_input, *others]
