"""One forward and one backward pass for all wanted layers, pictures and one-pass rules."""

import functools
import inspect
import threading
import warnings
import weakref
from collections import Counter, OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import itemgetter
from time import perf_counter
from typing import Any, NamedTuple, cast

import numpy as np

from explain import targets, twins
from explain.cams import RULES, rule_names
from explain.errors import ModelError
from explain.explanation import Cost, Explanation, Features, Layer
from explain.layers import Call, choose

Tensor = Any
Model = Any

TRACES = 8  # kept per model
PLANS = 16  # kept of passes without their weights, half a megabyte each

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

    The first call for a new combination of layers, rules and picture size traces the model, which takes seconds; later
    calls, of any number of pictures, cost about as much as a forward and a backward pass. (Only a model that computes
    with the number of pictures itself is traced anew for each.) The model is left as it is. Its weights may change
    between calls; where its structure has changed, it is traced anew.

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
        classes: names of the classes in order, or a mapping between names and indices.
        head: what comes out of the model, "logits" or "probabilities"; "auto" where the model itself tells, which it
            does where it ends in a sigmoid, a softmax or linear units. See `targets.head`.

    Returns:
        Raw float32 maps by rule and layer, probabilities, scores and costs.

    Raises:
        ModelError: for a model that cannot be explained; the message says why.
        ValueError: for pictures, targets, layers or rules that do not go with it.
        TypeError: for a target of the wrong kind, and for what is no Keras 3 model.

    Example:
        >>> import keras
        >>> model = keras.Sequential(
        ...     [
        ...         keras.Input((8, 8, 3)),
        ...         keras.layers.Conv2D(4, 3, activation="relu", name="features"),
        ...         keras.layers.GlobalAveragePooling2D(),
        ...         keras.layers.Dense(2, activation="softmax"),
        ...     ]
        ... )
        >>> picture = np.zeros((20, 30, 3), np.uint8)
        >>> explanation = explain(model, picture, "dog", rules=["gradcam", "layercam"], classes=["cat", "dog"])
        >>> explanation.map("features", "layercam").shape
        (6, 6)
        >>> explanation.probabilities.shape
        (1, 2)
    """
    _check_model(model)
    if features < 0:
        raise ValueError(f"features is the number of channels to keep, not {features}.")
    targets.check_head(head)
    rule_set = rule_names(rules)
    names = targets.class_names(classes)
    given, batch = _prepared(model, pictures, preprocess)
    indices, contrast = targets.resolve(target, len(batch), names)

    def check(count: int) -> None:
        targets.check(indices, names, count)

    if (count := _class_count(model)) is not None:
        check(count)
    wanted = layers if isinstance(layers, str) else tuple(layers)
    request = Request(wanted, rule_set, batch.shape, int(features), _reference(contrast), head)
    trace = _traced(model, request, check)

    started = perf_counter()
    result = _as_numpy(trace.run(batch, indices))
    milliseconds = 1000 * (perf_counter() - started)
    if not np.isfinite(result["probabilities"]).all():
        raise ModelError("not-finite", "What the model returns are no numbers (infinite or NaN).")
    if head == "probabilities":
        targets.check_probabilities(result["probabilities"])

    addresses = [layer.address for layer in trace.layers]
    return Explanation(
        pictures=given,
        probabilities=result["probabilities"],
        scores=result["scores"],
        targets=result["targets"],
        classes=names,
        layers=trace.layers,
        maps={rule: dict(zip(addresses, result["maps"][rule], strict=True)) for rule in rule_set},
        features={address: Features(*arrays) for address, arrays in zip(addresses, result["features"], strict=False)},
        cost={rule: Cost(*RULES[rule].cost, milliseconds, len(batch)) for rule in rule_set},
    )


def _check_model(model: Any) -> None:
    """Refuse what is no Keras 3 model on TensorFlow."""
    import keras

    if not isinstance(model, keras.Model):
        kind = type(model)
        raise TypeError(
            f"A Keras 3 model is needed (keras.Model), not {kind.__module__}.{kind.__qualname__}: files are opened by "
            "keras.saving.load_model."
        )
    if keras.backend.backend() != "tensorflow":
        raise ValueError(f"Keras has to run on TensorFlow (KERAS_BACKEND=tensorflow), not {keras.backend.backend()}.")


def _class_count(model: Model) -> int | None:
    """Number of classes, where the model tells it without being called; one unit counts as two."""
    shape = getattr(model, "output_shape", None)
    while isinstance(shape, (list, Mapping)) and len(shape) == 1:  # one output in a structure
        [shape] = shape.values() if isinstance(shape, Mapping) else shape
    if not isinstance(shape, tuple) or not shape:
        return None
    return 2 if len(shape) == 1 or shape[-1] == 1 else shape[-1]


# --- Pictures -------------------------------------------------------------------------------------------------------


def _prepared(model: Model, pictures: Any, preprocess: Callable | None) -> tuple[np.ndarray, np.ndarray]:
    """The pictures as they are given to the model, and the float32 batch that goes in."""
    size = _input_size(model)
    many = isinstance(pictures, (list, tuple)) and not hasattr(pictures, "pixels")
    arrays = [np.asarray(getattr(picture, "pixels", picture)) for picture in (pictures if many else [pictures])]
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
        sentence = "A model with one input, batch x height x width x channels, is needed, not {shape}."
        raise ModelError("input", sentence, shape=shape)
    return shape[1:]


def _squashed(pictures: Iterable[np.ndarray], size: Sequence[int | None]) -> np.ndarray:
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
        wanted = (size[0] or picture.shape[0], size[1] or picture.shape[1])
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

    Args:
        model: a Keras model that has been built.

    Yields:
        The list that fills with calls, in order of execution.

    Raises:
        RuntimeError: where this version of Keras does not tell a model's layers.

    Example:
        >>> import keras
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, name="first"), keras.layers.ReLU()])
        >>> with tapped(model) as calls:
        ...     output = model(np.zeros((1, 2)))
        >>> calls[0].address, tuple(calls[0].output.shape)
        ('first', (1, 3))
    """
    calls: list[Call] = []
    path: list[str] = []
    seen: Counter[str] = Counter()
    owner = threading.get_ident()

    def tap(layer: Any, call: Callable) -> Any:
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

        tapped_call: Any = recording
        tapped_call.replaced = layer.__dict__.get("call")
        return tapped_call

    with _tracing:
        layers = _callables(model)
        taps = [tap(layer, layer.call) for layer in layers]
        try:
            for layer, recording in zip(layers, taps, strict=True):
                object.__setattr__(layer, "call", recording)
            yield calls
        finally:
            for layer, recording in zip(layers, taps, strict=True):
                if recording.replaced is not None:
                    object.__setattr__(layer, "call", recording.replaced)
                else:
                    layer.__dict__.pop("call", None)


