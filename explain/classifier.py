"""One model as functions of float batches: maps of all layers, logits, gradients of the input, a layer replaced.

Each is a pass that is traced once for a request and kept.
"""

import functools
import inspect
import threading
import warnings
import weakref
from collections import Counter, OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import itemgetter
from time import perf_counter
from typing import Any, Literal, NamedTuple, cast

import numpy as np

from explain import guided, targets, twins
from explain.biases import added, terms
from explain.errors import ModelError
from explain.explanation import Layer
from explain.graph import all_layers
from explain.layers import Attention, Call, attentions, choose
from explain.rules import RULES, Rule
from explain.tokens import Grid

Tensor = Any
Model = Any

TRACES = 8  # kept per model
REPLACED = 24  # kept beside them of those with another output of a layer, which are small
PLANS = 16  # kept of passes without their weights, half a megabyte each

CHUNK_PIXELS = 8 * 224 * 224  # in one run of many; VGG16 takes about 0.1 GB a picture of 224 for a gradient

_tracing = threading.RLock()  # one for all models, as models may share layers


# --- Taps -----------------------------------------------------------------------------------------------------------


@contextmanager
def tapped(
    model: Model,
    replaced: Mapping[str, Callable[[Tensor], Tensor]] | None = None,
    beat: Callable[[], Any] | None = None,
) -> Iterator[list[Call]]:
    """Record what every layer of a model, nested or not, returns while this thread calls the model.

    Each layer gets an instance attribute `call` over that of its class, set past Keras' tracking, and loses it again,
    also after an exception. A call is recorded when it is done, so a nested model follows its layers; its address is
    made of the calls it happens in. Other threads may call the model meanwhile and are not recorded.

    Args:
        model: a Keras model that has been built.
        replaced: by address what a call returns, made from its own output.
        beat: is called before every call; what it raises ends the model's call.

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
            if beat is not None:
                beat()
            address = "/".join([*path[-1:], layer.name])
            seen[address] += 1
            if seen[address] > 1:
                address = f"{address}#{seen[address]}"
            path.append(address)
            try:
                output = call(*args, **kwargs)
            finally:
                path.pop()
            if replaced and address in replaced:
                output = replaced[address](output)
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

    layers = all_layers(model)
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


Gives = Literal["maps", "scores", "gradients", "taps", "replaced"]


class Request(NamedTuple):
    """What a trace was made for: all that decides its graph, beside the model.

    Attributes:
        layers: as `explain` takes them; of "replaced" the address.
        rules: names of those that run in the pass.
        shape: of the batch; None for any number of pictures.
        features: how many channels to keep.
        contrast: a weak reference to the target function, or a `targets.Finer`, or None.
        head: as `explain` takes it.
        gives: what the pass gives beside scores: "maps" by rules and feature maps; "scores" alone; "gradients" of the
            input; "taps", all layers' activations and gradients; "replaced", scores with another output of a layer.
        values: of "replaced", height, width and channels of that output.
        grid: of "replaced", where these lie among tokens; None for a map.
    """

    layers: str | tuple[str, ...]
    rules: tuple[str, ...]
    shape: tuple[int | None, ...]
    features: int
    contrast: Any
    head: targets.HeadKind = "auto"
    gives: Gives = "maps"
    values: tuple[int, ...] = ()
    grid: Grid | None = None

    def of_any_number(self) -> "Request":
        """The same for any number of pictures."""
        return self._replace(shape=(None, *self.shape[1:]))

    @property
    def layered(self) -> bool:
        """Whether layers have to be chosen."""
        return self.gives == "taps" or self.features > 0 or any(RULES[rule].layered for rule in self.rules)

    @property
    def needs(self) -> frozenset[str]:
        """All that its rules need, and what it gives by itself."""
        whole = {"gradients": {"slopes"}, "taps": {"activations", "gradients"}}.get(self.gives, set())
        kept = {"activations", "gradients"} if self.features else set()
        return frozenset().union(whole, kept, *(RULES[rule].needs for rule in self.rules))


class Trace(NamedTuple):
    """A compiled pass.

    Attributes:
        compiled: a ConcreteFunction from a float32 batch, int32 targets and, of "replaced", values to tensors by name.
        request: its shape has None for the number of pictures where the pass takes any.
        layers: those it gives maps of, in order of execution.
    """

    compiled: Any
    request: Request
    layers: tuple[Layer, ...]

    def run(self, batch: np.ndarray, indices: np.ndarray, *values: np.ndarray) -> dict:
        """The pass over a batch."""
        import tensorflow as tf

        return self.compiled(*map(tf.constant, (batch, indices, *values)))


class _NeedsNumber(Exception):
    """The model, or the target function, cannot be traced for any number of pictures."""


_counting: weakref.WeakSet[Model] = weakref.WeakSet()  # models of which that is known


def trace(
    model: Model,
    request: Request,
    check: Callable[[int], None] | None = None,
    beat: Callable[[], Any] | None = None,
) -> Trace:
    """Trace a model's pass, for any number of pictures where the model allows. The result holds its weights, not it.

    Args:
        model: a Keras model.
        request: what to trace; its shape is that of a batch.
        check: is called with the number of classes as soon as it is known, and may refuse it.
        beat: is called before every layer's call; what it raises ends the tracing.

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
            return _trace(model, request.of_any_number(), shape, check, beat)
        except _NeedsNumber:
            pass
    fixed = _trace(model, request, shape, check, beat)
    _counting.add(model)
    return fixed


