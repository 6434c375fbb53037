"""The engine: taps that leave nothing behind, one pass for all, a cache that keeps no model alive, any pictures."""

import gc
import os
import subprocess
import sys
import threading
import weakref
from pathlib import Path

import judges
import keras
import nets
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

from explain import classifier
from explain.classifier import tapped
from explain.engine import explain
from explain.errors import ModelError
from explain.explanation import Cost
from explain.pictures import Picture, fit
from explain.rules import RULES, paired_rules

BATCH = np.random.default_rng(0).uniform(0, 1, (2, 8, 8, 3)).astype(np.float32)


@pytest.fixture
def model():
    return nets.convolutional()


def state(model):
    """What an object is made of: attributes of the model and of each of its layers, by identity."""
    return [(layer.name, {name: id(value) for name, value in vars(layer).items()}) for layer in model._flatten_layers()]


def test_the_library_is_imported_without_tensorflow():
    code = "import sys, explain.engine, explain.rules; sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[1]).returncode == 0


def picture(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


# --- Taps -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", nets.KINDS.values(), ids=nets.KINDS)
def test_model_is_untouched(kind):
    model, address = kind()
    model(nets.PICTURE, training=False)  # some are only built now
    before = state(model), model.get_weights(), model(nets.PICTURE, training=False)
    config = None if kind is nets.subclassed else model.get_config()
    explain(model, nets.PICTURE, 0, address)
    assert state(model) == before[0]
    for now, then in zip(model.get_weights(), before[1], strict=True):
        assert np.array_equal(now, then)
    assert np.array_equal(model(nets.PICTURE, training=False), before[2])
    assert config is None or model.get_config() == config


@pytest.mark.parametrize("wanted", ["conv9", "head"])
def test_model_is_untouched_by_refusals(model, wanted):
    model(BATCH, training=False)
    before = state(model)
    with pytest.raises(ValueError, match=wanted):
        explain(model, BATCH, layers=wanted)
    assert state(model) == before


class Failing(layers.Layer):
    def call(self, x):
        if self.fails:
            raise RuntimeError("on purpose")
        return x


def test_taps_come_off_after_an_exception():
    failing = Failing()
    failing.fails = False
    model = keras.Sequential([keras.Input((2, 2, 2)), nets.identity(), failing, layers.Flatten(), nets.head()])
    model(nets.PICTURE, training=False)
    before = state(model)
    failing.fails = True
    with pytest.raises(RuntimeError, match="on purpose"):
        explain(model, nets.PICTURE, 0, "features")
    failing.fails = False
    assert state(model) == before
    np.testing.assert_allclose(explain(model, nets.PICTURE, 0, "features").map(), nets.MAPS["gradcam"])


def test_a_call_somebody_else_set_stays():
    model, _ = nets.functional()
    layer = model.get_layer("features")
    original = layer.call

    def doubled(x):
        return 2 * original(x)

    object.__setattr__(layer, "call", doubled)
    np.testing.assert_allclose(explain(model, nets.PICTURE, 0, "features").scores, [2])
    assert vars(layer)["call"] is doubled


def test_calls_of_other_threads_are_not_recorded(model):
    with tapped(model) as calls:
        thread = threading.Thread(target=lambda: model(BATCH, training=False))
        thread.start()
        thread.join()
        assert calls == []
        model(BATCH, training=False)
    assert [call.layer for call in calls] == model.layers[1:]


def test_one_thread_taps_at_a_time(model):
    inside = threading.Event()

    def enter():
        with tapped(model):
            inside.set()

    thread = threading.Thread(target=enter)
    with tapped(model):
        thread.start()
        assert not inside.wait(0.1)
    assert inside.wait(10)
    thread.join()
    assert not any("call" in vars(layer) for layer in model.layers)


def test_threads_get_what_one_would_get(model):
    wishes = [("conv0", "gradcam"), ("blocks", "hirescam"), ("all", "gradcam++")] * 2
    other = keras.Model(model.inputs, layers.Dense(2)(model.layers[-2].output))  # shares all layers but the head
    expected = [explain(either, BATCH, 0, *wish).map() for either in (model, other) for wish in wishes]
    classifier._traces.clear()
    results = [None] * len(expected)

    def work(index):
        results[index] = explain((model, other)[index // len(wishes)], BATCH, 0, *wishes[index % len(wishes)]).map()

    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(expected))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_allclose(results[0], expected[0])
    for result, wanted in zip(results, expected, strict=True):
        np.testing.assert_allclose(result, wanted, rtol=1e-5, atol=1e-7)


# --- The pass -------------------------------------------------------------------------------------------------------


def by_tape(model, name, target):
    """Activations and gradients of a layer by Keras' own means: a model cut in two, and a tape."""
    place = [layer.name for layer in model.layers].index(name)
    lower = keras.Model(model.input, model.layers[place].output)
    activations = lower(BATCH)
    with tf.GradientTape() as tape:
        tape.watch(activations)
        y = activations
        for layer in model.layers[place + 1 : -1]:
            y = layer(y)
        score = y @ model.layers[-1].kernel + model.layers[-1].bias
        score = score[:, target]
    return activations, tape.gradient(score, activations)


def test_all_layers_and_rules_at_once_are_what_each_is_alone(model):
    explanation = explain(model, BATCH, 2, "all", paired_rules())
    assert [layer.address for layer in explanation.layers] == ["conv0", "pool0", "conv1", "pool1", "conv2"]
    for layer in explanation.layers:
        tensors = by_tape(model, layer.address, 2)
        for rule in paired_rules():
            maps = explanation.maps[rule][layer.address]
            assert maps.shape == (2, *layer.shape[:2])
            np.testing.assert_allclose(maps, RULES[rule](*tensors), rtol=1e-4, atol=1e-6)


def test_a_target_per_picture(model):
    together = explain(model, BATCH, [2, 0], "all")
    for index, target in enumerate([2, 0]):
        apart = explain(model, BATCH[index : index + 1], target, "all")
        np.testing.assert_allclose(together.scores[index], apart.scores[0], rtol=1e-5)
        for address, maps in apart.maps["gradcam"].items():
            np.testing.assert_allclose(together.maps["gradcam"][address][index], maps[0], rtol=1e-4, atol=1e-7)


def test_predicted_is_the_class_of_the_highest_probability(model):
    predicted = explain(model, BATCH)
    assert predicted.targets.tolist() == model(BATCH).numpy().argmax(1).tolist()
    np.testing.assert_allclose(predicted.probabilities, model(BATCH), rtol=1e-5)
    assert np.array_equal(explain(model, BATCH, predicted.targets).map(), predicted.map())


class Beside(keras.Model):
    """A second way that ends before the score."""

    def __init__(self):
        super().__init__()
        self.features, self.beside = nets.identity(), nets.identity(name="beside")
        self.flatten, self.head = layers.Flatten(), nets.head()

    def call(self, x):
        y = self.features(x)
        self.beside(y)
        return self.head(self.flatten(y))


def test_layer_beside_the_way_to_the_score_has_zero_maps():
    explanation = explain(Beside(), nets.PICTURE, 0, ["features", "beside"])
    np.testing.assert_allclose(explanation.map("features"), nets.MAPS["gradcam"])
    assert not explanation.map("beside").any()


def test_weights_may_change_between_calls():
    model, _ = nets.functional()
    before = explain(model, nets.PICTURE, 0, "features").map()
    kernel, bias = model.get_layer("head").get_weights()
    model.get_layer("head").set_weights([2 * kernel, bias])
    np.testing.assert_allclose(explain(model, nets.PICTURE, 0, "features").map(), 2 * before)


def test_dropout_and_batch_statistics_are_those_of_inference():
    model = keras.Sequential(
        [keras.Input((2, 2, 2)), nets.identity(), layers.Dropout(0.9), layers.Flatten(), nets.head()]
    )
    model.trainable = True
    np.testing.assert_allclose(explain(model, nets.PICTURE, 0, "features").map(), nets.MAPS["gradcam"])


def test_cost(model):
    explanation = explain(model, BATCH, rules=["gradcam", "layercam"])
    assert set(explanation.cost) == {"gradcam", "layercam"}
    assert explanation.cost["gradcam"] == explanation.cost["layercam"]
    cost = explanation.cost["gradcam"]
    assert cost == Cost(forward=1, backward=1, milliseconds=cost.milliseconds, batch=2)
    assert 0 < cost.milliseconds < 60_000


# --- Feature maps ---------------------------------------------------------------------------------------------------


def test_features_by_hand():
    """Mean gradients 1/2 and -1/4, mean activations 1 and 5/4: importance 1/2 and 5/16."""
    features = explain(nets.functional()[0], nets.PICTURE, 0, "features", features=5).features["features"]
    assert features.channels.tolist() == [[0, 1]]
    np.testing.assert_allclose(features.importance, [[0.5, 0.3125]])
    np.testing.assert_allclose(features.maps[0, ..., 0], nets.CHANNELS[0])
    np.testing.assert_allclose(features.maps[0, ..., 1], nets.CHANNELS[1])
    assert features.dead.tolist() == [0]


def test_features_keep_the_most_important_of_each_picture():
    picture = np.zeros((2, 4, 5, 3), np.float32)
    picture[0, 0, 0] = [1, 1, 9]
    picture[1, 1, 2] = [8, 1, 1]
    features = explain(nets.averaging(), picture, 0, "features", features=1).features["features"]
    assert features.channels.tolist() == [[2], [0]]
    np.testing.assert_allclose(features.maps[..., 0], picture[[0, 1], ..., [2, 0]])


def test_means_and_deviations_are_of_all_channels_in_the_layers_order(model):
    explanation = explain(model, MANY, features=1)
    for name in ("conv0", "conv1", "conv2"):
        activations = keras.Model(model.input, model.get_layer(name).output)(MANY).numpy()
        features = explanation.features[name]
        assert features.maps.shape[-1] == 1
        assert features.means.dtype == features.deviations.dtype == np.float32
        np.testing.assert_allclose(features.means, activations.mean((1, 2)), rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(features.deviations, activations.std((1, 2)), rtol=1e-4, atol=1e-6)


def test_dead_channels():
    """Deviations of 1, 1, 0.02, 0.005 and 0 times the same pattern: the median is 0.02, and 0 alone lies below 1 %."""
    pattern = np.random.default_rng(0).uniform(0, 1, (1, 4, 5, 1)).astype(np.float32)
    model = nets.averaging(kernel=[[1, 0]] * 5)

    def dead(scales, offset=0.0):
        explanation = explain(model, pattern * np.array(scales, np.float32) + offset, 0, "features", features=1)
        return explanation.features["features"].dead.tolist()

    assert dead([1, 1, 0.02, 0.005, 0]) == [np.float32(0.2)]
    assert dead([1, 1, 1, 0.005, 0], offset=3.0) == [np.float32(0.4)]  # loud, but the same everywhere
    assert dead([1, 0, 0, 0, 0]) == [np.float32(0.8)]
    assert dead([1, 0.5, 0.25, 0.1, 0.02]) == [0]
    x = keras.Input((1, 1, 2))
    single = keras.Model(x, nets.dense([[1, 0]] * 2)(layers.Flatten()(nets.identity()(x))))
    explanation = explain(single, np.ones((1, 1, 1, 2), np.float32), 0, "features", features=1)
    assert explanation.features["features"].dead.tolist() == [0]  # over one place nothing can vary

    loud_and_quiet = pattern * np.array([1, 1e-4], np.float32)[:, None, None, None] * np.ones(5, np.float32)
    assert explain(model, loud_and_quiet, 0, "features", features=1).features["features"].dead.tolist() == [0, 0]


def test_no_features_unless_asked_for(model):
    assert explain(model, BATCH).features == {}
    assert list(explain(model, BATCH, features=2).features) == ["conv0", "conv1", "conv2"]


# --- The cache ------------------------------------------------------------------------------------------------------


def resident():
    """Memory of this process in MB."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


@pytest.fixture
def traced(monkeypatch):
    """The requests that were traced, one after the other."""
    made, trace = [], classifier.trace
    monkeypatch.setattr(classifier, "trace", lambda model, *args: (made.append(args[0]), trace(model, *args))[1])
    return made


@pytest.mark.slow
def test_a_thousand_calls_trace_once_and_keep_memory_flat(model, traced):
    """A leak grows in every round; allocators and what other tests left grow in some."""
    growth = []
    for _ in range(5):
        before = resident()
        for index in range(200):
            explain(model, BATCH, index % 3, rules=["gradcam", "layercam"], features=2)
        gc.collect()
        growth.append(resident() - before)
    assert min(growth) < 0.5  # 2.5 kB a call
    assert len(traced) == 1


def contrast(logits):
    return logits[:, 0]


def test_traced_anew_only_where_the_graph_differs(model, traced):
    explain(model, BATCH)
    for same in (
        {"target": 1},
        {"target": [0, 2]},
        {"classes": ["a", "b", "c"]},
        {"layers": "blocks"},
        {"rules": ["gradcam"]},
    ):
        explain(model, BATCH, **same)
    assert len(traced) == 1
    for other in ({"layers": "all"}, {"rules": "layercam"}, {"features": 1}, {"target": contrast}):
        explain(model, BATCH, **other)
        explain(model, BATCH, **other)
    assert len(traced) == 5


MANY = np.random.default_rng(5).uniform(0, 1, (5, 8, 8, 3)).astype(np.float32)


class Counting(layers.Layer):
    """Computes with the number of pictures itself, so that it has to be known."""

    def call(self, x):
        return ops.reshape(x, (int(x.shape[0]), *x.shape[1:]))

    def compute_output_shape(self, shape):
        return shape


def normalised():
    """Depthwise and grouped convolutions, normalisations by the running and the picture's own statistics."""
    keras.utils.set_random_seed(1)
    x = keras.Input((8, 8, 3))
    y = layers.Conv2D(8, 3, padding="same", activation="silu", name="stem")(x)
    y = layers.BatchNormalization()(layers.DepthwiseConv2D(3, padding="same")(y))
    y = layers.GroupNormalization(4, name="groups")(layers.Conv2D(8, 3, groups=2, name="grouped")(y))
    gate = layers.Dense(8, activation="sigmoid")(layers.GlobalAveragePooling2D(keepdims=True)(y))
    y = layers.Conv2D(8, 3, dilation_rate=2, activation="relu", name="dilated")(layers.Multiply()([y, gate]))
    return keras.Model(x, layers.Dense(3, activation="softmax")(layers.GlobalMaxPooling2D()(y)))


def counting():
    """Can't be traced for any number of pictures."""
    parts = [keras.Input((8, 8, 3)), layers.Conv2D(4, 3, activation="relu", name="conv"), Counting(name="counting")]
    return keras.Sequential([*parts, layers.GlobalAveragePooling2D(), layers.Dense(3, activation="softmax")])


def of_fixed_number():
    x = keras.Input(batch_shape=(2, 8, 8, 3))
    y = layers.Conv2D(4, 3, activation="relu", name="conv")(x)
    return keras.Model(x, layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling2D()(y)))


@pytest.mark.parametrize(
    ("build", "traces"), [(nets.convolutional, 1), (normalised, 1), (of_fixed_number, 1), (counting, 3)]
)
def test_another_number_of_pictures_costs_no_trace_and_gives_the_same(build, traces, traced):
    """As many at once as one after the other: maps by all rules, features, scores, probabilities."""
    model = build()
    options = {"target": 1, "layers": "all", "rules": paired_rules(), "features": 3}
    several = [explain(model, MANY[:count], **options) for count in (3, 5, 1)]
    assert len(traced) == traces
    alone = [explain(model, MANY[index : index + 1], **options) for index in range(5)]
    assert len(traced) == traces
    for together in several:
        for index in range(len(together.pictures)):
            apart = alone[index]
            np.testing.assert_allclose(together.scores[index], apart.scores[0], rtol=1e-4, atol=1e-6)
            np.testing.assert_allclose(together.probabilities[index], apart.probabilities[0], rtol=1e-4)
            for layer in apart.layers:
                for rule in paired_rules():
                    wide, single = together.maps[rule][layer.address][index], apart.maps[rule][layer.address][0]
                    np.testing.assert_allclose(wide, single, rtol=1e-3, atol=1e-4 * max(single.max(), 1e-6))
                wide, single = together.features[layer.address], apart.features[layer.address]
                assert wide.channels[index].tolist() == single.channels[0].tolist()
                np.testing.assert_allclose(wide.maps[index], single.maps[0], rtol=1e-4, atol=1e-6)
                np.testing.assert_allclose(wide.means[index], single.means[0], rtol=1e-4, atol=1e-6)


def test_a_model_that_needs_the_number_is_not_tried_in_vain_again(traced):
    """Each number once, and of the first alone whether it may stay open."""
    calls = []

    class Watched(Counting):
        def call(self, x):
            calls.append(x.shape[0])
            return super().call(x)

    x = keras.Input(batch_shape=(1, 8, 8, 3))
    y = Watched()(layers.Conv2D(4, 3, activation="relu")(x))
    model = keras.Model(x, layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling2D()(y)))
    calls.clear()
    for count in (1, 2, 1, 2, 3):
        explain(model, MANY[:count])
    assert calls == [None, 1, 2, 3]


def test_a_function_of_a_fixed_number_of_logits_is_explained(model):
    def second_of_each(logits):
        return tf.stack([logits[index, 1] for index in range(int(logits.shape[0]))])

    for count in (2, 3):
        explanation = explain(model, MANY[:count], second_of_each)
        np.testing.assert_allclose(explanation.scores, explain(model, MANY[:count], 1).scores, rtol=1e-5)


def test_cache_is_bounded_and_forgets_the_least_recently_used(traced):
    model = free_size()

    def ask(side):
        explain(model, np.zeros((1, side, 4, 3), np.float32), 0, "features")

    for side in range(1, classifier.TRACES + 1):
        ask(side)
    ask(1)
    ask(classifier.TRACES + 1)  # 2 leaves
    assert len(classifier._traces[model].traces) == classifier.TRACES
    made = len(traced)
    ask(1)
    assert len(traced) == made
    ask(2)
    assert len(traced) == made + 1


@pytest.mark.parametrize("activation", ["relu", "silu"])
def test_model_is_freed(activation):
    """silu has a custom gradient, which TensorFlow would keep, with the graph and all weights."""
    model = nets.convolutional(activation=activation)
    explain(model, BATCH, features=1)
    explain(model, BATCH, target=lambda logits, model=model: logits[:, 0] + 0 * model.count_params())
    alive = weakref.ref(model), weakref.ref(model.get_layer("conv1"))
    graphs = [weakref.ref(trace.compiled.graph) for trace in classifier._traces[model].traces.values()]
    assert len(graphs) == 2
    assert graphs[0]() is not None
    del model
    keras.utils.clear_session(free_memory=False)
    gc.collect()  # the model
    gc.collect()  # and what was kept for it
    assert [reference() for reference in (*alive, *graphs)] == [None] * 4


# --- Structure ------------------------------------------------------------------------------------------------------


class Scaled(layers.Layer):
    """A layer with a number, a tuple, an array and a function of its own."""

    def __init__(self, **options):
        super().__init__(**options)
        self.factor, self.offsets, self.weighting, self.function = 1.0, (0.0, 0.0), np.ones(4, np.float32), ops.tanh

    def call(self, x):
        return self.function(self.factor * x * self.weighting + sum(self.offsets))


def changeable():
    return keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(4, 3, activation="relu", name="conv"),
            Scaled(name="scaled"),
            layers.LeakyReLU(0.1, name="leaky"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, activation="softmax", name="head"),
        ]
    )