def _callables(model: Model) -> list[Any]:
    """All layers of a model, itself left out, and the operations (`x + y`, `keras.ops`) of its functional graphs."""
    import keras

    if not hasattr(model, "_flatten_layers"):
        raise RuntimeError(
            f"Keras {keras.__version__} has no `_flatten_layers`, by which the layers of a model are found: "
            "install the version of Keras that the requirements name."
        )
    layers = model._flatten_layers()
    operations = [
        operation
        for layer in layers
        for operation in getattr(layer, "operations", ())
        if isinstance(operation, keras.Operation)
    ]
    return list({id(layer): layer for layer in [*layers[1:], *operations]}.values())


# --- Structure ------------------------------------------------------------------------------------------------------


class Structure:
    """What decides a model's graph beside the values of its weights; it does not keep the model alive.

    That is its layers and operations, and of each the numbers, words, functions, layers and variables that are its
    attributes: another head, an activation, a quantized or a low-rank layer are noticed. What a custom layer keeps in
    lists and dicts of its own, other than layers, is not.
    """

    def __init__(self, model: Model) -> None:
        layers = [model, *_callables(model)]
        self._settings = [_settings(layer) for layer in layers]
        # for a quick look: the same objects under the same names ("name" twice, as a getter of two gives a tuple)
        self._getters = [itemgetter("name", "name", *settings) for _, settings in self._settings]
        self._identities = self._seen(layers)

    def fits(self, model: Model) -> bool:
        """Whether the model still has this structure."""
        layers = [model, *_callables(model)]
        identities = self._seen(layers)
        if not identities or identities != self._identities:
            if [_settings(layer) for layer in layers] != self._settings:
                return False
            self._identities = identities
        return True

    def _seen(self, layers: Sequence[Any]) -> list[tuple[int, ...]]:
        """Number of attributes and identities of those that count, of every layer; none where one has gone."""
        if len(layers) != len(self._getters):
            return []
        attributes = [vars(layer) for layer in layers]
        try:
            return [(len(held), *map(id, getter(held))) for held, getter in zip(attributes, self._getters, strict=True)]
        except KeyError:
            return []


