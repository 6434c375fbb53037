"""Frozen networks: features are the network's, the classifier alone moves, rates fall from block to block."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from training import data
from training.data.pipeline import order, training_items
from training.features import Features, compute, cut
from training.models import build
from training.models.efficientnet import efficientnet
from training.recipe import Augment, Model, Optimizer, Recipe, RecipeError, find
from training.run import State, compiled, layer_factors, train

RECIPE = Recipe(
    id="frozen",
    title="Frozen",
    description="A frozen net.",
    data=replace(find("cifar100-effnet-frozen").data, per_class=1),
    model=Model("efficientnet-lite0", frozen_statistics=True, frozen=True, input=32, hidden=8, dropout=0.1),
    optimizer=Optimizer("adam", 0.01),
    augment=Augment(flip=True),
    stages=((40, 2),),
    batch=50,
)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return data.load("cifar-100", None, tmp_path_factory.mktemp("cifar"), handful=1)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(0)
    return build(RECIPE.model, tuple(f"class {k}" for k in range(100)), 40, training=True)


def test_both_halves_together_are_the_network(network):
    pictures = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3)).astype(np.float32)
    half, head = cut(network)
    features = half(pictures, training=False)
    np.testing.assert_allclose(head(features, training=False), network(pictures, training=False), rtol=1e-4, atol=1e-7)
    assert {id(w) for w in head.variables} < {id(w) for w in network.variables}
    assert [layer.name for layer in head.layers[1:]] == [
        "top_standardise",
        "top_hidden_dropout",
        "top_hidden",
        "top_dropout",
        "predictions",
    ]


def test_features_are_those_of_pictures_and_of_mirrored_ones_and_are_kept(network, dataset, cache, monkeypatch):
    half, _ = cut(network)
    items = dataset.items["train"][:70]  # more than a batch
    pictures = np.stack([item.pixels for item in items]).astype(np.float32)
    plain, mirrored = (compute(half, items, cache, mirror) for mirror in (False, True))
    np.testing.assert_allclose(plain, half(pictures, training=False), rtol=2e-3, atol=1e-4)
    np.testing.assert_allclose(mirrored, half(pictures[:, :, ::-1], training=False), rtol=2e-3, atol=1e-4)
    assert np.abs(plain - mirrored).max() > 1e-3
    monkeypatch.setattr(np, "concatenate", lambda parts: parts[0])  # nothing is computed again
    np.testing.assert_array_equal(compute(half, items, cache), plain)


@pytest.mark.slow
def test_other_weights_or_sizes_are_other_features(network, dataset, cache):
    half, _ = cut(network)
    items = dataset.items["train"][:4]
    before = compute(half, items, cache)
    weights = half.get_weights()
    half.set_weights([weights[0] * 1.5, *weights[1:]])
    after = compute(half, items, cache)
    half.set_weights(weights)
    assert np.abs(before - after).max() > 1e-4
    settings = replace(RECIPE.model, preprocessing="unit")
    darker, _ = cut(build(settings, tuple(map(str, range(100))), 40, training=True))
    darker.set_weights(weights)
    assert np.abs(compute(darker, items, cache) - before).max() > 1e-4
    larger, _ = cut(build(RECIPE.model, tuple(map(str, range(100))), 64, training=True))
    larger.set_weights(weights)
    assert np.abs(compute(larger, items, cache) - before).max() > 1e-4


def test_batches_of_features_are_the_same_wherever_a_run_takes_them_up(network, dataset, cache):
    features = Features(cut(network)[0], dataset, RECIPE, cache)
    whole = list(features.training_batches(0, 6))
    later = list(features.training_batches(4, 6))
    for (x, y), (again_x, again_y) in zip(whole[4:], later, strict=True):
        np.testing.assert_array_equal(x, again_x)
        np.testing.assert_array_equal(y, again_y)
    places = order(100, 0, 50, RECIPE.seed)
    views = np.stack([view[places] for view in features.views]).astype(np.float32)
    drawn = (whole[0][0] == views).all(-1)
    assert drawn.any(0).all()
    assert 10 < drawn[0].sum() < 40  # of either view
    assert (whole[0][1].argmax(1) == [training_items(dataset, RECIPE)[place].label for place in places]).all()


def test_a_frozen_training_moves_the_classifier_alone_and_keeps_the_whole_network(dataset, cache, tmp_path):
    state = train(replace(RECIPE, average=0.5), dataset, tmp_path, cache)
    assert state.step == 4
    best = State.load(tmp_path / "best.npz").variables["weights"]
    _, fitted = compiled(RECIPE, dataset, 0, 2, State(), cache)
    first = build(RECIPE.model, dataset.classes, 40)
    assert [value.shape for value in best] == [weight.shape for weight in first.weights]
    assert len(state.variables["network"]) == len(fitted.variables)
    first.set_weights(best)
    # the weights of the backbone are drawn by the run's seed, and nothing has moved them
    keras.utils.set_random_seed(RECIPE.seed)
    fresh = build(RECIPE.model, dataset.classes, 40, training=True)
    border = len(cut(fresh)[0].weights)
    for kept, drawn in zip(best[:border], fresh.get_weights()[:border], strict=True):
        np.testing.assert_array_equal(kept, drawn)
    assert any(np.abs(a - b).max() > 1e-4 for a, b in zip(best[border:], fresh.get_weights()[border:], strict=True))


@pytest.mark.slow
def test_the_classifier_is_trained_first_where_a_recipe_says_so(dataset, cache):
    recipe = replace(RECIPE, model=replace(RECIPE.model, frozen=False, hidden=0), head_epochs=20)
    keras.utils.set_random_seed(1)
    network, _ = compiled(recipe, dataset, 0, 2, State(), cache)
    keras.utils.set_random_seed(1)
    fresh, _ = compiled(replace(recipe, head_epochs=0), dataset, 0, 2, State(), cache)
    *backbone, kernel, bias = network.get_weights()
    *untouched, drawn, _ = fresh.get_weights()
    for a, b in zip(backbone, untouched, strict=True):
        np.testing.assert_array_equal(a, b)
    assert np.abs(kernel - drawn).max() > 1e-3
    assert np.abs(bias).max() > 0


def test_rates_fall_by_the_decay_from_block_to_block():
    network = efficientnet("lite0", 10, 32)
    factors = dict(zip([v.path for v in network.trainable_variables], layer_factors(network, 0.5), strict=True))
    assert factors["predictions/kernel"] == 1
    assert factors["top_conv/kernel"] == 0.5
    assert factors["block7a_project_conv/kernel"] == factors["block7a_expand_bn/gamma"] == 0.25
    assert factors["block6d_dwconv/kernel"] == 0.125
    assert factors["stem_conv/kernel"] == min(factors.values()) == 0.5**18


@pytest.mark.slow
@pytest.mark.parametrize("name", ["adam", "sgd"])
def test_each_variable_moves_by_its_own_rate(name, dataset, cache):
    """With equal gradients of all variables, the first step of either optimizer is the rate times the factor."""
    recipe = replace(
        RECIPE,
        model=Model("efficientnet-lite0", input=32, frozen_statistics=True),
        optimizer=Optimizer(name, 0.01, layer_decay=0.5, momentum=0.9),
    )
    _, fitted = compiled(recipe, dataset, 0, 2, State(), cache)
    before = [v.numpy() for v in fitted.trainable_variables]
    fitted.optimizer.apply([np.ones(v.shape, np.float32) for v in fitted.trainable_variables])
    for old, variable, factor in zip(before, fitted.trainable_variables, layer_factors(fitted, 0.5), strict=True):
        np.testing.assert_allclose(old - variable.numpy(), 0.01 * factor, rtol=0.02, atol=1e-6)


def test_what_a_frozen_training_cannot_do_is_refused(network, dataset, cache):
    half, _ = cut(network)
    for settings in ({"augment": Augment(flip=True, erase=0.5)}, {"data": replace(RECIPE.data, validate=10)}):
        with pytest.raises(RecipeError, match="only flip"):
            Features(half, dataset, replace(RECIPE, **settings), cache)
    with pytest.raises(RecipeError, match="no mean over places"):
        cut(build(Model("cnn-simple"), dataset.classes, 32))


def test_a_hidden_layer_of_the_classifier_has_the_whole_rate():
    network = efficientnet("lite0", 10, 32, hidden=4, standardise=True)
    factors = dict(zip([v.path for v in network.trainable_variables], layer_factors(network, 0.5), strict=True))
    assert factors["top_hidden/kernel"] == factors["top_standardise/gamma"] == factors["predictions/bias"] == 1
    assert factors["top_conv/kernel"] == 0.5
