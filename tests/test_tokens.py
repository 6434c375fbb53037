"""Vision transformers: which tokens are places is told by structure, and every rule but those of ReLUs takes them."""

import importlib.util
import os
import subprocess
import sys

import keras
import nets
import numpy as np
import pytest
from keras import layers, ops

from explain.classifier import Classifier
from explain.engine import explain
from explain.errors import ModelError
from explain.rules import RULES

BATCH = np.random.default_rng(7).uniform(0, 1, (2, 24, 32, 3)).astype(np.float32)
RULES_OF_TOKENS = [name for name, rule in RULES.items() if "guided" not in rule.needs]


def every_map(explanation, rule):
    """A rule's maps, of all layers or of the input."""
    return list(explanation.maps[rule].values()) if rule in explanation.maps else [explanation.attributions[rule]]


def of_all_rules(model, batch, **options):
    return explain(model, batch, 1, rules=RULES_OF_TOKENS, parameters=nets.FEW, **options)


@pytest.fixture(scope="module")
def model():
    return nets.transformer()


@pytest.fixture(scope="module")
def together(model):
    return of_all_rules(model, BATCH)


@pytest.fixture(scope="module")
def second(model):
    return of_all_rules(model, BATCH[1:])


def test_layers_of_a_transformer_are_what_its_attention_looks_at(together):
    """Behind the last attention a class token goes on alone: no gradient reaches the other tokens any more."""
    assert [layer.address for layer in together.layers] == ["norm0", "norm1"]
    assert {layer.shape for layer in together.layers} == {(3, 4, 8)}
    assert {layer.grid.first for layer in together.layers} == {1}
    behind = explain(nets.transformer(), BATCH, layers=["block0", "block1"])
    assert behind.maps["gradcam"]["block0"].any()
    assert not behind.maps["gradcam"]["block1"].any()


def test_where_all_tokens_go_on_the_last_are_a_layer_too():
    pooled = explain(nets.transformer(pooled=True), BATCH)
    assert [layer.address for layer in pooled.layers] == ["norm0", "norm1", "norm"]
    assert pooled.maps["gradcam"]["norm"].any()
    last = explain(nets.transformer(pooled=True), BATCH, layers="last")
    assert [layer.address for layer in last.layers] == ["norm"]


def test_convolutions_before_the_tokens_keep_their_blocks():
    x = keras.Input((32, 32, 3))
    y = x
    for name in ("first", "second"):
        y = layers.MaxPooling2D(2)(layers.Conv2D(8, 3, padding="same", activation="relu", name=name)(y))
    y = nets.Beside(name="tokens")(layers.Reshape((64, 8))(y))
    y = layers.Add()([y, layers.MultiHeadAttention(2, 4)(y, y)])
    explanation = explain(
        keras.Model(x, layers.Dense(2, activation="softmax")(y[:, 0])),
        BATCH[:, :, :24].repeat(2, 1)[:, :32].repeat(2, 2)[:, :, :32],
    )
    assert [layer.address for layer in explanation.layers] == ["first", "second", "tokens"]
    assert explanation.map("tokens").shape == (8, 8)


@pytest.mark.parametrize("rule", RULES_OF_TOKENS)
def test_maps_of_tokens_have_their_size_and_depend_on_their_picture_alone(rule, together, second):
    sizes = [(24, 32)] if RULES[rule].level == "input" else [(3, 4)] * 2
    for maps, alone, size in zip(every_map(together, rule), every_map(second, rule), sizes, strict=True):
        assert maps.shape == (2, *size)
        assert np.isfinite(maps).all()
        np.testing.assert_allclose(maps[1], alone[0], rtol=0, atol=1e-3 * max(np.abs(maps).max(), 1e-9))
    assert any(maps.any() for maps in every_map(together, rule))


@pytest.mark.parametrize(("before", "behind"), [(0, 0), (1, 0), (0, 3), (1, 4), (5, 2)])
def test_the_place_of_every_patch_is_known(before, behind):
    """Whatever lies beside the tokens: of a picture that is bright at one patch, that patch alone has heat."""
    x = keras.Input((24, 32, 3))
    patches = layers.Conv2D(2, 8, 8, use_bias=False, kernel_initializer="ones", name="patches")
    y = layers.Reshape((12, 2), name="rows")(patches(x))
    y = nets.Beside(before, behind, name="tokens")(y) if before or behind else y
    y = layers.Add(name="sum")([y, layers.MultiHeadAttention(1, 2, name="attention")(y, y)])
    y = layers.GlobalAveragePooling1D()(y)
    model = keras.Model(x, nets.dense([[1, 0], [1, 0]], activation="softmax")(y))
    for row, column in ((0, 0), (1, 3), (2, 1)):
        picture = np.zeros((1, 24, 32, 3), np.float32)
        picture[0, 8 * row : 8 * row + 8, 8 * column : 8 * column + 8] = 0.1
        layer = "tokens" if before or behind else "rows"
        for rule in ("hirescam", "layercam", "fem", "eigencam"):
            heat = explain(model, picture, 0, layer, rule).map()
            assert np.unravel_index(heat.argmax(), heat.shape) == (row, column), rule
            assert np.count_nonzero(heat > 1e-6 * heat.max()) == 1, rule


