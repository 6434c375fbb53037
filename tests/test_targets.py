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
        classes, contrast = targets.resolve(*args)
        assert contrast is None
        assert classes.dtype == np.int32
        return classes.tolist()

    assert indices("predicted", 2) == [-1, -1]
    assert indices(3, 2) == [3, 3]
    assert indices(np.int64(3), 1) == [3]
    assert indices("dog", 2, CLASSES) == [1, 1]
    assert indices(["horse", 0, "predicted"], 3, CLASSES) == [2, 0, -1]
    assert indices(np.array([2, 0]), 2) == [2, 0]


@pytest.mark.parametrize("target", [np.array(2), np.array("horse"), np.int64(2), np.str_("horse")])
def test_an_array_of_no_axes_is_its_value(target):
    indices, _ = targets.resolve(target, 3, CLASSES)
    assert indices.tolist() == [2, 2, 2]


@pytest.mark.parametrize(
    "classes",
    [
        CLASSES,
        tuple(CLASSES),
        np.array(CLASSES),
        (name for name in CLASSES),
        {"dog": 1, "horse": 2, "cat": 0},
        {1: "dog", 2: "horse", 0: "cat"},
        {"dog": np.int64(1), "horse": np.int64(2), "cat": np.int64(0)},
        dict.fromkeys(CLASSES).keys(),
    ],
)
def test_names_of_classes_in_any_form(classes):
    picture = np.array([[[[0.0, 3.0, 1.0]]]], np.float32)
    model = head_of(layers.Softmax(), units=3)
    explanation = explain(model, picture, "dog", "features", classes=classes)
    assert explanation.classes == tuple(CLASSES)
    assert explanation.targets.tolist() == [1]
    np.testing.assert_allclose(explanation.scores, [3])


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ({"cat": 0, "dog": 2}, "has the indices 0 to 1, each once"),
        ({"cat": 1, "dog": 1}, "has the indices 0 to 1, each once"),
        ({"cat": "a", "dog": "b"}, "has the indices 0 to 1, each once"),
        ("cat", "not the word 'cat'"),
        ({"cat": 0, "dog": 1, "cow": 2}, "There is no class 'horse'. Nearest: "),
    ],
)
def test_names_of_classes_that_are_none(classes, message):
    with pytest.raises(ValueError, match=message):
        explain(head_of(layers.Softmax(), units=3), np.zeros((1, 1, 1, 3), np.float32), "horse", classes=classes)


def test_resolve_function():
    classes, contrast = targets.resolve(len, 2)
    assert classes.tolist() == [-1, -1]
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
    explanation = ask(model, LOGITS)
    np.testing.assert_allclose(explanation.scores, [2, 3])
    np.testing.assert_allclose(explanation.probabilities, probabilities, rtol=1e-3)  # one is cast to float16
    assert explanation.targets.tolist() == [0, 1]
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
    explanation = ask(model, [[2], [-3]])
    assert explanation.targets.tolist() == [1, 0]
    np.testing.assert_allclose(explanation.scores, [2, 3])
    np.testing.assert_allclose(explanation.probabilities, [[0.1192029, 0.8807971], [0.9525741, 0.0474259]], rtol=1e-5)
    np.testing.assert_allclose(ask(model, [[2], [-3]], 1).scores, [2, -3])
    np.testing.assert_allclose(ask(model, [[2], [-3]], "cat", classes=["cat", "dog"]).scores, [-2, 3])


def test_one_units_classes_have_opposite_gradients():
    """HiResCAM of class 0 is the negative part of the map whose positive part is that of class 1."""
    model = nets.one_unit()
    second = explain(model, nets.PICTURE, 1, "features", "hirescam").map()
    first = explain(model, nets.PICTURE, 0, "features", "hirescam").map()
    np.testing.assert_allclose(second, [[0, 1], [0, 2]])
    np.testing.assert_allclose(first, [[0, 0], [2, 0]])


