"""What is explained: from "predicted", 3, "cat" or a function to one number per picture."""

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

import numpy as np

Tensor = Any
Contrast = Callable[[Tensor], Tensor]
Target = int | str | Contrast | Sequence[int | str]

PREDICTED = -1  # as an index: the class with the highest logit

_PASSING = {"Identity", "IdentityN", "Cast", "Reshape", "Squeeze", "ExpandDims", "EnsureShape", "StopGradient"}
_SOFTMAX = {"Softmax", "LogSoftmax"}


class Head(NamedTuple):
    """Both float32 n x classes. A single sigmoid unit has become two classes."""

    logits: Tensor
    probabilities: Tensor


def resolve(target: Target, count: int, classes: Sequence[str] | None = None) -> tuple[np.ndarray, Contrast | None]:
    """One class per picture, or one function for all.

    Args:
        target: "predicted", a class's index or name, a list with one of these per picture, or a function that takes
            logits (float32 tensor n x classes) and returns n numbers.
        count: number of pictures, n.
        classes: names of the classes, in order.

    Returns:
        int32 indices (n,), `PREDICTED` where the model's own choice or a function decides; and the function, or None.

    Raises:
        ValueError: for an unknown name (the nearest are named), a negative index, a list of another length.
        TypeError: for anything else.
    """
    if callable(target):
        return np.full(count, PREDICTED, np.int32), target
    if isinstance(target, (list, tuple, np.ndarray)):
        if len(target) != count:
            raise ValueError(f"{len(target)} targets for {count} pictures: give one for all, or one per picture.")
        return np.array([_index(one, classes) for one in target], np.int32), None
    return np.full(count, _index(target, classes), np.int32), None


def _index(target: int | str, classes: Sequence[str] | None) -> int:
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
    """Refuse indices and names that do not fit a model of `count` classes.

    Raises:
        ValueError: in that case.
    """
    if classes is not None and len(classes) != count:
        raise ValueError(f"{len(classes)} class names for a model of {count} classes.")
    if indices.max() >= count:
        raise ValueError(f"The target {indices.max()} does not exist: the model has {count} classes, counted from 0.")


def head(output: Tensor) -> Head:
    """Logits and probabilities of a model, from the symbolic tensor it returned.

    The last sigmoid or softmax is found in the traced graph, behind operations that leave values as they are. So it
    does not matter whether it sits inside a Dense layer, in a layer of its own, in `keras.ops` or in a subclassed
    `call`; nothing is computed twice, and no layer has to be changed or understood. What goes into it are the logits.

    - One sigmoid unit means two classes: logits (-z, z), probabilities (1 - p, p).
    - Several sigmoid units are independent classes; their probabilities do not sum to 1.
    - Without such an operation (a mean of several softmaxes, say), rows that are shares of one are probabilities, and
      their logarithms the logits. Any other output is taken for logits: of a sigmoid where there is one unit, else of
      a softmax.

    Raises:
        ValueError: for a model that does not return one tensor with one row of classes per picture.
    """
    import tensorflow as tf

    shape = getattr(output, "shape", None)
    if shape is None or shape.rank == 0 or any(size != 1 for size in shape[1:-1]) or None in shape[1:]:
        what = f"its output is {tuple(shape)}" if shape is not None else "it returns several tensors"
        raise ValueError(f"A classifier is needed, that returns one row of classes per picture; {what}.")
    units = 1 if shape.rank == 1 else shape[-1]

    def rows(tensor: Tensor) -> Tensor:
        return tf.cast(tf.reshape(tensor, (-1, units)), tf.float32)

    activation = _last_activation(output)
    kind = activation.type if activation is not None else ("Sigmoid" if units == 1 else "Softmax")
    logits = rows(output if activation is None else activation.inputs[0])
    if activation is None and units > 1:
        shares = tf.reduce_all(logits >= 0, 1, True) & (tf.abs(tf.reduce_sum(logits, 1, keepdims=True) - 1) < 1e-4)
        probabilities = tf.where(shares, logits, tf.nn.softmax(logits))
        logits = tf.where(shares, tf.math.log(tf.where(shares, tf.maximum(logits, 1e-30), 1.0)), logits)
    elif activation is None or kind == "LogSoftmax":
        probabilities = tf.nn.sigmoid(logits) if kind == "Sigmoid" else tf.nn.softmax(logits)
    else:
        probabilities = rows(output)
    if kind == "Sigmoid" and units == 1:
        return Head(tf.concat([-logits, logits], 1), tf.concat([1.0 - probabilities, probabilities], 1))
    return Head(logits, probabilities)


def _last_activation(tensor: Tensor) -> Any | None:
    """The sigmoid or softmax operation that made the tensor's values, or None."""
    while tensor.op.type in _PASSING and tensor.op.inputs:
        tensor = tensor.op.inputs[tensor.value_index]
    return tensor.op if tensor.op.type in _SOFTMAX | {"Sigmoid"} else None


def score(logits: Tensor, indices: Tensor, contrast: Contrast | None) -> tuple[Tensor, Tensor]:
    """The explained number and the explained class of every picture, float32 (n,) and int32 (n,).

    The class is -1 where a function of the logits is explained.

    Raises:
        ValueError: where the function does not return one number per picture.
    """
    import tensorflow as tf

    if contrast is not None:
        scores = tf.convert_to_tensor(contrast(logits))
        if scores.shape != logits.shape[:1]:
            raise ValueError(f"The target function has to return {logits.shape[:1]} numbers, not {scores.shape}.")
        return tf.cast(scores, tf.float32), indices
    chosen = tf.where(indices == PREDICTED, tf.argmax(logits, 1, tf.int32), indices)
    return tf.gather(logits, chosen, batch_dims=1), chosen
