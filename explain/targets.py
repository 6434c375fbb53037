"""What is explained: from "predicted", 3, "cat" or a function to one number per picture."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, Literal, NamedTuple, get_args

import numpy as np

from explain.errors import ModelError
from explain.graph import reachable

Tensor = Any
Contrast = Callable[[Tensor], Tensor]

SLACK = 0.02  # by which probabilities in a coarse precision may lie outside of 0 to 1

HeadKind = Literal["auto", "logits", "probabilities"]
HEADS: tuple[HeadKind, ...] = get_args(HeadKind)

PREDICTED = -1  # as an index: the class with the highest logit

_PASSING = {"Identity", "IdentityN", "Cast", "Reshape", "Squeeze", "ExpandDims", "EnsureShape", "StopGradient"}
_SOFTMAX = {"Softmax", "LogSoftmax"}
# Operations that are linear in one input where the others don't depend on the picture: sums of the picture's values,
_ADDING = {
    *("Add", "AddV2", "AddN", "Sub", "Neg", "BiasAdd", "Mean", "Sum", "AvgPool"),
    *("Transpose", "ConcatV2", "Pack", "Unpack", "Split", "SplitV", "StridedSlice", "Slice", "GatherV2"),
}
# and products with something; of those, what mixes channels, with weights.
_MIXING = {"MatMul", "BatchMatMulV2", "Einsum", "Conv2D", "Conv2DBackpropInput", "Conv3D"}
_WEIGHING = _MIXING | {"Mul", "RealDiv", "DepthwiseConv2dNative", "FusedBatchNormV3"}


@dataclass(frozen=True)
class Finer:
    """A class and not those nearest to it: its logit less gamma times the mean logit of some others.

    Finer-CAM is Grad-CAM, or any other rule, of this target (Zhang et al., Finer-CAM, CVPR 2025, arXiv:2501.11309). The
    others are the classes whose logits are nearest to that of the class, picture by picture.

    Attributes:
        target: "predicted", a class, or one per picture.
        gamma: how much the others count; 0 is the class alone.
        nearest: how many others; of fewer all.

    Example:
        >>> import tensorflow as tf
        >>> logits = tf.constant([[5.0, 4.0, 1.0, 0.0]])
        >>> Finer(gamma=0.5, nearest=2).scores(logits, tf.constant([0])).numpy().tolist()
        [3.75]
    """

    target: Any = "predicted"
    gamma: float = 0.6
    nearest: int = 3

    def __post_init__(self) -> None:
        if not (self.gamma >= 0 and np.isfinite(self.gamma)):
            raise ValueError(f"gamma says how much the other classes count, 0 or more, not {self.gamma}.")
        if self.nearest < 1:
            raise ValueError(f"nearest is a number of other classes, 1 or more, not {self.nearest}.")
        if callable(self.target) or isinstance(self.target, Finer):
            raise TypeError("Of what a class is told apart is a class or one per picture, no function.")

    def scores(self, logits: Tensor, classes: Tensor) -> Tensor:
        """The explained numbers.

        Args:
            logits: float32 (n, classes).
            classes: int32 (n,), those explained.

        Returns:
            float32 (n,).

        Raises:
            ValueError: for less than three classes.
        """
        import tensorflow as tf

        count = logits.shape[1]
        if count < 3:
            raise ValueError(
                f"A finer target tells a class from its nearest others, which takes three classes or more: the model "
                f"has {count}, and what speaks against the one is what speaks for the other."
            )
        chosen = _picked(logits, classes[:, tf.newaxis])[:, 0]
        distances = tf.where(tf.one_hot(classes, count) > 0, np.inf, tf.abs(logits - chosen[:, tf.newaxis]))
        _, others = tf.math.top_k(-tf.stop_gradient(distances), min(self.nearest, count - 1))
        return chosen - self.gamma * tf.reduce_mean(_picked(logits, others), 1)


Target = int | str | Contrast | Finer | Sequence[int | str] | np.ndarray


class Head(NamedTuple):
    """What comes out of a model; a single sigmoid unit has become two classes.

    Attributes:
        logits: float32 n x classes.
        probabilities: float32 n x classes.
    """

    logits: Tensor
    probabilities: Tensor


def resolve(
    target: Target, count: int, classes: Sequence[str] | None = None
) -> tuple[np.ndarray, Contrast | Finer | None]:
    """One class per picture, or one function for all, or both.

    Args:
        target: "predicted", a class's index or name, a list with one of these per picture, a `Finer`, or a function
            that takes logits (float32 tensor n x classes) and returns n numbers.
        count: number of pictures, n.
        classes: names of the classes, in order.

    Returns:
        int32 indices (n,), `PREDICTED` where the model's own choice or a function decides; and the function, or a
        `Finer` without its target, or None.

    Raises:
        ValueError: for an unknown name (the nearest are named), a negative index, a list of another length.
        TypeError: for anything else.

    Example:
        >>> resolve(["dog", "predicted"], 2, ["cat", "dog"])
        (array([ 1, -1], dtype=int32), None)
    """
    if isinstance(target, Finer):
        indices, _ = resolve(target.target, count, classes)
        return indices, replace(target, target="predicted")
    if callable(target):
        return np.full(count, PREDICTED, np.int32), target
    if isinstance(target, np.ndarray) and target.ndim == 0:
        target = target.item()
    if isinstance(target, (list, tuple, np.ndarray)):
        if len(target) != count:
            raise ValueError(f"{len(target)} targets for {count} pictures: give one for all, or one per picture.")
        return np.array([_index(choice, classes) for choice in target], np.int32), None
    return np.full(count, _index(target, classes), np.int32), None


def _index(target: Any, classes: Sequence[str] | None) -> int:
    if isinstance(target, str):
        if target == "predicted":
            return PREDICTED
        if classes is None:
            raise ValueError(f"The target {target!r} is a name, and names need classes=[...].")
        if target not in classes:
            nearest = get_close_matches(target, classes, cutoff=0.4) or list(classes[:5])
            raise ValueError(f"There is no class {target!r}. Nearest: {', '.join(nearest)}.")
        return list(classes).index(target)
    if isinstance(target, (int, np.integer)) and not isinstance(target, bool):
        if target < 0:
            raise ValueError(f"The target {target} is negative: classes are counted from 0.")
        return int(target)
    raise TypeError(f"A target is 'predicted', an index, a name or a function, not {type(target).__name__}.")


def check(indices: np.ndarray, classes: Sequence[str] | None, count: int) -> None:
    """Refuse indices and names that do not fit a model.

    Args:
        indices: int (n,), as `resolve` returns them.
        classes: names of the classes, or None.
        count: number of the model's classes.

    Raises:
        ValueError: in that case.

    Example:
        >>> check(np.array([1, -1]), ["cat", "dog"], 2)
    """
    if classes is not None and len(classes) != count:
        raise ValueError(f"{len(classes)} class names for a model of {count} classes.")
    if indices.max() >= count:
        raise ValueError(f"The target {indices.max()} does not exist: the model has {count} classes, counted from 0.")


def check_head(kind: str) -> None:
    """Refuse what is no kind of head.

    Args:
        kind: one of `HEADS`.

    Raises:
        ValueError: in that case.
    """
    if kind not in HEADS:
        raise ValueError(f"head is one of {', '.join(map(repr, HEADS))}, not {kind!r}.")


def class_names(classes: Iterable[str] | Mapping | None) -> tuple[str, ...] | None:
    """The names of the classes, in order.

    Args:
        classes: names in order, or a mapping between names and indices, in either direction (as Keras' generators give,
            `class_indices`), or None.

    Returns:
        The names, or None where none are given.

    Raises:
        ValueError: for a mapping whose indices are not 0, 1, 2 ..., and for a single word.

    Example:
        >>> class_names({"dog": 1, "cat": 0})
        ('cat', 'dog')
    """
    if classes is None:
        return None
    if isinstance(classes, str):
        raise ValueError(f"classes are a list of names, not the word {classes!r}.")
    if isinstance(classes, Mapping):
        by_index = {index: name for name, index in classes.items()}
        if not all(isinstance(index, (int, np.integer)) for index in by_index):
            by_index = dict(classes)
        if sorted(by_index, key=str) != sorted(range(len(classes)), key=str):
            raise ValueError(f"A mapping of classes has the indices 0 to {len(classes) - 1}, each once, not {classes}.")
        classes = [by_index[index] for index in range(len(classes))]
    return tuple(classes)


def check_probabilities(probabilities: np.ndarray) -> None:
    """Refuse what cannot be probabilities, though `head="probabilities"` was said.

    Args:
        probabilities: float, of any shape.

    Raises:
        ValueError: for values that lie outside of 0 to 1 by more than rounding.
    """
    low, high = probabilities.min(), probabilities.max()
    if low < -SLACK or high > 1 + SLACK:
        raise ValueError(
            f"The model returned {low:.3g} to {high:.3g}, which are no probabilities: leave out "
            'head="probabilities", or say head="logits".'
        )


def head(output: Any, start: Tensor, kind: HeadKind = "auto") -> Head:
    """Logits and probabilities of a model, from the symbolic tensor it returned.

    The score of a class is its logit, what goes into the last sigmoid or softmax. That operation is looked for in the
    traced graph, behind operations that leave values as they are. So it does not matter whether it sits inside a Dense
    layer, in a layer of its own, in `keras.ops` or in a subclassed `call`; nothing is computed twice, and no layer has
    to be changed or understood. Probabilities are those that the model returns, in its own precision.

    - One sigmoid unit means two classes: logits (-z, z), probabilities (1 - p, p).
    - Several sigmoid units are independent classes; their probabilities do not sum to 1.
    - Linear units (a Dense layer without activation, say) are logits: of a sigmoid where there is one, else of a
      softmax.
    - Anything else (a mean of probabilities, 1 - p, a clipped sigmoid) is not guessed, but has to be said.

    Args:
        output: what the model returned: a tensor (n, classes), (n, 1) or (n,), or a structure that holds just one.
        start: the model's input, a symbolic tensor of the same graph.
        kind: what comes out of the model. "auto": to be told by the graph. "logits". "probabilities": then the score is
            the logarithm of a class's probability; of one unit, log p - log(1 - p) and its negative.

    Returns:
        Logits and probabilities, both float32 (n, classes).

    Raises:
        ModelError: for a model that does not return one tensor with one row of classes per picture; where "auto" cannot
            tell for certain what comes out.
        ValueError: where `kind` is contradicted by the graph.

    Example:
        >>> import keras, tensorflow as tf
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="softmax")])
        >>> @tf.function
        ... def logits(batch):
        ...     return head(model(batch), batch).logits
        >>> logits(tf.zeros((2, 4))).shape
        TensorShape([2, 3])
    """
    import tensorflow as tf

    check_head(kind)
    output = _only_tensor(output)
    units = 1 if output.shape.rank == 1 else output.shape[-1]

    def rows(tensor: Tensor) -> Tensor:
        return tf.cast(tf.reshape(tensor, (-1, units)), tf.float32)

    activation = _last_activation(output, units)
    returned = rows(output)
    if kind == "auto" and activation is not None:
        logits = rows(activation.inputs[0])
        probabilities = tf.exp(returned) if activation.type == "LogSoftmax" else returned
    elif kind == "probabilities":
        if activation is not None and activation.type == "LogSoftmax":
            raise ValueError('The model ends in a log-softmax, no probabilities: leave out head="probabilities".')
        # below the floor the gradient 1 / p would overflow in the model's own precision
        floor = max(1e-30, 1.0 / output.dtype.max)
        logits, probabilities = tf.math.log(tf.maximum(returned, floor)), returned
        if units == 1:
            logits -= tf.math.log(tf.maximum(1.0 - returned, floor))
    else:
        if activation is not None and activation.type != "LogSoftmax":
            raise ValueError(f'The model ends in a {activation.type.lower()}: leave out head="logits".')
        if kind == "auto" and not _is_linear(output, start):
            raise ModelError(
                "head",
                "The model ends in the operation {operation}, so whether it returns logits or probabilities cannot be "
                'told for certain: say it by head="probabilities" or head="logits".',
                operation=_behind(output).op.type,
            )
        logits, probabilities = returned, tf.nn.sigmoid(returned) if units == 1 else tf.nn.softmax(returned)
    if units == 1:
        return Head(tf.concat([-logits, logits], 1), tf.concat([1.0 - probabilities, probabilities], 1))
    return Head(logits, probabilities)


def _only_tensor(output: Any) -> Tensor:
    """The one tensor with one row of classes per picture that a model returned, by itself or in a structure."""
    import tensorflow as tf

    tensors = tf.nest.flatten(output)
    if len(tensors) != 1 or not hasattr(tensors[0], "shape"):
        raise ModelError(
            "outputs",
            "A classifier is needed, that returns one row of classes per picture; it returns {count} tensors, of which "
            "`explain.narrowed` leaves one.",
            count=len(tensors),
        )
    shape = tensors[0].shape
    if not shape.rank or any(size != 1 for size in shape[1:-1]) or None in shape[1:]:
        described = " x ".join(["n", *map(str, shape[1:])]) if shape.rank else shape
        raise ModelError(
            "output",
            "A classifier is needed, that returns one row of classes per picture; its output is {shape}.",
            shape=described,
        )
    if not tensors[0].dtype.is_floating:
        raise ModelError(
            "output-kind",
            "A classifier is needed, that returns floating numbers, not {kind}.",
            kind=tensors[0].dtype.name,
        )
    return tensors[0]


def _behind(tensor: Tensor) -> Tensor:
    """The tensor whose values these are, behind operations that leave floating values as they are."""
    while tensor.op.type in _PASSING and tensor.op.inputs[tensor.value_index].dtype.is_floating:
        tensor = tensor.op.inputs[tensor.value_index]
    return tensor


def _last_activation(output: Tensor, units: int) -> Any | None:
    """The sigmoid or softmax over all units that made the output's values, or None."""
    operation = _behind(output).op
    if operation.type == "Sigmoid":
        return operation
    whole = operation.type in _SOFTMAX and operation.outputs[0].shape[-1] == units > 1
    return operation if whole else None