def test_certain_models_are_still_explained():
    """A probability of exactly 1 has no gradient; its logit has."""
    explanation = ask(head_of(nets.dense(100 * np.eye(2), activation="softmax")), [[1, -1]])
    assert explanation.probabilities.tolist() == [[1, 0]]
    np.testing.assert_allclose(explanation.map(), [[100]])


@pytest.fixture
def policy(request):
    """What models are computed in, for the time of one test."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_dtype_policy(before)


def averaging(count):
    """A Dense layer that takes the mean of so many units, with weights like any other's."""
    return nets.dense(np.full((count, 1), 1 / count), name="mean")


def gated(y, gate, experts):
    """A mixture of experts: what each says, weighted by a softmax."""
    return ops.sum(layers.Softmax()(gate(y))[:, :, None] * ops.stack([expert(y) for expert in experts], 1), 1)


WEIGHTS = np.random.default_rng(3).normal(size=(8, 4, 3))


def unit(index=0, activation="sigmoid"):
    return nets.dense(WEIGHTS[index][:, :1], name=f"unit{index}", activation=activation)


def classes(index=0, activation="softmax", count=3):
    return nets.dense(WEIGHTS[index][:, :count], name=f"classes{index}", activation=activation)


# What comes out of the model, and how: a function of four features. These are told for certain.
CERTAIN = {
    "sigmoid in a layer": ("probabilities", lambda y: unit()(y)),
    "sigmoid as a layer": ("probabilities", lambda y: layers.Activation("sigmoid")(unit(0, None)(y))),
    "sigmoid, no class axis": ("probabilities", lambda y: layers.Reshape(())(unit()(y))),
    "sigmoid, float32": ("probabilities", lambda y: layers.Activation("sigmoid", dtype="float32")(unit(0, None)(y))),
    "sigmoid, cast behind": ("probabilities", lambda y: ops.cast(unit()(y), "float32")),
    "sigmoids": ("probabilities", lambda y: classes(0, "sigmoid")(y)),
    "softmax in a layer": ("probabilities", lambda y: classes()(y)),
    "softmax as a layer": ("probabilities", lambda y: layers.Softmax()(classes(0, None)(y))),
    "softmax, float32": ("probabilities", lambda y: layers.Softmax(dtype="float32")(classes(0, None)(y))),
    "softmax of a mean": ("probabilities", lambda y: ops.softmax(classes(0, None)(y) / 2 + classes(1, None)(y) / 2)),
    "log-softmax": ("logarithms", lambda y: classes(0, "log_softmax")(y)),
    "linear unit": ("logits", lambda y: unit(0, None)(y)),
    "linear units": ("logits", lambda y: classes(0, None)(y)),
    "linear, divided": ("logits", lambda y: classes(0, None)(y) / 3),
    "linear, normalised": ("logits", lambda y: layers.BatchNormalization()(classes(0, None)(y))),
    "mean of linear units": ("logits", lambda y: layers.Average()([unit(0, None)(y), unit(1, None)(y)])),
    "linear, some of them": ("logits", lambda y: classes(0, None)(y)[:, 1:]),
    "linear behind sigmoids": (
        "logits",
        lambda y: nets.dense(WEIGHTS[1][:3, :1], name="end")(classes(0, "sigmoid")(y)),
    ),
    "linear behind a gate": ("logits", lambda y: classes(0, None)(y * ops.sigmoid(y))),
    "linear behind silu": ("logits", lambda y: classes(0, None)(ops.silu(y))),
    "linear on places": (
        "logits",
        lambda y: layers.GlobalAveragePooling2D()(classes(0, None)(ops.reshape(y, (-1, 1, 1, 4)))),
    ),
    "convolution and pooling": (
        "logits",
        lambda y: layers.GlobalAveragePooling2D()(nets.identity(2, "end")(ops.reshape(y, (-1, 2, 1, 2)))),
    ),
    "linear behind attention": (
        "logits",
        lambda y: classes(0, None)(ops.reshape(ops.softmax(y)[:, None, :] @ (y[:, :, None] * y[:, None, :]), (-1, 4))),
    ),
}
# Of these nobody can tell but who made them.
UNCERTAIN = {
    "mean of sigmoids": ("probabilities", lambda y: layers.Average()([unit(0)(y), unit(1)(y), unit(2)(y)])),
    "mean of sigmoids, stacked": ("probabilities", lambda y: ops.mean(ops.stack([unit(0)(y), unit(1)(y)]), 0)),
    "mean of sigmoids by weights": (
        "probabilities",
        lambda y: averaging(2)(ops.concatenate([unit(0)(y), unit(1)(y)], 1)),
    ),
    "mean of sigmoids by a constant": (
        "probabilities",
        lambda y: ops.matmul(classes(0, "sigmoid")(y), np.full((3, 1), 1 / 3, np.float32)),
    ),
    "mean over places": ("probabilities", lambda y: ops.mean(ops.sigmoid(y), 1, keepdims=True)),
    "clipped sigmoid": ("probabilities", lambda y: ops.clip(unit()(y), 1e-3, 1 - 1e-3)),
    "1 - p": ("probabilities", lambda y: 1.0 - unit()(y)),
    "scaled sigmoid": ("probabilities", lambda y: 0.9 * unit()(y) + 0.05),
    "product of sigmoids": ("probabilities", lambda y: unit(0)(y) * unit(1)(y)),
    "greatest of sigmoids": ("probabilities", lambda y: ops.maximum(unit(0)(y), unit(1)(y))),
    "hard sigmoid": ("probabilities", lambda y: unit(0, "hard_sigmoid")(y)),
    "sigmoid by tanh": ("probabilities", lambda y: (ops.tanh(unit(0, None)(y)) + 1) / 2),
    "sigmoid by exp": ("probabilities", lambda y: 1 / (1 + ops.exp(-unit(0, None)(y)))),
    "both classes": ("probabilities", lambda y: ops.concatenate([1 - (p := unit()(y)), p], 1)),
    "mean of softmaxes": ("probabilities", lambda y: layers.Average()([classes(0)(y), classes(1)(y), classes(2)(y)])),
    "mean of softmaxes, weighted": ("probabilities", lambda y: 0.25 * classes(0)(y) + 0.75 * classes(1)(y)),
    "mean of softmaxes and sigmoids": ("probabilities", lambda y: (classes(0)(y) + classes(1, "sigmoid")(y)) / 2),
    "mixture of experts": ("probabilities", lambda y: gated(y, classes(0, None, 2), [classes(1), classes(2)])),
    "powers of a softmax": ("probabilities", lambda y: (z := classes()(y) ** 2) / ops.sum(z, 1, keepdims=True)),
    "softmax by exp": ("probabilities", lambda y: (z := ops.exp(classes(0, None)(y))) / ops.sum(z, 1, keepdims=True)),
    "some of a softmax": ("probabilities", lambda y: classes()(y)[:, :2]),
    "one of a softmax": ("probabilities", lambda y: classes()(y)[:, 1:2]),
    "softmax, turned round": ("probabilities", lambda y: ops.flip(classes()(y), 1)),
    "softmaxes side by side": (
        "probabilities",
        lambda y: layers.Flatten()(
            layers.Softmax()(layers.Reshape((2, 2))(nets.dense(WEIGHTS[0][:, [0, 1, 2, 0]])(y)))
        ),
    ),
    "shares": ("probabilities", lambda y: (z := ops.relu(classes(0, None)(y)) + 0.1) / ops.sum(z, 1, keepdims=True)),
    "rescaled softmax": ("probabilities", lambda y: layers.Rescaling(1.0)(classes()(y))),
    "mixture of linear experts": ("logits", lambda y: gated(y, classes(0, None, 2), [unit(1, None), unit(2, None)])),
    "clipped logits": ("logits", lambda y: ops.clip(classes(0, None)(y), -5, 5)),
    "tanh": ("logits", lambda y: unit(0, "tanh")(y)),
    "linear behind one sigmoid": ("logits", lambda y: nets.dense([[4.0]], name="end")(unit()(y))),
    "pooled activations": (
        "logits",
        lambda y: layers.GlobalAveragePooling2D()(ops.reshape(ops.relu(y), (-1, 2, 1, 2))),
    ),
}
PRECISIONS = ["float32", "bfloat16", "mixed_float16"]
FEATURES = np.random.default_rng(4).normal(size=(6, 1, 1, 4)).astype(np.float32)


