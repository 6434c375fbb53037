"""The originals' networks: each predicts what its published backbone does behind its own preprocessing."""

import keras
import numpy as np
import pytest

from training.models import build, first_trained, train_from
from training.models.efficientnet import efficientnet
from training.models.imagenet_weights import copy_by_name
from training.models.published import PUBLISHED, copy_backbone
from training.recipe import Model, RecipeError, find
from training.recipes.original import FINETUNED, FROZEN

MODULES = {  # of keras.applications, where each backbone's own preprocess_input is
    "xception": "xception",
    "mobilenetv2": "mobilenet_v2",
    "inceptionv3": "inception_v3",
    "resnet50": "resnet",
    "resnet101": "resnet",
    "resnet152": "resnet",
    "densenet121": "densenet",
    "effnet-b0": "efficientnet",
    "effnet-b1": "efficientnet",
}
BUILDERS = {name: plan.builder for name, plan in PUBLISHED.items()}
BUILDERS |= {"effnet-b0": "EfficientNetB0", "effnet-b1": "EfficientNetB1"}
CLASSES = tuple(f"class {k}" for k in range(7))
SIZE = 80


def draw_weights(network, pictures):
    """Random scales, and the statistics of these pictures: fresh ones would let a picture fade on its way."""
    rng = np.random.default_rng(0)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            scales = [rng.uniform(0.8, 1.2, weight.shape) for weight in layer.trainable_weights]
            layer.set_weights([*scales, *layer.get_weights()[len(scales) :]])
            layer.momentum = 0
        if isinstance(layer, keras.layers.Normalization):  # of EfficientNet, as its weights file has it
            layer.set_weights([[0.485, 0.456, 0.406], np.array([0.229, 0.224, 0.225]) ** 2, np.array(0)])
            layer.finalize_state()
    network(pictures, training=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", FROZEN)
def test_a_network_predicts_what_its_bare_backbone_does_behind_its_own_preprocessing(name):
    settings = find(f"original-cifar100-{name}-frozen").model
    ours = build(settings, CLASSES, SIZE)
    theirs = getattr(keras.applications, BUILDERS[name])(
        include_top=False, weights=None, input_shape=(SIZE, SIZE, 3), pooling="avg"
    )
    preprocess = getattr(keras.applications, MODULES[name]).preprocess_input
    pictures = np.random.default_rng(1).integers(0, 256, (8, 32, 32, 3)).astype(np.float32)
    resized = keras.ops.convert_to_numpy(keras.ops.image.resize(pictures, (SIZE, SIZE)))
    draw_weights(theirs, preprocess(resized.copy()))
    family, _, variant = settings.name.partition("-")
    if family == "published":
        copy_backbone(theirs, ours, variant)
    else:
        wanted = [layer for layer in ours.layers if layer.weights]
        copy_by_name(theirs, [layer for layer in wanted if layer.name not in ("top_standardise", "predictions")])
    features = theirs.predict(preprocess(resized.copy()), verbose=0)
    *_, kernel, bias = (np.asarray(weight) for weight in ours.get_weights())
    logits = (features / np.sqrt(1 + 1e-3)) @ kernel + bias  # a fresh BatchNormalization stands between
    expected = np.exp(logits - logits.max(1, keepdims=True))
    expected /= expected.sum(1, keepdims=True)
    assert np.ptp(expected, axis=0).max() > 1e-2  # the pictures are told apart
    np.testing.assert_allclose(ours.predict(pictures, verbose=0), expected, rtol=2e-3)
    # and another preprocessing would not have passed
    other = theirs.predict(preprocess(resized[..., ::-1].copy()), verbose=0)
    assert np.abs(other - features).max() > 1e-2


@pytest.mark.slow
def test_the_last_51_layers_of_b5_are_those_from_block_7_on():
    published = keras.applications.EfficientNetB5(include_top=False, weights=None, input_shape=(64, 64, 3))
    last = [*published.layers, *["head"] * 4][-51:-4]
    ours = efficientnet("b5", 100, 64, norm_first=True)
    trained = {layer.name for layer in ours.layers[first_trained(ours, "block7") :]}
    weighty = {layer.name for layer in last if layer.weights}
    assert weighty == {name for name in trained if name.startswith(("block7", "top_")) and ours.get_layer(name).weights}
    assert last[0].name == "block6i_add"


@pytest.mark.parametrize("beginning", ["head", "block7", pytest.param("", marks=pytest.mark.slow)])
def test_what_is_trained_begins_where_it_should_and_no_statistic_moves_but_the_head_s(beginning):
    network = efficientnet("lite0", 5, 32, norm_first=True)
    train_from(network, beginning)
    names = [variable.path for variable in network.trainable_variables]
    head = ["head_norm/gamma", "head_norm/beta", "predictions/kernel", "predictions/bias"]
    block7 = [f"block7a_{part}/kernel" for part in ("expand_conv", "dwconv", "project_conv")] + ["top_conv/kernel"]
    expected = {"head": head, "block7": block7 + head}.get(beginning, [v.path for v in network.trainable_variables])
    assert names == expected
    before = [weight.numpy() for weight in network.weights]
    pictures = np.random.default_rng(0).uniform(0, 255, (4, 32, 32, 3)).astype(np.float32)
    network(pictures, training=True)
    moved = {w.path for w, old in zip(network.weights, before, strict=True) if np.abs(w.numpy() - old).max() > 0}
    statistics = {"head_norm/moving_mean", "head_norm/moving_variance"}
    assert moved == statistics if beginning else moved > statistics


def test_layers_that_are_not_there_are_refused():
    network = efficientnet("lite0", 5, 32)
    with pytest.raises(RecipeError, match=r"No layer of efficientnet_lite0 is called conv5"):
        train_from(network, "conv5")


@pytest.mark.slow
def test_every_fine_tune_trains_layers_that_its_network_has():
    for name in FINETUNED:
        recipe = find(f"original-cifar100-{name}-finetuned")
        if name != "resnet152":
            network = build(recipe.model, CLASSES, 32)
            assert 0 < first_trained(network, recipe.trained[1]) < first_trained(network, "head")
    small = build(Model("published-resnet50", norm_first=True), CLASSES, SIZE)
    assert small.layers[first_trained(small, "conv5")].name.startswith("conv5_block1")