def _is_linear(output: Tensor, start: Tensor) -> bool:
    """Whether the output is for certain what linear units with weights of the model give.

    Weights lie on every way from the output back to something that is not linear in the model's input. That must not be
    probabilities, which linear operations may as well average; but a hidden layer of several sigmoid units is none.
    """
    reached = reachable(start)
    ways = [(output, False)]
    ends: dict[Any, bool] = {}  # operations that are not linear, and whether weights lie behind each on every way
    seen = set()
    while ways:
        tensor, weighted = ways.pop()
        operation = tensor.op
        if (operation, weighted) in seen:
            continue
        seen.add((operation, weighted))
        dependent = [place for place, source in enumerate(operation.inputs) if source.op in reached]
        if (behind := _behind(tensor)) is not tensor:
            ways.append((behind, weighted))
        elif operation.type in _ADDING:
            ways += [(operation.inputs[place], weighted) for place in dependent]
        elif operation.type in _WEIGHING and len(dependent) == 1 and (operation.type != "RealDiv" or dependent == [0]):
            others = [source for place, source in enumerate(operation.inputs) if place not in dependent]
            learned = operation.type in _MIXING and any(map(_holds_variable, others))
            ways.append((operation.inputs[dependent[0]], weighted or learned))
        else:
            ends[operation] = weighted and ends.get(operation, True)
    likely = [operation for operation in ends if operation.type in _SOFTMAX | {"Sigmoid"}]
    hidden = len(likely) == 1 and likely[0].type == "Sigmoid" and likely[0].outputs[0].shape[-1] != 1
    return all(ends.values()) and (not likely or hidden)


