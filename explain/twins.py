"""Twins: models of one make that differ in their weights alone, as trainings of one recipe do, share a traced pass.

A pass that was traced is kept as a graph without weights. A twin's pass is that graph over its own variables: nothing
is traced again, and nothing of the first model is kept alive.
"""

from __future__ import annotations

import hashlib
import json
import weakref
from collections.abc import Callable
from typing import Any, NamedTuple

from explain.graph import all_layers

Model = Any
Compiled = Any  # a TensorFlow ConcreteFunction

_plain: weakref.WeakSet[Model] = weakref.WeakSet()


def mark(model: Model) -> None:
    """Say that a model is made of plain Keras layers: its configuration and its variables are all there is to it.

    Of other models nobody can tell, so they have no twins.

    Args:
        model: a Keras model, as it was read from an archive that `archive.check` has passed.
    """
    _plain.add(model)


def make(model: Model) -> str | None:
    """What decides a model's graph, its weights' values aside.

    Args:
        model: a Keras model.

    Returns:
        A digest, alike for twins; None for a model that was not marked, or that computes with more than its
        configuration and its variables: a layer with another `call` of its own, or one that was adapted to data.

    Example:
        >>> import keras
        >>> def model():
        ...     return keras.Sequential([keras.Input((4,), name="x"), keras.layers.Dense(2, name="end")])
        >>> models = model(), model()
        >>> for each in models:
        ...     mark(each)
        >>> make(models[0]) == make(models[1]), make(model())
        (True, None)
    """
    if model not in _plain:
        return None
    if any("call" in vars(layer) or hasattr(layer, "adapt") for layer in all_layers(model)):
        return None
    variables = [(list(variable.shape), str(variable.dtype)) for variable in model.variables]
    config = json.loads(model.to_json())
    config["config"].pop("name")  # Keras numbers the models of a process; layers' names are their addresses
    return hashlib.sha256(json.dumps([config, variables]).encode()).hexdigest()


class Plan(NamedTuple):
    """A pass without weights.

    Attributes:
        graph: its definition, a GraphDef.
        inputs: names of the tensors that the caller gives.
        weights: name of the tensor that stands for a variable, and the variable's place in `model.variables`.
        outputs: names of what it gives.
        structure: in which nest they lie.
    """

    graph: Any
    inputs: tuple[str, ...]
    weights: tuple[tuple[str, int], ...]
    outputs: tuple[str, ...]
    structure: Any


def plan(compiled: Compiled, model: Model) -> Plan | None:
    """The pass of a model without its weights.

    Args:
        compiled: the pass, over tensors alone.
        model: it was traced for.

    Returns:
        What `bound` takes; None where the pass holds more of the model than its variables.
    """
    import tensorflow as tf

    graph = compiled.graph
    places = {id(variable.value.handle): place for place, variable in enumerate(model.variables)}
    captured = list(graph.captures)
    flat = tf.nest.flatten(compiled.structured_outputs)
    if len(flat) != len(graph.outputs) or any(id(outside) not in places for outside, _ in captured):
        return None
    return Plan(
        graph.as_graph_def(),
        tuple(tensor.name for tensor in graph.inputs[: len(graph.inputs) - len(captured)]),
        tuple((inside.name, places[id(outside)]) for outside, inside in captured),
        tuple(tensor.name for tensor in graph.outputs),
        tf.nest.map_structure(lambda _: 0, compiled.structured_outputs),
    )


def bound(plan: Plan, model: Model) -> Callable[..., Any]:
    """A plan over a model's own variables, which it holds; the model it does not.

    Args:
        plan: of a model of the same `make`.
        model: whose variables to take.

    Returns:
        A function of the tensors that the pass takes.
    """
    import tensorflow as tf

    handles = [variable.value.handle for variable in model.variables]

    def run(*tensors: Any) -> Any:
        given = dict(zip(plan.inputs, tensors, strict=True))
        given |= {name: tf.identity(handles[place]) for name, place in plan.weights}
        outputs = tf.graph_util.import_graph_def(plan.graph, given, list(plan.outputs), name="twin")
        return tf.nest.pack_sequence_as(plan.structure, outputs)

    return run
