"""The EfficientNet family against its published figures, and against other implementations."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from training.evaluate import multiply_adds
from training.models.efficientnet import SCALED, VARIANTS, Variant, compound, efficientnet
from training.models.imagenet_weights import copy_by_name

# Trainable and stored parameters with 1,000 classes: keras.applications (without the seven of its Normalization
# layer), and the PyTorch originals of the Lite nets (their files' sizes: 4,652,008 trainable, and so on).
PUBLISHED_TOTAL = {"b0": 5_330_564, "b1": 7_856_232, "b2": 9_177_562, "b3": 12_320_528, "b4": 19_466_816}
PUBLISHED_TOTAL |= {"b5": 30_562_520, "b6": 43_265_136, "b7": 66_658_680}
PUBLISHED_TRAINABLE = {"lite0": 4_652_008, "lite1": 5_416_680, "lite2": 6_092_072}
# Multiply-adds in billions, as the paper's table 2 prints them (it calls them FLOPS), to two digits.
PUBLISHED_COST = {"b0": 0.39, "b1": 0.70, "b2": 1.0, "b3": 1.8, "b4": 4.2, "b5": 9.9, "b6": 19, "b7": 37}


@pytest.mark.parametrize(
    "variant",
    [
        pytest.param(variant, marks=pytest.mark.slow if variant not in ("b0", "lite0") else ())
        for variant in (*PUBLISHED_TOTAL, *PUBLISHED_TRAINABLE)
    ],
)
def test_published_parameters_and_multiply_adds(variant):
    model = efficientnet(variant, classes=1000)
    if variant in PUBLISHED_TOTAL:
        assert model.count_params() == PUBLISHED_TOTAL[variant]
        assert multiply_adds(model) / 1e9 == pytest.approx(PUBLISHED_COST[variant], rel=0.04)
    else:
        assert sum(int(np.prod(w.shape)) for w in model.trainable_weights) == PUBLISHED_TRAINABLE[variant]


def test_the_formula_of_compound_scaling():
    assert compound(0) == (1, 1, 1)
    assert compound(1) == (1.2, 1.1, 1.15)
    depth, width, resolution = compound(3.0)
    assert (depth * width**2 * resolution**2) ** (1 / 3) == pytest.approx(1.2 * 1.1**2 * 1.15**2)
    assert compound(2, (2, 3, 4)) == (4, 9, 16)


def test_the_published_ones_follow_the_formula_only_roughly():
    """B4 stands for one phi by its depth, for another by its width, for a third by its resolution."""
    published = VARIANTS["b4"]
    scales = published.depth, published.width, published.size / VARIANTS["b0"].size
    phis = [math.log(scale) / math.log(base) for scale, base in zip(scales, compound(1), strict=True)]
    assert phis == pytest.approx([3.2, 3.5, 3.8], abs=0.05)


@pytest.mark.slow
def test_four_ways_to_four_times_the_cost():
    costs = {name: multiply_adds(efficientnet(f"small-{name}", classes=1)) for name in SCALED}
    baseline = costs.pop("baseline")
    assert baseline == pytest.approx(14.8e6, rel=0.01)
    assert costs == {name: pytest.approx(4 * baseline, rel=0.05) for name in ("deeper", "wider", "sharper", "compound")}


def test_each_way_but_the_compound_one_changes_one_dimension():
    small = SCALED["baseline"]
    changed = {
        name: {key for key, value in vars(variant).items() if value != getattr(small, key)}
        for name, variant in SCALED.items()
    }
    assert changed == {
        "baseline": set(),
        "deeper": {"depth"},
        "wider": {"width"},
        "sharper": {"size"},
        "compound": {"depth", "width", "size"},
    }
    depth, width, resolution = compound(2)
    assert SCALED["compound"] == Variant(small.width * width, small.depth * depth, 88, last_stride=1)
    assert abs(small.size * resolution - 88) < 4


def test_without_its_last_stride_a_net_of_64_pixels_leaves_maps_of_four():
    top = efficientnet("small-baseline", classes=1).get_layer("top_activation")
    assert top.output.shape[1:3] == (4, 4)
    assert efficientnet(Variant(0.5, 0.6, 64), classes=1).get_layer("top_activation").output.shape[1:3] == (2, 2)


@pytest.mark.slow
def test_b0_computes_what_keras_applications_computes():
    theirs = keras.applications.EfficientNetB0(weights=None, input_shape=(96, 96, 3), classifier_activation=None)
    rng = np.random.default_rng(0)
    for layer in theirs.layers:  # fresh BatchNormalization would hide a missing statistic
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    normalization = theirs.get_layer("normalization")
    normalization.set_weights([mean, std**2, np.array(0)])
    normalization.finalize_state()
    ours = efficientnet("b0", classes=1000, size=96)
    copy_by_name(theirs, [layer for layer in ours.layers if layer.weights])
    pictures = rng.uniform(0, 255, (2, 96, 96, 3)).astype("float32")
    logits = theirs(pictures, training=False).numpy()
    expected = np.exp(logits - logits.max(1, keepdims=True))
    expected /= expected.sum(1, keepdims=True)
    np.testing.assert_allclose(ours(pictures, training=False).numpy(), expected, rtol=1e-4, atol=0)


@pytest.mark.parametrize("variant", [pytest.param("b0", marks=pytest.mark.slow), "lite0"])
def test_folded_network_equals_the_plain_one_in_value_and_gradient(variant):
    plain = efficientnet(variant, classes=1, size=64, dropout=0)
    folded = efficientnet(variant, classes=1, size=64, dropout=0, frozen_statistics=True)
    rng = np.random.default_rng(0)
    for layer in plain.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([rng.uniform(0.8, 1.2, w.shape) for w in layer.get_weights()])
    folded.set_weights(plain.get_weights())
    pictures = rng.uniform(0, 255, (2, 64, 64, 3)).astype("float32")
    gradients = []
    for model, training in ((plain, False), (folded, True)):
        with tf.GradientTape() as tape:
            output = tf.reduce_sum(model(pictures, training=training))
        gradients.append((output, tape.gradient(output, model.trainable_weights)))
    (value, expected), (folded_value, actual) = gradients
    np.testing.assert_allclose(folded_value, value, rtol=1e-4)
    assert [w.name for w in plain.trainable_weights] == [w.name for w in folded.trainable_weights]
    for weight, a, b in zip(plain.trainable_weights, actual, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=0.02, atol=1e-3 * np.abs(b).max() + 1e-9, err_msg=weight.path)
