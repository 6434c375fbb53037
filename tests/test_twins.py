"""Models of one make share a traced pass: the maps are those of their own, and nothing else is shared."""

import gc
import weakref

import keras
import numpy as np
import pytest
from judges import SIZE, colour_judge, ship
from keras import layers

from explain import classifier, twins
from explain.checkpoints import load
from explain.engine import explain
from explain.rules import RULES, paired_rules

PICTURES = np.random.default_rng(5).integers(0, 256, (3, SIZE, SIZE, 3), np.uint8)
TRACED = [name for name, rule in RULES.items() if not rule.probes and "attention" not in rule.needs]
OPTIONS = {"rules": paired_rules(), "features": 3}


@pytest.fixture(autouse=True)
def traced(monkeypatch):
    """The models that were traced, one after the other; nothing is kept of other tests."""
    made, trace = [], classifier.trace
    monkeypatch.setattr(classifier, "trace", lambda model, *args: (made.append(model), trace(model, *args))[1])
    monkeypatch.setattr(classifier, "_plans", type(classifier._plans)())
    return made


def same(first, second):
    assert [layer.address for layer in first.layers] == [layer.address for layer in second.layers]
    np.testing.assert_array_equal(first.probabilities, second.probabilities)
    np.testing.assert_array_equal(first.scores, second.scores)
    np.testing.assert_array_equal(first.targets, second.targets)
    for rule in first.rules:
        for layer in first.layers:
            np.testing.assert_array_equal(first.map(layer.address, rule), second.map(layer.address, rule))
    for address, features in first.features.items():
        for name, values in vars(features).items():
            np.testing.assert_array_equal(values, getattr(second.features[address], name))


def alone(model, **options):
    """What a model says by a pass of its own."""
    classifier._traces.pop(model, None)
    plans, classifier._plans = classifier._plans, type(classifier._plans)()
    try:
        return explain(model, PICTURES, **OPTIONS, **options)
    finally:
        classifier._plans = plans
        classifier._traces.pop(model, None)


@pytest.fixture
def pair(tmp_path):
    """Two checkpoints of one make, as they are loaded."""
    for seed in (1, 2):
        ship(tmp_path, f"judge-{seed}", f"Judge {seed}", colour_judge(seed, 4.0 * seed, bias=seed))
    return [load(f"judge-{seed}", tmp_path).model for seed in (1, 2)]


def test_a_twin_is_not_traced_and_says_what_it_says_by_itself(pair, traced):
    first, second = pair
    expected = [alone(model) for model in pair]
    assert not np.array_equal(expected[0].map(), expected[1].map())
    del traced[:]
    explanations = [explain(model, PICTURES, **OPTIONS) for model in (first, second, first)]
    assert traced == [first]
    for explanation, by_itself in zip(explanations, (*expected, expected[0]), strict=True):
        same(explanation, by_itself)
    single = explain(second, PICTURES[:1], **OPTIONS)  # another number of pictures costs no trace either
    np.testing.assert_allclose(single.probabilities, expected[1].probabilities[:1], rtol=1e-5)
    assert traced == [first]


def test_twins_share_what_any_rule_of_one_pass_needs(pair, traced):
    """A changed backward pass and second derivatives among it."""
    first, second = pair
    explain(first, PICTURES, rules=TRACED)
    explanation = explain(second, PICTURES, rules=TRACED)
    assert traced == [first]
    classifier._traces.pop(second)
    classifier._plans.clear()
    same(explanation, explain(second, PICTURES, rules=TRACED))
    assert traced == [first, second]
    assert not np.array_equal(
        explanation.map(rule="gradient"), explain(first, PICTURES, rules=TRACED).map(rule="gradient")
    )


def test_passes_of_many_are_shared_too(pair, traced):
    for model in pair:
        classifier.Classifier(model).gradients(np.zeros((2, SIZE, SIZE, 3), np.float32))
    assert traced == pair[:1]


def test_another_question_is_another_pass(pair, traced):
    first, second = pair
    explain(first, PICTURES)
    explain(second, PICTURES, layers="all")
    explain(second, PICTURES, lambda logits: logits[:, 0])
    assert traced == [first, second, second]
    explain(second, PICTURES)
    explain(first, PICTURES, layers="all")
    assert len(traced) == 3