def _trace(
    model: Model,
    request: Request,
    shape: tuple[int, ...],
    check: Callable[[int], None] | None,
    beat: Callable[[], Any] | None,
) -> Trace:
    """Trace, and run once on a batch of this shape: a layer that gives other than one map per picture is left out."""
    import tensorflow as tf

    left_out: set[str] = set()
    nothing = [np.zeros(shape, np.float32), np.zeros(shape[:1], np.int32)]
    if request.values:
        nothing.append(np.zeros((shape[0], *request.values), np.float32))
    while True:
        made = _compiled(model, request, check, left_out, beat)
        try:
            counts = _counts(made.run(*nothing))
        except tf.errors.OpError as error:
            if request.shape[0] is None:
                raise _NeedsNumber from error
            raise
        several = {layer.address for layer, count in zip(made.layers, counts, strict=False) if count != shape[0]}
        if not several:
            return made
        left_out |= several


def _counts(result: Mapping[str, Any]) -> list[int]:
    """How many pictures each layer gave something of; empty where nothing of single layers is given."""
    by_layer = [*result.get("maps", {}).values()]
    by_layer += [[arrays[0] for arrays in result[name]] for name in ("features", "pairs") if result.get(name)]
    return [len(arrays) for arrays in by_layer[0]] if by_layer else []


def _compiled(
    model: Model,
    request: Request,
    check: Callable[[int], None] | None,
    left_out: Collection[str],
    beat: Callable[[], Any] | None,
) -> Trace:
    """The pass, compiled and not yet run."""
    layers: list[Layer] = []

    def run(batch: Tensor, indices: Tensor, *values: Tensor) -> dict:
        contrast = request.contrast() if callable(request.contrast) else request.contrast

        def put(output: Tensor) -> Tensor:
            return values[0] if request.grid is None else request.grid.put(output, values[0])

        replaced = {str(request.layers): put} if values else None

        def scored() -> tuple[list[Call], targets.Head, Tensor, Tensor]:
            with _numbered(request), tapped(model, replaced, beat) as calls:
                output = model(batch, training=False)
                _check_sizes(batch, [output, *(call.output for call in calls)])
            head = targets.head(output, batch, request.head)
            if check is not None:
                check(head.logits.shape[1])
            with _numbered(request):
                return calls, head, *targets.score(head.logits, indices, contrast)

        calls, head, scores, explained = scored()
        result = {"probabilities": head.probabilities, "scores": scores, "targets": explained}
        if request.gives == "replaced":
            return {"scores": scores}
        if request.gives == "scores":
            return result | {"logits": head.logits}
        chosen = choose(request.layers, calls, batch, head.logits, left_out) if request.layered else []
        layers.extend(layer for layer, _ in chosen)
        attended = attentions(batch, head.logits) if "attention" in request.needs else []
        needed = _needed(request.needs, batch, scores, chosen, attended)
        if "guided" in request.needs:
            with guided.changed(batch.graph):
                _, _, again, _ = scored()
            needed.whole["guided"] = _slopes(again, batch)
        if request.gives == "gradients":
            return result | {"gradients": needed.whole["slopes"]}
        if request.gives == "taps":
            return result | {"pairs": needed.whole["layers"]}
        made = {name: needed.maps(RULES[name]) for name in request.rules}
        return result | {
            "maps": {name: maps for name, maps in made.items() if RULES[name].level == "layer"},
            "attributions": {name: maps for name, maps in made.items() if RULES[name].level == "input"},
            "features": [_important(a, g, request.features) for a, g in needed.whole["layers"] if request.features],
        }

    compiled = _concrete(run, request)
    _forget_custom_gradients(compiled.graph)
    return Trace(compiled, request, tuple(layers))


