"""One forward and one backward pass for all wanted layers, pictures and one-pass rules."""

import functools
import inspect
import threading
import weakref
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from explain import targets
from explain.cams import RULES, rule_names
from explain.explanation import DEAD, Cost, Explanation, Features, Layer
from explain.layers import Call, choose

Tensor = Any
Model = Any

TRACES = 8  # kept per model

_tracing = threading.RLock()  # one for all models, as models may share layers


def explain(
    model: Model,
    pictures: Any,
    target: targets.Target = "predicted",
    layers: str | Sequence[str] = "blocks",
    rules: str | Sequence[str] = "gradcam",
    preprocess: Callable[[np.ndarray], Any] | None = None,
    features: int = 0,
    classes: Sequence[str] | None = None,
    head: targets.HeadKind = "auto",
) -> Explanation:
    """Explain what a Keras classifier sees in pictures, at all wanted layers in one pass.

    The first call for a new combination of layers, rules, picture size and batch size traces the model, which takes
    seconds; later calls cost about as much as a forward and a backward pass. The model is left as it is. Its weights
    may change between calls; whoever changes its structure (an activation, say) should explain a new copy.

    Args:
        model: a Keras 3 model on TensorFlow, of any make, with one input (batch x height x width x channels) and one
            output (batch x classes). The score is taken before its last sigmoid or softmax; see `targets.head`.
        pictures: uint8 RGB height x width x 3, 0 to 255 (grey where the model's input has one channel), or n of them
            as an array or a list of any sizes: squashed to the model's input, then handed to `preprocess`. Or floats,
            n x height x width x channels or one without the n, taken as they are: in the model's own value range.
        target: "predicted", the index or name of a class, a list with one of these per picture, or a function from
            logits (float32 tensor n x classes) to n numbers. Keep the function and pass it again: each new one is
            traced anew.
        layers: "blocks" (the stem, where each block ends, the last activation; at most 20), "convolutions", "all",
            "last", or addresses such as `backbone/block3a_expand`; `name#2` is the second call of a shared layer.
        rules: names of `cams.RULES`.
        preprocess: from a float32 batch 0 to 255 to the model's input; None if that is inside the model.
        features: how many of the most important channels to keep at every layer.
        classes: names of the classes.
        head: what comes out of the model, "logits" or "probabilities"; "auto" where the model itself tells, which it
            does where it ends in a sigmoid, a softmax or linear units. See `targets.head`.

    Returns:
        Raw float32 maps by rule and layer, probabilities, scores and costs.

    Raises:
        ValueError: for pictures, targets, layers, rules or a model that cannot be explained; the message says why.
        TypeError: for a target of the wrong kind.
    """
    if features < 0:
        raise ValueError(f"features is the number of channels to keep, not {features}.")
    names = rule_names(rules)
    given, batch = _prepared(model, pictures, preprocess)
    indices, contrast = targets.resolve(target, len(batch), classes)
    wanted = layers if isinstance(layers, str) else tuple(layers)
    trace = _traced(model, Request(wanted, names, batch.shape, int(features), _reference(contrast), head))
    targets.check(indices, classes, trace.classes)

    started = perf_counter()
    result = _as_numpy(trace.run(batch, indices))
    milliseconds = 1000 * (perf_counter() - started)
    if head == "probabilities":
        targets.check_probabilities(result["probabilities"])

    addresses = [layer.address for layer in trace.layers]
    return Explanation(
        pictures=given,
        probabilities=result["probabilities"],
        scores=result["scores"],
        targets=result["targets"],
        classes=None if classes is None else tuple(classes),
        layers=trace.layers,
        maps={name: dict(zip(addresses, result["maps"][name], strict=True)) for name in names},
        features={address: _features(*found) for address, found in zip(addresses, result["features"], strict=False)},
        cost={name: Cost(*RULES[name].cost, milliseconds, len(batch)) for name in names},
    )


# --- Pictures -------------------------------------------------------------------------------------------------------


def _prepared(model: Model, pictures: Any, preprocess: Callable | None) -> tuple[np.ndarray, np.ndarray]:
    """The pictures as they are given to the model, and the float32 batch that goes in."""
    size = _input_size(model)
    many = isinstance(pictures, (list, tuple)) and not hasattr(pictures, "pixels")
    arrays = [np.asarray(getattr(one, "pixels", one)) for one in (pictures if many else [pictures])]
    if not arrays or any(array.size == 0 for array in arrays):
        raise ValueError("There are no pictures to explain.")
    if not many and np.issubdtype(arrays[0].dtype, np.floating):
        if preprocess is not None:
            raise ValueError("preprocess is for uint8 pictures; floats are taken as they are: drop it, or give uint8.")
        given = arrays[0][None] if arrays[0].ndim == 3 else arrays[0]
        if given.ndim != 4:
            raise ValueError(f"A float batch is n x height x width x channels, not {given.shape}.")
        batch = given.astype(np.float32, copy=False)
    else:
        given = _squashed(arrays[0] if arrays[0].ndim == 4 and not many else arrays, size)
        batch = given.astype(np.float32)
        if preprocess is not None:
            batch = np.asarray(preprocess(batch), np.float32)
    if batch.ndim != 4 or any(want not in (None, got) for want, got in zip(size, batch.shape[1:], strict=True)):
        raise ValueError(f"The model takes n x {_times(size)}, and would get {_times(batch.shape)}.")
    return given, batch