def test_a_twin_s_weights_are_read_when_it_is_asked(pair, traced):
    first, second = pair
    before = [explain(model, PICTURES, **OPTIONS) for model in pair]
    second.set_weights([weights * 1.5 for weights in second.get_weights()])
    after = explain(second, PICTURES, **OPTIONS)
    assert not np.array_equal(after.probabilities, before[1].probabilities)
    same(explain(first, PICTURES, **OPTIONS), before[0])
    assert traced == [first]
    same(after, alone(second))


def test_the_first_model_is_not_kept_by_its_twin(pair, traced):
    explain(pair[0], PICTURES, **OPTIONS)
    expected = explain(pair[1], PICTURES, **OPTIONS)
    references = [weakref.ref(pair[0]), *(weakref.ref(variable) for variable in pair[0].variables)]
    from explain import checkpoints

    checkpoints._kept.clear()
    pair.reverse()
    del pair[1]
    del traced[:]
    gc.collect()
    assert [reference() for reference in references if reference() is not None] == []
    same(explain(pair[0], PICTURES, **OPTIONS), expected)


def net(activation="relu", units=4, adapted=None, dtype="float32"):
    """A small net whose layers have the same names whatever it is made of."""
    image = keras.Input((SIZE, SIZE, 3), name="image")
    x = layers.Rescaling(1 / 255, name="preprocessing")(image)
    if adapted is not None:
        normalised = layers.Normalization(name="normalised")
        normalised.adapt(np.array(adapted, np.float32).reshape(-1, 1, 1, 3))
        x = normalised(x)
    x = layers.Conv2D(units, 3, name="conv", dtype=dtype)(x)
    x = layers.Activation(activation, name="activation")(x)
    return keras.Model(
        image, layers.Dense(2, activation="softmax", name="end")(layers.GlobalMaxPooling2D(name="top")(x))
    )


def replaced():
    model = net()
    layer, call = model.get_layer("conv"), model.get_layer("conv").call
    layer.call = lambda *arguments: 2 * call(*arguments)
    return model


def changed():
    model = net()
    model.get_layer("activation").activation = keras.activations.tanh
    return model


OTHERS = {
    "activation": lambda: (net(), net("tanh")),
    "width": lambda: (net(), net(units=5)),
    "precision": lambda: (net(), net(dtype="mixed_bfloat16")),
    "adapted": lambda: (net(adapted=[[0, 0, 0], [1, 1, 1]]), net(adapted=[[0, 0, 0], [9, 5, 7]])),
    "call": lambda: (net(), replaced()),
    "changed since": lambda: (net(), changed()),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_what_computes_otherwise_is_no_twin(kind, traced):
    models = OTHERS[kind]()
    for model in models:
        twins.mark(model)
    explanations = [explain(model, PICTURES, **OPTIONS) for model in models]
    assert traced == list(models)
    for model, explanation in zip(models, explanations, strict=True):
        same(explanation, alone(model))


def test_what_nobody_vouches_for_has_no_twin(traced):
    models = net(), net()
    for model in models:
        explain(model, PICTURES)
    assert traced == list(models)
    assert twins.make(models[0]) is None


def test_kept_plans_are_bounded(pair, monkeypatch):
    monkeypatch.setattr(classifier, "PLANS", 2)
    for layer in ("all", "convolutions", "blocks", "last"):
        explain(pair[0], PICTURES, layers=layer)
    assert [request.layers for _, request in classifier._plans] == ["blocks", "last"]


def b0():
    from training.models.efficientnet import efficientnet

    return efficientnet("b0", 2, SIZE)


@pytest.mark.parametrize("build", [lambda: net("swish"), pytest.param(b0, marks=pytest.mark.slow)], ids=["swish", "b0"])
def test_gradients_of_their_own_make_no_difference(build, traced):
    """Keras' swish brings one to TensorFlow."""
    models = [build(), build()]
    for model in models:
        twins.mark(model)
    explanations = [explain(model, PICTURES, **OPTIONS) for model in models]
    assert traced == models[:1]
    assert not np.array_equal(explanations[0].probabilities, explanations[1].probabilities)
    same(explanations[1], alone(models[1]))
