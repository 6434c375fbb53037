"""Ways through a model's layers, and through a traced graph of TensorFlow's operations."""

from typing import Any

Tensor = Any
Operation = Any

_SIZES = {"Shape", "ShapeN", "Size", "Rank"}


def reachable(start: Tensor) -> dict[Operation, list[Operation]]:
    """Operations whose values follow from a tensor, in order of execution, each with those it takes such values from.

    A size is no value: what follows from the number of pictures alone doesn't count.
    """
    reached: dict[Operation, list[Operation]] = {start.op: []}
    for operation in start.graph.get_operations():
        if operation.type not in _SIZES:
            sources = [source for tensor in operation.inputs if (source := source_of(tensor).op) in reached]
            if sources:
                reached[operation] = sources
    return reached


def source_of(tensor: Tensor) -> Tensor:
    """The tensor behind identities; a custom gradient's IdentityN also passes its inputs through, which are no ways."""
    while tensor.op.type in ("Identity", "IdentityN"):
        tensor = tensor.op.inputs[tensor.value_index]
    return tensor


def all_layers(model: Any) -> list[Any]:
    """All layers of a model and of those in it, itself among them."""
    import keras

    if not hasattr(model, "_flatten_layers"):
        raise RuntimeError(
            f"Keras {keras.__version__} has no `_flatten_layers`, by which the layers of a model are found: "
            "install the version of Keras that the requirements name."
        )
    return list(model._flatten_layers())
