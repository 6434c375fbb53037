"""From a wish to one number per picture: targets, and the logits behind any kind of head."""

import keras
import nets
import numpy as np
import pytest
from keras import layers, ops

from explain import targets
from explain.engine import explain

CLASSES = ["cat", "dog", "horse"]


def head_of(*parts, units=2, flat=True):
    """A model that hands its input (n, 1, 1, units) through an identity, flattened or not, to the parts."""
    x = keras.Input((1, 1, units))
    y = nets.identity(units)(x)
    y = layers.Flatten()(y) if flat else y
    for part in parts:
        y = part(y)
    return keras.Model(x, y)


def ask(model, logits, target="predicted", **options):
    picture = np.array(logits, np.float32)[:, None, None, :]
    return explain(model, picture, target, "features", **options)


def test_resolve():
    def indices(*args):
        found, contrast = targets.resolve(*args)
        assert contrast is None
        assert found.dtype == np.int32
        return found.tolist()

    assert indices("predicted", 2) == [-1, -1]
    assert indices(3, 2) == [3, 3]
    assert indices(np.int64(3), 1) == [3]
    assert indices("dog", 2, CLASSES) == [1, 1]
    assert indices(["horse", 0, "predicted"], 3, CLASSES) == [2, 0, -1]
    assert indices(np.array([2, 0]), 2) == [2, 0]


def test_resolve_function():
    found, contrast = targets.resolve(len, 2)
    assert found.tolist() == [-1, -1]
    assert contrast is len


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("dgo", "no class 'dgo'. Nearest: dog"),
        (-1, "counted from 0"),
        ([0, 1, 0], "3 targets for 2 pictures"),
        (["cat", "cow"], "no class 'cow'"),
    ],
)
def test_resolve_refuses(target, message):
    with pytest.raises(ValueError, match=message):
        targets.resolve(target, 2, CLASSES)


def test_resolve_refuses_names_without_classes():
    with pytest.raises(ValueError, match=r"needs? classes="):
        targets.resolve("cat", 1)


@pytest.mark.parametrize("target", [1.5, None, True, [0, len]])
def test_resolve_refuses_other_types(target):
    with pytest.raises(TypeError, match="A target is"):
        targets.resolve(target, 2)


LOGITS = [[2.0, -1.0], [0.5, 3.0]]
SOFTMAX = np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)
SIGMOID = 1 / (1 + np.exp(-np.array(LOGITS)))


@pytest.mark.parametrize(
    ("model", "probabilities"),
    [
        (head_of(layers.Softmax()), SOFTMAX),
        (head_of(layers.Activation("softmax")), SOFTMAX),
        (head_of(nets.dense(np.eye(2), activation="softmax")), SOFTMAX),
        (head_of(ops.softmax), SOFTMAX),
        (head_of(layers.Softmax(), layers.Activation("linear"), layers.Dropout(0.5)), SOFTMAX),
        (head_of(layers.Softmax(), flat=False), SOFTMAX),
        (head_of(layers.Softmax(), layers.Flatten(), flat=False), SOFTMAX),
        (head_of(layers.Softmax(), layers.Reshape((2,)), lambda y: ops.cast(y, "float16"), flat=False), SOFTMAX),
        (head_of(ops.log_softmax), SOFTMAX),
        (head_of(), SOFTMAX),
        (head_of(layers.Activation("sigmoid")), SIGMOID),
        (head_of(nets.dense(np.eye(2), activation="sigmoid")), SIGMOID),
    ],
)
def test_logits_and_probabilities_of_any_head(model, probabilities):
    found = ask(model, LOGITS)
    np.testing.assert_allclose(found.scores, [2, 3])
    np.testing.assert_allclose(found.probabilities, probabilities, rtol=1e-3)  # one is cast to float16
    assert found.targets.tolist() == [0, 1]
    np.testing.assert_allclose(ask(model, LOGITS, [1, 0]).scores, [-1, 0.5])


