"""The sanity check: does a map change when the model's weights are drawn anew, layer by layer from the top?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from explain import twins
from explain.agreement import rank_correlation
from explain.classifier import tapped
from explain.engine import explain
from explain.errors import ModelError
from explain.explanation import Explanation
from explain.targets import HeadKind

Model = Any
Variable = Any


@dataclass(frozen=True, eq=False)
class Randomised:
    """Maps of one rule at one layer while more and more of the model, from the top down, is at random.

    Attributes:
        addresses: of the lowest layer at random, stage by stage.
        maps: float32 (stages, n, h, w).
        correlations: float64 (stages, n), Spearman's rank correlation with the trained model's map, -1 to 1; NaN where
            a map is the same everywhere. A rule whose maps stay alike down to the first layers shows the picture and
            not the model. How far two trained seeds agree stands beside it.
    """

    addresses: tuple[str, ...]
    maps: np.ndarray
    correlations: np.ndarray

    def __repr__(self) -> str:
        means = [np.nanmean(stage) if np.isfinite(stage).any() else np.nan for stage in self.correlations]
        lines = [f"  {address}: {mean:.2f}" for address, mean in zip(self.addresses, means, strict=True)]
        return "\n".join(["Rank correlation with the trained model's map, random from the top down to", *lines])


def randomised(
    model: Model,
    explanation: Explanation,
    rule: str | None = None,
    layer: str | None = None,
    stages: int = 8,
    preprocess: Callable[[np.ndarray], Any] | None = None,
    head: HeadKind = "auto",
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    progress: Callable[[int, int], Any] | None = None,
    seed: int = 0,
) -> Randomised:
    """Cascading randomisation of weights (Adebayo et al., Sanity Checks for Saliency Maps, NeurIPS 2018,
    arXiv:1810.03292).

    A copy of the model is changed, never the model itself. The values of each variable change places among themselves,
    so that their sizes stay those of a trained model. Explained is the class that `explanation` explains.

    Args:
        model: a Keras model, as it was explained.
        explanation: of it.
        rule: by default the first.
        layer: whose map is compared; by default the last.
        stages: how many times, at most; the weighted layers are shared out evenly among them.
        preprocess: as `explain` took it.
        head: as `explain` took it.
        parameters: as `explain` took them.
        progress: is called with the stages that are done and that there will be; what it raises ends the work.
        seed: of the order of the values.

    Returns:
        A map, and how far it is the trained one, for every stage.

    Raises:
        ModelError: for a model that Keras cannot copy.
        KeyError: for a rule or layer that was not explained.
        ValueError: for fewer stages than one, and for an explanation of a function.

    Example:
        >>> import keras
        >>> keras.utils.set_random_seed(1)
        >>> model = keras.Sequential(
        ...     [
        ...         keras.Input((8, 8, 3)),
        ...         keras.layers.Conv2D(4, 3, activation="relu", name="features"),
        ...         keras.layers.Flatten(),
        ...         keras.layers.Dense(2, activation="softmax", name="head"),
        ...     ]
        ... )
        >>> picture = np.random.default_rng(0).integers(0, 255, (8, 8, 3), np.uint8)
        >>> randomised(model, explain(model, picture)).addresses
        ('head', 'features')
    """
    if stages < 1:
        raise ValueError(f"stages is how many times weights are drawn anew, 1 or more, not {stages}.")
    if (explanation.targets < 0).any():
        raise ValueError("The maps of a class are compared, not those of a function of the logits.")
    rule = explanation.rules[0] if rule is None else rule
    count = len(explanation.pictures)
    trained = [explanation.map(layer, rule, picture) for picture in range(count)]
    copy = _copy(model, explanation, preprocess)
    weighted = _weighted(copy, explanation.pictures[:1].astype(np.float32), preprocess)[::-1]
    ends = np.unique(np.linspace(0, len(weighted), min(stages, len(weighted)) + 1).round().astype(int))
    random = np.random.default_rng(seed)
    options: dict[str, Any] = {"preprocess": preprocess, "head": head, "parameters": parameters, "rules": rule}
    options["layers"] = [known.address for known in explanation.layers] or "blocks"
    pictures = explanation.pictures
    maps, correlations = [], []
    for done, (start, end) in enumerate(pairwise(ends), 1):
        for _, variables in weighted[start:end]:
            for variable in variables:
                values = variable.numpy()
                variable.assign(random.permutation(values.ravel()).reshape(values.shape))
        drawn = explain(copy, pictures, explanation.targets.tolist(), **options)
        maps.append([drawn.map(layer, rule, picture) for picture in range(count)])
        correlations.append([rank_correlation(*pair) for pair in zip(trained, maps[-1], strict=True)])
        if progress is not None:
            progress(done, len(ends) - 1)
    return Randomised(tuple(weighted[end - 1][0] for end in ends[1:]), np.array(maps), np.array(correlations))


def _copy(model: Model, explanation: Explanation, preprocess: Callable[[np.ndarray], Any] | None) -> Model:
    """A model of its own weights that answers as the given one does."""
    import keras

    batch = explanation.pictures[:1].astype(np.float32)
    batch = batch if preprocess is None else np.asarray(preprocess(batch), np.float32)
    try:
        plain = isinstance(model, (keras.Sequential, keras.src.models.Functional))
        copy = keras.models.clone_model(model) if plain else type(model).from_config(model.get_config())
        first = copy(batch, training=False)
        copy.set_weights(model.get_weights())
        second, wanted = copy(batch, training=False), model(batch, training=False)
        if twins.make(model) is not None:  # then it may share what was traced for another copy
            twins.mark(copy)
        alike = first.shape == wanted.shape and np.allclose(second, wanted, rtol=1e-3, atol=1e-5)
    except Exception as error:
        raise _no_copy() from error
    if not alike:
        raise _no_copy()
    return copy


def _no_copy() -> ModelError:
    return ModelError(
        "copy", "Keras cannot copy the model from its configuration, so its weights cannot be drawn anew beside it."
    )


def _weighted(
    model: Model, batch: np.ndarray, preprocess: Callable[[np.ndarray], Any] | None
) -> list[tuple[str, list[Variable]]]:
    """The layers with weights of their own, in order of execution, and these."""
    seen: set[int] = set()
    layers = []
    with tapped(model) as calls:
        model(batch if preprocess is None else np.asarray(preprocess(batch), np.float32), training=False)
    for call in calls:  # what a layer consists of returns before it does
        held = [variable for variable in getattr(call.layer, "weights", []) if id(variable) not in seen]
        seen.update(map(id, held))
        floating = [variable for variable in held if "float" in str(variable.dtype)]
        if floating:
            layers.append((call.address, floating))
    return layers