def another_head(model):
    model.pop()
    model.add(layers.Dense(5, activation="softmax"))


def the_same_head_again(model):
    model.pop()
    model.add(layers.Dense(3, activation="softmax"))


def low_rank(model):
    model.get_layer("head").enable_lora(2)
    model.get_layer("head").lora_kernel_b.assign_add(np.ones((2, 3)))


def set_(name, attribute, value):
    return lambda model: setattr(model.get_layer(name), attribute, value)


CHANGES = {
    "another head": another_head,
    "a head like the old one": the_same_head_again,
    "low rank": low_rank,
    "quantized": lambda model: model.quantize("int8"),
    "activation": set_("conv", "activation", keras.activations.tanh),
    "number": set_("leaky", "negative_slope", 0.7),
    "number of one's own": set_("scaled", "factor", 2.0),
    "tuple": set_("scaled", "offsets", (0.5, 0.25)),
    "array": set_("scaled", "weighting", np.arange(4, dtype=np.float32)),
    "function": set_("scaled", "function", lambda x: x),
    "call": lambda model: object.__setattr__(model.get_layer("leaky"), "call", lambda x: 2 * x),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_changed_structure_is_noticed(change, traced):
    model = changeable()
    explain(model, BATCH, layers="conv")
    change(model)
    explanation = explain(model, BATCH, layers="conv")
    np.testing.assert_allclose(explanation.probabilities, model(BATCH), rtol=1e-4)
    assert len(traced) == 2
    explain(model, BATCH, layers="conv")
    assert len(traced) == 2
    assert len(classifier._traces[model].traces) == 1


def test_what_a_training_does_is_no_change_of_structure(traced):
    model = changeable()
    explain(model, BATCH)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(BATCH, np.array([0, 1]), verbose=0)
    model.predict(BATCH, verbose=0)
    model.evaluate(BATCH, np.array([0, 1]), verbose=0)
    np.testing.assert_allclose(explain(model, BATCH).probabilities, model(BATCH), rtol=1e-4)
    assert len(traced) == 1


def test_a_layer_that_others_tap_meanwhile_has_its_structure(model):
    explain(model, BATCH)
    structure = classifier.Structure(model)
    with tapped(model):
        assert structure.fits(model)
    assert structure.fits(model)


# --- Models that cannot be explained --------------------------------------------------------------------------------


def stopped(x, y):
    return layers.Dense(3, activation="softmax")(ops.stop_gradient(layers.GlobalAveragePooling2D()(y)))


def rounded(x, y):
    return layers.Dense(3, activation="softmax")(ops.round(layers.GlobalAveragePooling2D()(y)))


def compared(x, y):
    return layers.Dense(3, activation="softmax")(ops.cast(layers.GlobalAveragePooling2D()(y) > 0.1, "float32"))


def beside(x, y):
    """The layer's values are multiplied by nothing, the score follows from the input alone."""
    y = layers.GlobalAveragePooling2D()(y)
    return layers.Dense(3, activation="softmax")(ops.stop_gradient(y) + ops.mean(x))


@pytest.mark.parametrize("way", [stopped, rounded, compared, beside])
@pytest.mark.parametrize("wanted", ["blocks", "conv"])
def test_no_gradient_on_the_way_is_said(way, wanted, traced):
    x = keras.Input((8, 8, 3))
    model = keras.Model(x, way(x, layers.Conv2D(4, 3, activation="relu", name="conv")(x)))
    with pytest.raises(ValueError, match=r"No gradient of the score reaches any layer asked for \(conv\)"):
        explain(model, BATCH, 1, wanted)
    assert model not in classifier._traces


def test_a_function_that_ignores_the_logits_is_refused(model):
    with pytest.raises(ValueError, match="No gradient of the score"):
        explain(model, BATCH, lambda logits: tf.zeros(tf.shape(logits)[0]))


class NotOfKeras:
    """Looks like a model, but is none."""

    built, input_shape, output_shape = True, (None, 8, 8, 3), (None, 3)

    def __call__(self, batch, training=False):
        return batch


@pytest.mark.parametrize(
    "model", [None, "model.keras", Path("model.keras"), tf.Module(), len, NotOfKeras(), keras.Model]
)
def test_what_is_no_keras_model(model):
    with pytest.raises(TypeError, match=r"A Keras 3 model is needed \(keras.Model\), not [\w.]+: files are opened by"):
        explain(model, picture(8, 8))


@pytest.mark.parametrize("wrap", [lambda y: y, lambda y: {"label": y}, lambda y: [y]])
@pytest.mark.parametrize("units", [1, 3])
def test_wrong_classes_cost_no_trace(wrap, units, traced):
    x = keras.Input((8, 8, 3))
    y = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, activation="relu")(x))
    model = keras.Model(x, wrap(layers.Dense(units, activation="sigmoid")(y)))
    count = max(units, 2)
    with pytest.raises(ValueError, match=f"The target {count} does not exist: the model has {count} classes"):
        explain(model, BATCH, count)
    with pytest.raises(ValueError, match=f"5 class names for a model of {count} classes"):
        explain(model, BATCH, classes=list("abcde"))
    with pytest.raises(ValueError, match="head is one of"):
        explain(model, BATCH, head="softmax")
    assert traced == []


