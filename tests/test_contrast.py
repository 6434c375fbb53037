"""What sets two models apart: against targets that are functions, by hand, and what is refused."""

import nets
import numpy as np
import pytest

from explain.agreement import common_grid
from explain.contrast import contrast
from explain.engine import explain
from explain.pictures import resize
from explain.rules import paired_rules

SIZE = (8, 8)
PICTURES = np.random.default_rng(3).normal(size=(6, *SIZE, 3)).astype(np.float32)


def models():
    return [nets.convolutional(seed, size=SIZE) for seed in (0, 1)]


def rather(own: int, other: int):
    return lambda logits: logits[:, own] - logits[:, other]


def disagreeing(pair) -> tuple[np.ndarray, list[int]]:
    """A picture of which both have an answer of their own, and these."""
    for seed in range(200):
        picture = 5 * np.random.default_rng(seed).normal(size=(1, *pair[0].input_shape[1:])).astype(np.float32)
        answers = [int(explain(model, picture).targets[0]) for model in pair]
        if answers[0] != answers[1]:
            return picture, answers
    raise AssertionError("they always agree")


def test_maps_are_those_of_the_logits_difference_and_the_pixels_add_up_to_it():
    pair = models()
    picture, (first, second) = disagreeing(pair)
    rules = list(paired_rules())
    own = [explain(model, picture, answer, "all", rules) for model, answer in zip(pair, (first, second), strict=True)]
    made = contrast(pair, own, rules)
    for model, explanation, wanted in zip(
        pair, made.explanations, (rather(first, second), rather(second, first)), strict=True
    ):
        expected = explain(model, picture, wanted, "all", rules)
        assert explanation.scores == pytest.approx(expected.scores, abs=1e-4)
        for rule in rules:
            for layer in expected.layers:
                theirs = expected.map(layer.address, rule)
                ours, slack = explanation.map(layer.address, rule), 1e-4 * float(max(1, theirs.max()))
                assert ours == pytest.approx(theirs, abs=slack)
    pixels = [explain(model, picture, rather(first, second), rules="gradient-input") for model in pair]
    left, right = (each.attributions["gradient-input"] for each in pixels)
    assert made.difference == pytest.approx(left - right, abs=1e-3)


def test_of_inputs_of_two_sizes_the_difference_is_at_the_larger_and_keeps_the_sums():
    pair = [nets.convolutional(0, size=(8, 8)), nets.convolutional(1, size=(12, 10))]
    picture = np.random.default_rng(0).integers(0, 255, (12, 10, 3), np.uint8)
    given = [resize(picture, size).astype(np.float32)[None] / 50 for size in ((8, 8), (12, 10))]
    own = [explain(model, pixels, answer) for model, pixels, answer in zip(pair, given, (0, 1), strict=True)]
    made = contrast(pair, own)
    assert made.difference.shape == (1, *common_grid(np.zeros((8, 8)), np.zeros((12, 10))))
    sums = [
        explain(model, pixels, rather(0, 1), rules="gradient-input").attributions["gradient-input"].sum()
        for model, pixels in zip(pair, given, strict=True)
    ]
    assert made.difference.sum() == pytest.approx(sums[0] - sums[1], rel=0.15, abs=0.02)


def test_what_cannot_be_contrasted_is_refused():
    pair = models()
    same = [explain(model, PICTURES[:1], 0) for model in pair]
    with pytest.raises(ValueError, match="another class"):
        contrast(pair, same)
    other = [same[0], explain(pair[1], PICTURES[:1], 1)]
    with pytest.raises(ValueError, match="needs more"):
        contrast(pair, other, "rise")
    with pytest.raises(ValueError, match="Two models"):
        contrast(pair[:1], other[:1])
    with pytest.raises(ValueError, match="of an ensemble"):
        contrast([type("Ensemble", (), {"members": ()})(), pair[1]], other)

    def stop():
        raise InterruptedError

    with pytest.raises(InterruptedError):
        contrast(pair, other, beat=stop)