@pytest.mark.parametrize(
    "parts",
    [
        [layers.Activation("sigmoid")],
        [nets.dense([[1]], activation="sigmoid")],
        [ops.sigmoid],
        [layers.Activation("sigmoid"), layers.Reshape(())],
        [],
    ],
    ids=["layer", "dense", "ops", "no class axis", "logit"],
)
def test_one_unit_means_two_classes(parts):
    model = head_of(*parts, units=1)
    found = ask(model, [[2], [-3]])
    assert found.targets.tolist() == [1, 0]
    np.testing.assert_allclose(found.scores, [2, 3])
    np.testing.assert_allclose(found.probabilities, [[0.1192029, 0.8807971], [0.9525741, 0.0474259]], rtol=1e-5)
    np.testing.assert_allclose(ask(model, [[2], [-3]], 1).scores, [2, -3])
    np.testing.assert_allclose(ask(model, [[2], [-3]], "cat", classes=["cat", "dog"]).scores, [-2, 3])


def test_one_units_classes_have_opposite_gradients():
    """HiResCAM of class 0 is the negative part of the map whose positive part is that of class 1."""
    model = nets.one_unit()
    one = explain(model, nets.PICTURE, 1, "features", "hirescam").map()
    zero = explain(model, nets.PICTURE, 0, "features", "hirescam").map()
    np.testing.assert_allclose(one, [[0, 1], [0, 2]])
    np.testing.assert_allclose(zero, [[0, 0], [2, 0]])


def test_certain_models_are_still_explained():
    """A probability of exactly 1 has no gradient; its logit has."""
    found = ask(head_of(nets.dense(100 * np.eye(2), activation="softmax")), [[1, -1]])
    assert found.probabilities.tolist() == [[1, 0]]
    np.testing.assert_allclose(found.map(), [[100]])


def test_logits_before_a_temperature_are_divided():
    found = ask(head_of(lambda y: ops.softmax(y / 4)), LOGITS)
    np.testing.assert_allclose(found.scores, [0.5, 0.75])


@pytest.mark.parametrize("wrap", [layers.Rescaling(1.0), lambda y: layers.Average()([y, y])], ids=["scaled", "mean"])
def test_probabilities_behind_another_operation_stay_as_they_are(wrap):
    found = ask(head_of(layers.Softmax(), wrap), LOGITS)
    np.testing.assert_allclose(found.probabilities, SOFTMAX, rtol=1e-5)
    np.testing.assert_allclose(found.scores, np.log(np.max(SOFTMAX, 1)), rtol=1e-5)
    # of log p0: 1 - p0 to its own input, -p1 = p0 - 1 to the other; times the input 2 and -1, as one channel each
    np.testing.assert_allclose(found.map().ravel(), (1 - SOFTMAX[0][0]) * (2 + 1), rtol=1e-4)


def contrast(logits):
    return logits[:, 0] - logits[:, 1]


def test_function_of_the_logits():
    found = explain(nets.functional()[0], nets.PICTURE, contrast, "features", "hirescam")
    np.testing.assert_allclose(found.scores, [2])
    assert found.targets.tolist() == [-1]
    # the gradients of class 0 plus 1 everywhere: (2, 0), (1, 2), (0, 0), (3, 1) times activations
    np.testing.assert_allclose(found.map(), [[2, 4], [0, 4]])
    assert "score 2" in repr(found)


def test_function_sees_both_classes_of_one_unit():
    np.testing.assert_allclose(explain(nets.one_unit(), nets.PICTURE, contrast, "features").scores, [-2])


def test_function_of_the_wrong_shape_is_refused():
    with pytest.raises(ValueError, match="has to return"):
        explain(nets.functional()[0], nets.PICTURE, lambda logits: logits, "features")


def test_targets_the_model_does_not_have():
    model, _ = nets.functional()
    with pytest.raises(ValueError, match="the model has 3 classes"):
        explain(model, nets.PICTURE, 3)
    with pytest.raises(ValueError, match="2 class names for a model of 3 classes"):
        explain(model, nets.PICTURE, classes=["cat", "dog"])


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([layers.UpSampling2D(2), layers.Softmax()], r"one row of classes per picture; its output is \(2, 2, 2, 2\)"),
        ([lambda y: {"class": y}], "it returns several tensors"),
    ],
)
def test_models_that_are_no_classifiers(parts, message):
    with pytest.raises(ValueError, match=message):
        ask(head_of(*parts, flat=False), LOGITS)