def test_wrong_classes_of_a_subclassed_model_take_no_place_in_the_cache():
    model = nets.subclassed()[0]
    with pytest.raises(ValueError, match="The target 3 does not exist: the model has 3 classes"):
        explain(model, nets.PICTURE, 3)
    assert model not in classifier._traces


def test_private_parts_that_are_gone_are_said(monkeypatch, model):
    monkeypatch.delattr(keras.Layer, "_flatten_layers")
    with pytest.raises(RuntimeError, match="has no `_flatten_layers`"):
        explain(model, BATCH)


def test_a_registry_that_is_gone_is_a_warning(monkeypatch):
    from tensorflow.python.framework import ops as framework

    monkeypatch.delattr(framework, "gradient_registry")
    with pytest.warns(UserWarning, match="may stay in memory"):
        classifier._forget_custom_gradients(tf.Graph())


# --- Pictures -------------------------------------------------------------------------------------------------------


def free_size():
    """Any height and width, logits from the mean of each of three channels."""
    return nets.averaging((None, None), ((1, 0), (0, 1), (0, 0)))


def test_uint8_pictures_are_squashed_to_the_models_input(model):
    given = [picture(20, 30), picture(7, 5, 1)]
    explanation = explain(model, given)
    assert explanation.pictures.dtype == np.uint8
    assert np.array_equal(explanation.pictures, [fit(pixels, (8, 8)) for pixels in given])
    expected = model(explanation.pictures.astype(np.float32))
    np.testing.assert_allclose(explanation.probabilities, expected, rtol=1e-5)


