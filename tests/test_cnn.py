"""Plain networks: their forms by the plan, the same function by fast layers."""

import keras
import numpy as np
import pytest

from training.models import FAMILIES, build
from training.models.cnn import PLANS, Plan, cnn
from training.models.fast import FastBatchNormalization, FastConv2D
from training.recipe import Model


def kinds(network):
    return [type(layer).__name__ for layer in network.layers]


@pytest.mark.parametrize("plan", PLANS)
def test_every_plan_gives_probabilities_of_pictures(plan):
    network = cnn(plan, 100, 32)
    pictures = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype(np.float32)
    probabilities = network(pictures, training=False).numpy()
    assert probabilities.shape == (2, 100)
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-5)
    assert len({layer.name for layer in network.layers}) == len(network.layers)


def test_the_best_plan_is_below_six_million_weights_and_ends_at_four_by_four():
    network = cnn("best", 100, 32)
    assert 5e6 < network.count_params() < 6e6
    assert network.get_layer("block4_add").output.shape[1:] == (4, 4, 448)


def test_dropout_stands_before_or_behind_pooling_as_the_plan_says():
    before, after = kinds(cnn("deeper-drop-before", 100, 32)), kinds(cnn("deeper-drop-after", 100, 32))
    places = [k for k, kind in enumerate(before) if kind == "MaxPooling2D"]
    assert len(places) == 4
    assert all(before[k - 1] == "Dropout" for k in places)
    assert all(after[k + 1] == "Dropout" and after[k - 1] != "Dropout" for k in places if after[k] == "MaxPooling2D")


def test_a_shortcut_goes_round_the_last_convolutions_of_a_block():
    """Where the branch gives nothing, the block passes on what came into it."""
    plan = Plan(((4, 3),), shortcuts=(2,), norm=False)
    network = cnn(plan, 3, 16)
    for name in ("block1b_conv", "block1c_conv"):
        layer = network.get_layer(name)
        layer.set_weights([np.zeros_like(w) for w in layer.get_weights()])
    entry, end = (network.get_layer(name).output for name in ("block1a_activation", "block1_add"))
    picture = np.random.default_rng(0).integers(0, 256, (1, 16, 16, 3)).astype(np.float32)
    first, added = keras.Model(network.input, [entry, end])(picture, training=False)
    np.testing.assert_array_equal(first, added)


def test_fast_layers_are_the_same_function_with_the_same_weights_in_the_same_order():
    keras.utils.set_random_seed(0)
    plan = Plan(((64, 1), (64, 2)), shortcuts=(0, 1), pool_first=True)
    plain, fast = cnn(plan, 10, 16), cnn(plan, 10, 16, fast=True)
    assert sum(isinstance(layer, FastConv2D) for layer in fast.layers) == 2
    assert sum(isinstance(layer, FastBatchNormalization) for layer in fast.layers) == 3
    fast.set_weights(plain.get_weights())
    pictures = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3)).astype(np.float32)
    np.testing.assert_allclose(fast(pictures, training=False), plain(pictures, training=False), rtol=1e-5)
    np.testing.assert_allclose(fast(pictures, training=True), plain(pictures, training=True), rtol=1e-3)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_begins_and_ends_as_the_recipe_says(family):
    name = "-".join([family, *list(FAMILIES[family].variants)[-1:]])
    settings = Model(name, input=32, hidden=7, frozen=True, dropout=0.4, preprocessing="unit")
    network = build(settings, tuple("abcde"), 48)
    assert network.input_shape == (None, 32, 32, 3)
    assert network.output_shape == (None, 5)
    hidden, head = [layer for layer in network.layers if type(layer).__name__ == "Dense"][-2:]
    assert (hidden.units, head.units) == (7, 5)
    assert any(layer.name.endswith("standardise") for layer in network.layers)
    assert [layer.rate for layer in network.layers if layer.name.endswith("dropout")][-2:] == [0.4, 0.4]
    assert network.get_layer("resizing").height == 48
    assert network.get_layer("preprocessing").scale == pytest.approx(1 / 255)