class _Same:
    """A value that equals itself alone. Held weakly, if that is possible, unless it is a variable."""

    def __init__(self, value: Any, weakly: bool = True) -> None:
        self._held = None if weakly else value
        try:
            self._reference = weakref.ref(value) if weakly else None
        except TypeError:
            self._held, self._reference = value, None

    def _value(self) -> Any:
        return self._held if self._reference is None else self._reference()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self._value() is not None and self._value() is other._value()


def _settings(layer: Any) -> tuple[_Same, dict[str, Any]]:
    """The layer itself, and of its attributes those that decide what it computes."""
    import keras
    import tensorflow as tf

    plain = (str, bytes, int, float, complex)
    settings: dict[str, Any] = {}
    for name, attribute in list(vars(layer).items()):
        value = getattr(attribute, "replaced", attribute) if name == "call" else attribute
        if value is None or name in _bookkeeping() or name.startswith("_self_"):
            continue
        if isinstance(value, keras.DTypePolicy):
            settings[name] = value.name
        elif isinstance(value, plain) or (isinstance(value, tuple) and all(isinstance(part, plain) for part in value)):
            settings[name] = value
        elif isinstance(value, (keras.Variable, tf.Variable)):
            settings[name] = _Same(value, weakly=False)
        elif callable(value) or isinstance(value, np.ndarray):
            settings[name] = _Same(value)
    return _Same(layer), settings


@functools.cache
def _bookkeeping() -> frozenset[str]:
    """Attributes of Keras' own that every layer or model has and that do not decide what it computes."""
    import keras

    trainer = {"optimizer", "history", "stop_training", "stop_evaluating", "stop_predicting"}
    return frozenset({*vars(keras.Layer()), *vars(keras.Model()), *trainer} - {"_dtype_policy", "autocast"})


# --- The pass -------------------------------------------------------------------------------------------------------


class Request(NamedTuple):
    """What a trace was made for: all that decides its graph, beside the model.

    Attributes:
        layers: as `explain` takes them.
        rules: names.
        shape: of the batch; None for any number of pictures.
        features: how many channels to keep.
        contrast: a weak reference to the target function, or None.
        head: as `explain` takes it.
    """

    layers: str | tuple[str, ...]
    rules: tuple[str, ...]
    shape: tuple[int | None, ...]
    features: int
    contrast: Any
    head: targets.HeadKind = "auto"

    def of_any_number(self) -> "Request":
        """The same for any number of pictures."""
        return self._replace(shape=(None, *self.shape[1:]))


class Trace(NamedTuple):
    """A compiled pass.

    Attributes:
        compiled: a ConcreteFunction from a float32 batch and int32 targets to a dict of small tensors.
        request: its shape has None for the number of pictures where the pass takes any.
        layers: those it gives maps of, in order of execution.
    """

    compiled: Any
    request: Request
    layers: tuple[Layer, ...]

    def run(self, batch: np.ndarray, indices: np.ndarray) -> dict:
        """The pass over a batch."""
        import tensorflow as tf

        return self.compiled(tf.constant(batch), tf.constant(indices))


class _NeedsNumber(Exception):
    """The model, or the target function, cannot be traced for any number of pictures."""


_counting: weakref.WeakSet[Model] = weakref.WeakSet()  # models of which that is known


def trace(model: Model, request: Request, check: Callable[[int], None] | None = None) -> Trace:
    """Trace a model's pass, for any number of pictures where the model allows. The result holds its weights, not it.

    Args:
        model: a Keras model.
        request: what to trace; its shape is that of a batch.
        check: is called with the number of classes as soon as it is known, and may refuse it.

    Returns:
        The pass and its layers.

    Raises:
        ModelError: for a model that is no classifier, or has nothing to explain it by.
        ValueError: for layers that are not there, and what `check` refuses.
    """
    shape = cast(tuple[int, ...], request.shape)
    if not model.built:
        model(np.zeros(shape, np.float32), training=False)
    if model not in _counting:
        try:
            return _trace(model, request.of_any_number(), shape, check)
        except _NeedsNumber:
            pass
    fixed = _trace(model, request, shape, check)
    _counting.add(model)
    return fixed