def test_pictures_of_every_form_are_the_same(model):
    pixels = picture(20, 30)
    expected = explain(model, pixels).map()
    for form in ([pixels], (pixels,), pixels[None], Picture(pixels, ()), [Picture(pixels, ())]):
        explanation = explain(model, form)
        assert explanation.pictures.shape == (1, 8, 8, 3)
        assert np.array_equal(explanation.map(), expected)


def test_preprocess_gets_floats_of_0_to_255_and_may_change_them(model):
    given = picture(8, 8)
    before = given.copy()
    seen = []

    def preprocess(batch):
        seen.append((batch.dtype, batch.shape, batch.max() > 1))
        batch /= 127.5
        return batch - 1

    explanation = explain(model, given, preprocess=preprocess)
    assert seen == [(np.float32, (1, 8, 8, 3), True)]
    assert np.array_equal(given, before)
    assert np.array_equal(explanation.pictures[0], before)
    np.testing.assert_allclose(explanation.probabilities, model(before[None] / 127.5 - 1), rtol=1e-4)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_float_batch_is_taken_as_it_is(dtype):
    batch = np.array([[[[-3, 700, 0.5]]]], dtype)
    explanation = explain(free_size(), batch, layers="features")
    assert explanation.pictures is batch
    np.testing.assert_allclose(explanation.scores, [700])
    alone = explain(free_size(), batch[0], layers="features")
    assert np.array_equal(alone.pictures, batch)
    np.testing.assert_allclose(alone.scores, [700])