def _holds_variable(tensor: Tensor) -> bool:
    """Whether a tensor is computed from a variable of the model."""
    waiting, seen = [tensor.op], set()
    while waiting:
        operation = waiting.pop()
        if operation.type == "ReadVariableOp":
            return True
        if operation not in seen:
            seen.add(operation)
            waiting += [source.op for source in operation.inputs]
    return False


def score(logits: Tensor, indices: Tensor, contrast: Contrast | Finer | None) -> tuple[Tensor, Tensor]:
    """The explained number and the explained class of every picture.

    Args:
        logits: float32 (n, classes).
        indices: int32 (n,); `PREDICTED` for the class of the greatest logit.
        contrast: a function of the logits that is explained instead, or a `Finer`, or None.

    Returns:
        Scores, float32 (n,), and classes, int32 (n,): -1 where a function is explained.

    Raises:
        ValueError: where the function does not return one number per picture.

    Example:
        >>> import tensorflow as tf
        >>> scores, explained = score(tf.constant([[1.0, 3.0], [5.0, 4.0]]), tf.constant([PREDICTED, 1]), None)
        >>> scores.numpy().tolist(), explained.numpy().tolist()
        ([3.0, 4.0], [1, 1])
    """
    import tensorflow as tf

    if callable(contrast):
        scores = tf.convert_to_tensor(contrast(logits))
        if scores.shape != logits.shape[:1]:
            raise ValueError(f"The target function has to return {logits.shape[0]} numbers, not {scores.shape}.")
        return tf.cast(scores, tf.float32), indices
    chosen = tf.where(indices == PREDICTED, tf.argmax(logits, 1, tf.int32), indices)
    if contrast is not None:
        return contrast.scores(logits, chosen), chosen
    return _picked(logits, chosen[:, tf.newaxis])[:, 0], chosen


def _picked(logits: Tensor, classes: Tensor) -> Tensor:
    """Some numbers of every picture's: (n, k) of (n, classes) by int32 (n, k)."""
    import tensorflow as tf

    # gather with batch_dims=1 gives the same, but its gradient takes most of a small model's tracing.
    rows = tf.broadcast_to(tf.range(tf.shape(classes)[0])[:, tf.newaxis], tf.shape(classes))
    return tf.gather_nd(logits, tf.stack([rows, classes], axis=2))