def _trace(model: Model, request: Request, shape: tuple[int, ...], check: Callable[[int], None] | None) -> Trace:
    """Trace, and run once on a batch of this shape: a layer that gives other than one map per picture is left out."""
    import tensorflow as tf

    left_out: set[str] = set()
    while True:
        made = _compiled(model, request, check, left_out)
        try:
            maps = made.run(np.zeros(shape, np.float32), np.zeros(shape[:1], np.int32))["maps"][request.rules[0]]
        except tf.errors.OpError as error:
            if request.shape[0] is None:
                raise _NeedsNumber from error
            raise
        several = {layer.address for layer, batch in zip(made.layers, maps, strict=True) if len(batch) != shape[0]}
        if not several:
            return made
        left_out |= several


def _compiled(model: Model, request: Request, check: Callable[[int], None] | None, left_out: Collection[str]) -> Trace:
    """The pass, compiled and not yet run."""
    layers: list[Layer] = []

    def run(batch: Tensor, indices: Tensor) -> dict:
        contrast = None if request.contrast is None else request.contrast()
        with _numbered(request), tapped(model) as calls:
            output = model(batch, training=False)
            _check_sizes(batch, [output, *(call.output for call in calls)])
        logits, probabilities = targets.head(output, batch, request.head)
        if check is not None:
            check(logits.shape[1])
        with _numbered(request):
            scores, explained = targets.score(logits, indices, contrast)
        chosen = choose(request.layers, calls, batch, logits, left_out)
        layers.extend(layer for layer, _ in chosen)
        pairs = _with_gradients(scores, chosen)
        return {
            "probabilities": probabilities,
            "scores": scores,
            "targets": explained,
            "maps": {name: [RULES[name](*pair) for pair in pairs] for name in request.rules},
            "features": [_important(*pair, request.features) for pair in pairs if request.features],
        }

    compiled = _concrete(run, request)
    _forget_custom_gradients(compiled.graph)
    return Trace(compiled, request, tuple(layers))


def _concrete(run: Callable[[Tensor, Tensor], dict], request: Request) -> Any:
    """A function of a batch and of targets as one graph."""
    import tensorflow as tf

    signature = tf.TensorSpec(request.shape, tf.float32), tf.TensorSpec(request.shape[:1], tf.int32)
    return tf.function(run, autograph=False).get_concrete_function(*signature)


@contextmanager
def _numbered(request: Request) -> Iterator[None]:
    """Whatever fails inside may do so because the number of pictures is left open."""
    try:
        yield
    except Exception as error:
        if request.shape[0] is None:
            raise _NeedsNumber from error
        raise


def _check_sizes(batch: Tensor, outputs: Sequence[Any]) -> None:
    """Refuse sizes that are only known where the number of pictures is."""
    import tensorflow as tf

    tensors = [output for output in tf.nest.flatten(outputs) if getattr(output, "graph", None) is batch.graph]
    unknown = [tensor for tensor in tensors if tensor.shape.rank is None or None in tensor.shape[1:]]
    if unknown and batch.shape[0] is None:
        raise ValueError(f"The size of {unknown[0].name} is not known: {unknown[0].shape}.")


def _with_gradients(scores: Tensor, chosen: Sequence[tuple[Layer, Tensor]]) -> list[tuple[Tensor, Tensor]]:
    """Activations and gradients of the chosen layers, float32; zero where a layer lies beside the way to the score."""
    import tensorflow as tf

    outputs = [output for _, output in chosen]
    gradients = tf.gradients(scores, outputs)
    if all(gradient is None for gradient in gradients):
        addresses = ", ".join(layer.address for layer, _ in chosen)
        raise ModelError(
            "gradient",
            "No gradient of the score reaches any layer asked for ({addresses}): the score does not depend on them, "
            "or an operation on the way, such as a rounding or a stop_gradient, passes none.",
            addresses=addresses,
        )
    return [
        (
            tf.cast(output, tf.float32),
            tf.zeros_like(output, tf.float32) if gradient is None else tf.cast(gradient, tf.float32),
        )
        for output, gradient in zip(outputs, gradients, strict=True)
    ]