def test_model_of_undefined_size_keeps_the_pictures():
    given = picture(5, 9)
    explanation = explain(free_size(), given, layers="features", target=1)
    assert np.array_equal(explanation.pictures, given[None])
    assert explanation.map().shape == (5, 9)
    np.testing.assert_allclose(explanation.map(), given[..., 1] / 45, rtol=1e-5)
    explanation = explain(nets.averaging((None, 6), ((1, 0), (0, 1), (0, 0))), given, layers="features")
    assert explanation.map().shape == (5, 6)


def test_float_batch_of_other_channels():
    model = nets.averaging(kernel=[[1, -1]])
    assert explain(model, np.ones((1, 4, 5, 1), np.float32)).scores.tolist() == [1]


@pytest.mark.parametrize("shape", [(6, 4), (6, 4, 1), (1, 6, 4, 1)])
def test_grey_pictures_for_a_model_of_one_channel(shape):
    x = keras.Input((3, 2, 1))
    y = layers.GlobalAveragePooling2D()(nets.identity(1)(x))
    model = keras.Model(x, nets.dense([[1, -1]])(y))
    pixels = np.arange(24, dtype=np.uint8).reshape(shape)
    explanation = explain(model, pixels, 0, "features")
    # means of 2 x 2 pixels: 2.5, 4.5, 10.5 ..., rounded to even
    assert explanation.pictures.shape == (1, 3, 2, 1)
    np.testing.assert_allclose(explanation.pictures.ravel(), [2.5, 4.5, 10.5, 12.5, 18.5, 20.5], atol=0.5)
    assert explanation.scores[0] == pytest.approx(explanation.pictures.mean())