def own_probabilities(kind, output):
    """What the model's own output says, float32 n x classes."""
    z = np.asarray(keras.ops.cast(output, "float32")).reshape(len(FEATURES), -1)
    if kind == "logarithms":
        return np.exp(z)
    if kind == "logits":
        z = np.asarray(keras.ops.sigmoid(z) if z.shape[1] == 1 else keras.ops.softmax(z))
    return np.concatenate([1 - z, z], 1) if z.shape[1] == 1 else z


def is_as_the_model_says(explanation, kind, output, policy):
    expected = own_probabilities(kind, output)
    # compiled and not, fused and not: two ways that one precision has, whatever that of the output is
    coarse = np.finfo(np.float32).eps if policy == "float32" else 2**-9
    np.testing.assert_allclose(explanation.probabilities, expected, rtol=0, atol=4 * coarse)
    told = np.take_along_axis(explanation.probabilities, explanation.targets[:, None], 1)[:, 0]
    assert np.array_equal(told, explanation.probabilities.max(1))


def model_of(build):
    x = keras.Input((1, 1, 4))
    return keras.Model(x, build(layers.Flatten()(nets.identity(4)(x))))


@pytest.mark.parametrize("policy", PRECISIONS, indirect=True)
@pytest.mark.parametrize("name", CERTAIN)
def test_what_is_certain_is_explained_as_the_model_says(name, policy):
    kind, build = CERTAIN[name]
    model = model_of(build)
    explanation = explain(model, FEATURES, layers="features")
    is_as_the_model_says(explanation, kind, model(FEATURES), policy)
    assert np.isfinite(explanation.map()).all()
    assert any(maps.any() for maps in explanation.maps["gradcam"].values())