def _input_size(model: Model) -> tuple[int | None, int | None, int | None]:
    """Height, width and channels of the model's input, None where undefined."""
    try:
        shape = model.input_shape
    except AttributeError:  # subclassed, or not built yet
        return None, None, None
    if not isinstance(shape, tuple) or len(shape) != 4:
        raise ValueError(f"A model with one input, batch x height x width x channels, is needed, not {shape}.")
    return shape[1:]


def _squashed(pictures: Sequence[np.ndarray], size: Sequence[int | None]) -> np.ndarray:
    """uint8 pictures as one batch; an undefined side of the model's input stays as it is in the picture."""
    from explain.pictures import fit, resize

    fitted = []
    for picture in pictures:
        if picture.dtype != np.uint8:
            raise ValueError(
                "Pictures are uint8 arrays, 0 to 255 (files are opened by explain.pictures.read), "
                f"or one float batch as the model takes it, not {picture.dtype}."
            )
        if picture.ndim == 2:
            picture = picture[..., None]
        grey = picture.ndim == 3 and picture.shape[-1] == 1
        if grey and size[2] != 1:
            raise ValueError("A grey picture: repeat it in three channels, height x width x 3.")
        if not grey and (picture.ndim != 3 or picture.shape[-1] != 3):
            raise ValueError(f"A picture is height x width x 3 (RGB), not {_times(picture.shape)}.")
        wanted = tuple(want or own for want, own in zip(size[:2], picture.shape[:2], strict=True))
        fitted.append(resize(picture, wanted) if grey else fit(picture, wanted))
    if len({picture.shape for picture in fitted}) > 1:
        raise ValueError("The model's input has no fixed size, so all pictures need the same size.")
    return np.stack(fitted)


def _times(shape: Sequence[int | None]) -> str:
    return " x ".join("any" if size is None else str(size) for size in shape)


# --- Taps -----------------------------------------------------------------------------------------------------------


@contextmanager
def tapped(model: Model) -> Iterator[list[Call]]:
    """Record what every layer of a model, nested or not, returns while this thread calls the model.

    Each layer gets an instance attribute `call` over that of its class, set past Keras' tracking, and loses it again,
    also after an exception. A call is recorded when it is done, so a nested model follows its layers; its address is
    made of the calls it happens in. Other threads may call the model meanwhile and are not recorded.

    Yields:
        The list that fills with calls, in order of execution.
    """
    calls: list[Call] = []
    path: list[str] = []
    seen: Counter[str] = Counter()
    owner = threading.get_ident()

    def tap(layer: Any, call: Callable) -> Callable:
        @functools.wraps(call)
        def recording(*args: Any, **kwargs: Any) -> Any:
            if threading.get_ident() != owner:
                return call(*args, **kwargs)
            address = "/".join([*path[-1:], layer.name])
            seen[address] += 1
            if seen[address] > 1:
                address = f"{address}#{seen[address]}"
            path.append(address)
            try:
                output = call(*args, **kwargs)
            finally:
                path.pop()
            calls.append(Call(address, layer, output))
            return output

        return recording

    with _tracing:
        layers = _callables(model)
        own = {id(layer): layer.__dict__["call"] for layer in layers if "call" in layer.__dict__}
        try:
            for layer in layers:
                object.__setattr__(layer, "call", tap(layer, layer.call))
            yield calls
        finally:
            for layer in layers:
                if id(layer) in own:
                    object.__setattr__(layer, "call", own[id(layer)])
                else:
                    layer.__dict__.pop("call", None)


def _callables(model: Model) -> list[Any]:
    """All layers of a model, itself left out, and the operations (`x + y`, `keras.ops`) of its functional graphs."""
    import keras

    layers = model._flatten_layers()
    operations = [
        one for layer in layers for one in getattr(layer, "operations", ()) if isinstance(one, keras.Operation)
    ]
    return list({id(one): one for one in [*layers[1:], *operations]}.values())


# --- The pass -------------------------------------------------------------------------------------------------------


class Request(NamedTuple):
    """What a trace was made for: all that decides its graph, beside the model."""

    layers: str | tuple[str, ...]
    rules: tuple[str, ...]
    shape: tuple[int, ...]
    features: int
    contrast: Any  # a weak reference to the target function, or None
    head: targets.HeadKind = "auto"