def image(shape, dtype=np.uint8):
    return np.zeros(shape, dtype)


@pytest.mark.parametrize(
    ("pictures", "message"),
    [
        (image((8, 8)), "grey picture: repeat it in three channels"),
        (image((8, 8, 1)), "grey picture"),
        (image((8, 8, 4)), r"height x width x 3 \(RGB\), not 8 x 8 x 4"),
        (image((2, 2, 8, 8, 3)), "not 2 x 2 x 8 x 8 x 3"),
        (image((8, 8, 3), np.int64), "Pictures are uint8 arrays, 0 to 255 .* not int64"),
        (image((8, 8, 3), bool), "not bool"),
        ([image((8, 8, 3), np.float32)], "not float32"),
        (image((8, 8), np.float32), r"float batch is n x height x width x channels, not \(8, 8\)"),
        (image((9, 8, 3), np.float32), "takes n x 8 x 8 x 3, and would get 1 x 9 x 8 x 3"),
        (image((1, 9, 8, 3), np.float32), "takes n x 8 x 8 x 3, and would get 1 x 9 x 8 x 3"),
        (image((1, 8, 8, 1), np.float32), "would get 1 x 8 x 8 x 1"),
        ([], "no pictures"),
        (image((0, 8, 8, 3)), "no pictures"),
        ("cat.jpg", r"files are opened by explain.pictures.read\), .* not <U7"),
    ],
)
def test_pictures_that_are_none(model, pictures, message):
    with pytest.raises(ValueError, match=message):
        explain(model, pictures)