def _concrete(run: Callable[..., dict], request: Request) -> Any:
    """A function of a batch, of targets and perhaps of values as one graph."""
    import tensorflow as tf

    signature = [tf.TensorSpec(request.shape, tf.float32), tf.TensorSpec(request.shape[:1], tf.int32)]
    if request.values:
        signature.append(tf.TensorSpec((request.shape[0], *request.values), tf.float32))
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


class _Needed(NamedTuple):
    """What rules need, in the graph of a pass.

    Attributes:
        whole: what is of the whole model, by need.
        of_layers: what is of a single layer, by need, one dict a layer.
    """

    whole: dict[str, Any]
    of_layers: list[dict[str, Tensor]]

    def maps(self, rule: Rule) -> Any:
        """A rule's maps: a list, one a layer, or the map of the input."""
        if rule.level == "input" or "layers" in rule.needs:
            return rule(*(self.whole[need] for need in rule.needs))
        return [rule(*({**self.whole, **of_layer}[need] for need in rule.needs)) for of_layer in self.of_layers]


def _needed(
    needs: Collection[str],
    batch: Tensor,
    scores: Tensor,
    chosen: Sequence[tuple[Layer, Tensor]],
    attended: Sequence[Attention],
) -> _Needed:
    """What is needed and no more, float32, by one backward pass."""
    import tensorflow as tf

    outputs = [output for _, output in chosen]
    backward = outputs if {"gradients", "curvature", "layers"} & set(needs) else []
    biases = added(batch) if "terms" in needs else []
    inputs = [batch] if {"slopes", "terms"} & set(needs) else []
    weights = [attention.weights for attention in attended]
    raw = tf.gradients(scores, [*backward, *inputs, *(bias.output for bias in biases), *weights])
    gradients, others = raw[: len(backward)], raw[len(backward) : len(raw) - len(weights)]
    if backward and all(gradient is None for gradient in gradients):
        raise _no_gradient(", ".join(layer.address for layer, _ in chosen))
    of_layers: list[dict[str, Tensor]] = [{"activations": tf.cast(output, tf.float32)} for output in outputs]
    for of_layer, output, gradient in zip(of_layers, outputs, gradients, strict=False):
        of_layer["gradients"] = _or_zeros(gradient, output)
        if "curvature" in needs:
            of_layer["curvature"] = _curvature(output, gradient)
    of_layers = [
        {need: tensor if layer.grid is None else layer.grid.map(tensor) for need, tensor in of_layer.items()}
        for (layer, _), of_layer in zip(chosen, of_layers, strict=True)
    ]
    whole: dict[str, Any] = {"pixels": batch}
    whole["layers"] = [(of_layer["activations"], of_layer["gradients"]) for of_layer in of_layers if backward]
    if inputs:
        if others[0] is None:
            raise _no_gradient("the input")
        whole["slopes"] = others[0]
        whole["terms"] = terms(batch, others[0], biases, others[1:])
    if "attention" in needs:
        whole["attention"] = [
            _of_places(attention, gradient)
            for attention, gradient in zip(attended, raw[len(raw) - len(weights) :], strict=True)
        ]
        if not attended:
            raise ModelError(
                "attention",
                "The rule looks at attention over patches of the picture: the model has none whose places can be told.",
            )
    return _Needed(whole, of_layers)