class Trace(NamedTuple):
    """A compiled pass: from a float32 batch and int32 targets to a dict of small tensors; its layers and classes."""

    run: Callable[[Any, Any], dict]
    layers: tuple[Layer, ...]
    classes: int


def trace(model: Model, request: Request) -> Trace:
    """Trace a model's pass. The result holds its weights, not the model."""
    import tensorflow as tf

    found = {}

    def run(batch: Tensor, indices: Tensor) -> dict:
        with tapped(model) as calls:
            output = model(batch, training=False)
        logits, probabilities = targets.head(output, batch, request.head)
        contrast = request.contrast and request.contrast()
        scores, indices = targets.score(logits, indices, contrast)
        chosen = choose(request.layers, calls, batch, logits)
        found["layers"], found["classes"] = tuple(layer for layer, _ in chosen), logits.shape[1]
        outputs = [output for _, output in chosen]
        gradients = tf.gradients(scores, outputs, unconnected_gradients="zero")
        pairs = [(tf.cast(a, tf.float32), tf.cast(g, tf.float32)) for a, g in zip(outputs, gradients, strict=True)]
        return {
            "probabilities": probabilities,
            "scores": scores,
            "targets": indices,
            "maps": {name: [RULES[name](*pair) for pair in pairs] for name in request.rules},
            "features": [_important(*pair, request.features) for pair in pairs if request.features],
        }

    if not model.built:
        model(np.zeros(request.shape, np.float32), training=False)
    signature = tf.TensorSpec(request.shape, tf.float32), tf.TensorSpec(request.shape[:1], tf.int32)
    compiled = tf.function(run, autograph=False).get_concrete_function(*signature)
    _forget_custom_gradients(compiled.graph)
    return Trace(lambda batch, indices: compiled(tf.constant(batch), tf.constant(indices)), **found)


def _forget_custom_gradients(graph: Any) -> None:
    """Take a finished graph's custom gradients out of TensorFlow's registry.

    It keeps them for ever, and with each the whole graph and the model's weights, though nobody will differentiate
    this graph again. One swish is enough: without this, models with swish would never be freed.
    """
    from tensorflow.python.framework import ops

    registered = getattr(ops.gradient_registry, "_registry", {})
    for operation in graph.get_operations():
        if operation.type == "IdentityN":
            registered.pop(operation.get_attr("_gradient_op_type").decode(), None)


# --- Feature maps ---------------------------------------------------------------------------------------------------


def _important(activations: Tensor, gradients: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Channels (n, k), importance (n, k), maps (n, h, w, k) and every channel's deviation over places (n, channels)."""
    import tensorflow as tf

    importance = tf.abs(tf.reduce_mean(gradients, (1, 2)) * tf.reduce_mean(activations, (1, 2)))
    importance, channels = tf.math.top_k(importance, min(count, activations.shape[-1]))
    maps = tf.gather(activations, channels, axis=3, batch_dims=1)
    return channels, importance, maps, tf.math.reduce_std(activations, (1, 2))


def _features(channels: np.ndarray, importance: np.ndarray, maps: np.ndarray, deviation: np.ndarray) -> Features:
    several = maps.shape[1] * maps.shape[2] > 1  # over a single place nothing can vary
    dead = (deviation <= DEAD * np.median(deviation, axis=1, keepdims=True)) & several
    return Features(channels, importance, maps, dead.mean(axis=1, dtype=np.float32))


# --- The cache ------------------------------------------------------------------------------------------------------

_traces: weakref.WeakKeyDictionary[Model, OrderedDict[Request, Trace]] = weakref.WeakKeyDictionary()
_lookup = threading.Lock()


def _traced(model: Model, request: Request) -> Trace:
    """The model's trace for a request: from the cache, where the least recently used of `TRACES` makes room."""
    if (known := _recall(model, request)) is not None:
        return known
    with _tracing:
        if (known := _recall(model, request)) is not None:
            return known
        fresh = trace(model, request)
        with _lookup:
            kept = _traces.setdefault(model, OrderedDict())
            kept[request] = fresh
            if len(kept) > TRACES:
                kept.popitem(last=False)
        return fresh


def _recall(model: Model, request: Request) -> Trace | None:
    with _lookup:
        kept = _traces.get(model, OrderedDict())
        if request in kept:
            kept.move_to_end(request)
        return kept.get(request)


def _reference(function: Callable | None) -> Any:
    """A weak reference, so that a target function that knows its model does not keep it alive."""
    if function is None:
        return None
    return weakref.WeakMethod(function) if inspect.ismethod(function) else weakref.ref(function)


def _as_numpy(tensors: Any) -> Any:
    import tensorflow as tf

    return tf.nest.map_structure(lambda tensor: tensor.numpy(), tensors)
