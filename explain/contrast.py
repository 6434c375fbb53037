"""Two models that disagree: what makes this one say cat and that one dog?

    left, right = (checkpoint.explain(picture) for checkpoint in checkpoints)
    contrast([checkpoint.model for checkpoint in checkpoints], [left, right]).difference

In each model the explained number is the logit of its own answer less that of the other's answer, a Finer-CAM (Zhang et
al., Finer-CAM, CVPR 2025, arXiv:2501.11309) whose other class is what the other model says. Gradients are linear in the
logits, so no model is traced anew for two other classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import numpy as np

from explain.agreement import common_grid
from explain.classifier import Classifier
from explain.explanation import Cost, Explanation
from explain.pictures import resize
from explain.rules import RULES, rule_names
from explain.targets import HeadKind

Model = Any


@dataclass(frozen=True, eq=False)
class Contrast:
    """What sets two models apart on n pictures.

    Attributes:
        explanations: of both models, whose maps explain the logit of the own answer less that of the other's answer.
        difference: float32 (n, H, W), at the greater height and width of both inputs: what each pixel adds to the left
            model's preference for its answer over the right one's, less what it adds to the right model's preference
            for the very same answer, if both were linear around the picture (pixel times gradient). Positive: it sets
            the two apart. Negative: it brings them together.
    """

    explanations: tuple[Explanation, Explanation]
    difference: np.ndarray


def contrast(
    models: Sequence[Model],
    explanations: Sequence[Explanation],
    rules: str | Sequence[str] = "gradcam",
    preprocess: Callable[[np.ndarray], Any] | Sequence[Callable[[np.ndarray], Any] | None] | None = None,
    head: HeadKind | Sequence[HeadKind] = "auto",
    beat: Callable[[], Any] | None = None,
) -> Contrast:
    """What makes two models that disagree do so; two passes of each.

    With two classes, what speaks for the one speaks against the other: the maps are those of each own answer then, but
    for their scale, and only `difference` tells something new.

    Args:
        models: two Keras models.
        explanations: of the same pictures, one a model, each of its own answer, with the layers to explain.
        rules: names of rules that take a layer's activations and gradients alone.
        preprocess: from a float32 batch as the explanations' pictures to the model's input; of both, or one a model.
        head: of both, or one a model, see `targets.head`.
        beat: is called while a model is traced and between passes; what it raises ends the work.

    Returns:
        Maps of both, and what sets them apart.

    Raises:
        ValueError: for other than two, where both explain the same class of a picture, for an ensemble (its members
            have no logits in common), and for rules that need something else.

    Example:
        >>> import keras
        >>> from explain.engine import explain
        >>> def model(sign):
        ...     layers = [keras.Input((2, 2, 1)), keras.layers.ReLU(name="features"), keras.layers.Flatten()]
        ...     model = keras.Sequential([*layers, keras.layers.Dense(2)])
        ...     model.set_weights([sign * np.array([[1.0, -1.0]] * 4), np.zeros(2)])
        ...     return model
        >>> models = model(1), model(-1)
        >>> picture = np.array([[[1.0], [0.0]], [[0.0], [2.0]]], np.float32)
        >>> contrast(models, [explain(each, picture) for each in models]).difference.tolist()
        [[[4.0, 0.0], [0.0, 8.0]]]
    """
    if not len(models) == len(explanations) == 2:
        raise ValueError(
            f"Two models and their explanations are contrasted, not {len(models)} and {len(explanations)}."
        )
    if any(hasattr(model, "members") for model in models):
        raise ValueError("The members of an ensemble have no logits in common, so it cannot be contrasted.")
    answers = [explanation.targets for explanation in explanations]
    if len(answers[0]) != len(answers[1]) or (answers[0] == answers[1]).any() or min(map(np.min, answers)) < 0:
        raise ValueError("Two models are contrasted where each explains another class of every picture.")
    names = rule_names(rules)
    for name in names:
        if RULES[name].level != "layer" or not {"activations", "gradients"} >= set(RULES[name].needs):
            raise ValueError(f"The rule {name!r} needs more than a layer's activations and gradients.")
    prepares = preprocess if isinstance(preprocess, (list, tuple)) else [preprocess] * 2
    heads = [head] * 2 if isinstance(head, str) else head
    made = [
        _rather(model, explanation, other, names, prepare, kind, beat or (lambda: None))
        for model, explanation, other, prepare, kind in zip(
            models, explanations, answers[::-1], prepares, heads, strict=True
        )
    ]
    grid = common_grid(*(pixels[0] for _, pixels in made))
    # the right model's preference for the left one's answer is that for its own, turned round
    difference = sum(np.stack([_at(picture, grid) for picture in pixels]) for _, pixels in made)
    return Contrast((made[0][0], made[1][0]), np.asarray(difference, np.float32))


def _rather(
    model: Model,
    explanation: Explanation,
    other: np.ndarray,
    rules: Sequence[str],
    preprocess: Callable[[np.ndarray], Any] | None,
    head: HeadKind,
    beat: Callable[[], Any],
) -> tuple[Explanation, np.ndarray]:
    """A model's explanation of its own answer rather than the other, and what each pixel adds to that: n x H x W."""
    import tensorflow as tf

    batch = explanation.pictures.astype(np.float32)
    batch = batch if preprocess is None else np.asarray(preprocess(batch), np.float32)
    count, started = len(batch), perf_counter()
    addresses = [layer.address for layer in explanation.layers]
    classifier = Classifier(model, addresses, None, head, None, lambda pictures: beat())
    twice, classes = np.concatenate([batch, batch]), np.concatenate([explanation.targets, other])
    pairs = classifier.taps(twice, classes)
    maps: dict[str, dict[str, np.ndarray]] = {name: {} for name in rules}
    for address, (activations, gradients) in zip(addresses, pairs, strict=True):
        needed = {
            "activations": tf.constant(activations[:count]),
            "gradients": tf.constant(gradients[:count] - gradients[count:]),
        }
        for name in rules:
            maps[name][address] = RULES[name](*(needed[need] for need in RULES[name].needs)).numpy()
    slopes = classifier.gradients(twice, classes)
    scores = classifier.scores(twice, classes)
    cost = Cost(6, 4, 1000 * (perf_counter() - started), 2 * count)  # tracing included, the first time
    return (
        replace(explanation, maps=maps, scores=scores[:count] - scores[count:], cost=dict.fromkeys(rules, cost)),
        (batch * (slopes[:count] - slopes[count:])).sum(-1),
    )


def _at(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """What pixels add, at another size; the sum stays about the same."""
    return resize(pixels.astype(np.float32), size) * np.float32(pixels.size / (size[0] * size[1]))