@pytest.mark.parametrize("policy", PRECISIONS[:2], indirect=True)
@pytest.mark.parametrize("name", UNCERTAIN)
def test_what_is_uncertain_is_refused_until_it_is_said(name, policy):
    kind, build = UNCERTAIN[name]
    model = model_of(build)
    with pytest.raises(ValueError, match='cannot be told for certain: say it by head="probabilities" or head="logits"'):
        explain(model, FEATURES, layers="features")
    explanation = explain(model, FEATURES, layers="features", head=kind)
    is_as_the_model_says(explanation, kind, model(FEATURES), policy)
    assert np.isfinite(explanation.map()).all()


def test_said_probabilities_have_their_logarithms_as_scores():
    """Of one unit the logit, of several log p: by hand, a mean of two sigmoids and a softmax."""
    mean = head_of(lambda y: layers.Average()([ops.sigmoid(y), ops.sigmoid(y)]), units=1)
    explanation = ask(mean, [[2], [-3]], head="probabilities")
    np.testing.assert_allclose(explanation.scores, [2, 3], rtol=1e-5)
    np.testing.assert_allclose(ask(mean, [[2], [-3]], 1, head="probabilities").scores, [2, -3], rtol=1e-5)
    # the derivative of the logit to its own input is 1: maps as if the unit were not averaged
    np.testing.assert_allclose(explanation.map(), [[2]], rtol=1e-5)
    softmax = ask(head_of(layers.Softmax()), LOGITS, head="probabilities")
    np.testing.assert_allclose(softmax.scores, np.log(np.max(SOFTMAX, 1)), rtol=1e-5)
    np.testing.assert_allclose(softmax.probabilities, SOFTMAX, rtol=1e-5)


@pytest.mark.parametrize("policy", ["float32", "float16", "bfloat16"], indirect=True)
def test_said_probabilities_of_0_and_1_have_finite_maps(policy):
    model = head_of(lambda y: layers.Average()([ops.softmax(y)] * 2))
    explanation = ask(model, [[100, -100], [9, -9]], [1, 1], head="probabilities")
    assert np.isfinite(explanation.scores).all()
    assert np.isfinite(explanation.map()).all()
    unit = head_of(lambda y: layers.Average()([ops.sigmoid(y)] * 2), units=1)
    explanation = ask(unit, [[100], [-100]], [0, 1], head="probabilities")
    assert np.isfinite(explanation.scores).all()
    assert np.isfinite(explanation.map()).all()