def test_other_refusals(model):
    with pytest.raises(ValueError, match="number of channels to keep, not -1"):
        explain(model, BATCH, features=-1)
    with pytest.raises(ValueError, match="preprocess is for uint8 pictures"):
        explain(model, BATCH, preprocess=lambda batch: batch)
    with pytest.raises(ValueError, match=r"would get 1 x 8 x 8\.$"):
        explain(model, picture(8, 8), preprocess=lambda batch: batch[..., 0])
    with pytest.raises(ValueError, match="need the same size"):
        explain(free_size(), [picture(5, 9), picture(9, 5)])
    x = [keras.Input((8, 8, 3)), keras.Input((8, 8, 3))]
    two = keras.Model(x, layers.Dense(2)(layers.GlobalAveragePooling2D()(layers.Add()(x))))
    with pytest.raises(ModelError, match="one input"):
        explain(two, picture(8, 8))


@pytest.fixture(scope="module")
def unexplained():
    return judges.unexplained()


@pytest.mark.parametrize("code", judges.UNEXPLAINED)
def test_a_model_that_cannot_be_explained_says_why_by_code_and_facts(unexplained, code):
    with pytest.raises(ModelError) as caught:
        explain(unexplained[code], picture(8, 8))
    error = caught.value
    assert error.key == f"model.{code}"
    assert all(str(fact) in str(error) for fact in error.facts.values())
    assert isinstance(error, ValueError)  # as it was before it had a kind