def test_slices_move_the_grid_and_other_orders_lose_it():
    x = keras.Input((24, 32, 3))
    y = layers.Reshape((12, 8), name="rows")(layers.Conv2D(8, 8, 8, name="patches")(x))
    y = nets.Beside(2, 1, name="tokens")(y)
    y = ops.add(y[:, 1:], 0.0)
    z = layers.Permute((2, 1), name="turned")(y[:, :-1])
    y = layers.Dense(4, name="wide")(y)
    z = layers.Dense(13, name="mixed")(z)
    y = layers.GlobalAveragePooling1D()(y) + layers.GlobalAveragePooling1D()(z)[:, :4]
    model = keras.Model(x, layers.Dense(2, activation="softmax")(y))
    every = {layer.address: layer for layer in explain(model, BATCH, layers="all").layers}
    assert [every[name].grid.first for name in ("rows", "tokens", "wide")] == [0, 2, 1]
    assert {"turned", "mixed"}.isdisjoint(every)


def test_patches_without_a_convolution_are_told_too():
    x = keras.Input((24, 32, 3))
    y = ops.transpose(ops.reshape(x, (-1, 3, 8, 4, 8, 3)), (0, 1, 3, 2, 4, 5))
    y = layers.Dense(8, name="tokens")(ops.reshape(y, (-1, 12, 192)))
    y = layers.Add()([y, layers.MultiHeadAttention(2, 4)(y, y)])
    model = keras.Model(x, layers.Dense(2, activation="softmax")(layers.GlobalAveragePooling1D()(y)))
    assert explain(model, BATCH, layers="tokens").map().shape == (3, 4)


def test_tokens_replaced_by_themselves_change_nothing(model):
    classifier, classes = Classifier(model, ["tokens", "norm1"]), np.array([0, 1])
    scores = classifier.scores(BATCH, classes)
    for layer, (activations, gradients) in zip(("tokens", "norm1"), classifier.taps(BATCH, classes), strict=True):
        assert activations.shape == gradients.shape == (2, 3, 4, 8)
        np.testing.assert_allclose(
            classifier.scores_with(layer, activations, BATCH, classes), scores, rtol=1e-4, atol=1e-5
        )
        assert not np.allclose(classifier.scores_with(layer, -activations, BATCH, classes), scores, atol=1e-3)


def test_mixed_precision_is_what_float32_is(together):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        half = nets.transformer()
    finally:
        keras.config.set_dtype_policy("float32")
    half.set_weights(nets.transformer().get_weights())
    rules = ["gradcam", "legrad"]
    explanation = explain(half, BATCH, 1, rules=rules)
    for rule in rules:
        for full, coarse in zip(every_map(together, rule), every_map(explanation, rule), strict=True):
            assert np.corrcoef(full.ravel(), coarse.ravel())[0, 1] > 0.9


def test_legrad_of_a_model_without_attention_is_refused():
    with pytest.raises(ModelError, match="attention over patches"):
        explain(nets.convolutional(), BATCH[:, :8, :8], rules="legrad")


def test_guided_rules_of_a_transformer_say_that_it_has_no_relu(model):
    with pytest.raises(ModelError, match="no ReLU"):
        explain(model, BATCH, rules="guided-backprop")


# --- Models of others -----------------------------------------------------------------------------------------------

HUB = """
import numpy as np
import keras, keras_hub
from explain import explain

keras.utils.set_random_seed(0)
options = dict(patch_size=16, num_layers=3, num_heads=2)
vit = keras_hub.models.ViTImageClassifier(
    backbone=keras_hub.models.ViTBackbone(image_shape=(64, 48, 3), hidden_dim=16, mlp_dim=32, **options), num_classes=3
)
picture = np.random.default_rng(0).uniform(-1, 1, (2, 64, 48, 3)).astype(np.float32)
explanation = explain(vit, picture, rules=["gradcam", "layercam", "ablationcam", "legrad"])
assert len(explanation.layers) == 3, explanation.layers
for layer in explanation.layers:
    assert layer.shape == (4, 3, 16) and layer.grid.first == 1, layer
for rule, maps in explanation.maps.items():
    assert all(heat.shape == (2, 4, 3) and np.isfinite(heat).all() for heat in maps.values())
    assert any(heat.any() for heat in maps.values()), rule
assert explanation.attributions["legrad"].any()
deit = keras_hub.models.DeiTImageClassifier(
    backbone=keras_hub.models.DeiTBackbone(image_shape=(48, 64, 3), hidden_dim=16, intermediate_dim=32, **options),
    num_classes=3,
)
other = explain(deit, picture.transpose(0, 2, 1, 3), rules=["gradcam", "legrad"])
assert [layer.grid.first for layer in other.layers] == [2, 2, 2], other.layers
assert other.map().shape == (3, 4)
print("all well")
"""


@pytest.mark.slow
def test_a_transformer_of_keras_hub(tmp_path):
    """With random weights: there is no need of TensorFlow Text, which it asks for."""
    target = tmp_path / "packages"
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(target)]
    lacking = [name for name in ("regex", "tokenizers") if importlib.util.find_spec(name) is None]
    made = subprocess.run([*install, "keras-hub==0.32.0", *lacking], capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"keras-hub cannot be installed here: {made.stderr.strip().splitlines()[-1:]}")
    surroundings = os.environ | {"PYTHONPATH": os.pathsep.join([os.getcwd(), str(target)])}
    ran = subprocess.run([sys.executable, "-c", HUB], capture_output=True, text=True, env=surroundings)
    assert "all well" in ran.stdout, ran.stderr[-3000:]
