"""Explaining: pictures in, maps by all rules out."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from explain import targets
from explain.classifier import Classifier
from explain.errors import ModelError
from explain.explanation import Cost, Explanation, Features
from explain.graph import all_layers
from explain.rules import RULES, Attribution, Passes, Rule, rule_names, with_noise

Model = Any
Progress = Callable[[int, int], Any]

SMOOTHING_NOISE = 0.1  # standard deviation of test-time smoothing's noise, of the range of a picture's values


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
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    smoothing: int = 0,
    progress: Progress | None = None,
) -> Explanation:
    """Explain what a Keras classifier sees in pictures, at all wanted layers in one pass.

    The first call for a new combination of layers, rules and picture size traces the model, which takes seconds; later
    calls, of any number of pictures, cost about as much as a forward and a backward pass. (Only a model that computes
    with the number of pictures itself is traced anew for each.) Rules of many passes say how many (`Rule.cost`). The
    model is left as it is. Its weights may change between calls; where its structure has changed, it is traced anew.

    Args:
        model: a Keras 3 model on TensorFlow, of any make, with one input (batch x height x width x channels) and one
            output (batch x classes). The score is taken before its last sigmoid or softmax; see `targets.head`.
        pictures: uint8 RGB height x width x 3, 0 to 255 (grey where the model's input has one channel), or n of them
            as an array or a list of any sizes: squashed to the model's input, then handed to `preprocess`. Or floats,
            n x height x width x channels or one without the n, taken as they are: in the model's own value range.
        target: "predicted", the index or name of a class, a list with one of these per picture, `targets.Finer` for a
            class and not those nearest to it, or a function from logits (float32 tensor n x classes) to n numbers. Keep
            the function and pass it again: each new one is traced anew.
        layers: "blocks" (the stem, where each block ends, the last activation; at most 20), "convolutions", "all",
            "last", or addresses such as `backbone/block3a_expand`; `name#2` is the second call of a shared layer.
        rules: names of `rules.RULES`.
        preprocess: from a float32 batch 0 to 255 to the model's input; None if that is inside the model.
        features: how many of the most important channels to keep at every layer.
        classes: names of the classes in order, or a mapping between names and indices.
        head: what comes out of the model, "logits" or "probabilities"; "auto" where the model itself tells, which it
            does where it ends in a sigmoid, a softmax or linear units. See `targets.head`.
        parameters: by rule, those that differ from `RULES[rule].parameters`: {"rise": {"masks": 200}}.
        smoothing: how many noisy copies of every picture each rule's maps are averaged over; 0 for the picture itself.
        progress: is called with the passes of single pictures that are done and that there will be, for rules of many
            passes; also while the model is traced for them, when nothing more is done. What it raises ends the work and
            comes out of `explain`; the model is left as it was.

    Returns:
        Raw float32 maps by rule and layer, attributions of the input by rule, probabilities, scores and costs.

    Raises:
        ModelError: for a model that cannot be explained; the message says why.
        ValueError: for pictures, targets, layers, rules or parameters that do not go with it.
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
    if smoothing < 0:
        raise ValueError(f"smoothing is a number of noisy copies, not {smoothing}.")
    targets.check_head(head)
    rule_set = [RULES[name] for name in rule_names(rules)]
    settings = _settings(rule_set, parameters or {})
    names = targets.class_names(classes)
    given, batch = _prepared(model, pictures, preprocess)
    indices, contrast = targets.resolve(target, len(batch), names)

    def check(count: int) -> None:
        targets.check(indices, names, count)

    if (count := _class_count(model)) is not None:
        check(count)
    traced = tuple(rule.name for rule in rule_set if not rule.probes)
    probing = [rule for rule in rule_set if rule.probes]
    meter = _Meter(progress)
    classifier = Classifier(model, layers, contrast, head, check, meter.step)
    result, milliseconds = classifier.maps(batch, indices, () if smoothing else traced, features)
    if not np.isfinite(result["probabilities"]).all():
        raise ModelError("not-finite", "What the model returns are no numbers (infinite or NaN).")
    if head == "probabilities":
        targets.check_probabilities(result["probabilities"])

    explained = result["targets"]
    if any(rule.layered for rule in probing):
        classifier.choose(batch.shape)

    def cost(rule: Rule) -> Passes:
        return rule.cost(classifier.layers, (batch.shape[1], batch.shape[2]), **settings[rule.name])

    meter.total = len(batch) * max(smoothing, 1) * sum(cost(rule).forward for rule in probing)
    copies = _noisy(batch, smoothing) if smoothing else [batch]
    done = None if smoothing else (result, milliseconds)
    costs = {rule.name: cost(rule) for rule in probing}
    means = _by_rule(classifier, rule_set, copies, explained, settings, costs, done, meter)

    addresses = [layer.address for layer in classifier.layers]
    return Explanation(
        pictures=given,
        probabilities=result["probabilities"],
        scores=result["scores"],
        targets=explained,
        classes=names,
        layers=classifier.layers,
        maps={
            name: dict(zip(addresses, mean.maps, strict=True)) for name, mean in means.items() if mean.maps is not None
        },
        features={address: Features(*arrays) for address, arrays in zip(addresses, result["features"], strict=False)},
        cost={
            name: Cost(*(mean.passes or _taken(cost(RULES[name]), smoothing)), mean.milliseconds, mean.batch)
            for name, mean in means.items()
        },
        attributions={name: mean.attribution for name, mean in means.items() if mean.attribution is not None},
        residuals={name: mean.residual for name, mean in means.items() if mean.residual is not None},
    )


# --- Rules ----------------------------------------------------------------------------------------------------------


class _Made(NamedTuple):
    """What a rule made of a batch: maps, one a layer, or an attribution of the input, and what is left unexplained."""

    maps: Sequence[np.ndarray] | None
    attribution: np.ndarray | None
    residual: np.ndarray | None
    passes: Passes | None  # of a rule of many, what it took
    milliseconds: float
    batch: int


class _Meter:
    """Passes of single pictures that are done, told to whoever wants to know."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self.done, self.total = 0, 0

    def step(self, pictures: int) -> None:
        self.done += pictures
        if self._progress is not None and self.total:  # not known while the layers are being chosen
            self._progress(self.done, self.total)

    def skip(self, pictures: int) -> None:
        """Passes that turned out not to be needed count as done."""
        if pictures:
            self.step(pictures)


def _taken(passes: Passes, smoothing: int) -> Passes:
    """Of all noisy copies, or of the picture itself."""
    return Passes(*(max(smoothing, 1) * count for count in passes))


def _settings(rules: Sequence[Rule], parameters: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """All parameters of every rule."""
    names = [rule.name for rule in rules]
    if unknown := set(parameters) - set(names):
        raise ValueError(f"Parameters of {', '.join(sorted(unknown))}, but the rules asked for are {', '.join(names)}.")
    return {rule.name: rule.settings(parameters.get(rule.name, {})) for rule in rules}


def _by_rule(
    classifier: Classifier,
    rules: Sequence[Rule],
    copies: Iterable[np.ndarray],
    classes: np.ndarray,
    settings: Mapping[str, Mapping[str, Any]],
    costs: Mapping[str, Passes],
    done: tuple[dict[str, Any], float] | None,
    meter: _Meter,
) -> dict[str, _Made]:
    """What every rule makes, on average over copies of the pictures; `done` is the traced pass, where it was run."""
    traced = tuple(rule.name for rule in rules if not rule.probes)
    made: dict[str, list[_Made]] = {rule.name: [] for rule in rules}
    for copy in copies:
        if traced:
            result, milliseconds = done or classifier.maps(copy, classes, traced)
            for name in traced:
                maps, attribution = (result[kind].get(name) for kind in ("maps", "attributions"))
                made[name].append(_Made(maps, attribution, None, None, milliseconds, len(copy)))
        for rule in rules:
            if rule.probes:
                end = meter.done + len(copy) * costs[rule.name].forward
                made[rule.name].append(_probed(rule, classifier, copy, classes, settings[rule.name], costs[rule.name]))
                meter.skip(end - meter.done)
    return {name: _mean(parts) for name, parts in made.items()}


def _probed(
    rule: Rule,
    classifier: Classifier,
    batch: np.ndarray,
    classes: np.ndarray,
    settings: Mapping[str, Any],
    cost: Passes,
) -> _Made:
    """What a rule of many passes makes."""
    classifier.largest = 0
    started = perf_counter()
    result = rule(classifier, batch, classes, **settings)
    milliseconds = 1000 * (perf_counter() - started)
    if rule.level == "layer":
        maps = [np.asarray(of_layer, np.float32) for of_layer in result]
        return _Made(maps, None, None, cost, milliseconds, classifier.largest)
    if not isinstance(result, Attribution):
        result = Attribution(result)
    values = np.asarray(result.values, np.float32)
    return _Made(None, values, result.residual, result.passes or cost, milliseconds, classifier.largest)


def _noisy(batch: np.ndarray, copies: int) -> Iterator[np.ndarray]:
    """Copies of a batch with noise, always the same."""
    random = np.random.default_rng(0)
    for _ in range(copies):
        yield with_noise(batch, SMOOTHING_NOISE, random)


def _mean(parts: Sequence[_Made]) -> _Made:
    """The mean over copies of the pictures; the time of all."""
    if len(parts) == 1:
        return parts[0]
    first = parts[0]

    def mean(arrays: Sequence[Any]) -> np.ndarray:
        return np.asarray(np.mean(arrays, axis=0, dtype=np.float64), np.float32)

    by_layer = zip(*(part.maps or [] for part in parts), strict=True)
    passes = [part.passes for part in parts if part.passes is not None]
    return _Made(
        None if first.maps is None else [mean(of_layer) for of_layer in by_layer],
        None if first.attribution is None else mean([part.attribution for part in parts]),
        None if first.residual is None else mean([part.residual for part in parts]),
        Passes(*(sum(counts) for counts in zip(*passes, strict=True))) if passes else None,
        sum(part.milliseconds for part in parts),
        max(part.batch for part in parts),
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
    turned = [
        layer.name
        for layer in all_layers(model)
        if getattr(layer, "data_format", None) == "channels_first" and "1D" not in type(layer).__name__
    ]
    if turned:
        raise ModelError(
            "channels-first",
            "The layer {layer} puts channels before height and width, and maps are read channels last: build the model "
            'with data_format="channels_last"; its weights stay the same.',
            layer=turned[0],
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
    size = input_size(model)
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


def input_size(model: Model) -> tuple[int | None, int | None, int | None]:
    """Height, width and channels of the model's input, None where undefined."""
    try:
        shape = model.input_shape
    except AttributeError:  # subclassed, or not built yet
        return None, None, None
    if not isinstance(shape, tuple) or len(shape) != 4:
        sentence = (
            "A model with one input, batch x height x width x channels, is needed, not {shape}: of several inputs "
            "`explain.narrowed` leaves one."
        )
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