def _of_places(attention: Attention, gradient: Tensor | None) -> Tensor:
    """The gradient to an attention's shares, n x heads x queries x height x width of the grid that is looked at."""
    import tensorflow as tf

    grid, (_, heads, queries, _) = attention.grid, attention.weights.shape
    places = _or_zeros(gradient, attention.weights)[..., grid.first : grid.first + grid.height * grid.width]
    queries = tf.shape(attention.weights)[2] if queries is None else queries
    return tf.reshape(places, (-1, heads, queries, grid.height, grid.width))


def _slopes(scores: Tensor, batch: Tensor) -> Tensor:
    import tensorflow as tf

    [slopes] = tf.gradients(scores, [batch])
    if slopes is None:
        raise _no_gradient("the input")
    return slopes


def _or_zeros(gradient: Tensor | None, output: Tensor) -> Tensor:
    """A gradient, float32; zero where a layer lies beside the way to the score."""
    import tensorflow as tf

    return tf.zeros_like(output, tf.float32) if gradient is None else tf.cast(gradient, tf.float32)


def _curvature(output: Tensor, gradient: Tensor | None) -> Tensor:
    """The product of the score's Hessian at a layer with the layer's activations."""
    import tensorflow as tf

    if gradient is None:
        return _or_zeros(None, output)
    try:
        [product] = tf.gradients(gradient * tf.stop_gradient(output), [output])
    except LookupError as error:  # an operation whose gradient has none
        raise ModelError("curvature", "TensorFlow knows no second derivative of an operation of the model.") from error
    return _or_zeros(product, output)


def _no_gradient(addresses: str) -> ModelError:
    return ModelError(
        "gradient",
        "No gradient of the score reaches any layer asked for ({addresses}): the score does not depend on them, "
        "or an operation on the way, such as a rounding or a stop_gradient, passes none.",
        addresses=addresses,
    )


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


def _traced(
    model: Model,
    request: Request,
    check: Callable[[int], None] | None = None,
    beat: Callable[[], Any] | None = None,
) -> Trace:
    """The model's trace for a request: from the cache, where the least recently used of `TRACES` makes room."""
    if (known := _recall(model, request)) is not None:
        return known
    with _tracing:
        if (known := _recall(model, request)) is not None:
            return known
        shared = request.gives != "replaced" and not callable(request.contrast)
        make = twins.make(model) if shared else None
        fresh = _of_twin(model, make, request) or trace(model, request, check, beat)
        structure = Structure(model)  # only now: some models are built when they are called
        if make is not None and (plan := twins.plan(fresh.compiled, model)) is not None:
            _plans[make, fresh.request] = plan, fresh.layers
            _plans.move_to_end((make, fresh.request))
            if len(_plans) > PLANS:
                _plans.popitem(last=False)
        with _lookup:
            kept = _traces.setdefault(model, _Kept(structure, OrderedDict()))
            kept.traces[fresh.request] = fresh
            alike = [known for known in kept.traces if (known.gives == "replaced") == (request.gives == "replaced")]
            if len(alike) > (REPLACED if request.gives == "replaced" else TRACES):
                del kept.traces[alike[0]]
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


def lacking(model: Model) -> frozenset[str]:
    """What rules may need and this model has not, as far as its kept traces tell.

    Args:
        model: a Keras model.

    Returns:
        Of "guided" (it has no ReLU) and "attention" (it has none); nothing for a model that was not traced yet.
    """
    with _lookup:
        kept = _traces.get(model)
        traces = [] if kept is None else list(kept.traces.values())
    whole = next((known for known in traces if known.request.gives != "replaced"), None)
    if whole is None:
        return frozenset()
    operations = whole.compiled.graph.get_operations()
    rectified = any(operation.type in guided.KINDS for operation in operations)
    attended = any(operation.type == "Softmax" and operation.outputs[0].shape.rank == 4 for operation in operations)
    return frozenset(need for need, known in {"guided": rectified, "attention": attended}.items() if not known)