@pytest.mark.parametrize(
    ("code", "build", "wanted"),
    [
        ("outputs", lambda x: [layers.Dense(2)(x), layers.Dense(2)(x)], "blocks"),
        ("output", lambda x: layers.Reshape((2, 2))(layers.Dense(4)(x)), "blocks"),
        ("kind", layers.Dense(2), "convolutions"),
    ],
)
def test_so_does_one_that_is_no_classifier_or_lacks_what_is_asked_for(code, build, wanted):
    image = keras.Input((8, 8, 3))
    model = keras.Model(image, build(layers.GlobalAveragePooling2D()(layers.ReLU()(image))))
    with pytest.raises(ModelError) as caught:
        explain(model, picture(8, 8), layers=wanted)
    assert (caught.value.code, bool(caught.value.facts)) == (code, True)


# --- What comes back ------------------------------------------------------------------------------------------------


def test_map_picks_and_refuses(model):
    explanation = explain(model, BATCH, rules=["layercam", "gradcam"])
    assert np.array_equal(explanation.map(), explanation.maps["layercam"]["conv2"][0])
    assert np.array_equal(explanation.map("conv0", "gradcam", 1), explanation.maps["gradcam"]["conv0"][1])
    with pytest.raises(KeyError, match="No layer 'conv7' here, but conv0, conv1, conv2"):
        explanation.map("conv7")
    with pytest.raises(KeyError, match="No rule 'hirescam' here, but layercam, gradcam"):
        explanation.map(rule="hirescam")


def test_repr_tells_what_a_person_wants_to_know():
    explanation = explain(nets.functional()[0], nets.PICTURE, 0, "features", classes=["cat", "dog", "horse"])
    first, second = repr(explanation).splitlines()
    assert first == "Explanation of 1 picture, 2 x 2: gradcam on 1 layer, features to features"
    assert second == "  0: cat 66.5%, score 1"


def test_overlay_is_the_drawn_map_over_the_picture(model):
    from explain.overlay import overlay

    given = picture(8, 8)
    explanation = explain(model, given)
    assert np.array_equal(
        explanation.overlay(opacity=0.3, name="magma"), overlay(given, explanation.map(), 0.3, "magma")
    )


def test_float_pictures_are_drawn_from_their_least_to_their_greatest_value():
    batch = np.array([[[[-1], [0], [1]]]], np.float32)
    explanation = explain(nets.averaging((1, 3), [[1, -1]]), batch, 0, "features")
    drawn = explanation.overlay(opacity=0)
    assert drawn.tolist() == [[[0, 0, 0], [127, 127, 127], [255, 255, 255]]]


def test_save(model, tmp_path):
    from PIL import Image

    explanation = explain(model, picture(8, 8), rules=["gradcam++", "layercam"])
    files = explanation.save(tmp_path / "new")
    assert [file.name for file in files] == ["gradcam++-0.png", "layercam-0.png", "maps.npz", "manifest.json"]
    assert Image.open(files[0]).mode == "RGB"
    raw = np.load(files[2])
    assert raw["layers"].tolist() == ["conv0", "conv1", "conv2"]
    assert raw["depths"].tolist() == [0, 0.5, 1]
    for address in raw["layers"]:
        assert np.array_equal(raw[f"layercam/{address}"], explanation.maps["layercam"][address])
    assert np.array_equal(raw["scores"], explanation.scores)


@pytest.mark.slow
def test_a_nested_application_with_its_own_preprocessing():
    """Every block of a model of another origin in one call."""
    backbone = keras.applications.EfficientNetB0(weights=None, include_top=False, input_shape=(64, 64, 3), name="net")
    parts = [keras.Input((64, 64, 3)), backbone, layers.GlobalAveragePooling2D(), layers.Dense(2, activation="softmax")]
    explanation = explain(
        keras.Sequential(parts), picture(80, 50), preprocess=keras.applications.efficientnet.preprocess_input
    )
    addresses = [layer.address for layer in explanation.layers]
    assert len(addresses) == 18
    assert addresses[:3] == ["net/stem_activation", "net/block1a_project_bn", "net/block2a_project_bn"]
    assert addresses[-2:] == ["net/block7a_project_bn", "net/top_activation"]
    assert all(np.isfinite(maps).all() for maps in explanation.maps["gradcam"].values())
    assert any(maps.any() for maps in explanation.maps["gradcam"].values())