def _forget_custom_gradients(graph: Any) -> None:
    """Take a finished graph's custom gradients out of TensorFlow's registry.

    It keeps them for ever, and with each the whole graph and the model's weights, though nobody will differentiate
    this graph again. One swish is enough: without this, models with swish would never be freed.
    """
    try:
        from tensorflow.python.framework.ops import gradient_registry

        registered = gradient_registry._registry
    except (ImportError, AttributeError):
        warnings.warn(
            "This TensorFlow keeps its gradients elsewhere: explained models may stay in memory.", stacklevel=2
        )
        return
    for operation in graph.get_operations():
        if operation.type == "IdentityN":
            registered.pop(operation.get_attr("_gradient_op_type").decode(), None)


# --- Feature maps ---------------------------------------------------------------------------------------------------


def _important(activations: Tensor, gradients: Tensor, count: int) -> tuple[Tensor, ...]:
    """What `Features` holds of a layer, in its order."""
    import tensorflow as tf

    means = tf.reduce_mean(activations, (1, 2))
    importance = tf.abs(tf.reduce_mean(gradients, (1, 2)) * means)
    importance, channels = tf.math.top_k(importance, min(count, activations.shape[-1]))
    maps = tf.gather(activations, channels, axis=3, batch_dims=1)
    return channels, importance, maps, means, tf.math.reduce_std(activations, (1, 2))


# --- The cache ------------------------------------------------------------------------------------------------------


class _Kept(NamedTuple):
    """What is kept for a model: its structure when it was traced, and its traces, least recently used first."""

    structure: Structure
    traces: OrderedDict[Request, Trace]


_traces: weakref.WeakKeyDictionary[Model, _Kept] = weakref.WeakKeyDictionary()
_lookup = threading.Lock()
_plans: OrderedDict[tuple[str, Request], tuple[twins.Plan, tuple[Layer, ...]]] = OrderedDict()  # by `twins.make`


def _traced(model: Model, request: Request, check: Callable[[int], None] | None = None) -> Trace:
    """The model's trace for a request: from the cache, where the least recently used of `TRACES` makes room."""
    if (known := _recall(model, request)) is not None:
        return known
    with _tracing:
        if (known := _recall(model, request)) is not None:
            return known
        make = twins.make(model) if request.contrast is None else None
        fresh = _of_twin(model, make, request) or trace(model, request, check)
        structure = Structure(model)  # only now: some models are built when they are called
        if make is not None and (plan := twins.plan(fresh.compiled, model)) is not None:
            _plans[make, fresh.request] = plan, fresh.layers
            _plans.move_to_end((make, fresh.request))
            if len(_plans) > PLANS:
                _plans.popitem(last=False)
        with _lookup:
            kept = _traces.setdefault(model, _Kept(structure, OrderedDict()))
            kept.traces[fresh.request] = fresh
            if len(kept.traces) > TRACES:
                kept.traces.popitem(last=False)
        return fresh


def _of_twin(model: Model, make: str | None, request: Request) -> Trace | None:
    """The pass that a twin was traced for, over this model's weights."""
    for wanted in (request.of_any_number(), request):
        if make is not None and (make, wanted) in _plans:
            plan, layers = _plans[make, wanted]
            return Trace(_concrete(twins.bound(plan, model), wanted), wanted, layers)
    return None


def _recall(model: Model, request: Request) -> Trace | None:
    """The trace that is kept for a request; none are any more where the model's structure has changed."""
    with _lookup:
        kept = _traces.get(model)
    if kept is None:
        return None
    fits = kept.structure.fits(model)
    with _lookup:
        if not fits:
            if _traces.get(model) is kept:
                del _traces[model]
            return None
        for known in (request.of_any_number(), request):
            if known in kept.traces:
                kept.traces.move_to_end(known)
                return kept.traces[known]
        return None


def _reference(function: Callable | None) -> Any:
    """A weak reference, so that a target function that knows its model does not keep it alive."""
    if function is None:
        return None
    return weakref.WeakMethod(function) if inspect.ismethod(function) else weakref.ref(function)


def _as_numpy(tensors: Any) -> Any:
    import tensorflow as tf

    return tf.nest.map_structure(lambda tensor: tensor.numpy(), tensors)