def reference(contrast: targets.Contrast | targets.Finer | None) -> Any:
    """What a `Request` holds: of a function a weak reference, so that it keeps no model alive that it knows."""
    if contrast is None or isinstance(contrast, targets.Finer):
        return contrast
    return weakref.WeakMethod(contrast) if inspect.ismethod(contrast) else weakref.ref(contrast)


# --- One model as functions -----------------------------------------------------------------------------------------


class Answer(NamedTuple):
    """What a model says of n pictures.

    Attributes:
        logits: float32 (n, classes); of one sigmoid unit z they are -z and z.
        probabilities: float32 (n, classes), 0 to 1.
        scores: float32 (n,), the explained numbers.
        targets: int32 (n,), the explained classes; -1 where a function of the logits is explained.
    """

    logits: np.ndarray
    probabilities: np.ndarray
    scores: np.ndarray
    targets: np.ndarray


class Classifier:
    """A Keras model as functions from float batches to numbers, for one kind of target.

    Everything takes `batch`, float32 n x height x width x channels in the model's own value range, and `classes`, int32
    (n,), the class explained of each picture (see `targets.resolve`). Pictures go in at most `chunk` at a time, so n is
    not bounded by memory, but for `taps`. After every run `progress` is told how many pictures went through the model,
    and 0 while it is traced; what it raises ends the work, and leaves nothing behind.

    Args:
        model: a Keras 3 model with one input and one output of classes.
        layers: as `explain` takes them; needed for `taps` and `scores_without` alone.
        contrast: a function of the logits that is explained, or a `targets.Finer`, or None.
        head: what comes out of the model, see `targets.head`.
        check: is called with the number of classes, and may refuse it.
        progress: is called with the number of pictures that have just gone through the model, 0 while it is traced.

    Example:
        >>> import keras
        >>> model = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.Flatten(), keras.layers.Dense(2)])
        >>> classifier = Classifier(model)
        >>> batch = np.zeros((5, 4, 4, 3), np.float32)
        >>> classifier.predict(batch).probabilities.shape, classifier.gradients(batch).shape
        ((5, 2), (5, 4, 4, 3))
    """

    def __init__(
        self,
        model: Model,
        layers: str | Sequence[str] = "blocks",
        contrast: targets.Contrast | targets.Finer | None = None,
        head: targets.HeadKind = "auto",
        check: Callable[[int], None] | None = None,
        progress: Callable[[int], Any] | None = None,
    ) -> None:
        self._model = model
        self._layers = layers if isinstance(layers, str) else tuple(layers)
        self._contrast = contrast
        self._head = head
        self._check = check
        self._progress = progress
        self.layers: tuple[Layer, ...] = ()
        self.largest = 0  # pictures in the largest run

    def maps(
        self, batch: np.ndarray, classes: np.ndarray, rules: tuple[str, ...], features: int = 0
    ) -> tuple[dict[str, Any], float]:
        """What rules of the one traced pass make, of all pictures at once.

        Args:
            batch: see above.
            classes: see above.
            rules: names of rules that need no classifier.
            features: how many channels to keep.

        Returns:
            Probabilities, scores, targets, maps and attributions by rule, features; and milliseconds, without tracing.
        """
        request = Request(self._layers, rules, batch.shape, features, self._reference, self._head)
        request = request if request.layered else request._replace(layers="")
        traced = _traced(self._model, request, self._check, self._beat)
        started = perf_counter()
        result = _as_numpy(traced.run(batch, classes))
        milliseconds = 1000 * (perf_counter() - started)
        self.layers = traced.layers or self.layers
        return result, milliseconds

    def choose(self, shape: tuple[int, ...]) -> None:
        """Choose the wanted layers, for a batch of this shape: `layers` describes them."""
        self.layers = self._tapped(shape).layers

    def predict(self, batch: np.ndarray, classes: np.ndarray | None = None) -> Answer:
        """What the model says.

        Args:
            batch: see above.
            classes: see above; None for the likeliest of every picture.

        Returns:
            Logits, probabilities, scores and classes.
        """
        result = self._run("scores", batch, classes)
        return Answer(*(result[name] for name in Answer._fields))

    def scores(self, batch: np.ndarray, classes: np.ndarray | None = None) -> np.ndarray:
        """The explained numbers, float32 (n,)."""
        return self._run("scores", batch, classes)["scores"]

    def confidences(self, batch: np.ndarray, classes: np.ndarray) -> np.ndarray:
        """Probabilities of the explained classes, float32 (n,); the explained numbers where it is no class alone."""
        answer = self.predict(batch, classes)
        if self._contrast is not None:
            return answer.scores
        return answer.probabilities[np.arange(len(batch)), answer.targets]

    def gradients(self, batch: np.ndarray, classes: np.ndarray | None = None) -> np.ndarray:
        """Gradients of the explained numbers to the batch, float32 of its shape."""
        return self.scored_gradients(batch, classes)[1]

    def scored_gradients(self, batch: np.ndarray, classes: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The explained numbers, float32 (n,), and their gradients to the batch, float32 of its shape; in one pass."""
        result = self._run("gradients", batch, classes)
        return result["scores"], result["gradients"]

    def taps(self, batch: np.ndarray, classes: np.ndarray | None = None) -> list[tuple[np.ndarray, np.ndarray]]:
        """Activations and gradients of all wanted layers, whose description is afterwards in `layers`; all at once.

        Args:
            batch: see above.
            classes: see above.

        Returns:
            Float32 n x h x w x channels twice, for every layer.
        """
        traced = self._tapped(batch.shape)
        result = _as_numpy(traced.run(batch, _every(classes, batch)))
        self.layers = traced.layers
        self._count(len(batch))
        return result["pairs"]

    def scores_with(
        self, address: str, values: np.ndarray, batch: np.ndarray, classes: np.ndarray | None = None
    ) -> np.ndarray:
        """The explained numbers, had a layer returned something else.

        Args:
            address: of the layer; of tokens one of `layers`.
            values: float32 n x h x w x channels, in place of its output.
            batch: see above.
            classes: see above.

        Returns:
            float32 (n,).
        """
        grid = {layer.address: layer.grid for layer in self.layers}.get(address)
        return self._run("replaced", batch, classes, address, values, grid)["scores"]

    def slices(self, batch: np.ndarray, count: int) -> Iterator[slice]:
        """Parts of so many changed copies of pictures that go in at a time."""
        chunk = self._chunk(batch)
        return (slice(start, min(start + chunk, count)) for start in range(0, count, chunk))

    def _chunk(self, batch: np.ndarray) -> int:
        return max(1, min(256, CHUNK_PIXELS // int(np.prod(batch.shape[1:3]))))

    @property
    def _reference(self) -> Any:
        return reference(self._contrast)

    def _tapped(self, shape: tuple[int, ...]) -> Trace:
        request = Request(self._layers, (), shape, 0, self._reference, self._head, "taps")
        return _traced(self._model, request, self._check, self._beat)

    def _run(
        self,
        gives: Gives,
        batch: np.ndarray,
        classes: np.ndarray | None,
        layers: str = "",
        values: np.ndarray | None = None,
        grid: Grid | None = None,
    ) -> dict[str, np.ndarray]:
        """A pass over chunks of the batch, its results joined."""
        indices = _every(classes, batch)
        parts = []
        for part in self.slices(batch, len(batch)):
            given = (batch[part],) if values is None else (batch[part], values[part])
            shape = () if values is None else values.shape[1:]
            request = Request(layers, (), given[0].shape, 0, self._reference, self._head, gives, shape, grid)
            traced = _traced(self._model, request, self._check, self._beat)
            parts.append(_as_numpy(traced.run(given[0], indices[part], *given[1:])))
            self._count(len(given[0]))
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _beat(self) -> None:
        """While the model is traced: nothing more has gone through it, but who wants to end the work can."""
        if self._progress is not None:
            self._progress(0)

    def _count(self, pictures: int) -> None:
        self.largest = max(self.largest, pictures)
        if self._progress is not None:
            self._progress(pictures)


def _every(classes: np.ndarray | None, batch: np.ndarray) -> np.ndarray:
    return np.full(len(batch), targets.PREDICTED, np.int32) if classes is None else np.asarray(classes, np.int32)


def _as_numpy(tensors: Any) -> Any:
    import tensorflow as tf

    return tf.nest.map_structure(lambda tensor: tensor.numpy(), tensors)