@pytest.mark.parametrize(
    ("part", "kind", "message"),
    [
        (layers.Softmax(), "logits", "ends in a softmax: leave out"),
        (layers.Activation("sigmoid"), "logits", "ends in a sigmoid: leave out"),
        (ops.log_softmax, "probabilities", "ends in a log-softmax, no probabilities"),
        (layers.Activation("linear"), "probabilities", "returned 2 to 3.5, which are no probabilities"),
        (layers.Softmax(), "softmax", "head is one of 'auto', 'logits', 'probabilities', not 'softmax'"),
    ],
)
def test_what_is_said_has_to_fit(part, kind, message):
    with pytest.raises(ValueError, match=message):
        ask(head_of(part), [[2.0, 3.5]], head=kind)


def test_logits_before_a_temperature_are_divided():
    explanation = ask(head_of(lambda y: ops.softmax(y / 4)), LOGITS)
    np.testing.assert_allclose(explanation.scores, [0.5, 0.75])


def test_the_gradient_of_said_probabilities():
    """Of log p0: 1 - p0 to its own input, -p1 = p0 - 1 to the other; times the input 2 and -1, as one channel each."""
    model = head_of(layers.Softmax(), lambda y: layers.Average()([y, y]))
    explanation = ask(model, LOGITS, head="probabilities")
    np.testing.assert_allclose(explanation.map().ravel(), (1 - SOFTMAX[0][0]) * (2 + 1), rtol=1e-4)


def contrast(logits):
    return logits[:, 0] - logits[:, 1]


def test_function_of_the_logits():
    explanation = explain(nets.functional()[0], nets.PICTURE, contrast, "features", "hirescam")
    np.testing.assert_allclose(explanation.scores, [2])
    assert explanation.targets.tolist() == [-1]
    # the gradients of class 0 plus 1 everywhere: (2, 0), (1, 2), (0, 0), (3, 1) times activations
    np.testing.assert_allclose(explanation.map(), [[2, 4], [0, 4]])
    assert "score 2" in repr(explanation)


def test_function_sees_both_classes_of_one_unit():
    np.testing.assert_allclose(explain(nets.one_unit(), nets.PICTURE, contrast, "features").scores, [-2])


def test_function_of_the_wrong_shape_is_refused():
    with pytest.raises(ValueError, match="has to return"):
        explain(nets.functional()[0], nets.PICTURE, lambda logits: logits, "features")


@pytest.mark.parametrize("wrap", [lambda y: {"label": y}, lambda y: [y], lambda y: {"a": [y]}])
def test_one_output_in_a_structure_is_that_output(wrap):
    explanation = ask(head_of(layers.Softmax(), wrap), LOGITS)
    np.testing.assert_allclose(explanation.scores, [2, 3])
    np.testing.assert_allclose(explanation.probabilities, SOFTMAX, rtol=1e-5)


def test_targets_the_model_does_not_have():
    model, _ = nets.functional()
    with pytest.raises(ValueError, match="the model has 3 classes"):
        explain(model, nets.PICTURE, 3)
    with pytest.raises(ValueError, match="2 class names for a model of 3 classes"):
        explain(model, nets.PICTURE, classes=["cat", "dog"])


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([layers.UpSampling2D(2), layers.Softmax()], r"one row of classes per picture; its output is n x 2 x 2 x 2"),
        ([lambda y: {"class": y, "box": 2 * y}], "it returns 2 tensors"),
        ([lambda y: ops.argmax(y, -1)], "returns floating numbers, not int32"),
    ],
)
def test_models_that_are_no_classifiers(parts, message):
    with pytest.raises(ValueError, match=message):
        ask(head_of(*parts, flat=False), LOGITS)
