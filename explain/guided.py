"""Guided backpropagation's changed backward pass: a ReLU passes on what is positive, and nothing else."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from explain.errors import ModelError

Tensor = Any
Operation = Any

KINDS = ("Relu", "Relu6")  # of operations that are changed

_PREFIX = "TwoMindsGuided"


@functools.cache
def _registered() -> dict[str, str]:
    """Names of the changed gradients by type of operation; they are registered once a process."""
    import tensorflow as tf

    def relu(operation: Operation, gradient: Tensor) -> Tensor:
        return tf.where((gradient > 0) & (operation.outputs[0] > 0), gradient, tf.zeros_like(gradient))

    def relu6(operation: Operation, gradient: Tensor) -> Tensor:
        return tf.where(operation.outputs[0] < 6, relu(operation, gradient), tf.zeros_like(gradient))

    functions = dict(zip(KINDS, (relu, relu6), strict=True))
    for kind, function in functions.items():
        tf.RegisterGradient(_PREFIX + kind)(function)
    return {kind: _PREFIX + kind for kind in functions}


@contextmanager
def changed(graph: Any) -> Iterator[None]:
    """Within it, ReLU and ReLU6 that are added to a graph have the changed gradient; nothing else of it changes.

    Args:
        graph: a TensorFlow graph that is being traced.

    Raises:
        ModelError: where no such operation was added.
    """
    before = len(graph.get_operations())
    names = _registered()
    with graph.gradient_override_map(names):
        yield
    if not any(operation.type in names for operation in graph.get_operations()[before:]):
        raise ModelError("guided", "Guided backpropagation changes what a ReLU passes back, and the model has no ReLU.")
