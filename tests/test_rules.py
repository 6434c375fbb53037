"""Every registered rule at once, on whole models: what must hold whatever its numbers are. No rule is named twice."""

import keras
import nets
import numpy as np
import pytest
import tensorflow as tf

from explain.agreement import heat
from explain.align import compare
from explain.biases import added, terms
from explain.checkpoints import load
from explain.classifier import Classifier
from explain.engine import explain
from explain.errors import ModelError
from explain.overlay import stretch
from explain.pictures import read, resize
from explain.rules import RULES
from explain.rules.probes import ablationcam, integrated_gradients, occlusion
from explain.rules.sampling import random_masks, windows, with_noise
from explain.targets import Finer

BATCH = np.random.default_rng(7).uniform(0, 1, (3, 8, 8, 3)).astype(np.float32)
LAYERS = ["conv0", "conv1", "conv2"]
GUIDED = [name for name, rule in RULES.items() if "guided" in rule.needs]
DRAWN = {"seed"}
CLASSLESS = {"fem", "eigencam", "kpcacam"}
CONVOLUTIONAL = [name for name, rule in RULES.items() if "attention" not in rule.needs]  # test_tokens has the others
parametrised = pytest.mark.parametrize("rule", CONVOLUTIONAL)


def net(dtype="float32"):
    """Three convolutions with ReLUs; with the same weights in each precision."""
    keras.config.set_dtype_policy(dtype)
    try:
        return nets.convolutional(activation="relu")
    finally:
        keras.config.set_dtype_policy("float32")


def of_all_rules(model, batch, layers=LAYERS, **options):
    return explain(model, batch, 1, layers, CONVOLUTIONAL, parameters=nets.FEW, **options)


def close(first, second, tolerance=1e-3):
    """Alike, measured by the largest value of both."""
    largest = max(np.abs(first).max(), np.abs(second).max(), 1e-9)
    np.testing.assert_allclose(first, second, rtol=0, atol=tolerance * largest)


def every_map(explanation, rule):
    """A rule's maps, of all layers or of the input."""
    return list(explanation.maps[rule].values()) if rule in explanation.maps else [explanation.attributions[rule]]


@pytest.fixture(scope="module")
def model():
    return net()


@pytest.fixture(scope="module")
def progress():
    return []


@pytest.fixture(scope="module")
def together(model, progress):
    return of_all_rules(model, BATCH, progress=lambda done, total: progress.append((done, total)))


@pytest.fixture(scope="module")
def alone(model):
    return [of_all_rules(model, BATCH[index : index + 1]) for index in range(len(BATCH))]


@pytest.fixture(scope="module")
def nested(model):
    copy = nets.nested_copy(model, [layer.name for layer in model.layers[-3:]])
    return of_all_rules(copy, BATCH, ["backbone/conv0", "backbone/conv1", "conv2"])


@pytest.fixture(scope="module")
def mixed():
    return of_all_rules(net("mixed_float16"), BATCH)


@parametrised
def test_maps_have_their_size_and_are_numbers(rule, together):
    assert rule in together.rules
    sizes = [(8, 8)] if RULES[rule].level == "input" else [(8, 8), (4, 4), (2, 2)]
    for maps, size in zip(every_map(together, rule), sizes, strict=True):
        assert maps.shape == (3, *size)
        assert maps.dtype == np.float32
        assert np.isfinite(maps).all()
        assert RULES[rule].level == "input" or (maps >= 0).all()
    assert any(maps.any() for maps in every_map(together, rule))


@parametrised
def test_a_batch_is_what_its_pictures_are_alone(rule, together, alone):
    for index, single in enumerate(alone):
        for several, by_itself in zip(every_map(together, rule), every_map(single, rule), strict=True):
            close(several[index], by_itself[0])


@parametrised
def test_a_nested_model_is_what_the_flat_one_is(rule, together, nested):
    for flat, inside in zip(every_map(together, rule), every_map(nested, rule), strict=True):
        close(flat, inside)


@parametrised
def test_mixed_precision_is_what_float32_is(rule, together, mixed):
    """As far as float16 goes: a ReLU or a pooling that is nearly even may decide otherwise at a few places."""
    for single, half in zip(every_map(together, rule), every_map(mixed, rule), strict=True):
        assert single.any() == half.any()
        assert np.corrcoef(single.ravel(), half.ravel())[0, 1] > 0.95 or not single.any()


@parametrised
def test_it_costs_what_it_says(rule, together):
    passes = RULES[rule].cost(together.layers, (8, 8), **nets.FEW.get(rule, {}))
    cost = together.cost[rule].forward, together.cost[rule].backward
    if rule in together.residuals:  # it may end sooner
        assert cost <= passes
    else:
        assert cost == passes


def test_progress_counts_every_pass_of_every_picture(together, progress):
    """The total is known from the first step on, and reached at the last."""
    probing = [RULES[name] for name in CONVOLUTIONAL if RULES[name].probes]
    costs = [rule.cost(together.layers, (8, 8), **nets.FEW.get(rule.name, {})) for rule in probing]
    total = 3 * sum(cost.forward for cost in costs)
    assert {known for _, known in progress} == {total}
    assert progress[-1] == (total, total)
    told = [done for done, _ in progress]
    assert told == sorted(told)  # the same again while the model is traced


class Enough(Exception):
    pass


@pytest.mark.parametrize("rule", [name for name, rule in RULES.items() if rule.probes])
def test_a_cancelled_rule_leaves_the_model_as_it_was(rule, model, together):
    def stop(done, total):
        raise Enough

    before = [dict(vars(layer)) for layer in model._flatten_layers()]
    with pytest.raises(Enough):
        explain(model, BATCH, 1, LAYERS, rule, parameters={rule: nets.FEW.get(rule, {})}, progress=stop)
    assert [vars(layer) for layer in model._flatten_layers()] == before
    again = explain(model, BATCH, 1, LAYERS, rule, parameters={rule: nets.FEW.get(rule, {})})
    for first, second in zip(every_map(together, rule), every_map(again, rule), strict=True):
        np.testing.assert_array_equal(first, second)


def test_a_pass_that_fails_leaves_the_model_as_it_was(model, together):
    """In its middle, whatever the rules: here the target fails."""
    before = [dict(vars(layer)) for layer in model._flatten_layers()]

    def failing(logits):
        raise InterruptedError

    with pytest.raises(InterruptedError):
        explain(model, BATCH, failing, LAYERS, CONVOLUTIONAL, parameters=nets.FEW)
    assert [vars(layer) for layer in model._flatten_layers()] == before
    again = of_all_rules(model, BATCH)
    for rule in CONVOLUTIONAL:
        for first, second in zip(every_map(together, rule), every_map(again, rule), strict=True):
            np.testing.assert_array_equal(first, second, err_msg=rule)


@pytest.fixture(scope="module")
def oblong():
    """Pictures of 12 x 20, as bytes, as the same floats, and turned, by a net whose kernels are turned, too."""
    bytes_ = np.random.default_rng(9).integers(0, 256, (2, 12, 20, 3), np.uint8)
    wide, high = (
        nets.convolutional(size=(12, 20), activation="relu"),
        nets.convolutional(size=(20, 12), activation="relu"),
    )
    for weights, source in zip(high.weights, wide.weights, strict=True):
        values = source.numpy() / (255 if source.path.startswith("conv0/kernel") else 1)
        source.assign(values)
        weights.assign(values.transpose(1, 0, 2, 3) if values.ndim == 4 else values)
    return [
        of_all_rules(wide, bytes_),
        of_all_rules(wide, bytes_.astype(np.float32)),
        of_all_rules(high, np.ascontiguousarray(bytes_.transpose(0, 2, 1, 3))),
    ]


@parametrised
def test_bytes_are_what_their_floats_are_and_sides_may_differ(rule, oblong):
    sizes = [(12, 20)] if RULES[rule].level == "input" else [(12, 20), (6, 10), (3, 5)]
    for first, second, third, size in zip(*(every_map(each, rule) for each in oblong), sizes, strict=True):
        assert first.shape == (2, *size)
        np.testing.assert_array_equal(first, second)
        if not DRAWN & {*RULES[rule].parameters}:  # noise and masks are drawn for a picture's size
            close(first, third.transpose(0, 2, 1))


def test_a_changed_backward_pass_changes_nothing_else(model, together):
    """Gradients by everybody else are what they were, also after an exception in between."""
    plain = explain(model, BATCH, 1, LAYERS, ["gradient", "gradcam"])
    np.testing.assert_allclose(plain.attributions["gradient"], together.attributions["gradient"], rtol=1e-5, atol=1e-8)
    with pytest.raises(ModelError, match="no ReLU"):
        explain(nets.convolutional(activation="tanh"), BATCH, 1, LAYERS, GUIDED)
    value = tf.Variable([-1.0, 2.0])
    with tf.GradientTape() as tape:
        result = tf.nn.relu(value) * [3.0, -3.0]
    assert tape.gradient(result, value).numpy().tolist() == [0, -3]


@pytest.fixture(scope="module")
def found():
    """All rules of the net with planted evidence, at the input and at the layer behind the colours."""
    parameters = {"rise": {"masks": 600, "cells": 6}}
    return explain(
        nets.planted(), nets.planted_picture(), 0, ["colours", "features"], CONVOLUTIONAL, parameters=parameters
    )


@parametrised
def test_planted_evidence_is_found(rule, found):
    """The red patch is the only evidence for the class, the blue one that for another."""
    for maps in every_map(found, rule):
        heat = stretch(np.maximum(resize(maps[0], (18, 18)), 0))
        rest = np.ones((18, 18), bool)
        rest[nets.RED] = rest[nets.BLUE] = False
        red, blue, elsewhere = heat[nets.RED].mean(), heat[nets.BLUE].mean(), heat[rest].mean()
        if rule in CLASSLESS:
            assert max(red, blue) > 1.5 * elsewhere
        else:
            assert red > 1.5 * max(blue, elsewhere), (red, blue, elsewhere)


@pytest.fixture(scope="module")
def wide():
    """The same net, of 64 x 96 pixels: a stride of occlusion's defaults is 8 x 12 of them, a cell of RISE 10 x 14."""
    return nets.planted((64, 96))


@pytest.mark.parametrize(
    ("row", "column"), [(1, 1), (0, 7), (4, 2), pytest.param(7, 3, marks=pytest.mark.slow), (6, 6)]
)
def test_planted_evidence_is_found_where_it_is(wide, row, column):
    """To the pixel, in the middle and by the edges; the photo is higher than wide, the net's input wider than high."""
    photo = np.full((256, 192, 3), 100, np.uint8)
    photo[32 * row : 32 * (row + 1), 24 * column : 24 * (column + 1)] = (220, 30, 30)
    explanation = explain(wide, photo, 0, rules=["occlusion", "rise"])
    middle = (row + 0.5) / 8, (column + 0.5) / 8
    np.testing.assert_allclose(heat(explanation.map(rule="occlusion")).peak, middle, atol=1e-6)
    np.testing.assert_allclose(heat(explanation.map(rule="rise")).peak, middle, atol=0.5 / 7)


def test_a_window_is_filled_by_what_is_said(wide):
    """A value, or a way of filling by name; with the picture's own surroundings nothing is lost where nothing is."""
    photo = np.random.default_rng(2).integers(95, 105, (64, 96, 3), np.uint8)
    photo[8:16, 12:24] = (220, 30, 30)

    def lost(fill):
        parameters = {"occlusion": {"fill": fill, "window": 0.5, "stride": 0.5}}
        return explain(wide, photo, 0, rules="occlusion", parameters=parameters).map()

    np.testing.assert_array_equal(lost("black"), lost(0.0))
    assert lost("road")[:32, :48].min() > 0
    np.testing.assert_allclose(lost("road")[32:], 0, atol=1e-5)
    with pytest.raises(ValueError, match="no fill 'pink', but road, blur"):
        lost("pink")


# --- Single rules ---------------------------------------------------------------------------------------------------


def test_integrated_gradients_are_complete():
    """To 1 % of the rise of the score, of a net with many kinks; and they say how far they miss it."""
    model, pictures = biased(), 255 * BATCH

    def attributed(steps):
        parameters = {"integrated-gradients": {"steps": steps}}
        return explain(model, pictures, 1, rules="integrated-gradients", parameters=parameters)

    answer, classes = Classifier(model), np.ones(3, np.int32)
    rise = answer.scores(pictures, classes) - answer.scores(np.zeros_like(pictures), classes)
    fine, coarse = attributed(256), attributed(2)
    for explanation in (fine, coarse):
        sums = explanation.attributions["integrated-gradients"].sum((1, 2))
        missed = np.abs(sums - rise) / np.abs(rise)
        np.testing.assert_allclose(explanation.residuals["integrated-gradients"], missed, rtol=0.05, atol=1e-4)
    assert fine.residuals["integrated-gradients"].max() < 0.01
    assert coarse.residuals["integrated-gradients"].max() > 0.01
    cost = fine.cost["integrated-gradients"]
    assert cost.backward < 64  # it ends where it is near enough
    assert cost.forward == cost.backward + 1
    with pytest.raises(ValueError, match="2 or more"):
        attributed(1)


def sudden():
    """A net that decides as soon as the picture comes out of the black: between 2 and 2.5 % of its brightness."""
    x = keras.Input((8, 8, 3))
    y = keras.layers.Rescaling(800 / 255, offset=-16.0)(x)
    y = keras.layers.ReLU(max_value=4)(y)
    y = keras.layers.GlobalAveragePooling2D()(y)
    return keras.Model(x, keras.layers.Dense(2, kernel_initializer="ones", activation="softmax")(y))


def test_integrated_gradients_look_where_the_score_changes():
    """Equal steps of a sixty-fourth of the way meet one in the change; all of the picture is bright alike."""
    picture = np.full((1, 8, 8, 3), 255, np.float32)
    told = []
    explanation = explain(
        sudden(), picture, 1, rules="integrated-gradients", progress=lambda done, total: told.append((done, total))
    )
    assert explanation.residuals["integrated-gradients"][0] <= 0.01
    np.testing.assert_allclose(explanation.map(), 12 / 64, rtol=0.02)  # three channels of 4, over 64 pixels
    assert explanation.cost["integrated-gradients"].backward < 100
    assert told[-1] == (257, 257)  # what was not needed is done


@pytest.mark.slow
def test_integrated_gradients_of_the_shipped_network_are_complete():
    """It decides between 2 and 10 % of a picture's contrast, with jumps of the gradient all along."""
    checkpoint = load("cats-dogs-effnet-adam")
    photos = [read(f"examples/{name}.jpg") for name in ("dog-shepherd", "cat-chelsea", "raccoon", "koala")]
    explanation = checkpoint.explain(photos, rules="integrated-gradients")
    assert explanation.residuals["integrated-gradients"].max() <= 0.01


def test_a_baseline_is_what_attributions_are_told_from():
    """Of a picture that is its own baseline nothing is left to tell."""
    picture = np.full((1, 8, 8, 3), 0.5, np.float32)
    options = {"rules": "integrated-gradients", "parameters": {"integrated-gradients": {"baseline": 0.5}}}
    explanation = explain(net(), picture, 1, **options)
    assert not explanation.map().any()
    assert explanation.residuals["integrated-gradients"].tolist() == [0]


class Nudged(Classifier):
    """Of a batch of several its scores differ in the last digit, as a processor's may."""

    def scores(self, pixels, targets):
        return super().scores(pixels, targets) * np.float32(1 + 3e-7 * (len(pixels) == 1))


def test_rounding_is_no_rise_of_the_score():
    classifier = Nudged(net())
    grey, target = np.full((1, 8, 8, 3), 0.5, np.float32), np.array([1])
    attribution = integrated_gradients(classifier, grey, target, baseline=0.5)
    assert attribution.residual.tolist() == [0]
    assert attribution.passes.backward < 10  # and is not looked into
    assert not occlusion(classifier, grey, target).any()
    assert occlusion(classifier, grey, target, fill=0.4).any()


def test_rounding_gives_no_channel_a_weight():
    """Of a score that is the same whatever the picture."""
    model = net()
    kernel, bias = model.layers[-1].get_weights()
    model.layers[-1].set_weights([0 * kernel, bias + 1])
    classifier = Nudged(model)
    maps = ablationcam(classifier, BATCH[:1], np.array([1]))
    assert maps
    assert not any(values.any() for values in maps)


def biased():
    """Preprocessing, convolutions with biases, a normalisation with statistics of its own; piecewise linear."""
    keras.utils.set_random_seed(5)
    x = keras.Input((8, 8, 3))
    y = keras.layers.Rescaling(1 / 127.0, offset=-1.0)(x)
    y = keras.layers.Conv2D(4, 3, padding="same", bias_initializer="random_normal")(y)
    y = keras.layers.BatchNormalization(name="normalisation")(y)
    y = keras.layers.MaxPooling2D(2)(keras.layers.ReLU()(y))
    y = keras.layers.Conv2D(5, 3, bias_initializer="random_normal", activation="relu")(y)
    y = keras.layers.GlobalAveragePooling2D()(y)
    model = keras.Model(x, keras.layers.Dense(3, use_bias=False, activation="softmax")(y))
    normalisation = model.get_layer("normalisation")
    normalisation.set_weights([values + 0.1 * np.arange(4) for values in normalisation.get_weights()])
    return model


def test_the_terms_of_full_gradients_sum_to_the_score():
    """Of a piecewise linear net, to float32; and grey, which preprocessing makes zero, has no part in them."""
    model, picture = biased(), np.random.default_rng(8).uniform(0, 255, (2, 8, 8, 3)).astype(np.float32)

    @tf.function
    def parts(batch):
        output = model(batch, training=False)
        logits = output.op.inputs[0]
        biases = added(batch)
        slopes, *others = tf.gradients(logits[:, 1], [batch, *(bias.output for bias in biases)])
        return terms(batch, slopes, biases, others), logits[:, 1]

    tensors, scores = parts(tf.constant(picture))
    assert [tuple(tensor.shape[1:]) for tensor in tensors] == [(8, 8, 3), (8, 8, 4), (8, 8, 4), (2, 2, 5)]
    total = sum(tensor.numpy().sum((1, 2, 3)) for tensor in tensors)
    np.testing.assert_allclose(total, scores, rtol=1e-4)
    of_grey = parts(tf.fill((1, 8, 8, 3), 127.0))[0][0]
    np.testing.assert_allclose(of_grey, np.zeros((1, 8, 8, 3)), atol=1e-5)


def test_smooth_gradcam_plus_plus_without_noise_is_gradcam_plus_plus(model):
    parameters = {"smoothgradcam++": {"noise": 0, "samples": 2}}
    explanation = explain(model, BATCH, 1, LAYERS, ["smoothgradcam++", "gradcam++"], parameters=parameters)
    for address in LAYERS:
        smooth, plain = (explanation.maps[rule][address] for rule in ("smoothgradcam++", "gradcam++"))
        close(smooth, plain, 1e-4)


def test_with_noise_is_the_same_for_every_picture_and_scaled_by_its_range():
    noisy = with_noise(np.stack([BATCH[0], 10 * BATCH[0]]), 0.2, np.random.default_rng(1)) - [BATCH[0], 10 * BATCH[0]]
    np.testing.assert_allclose(10 * noisy[0], noisy[1], rtol=1e-4, atol=1e-5)
    assert noisy[0].std() == pytest.approx(0.2 * np.ptp(BATCH[0]), rel=0.2)


def test_a_layer_replaced_by_itself_changes_nothing_and_by_nothing_leaves_the_bias(model):
    classifier = Classifier(model, LAYERS)
    classes = np.array([0, 1, 2])
    scores = classifier.scores(BATCH, classes)
    for layer, (activations, _) in zip(LAYERS, classifier.taps(BATCH, classes), strict=True):
        np.testing.assert_allclose(
            classifier.scores_with(layer, activations, BATCH, classes), scores, rtol=1e-4, atol=1e-6
        )
    nothing = np.zeros_like(classifier.taps(BATCH, classes)[-1][0])
    np.testing.assert_allclose(classifier.scores_with("conv2", nothing, BATCH, classes), np.zeros(3), atol=1e-6)


def test_a_budget_of_channels_takes_the_foremost():
    """Of the two channels the second has the larger activations, and without it the logit rises by 2."""
    options = {"rules": "ablationcam", "parameters": {"ablationcam": {"channels": 1}}}
    falling = explain(nets.functional()[0], nets.PICTURE, 0, "features", **options)
    assert not falling.map().any()
    np.testing.assert_allclose(explain(nets.functional()[0], nets.PICTURE, 1, "features", **options).map(), 0)


def test_windows_cover_everything():
    for size in ((8, 8), (7, 5), (3, 10)):
        count = np.zeros(size)
        for area in windows(size, 0.3, 0.2):
            count[area] += 1
        assert count.min() >= 1
    for size in ((8, 8), (16, 4)):  # sides that the stride divides
        count = np.zeros(size)
        for area in windows(size, 0.5, 0.25):
            count[area] += 1
        assert (count == 4).all()  # by the edges as in the middle
    with pytest.raises(ValueError, match="shares"):
        windows((8, 8), 1.5, 0.1)


def test_masks_keep_their_share():
    masks = random_masks(400, (20, 30), 5, 0.3, np.random.default_rng(0))
    assert masks.shape == (400, 20, 30)
    assert (masks.min(), masks.max()) == (0, 1)
    np.testing.assert_allclose(masks.mean(0), 0.3, atol=0.08)


# --- What is asked for ----------------------------------------------------------------------------------------------


def test_attributions_stand_still_and_are_saved(together, tmp_path):
    assert together.maps.keys() | together.attributions.keys() == set(CONVOLUTIONAL)
    for address in (None, *LAYERS):
        assert np.array_equal(together.map(address, "rise", 1), together.attributions["rise"][1])
    assert together.overlay("conv1", "rise").shape == (8, 8, 3)
    with pytest.raises(KeyError, match="No layer 'conv9'"):
        together.map("conv9", "rise")
    files = {path.name for path in together.save(tmp_path)}
    assert {"rise-0.png", "gradcam-2.png", "guided-gradcam-1.png"} <= files
    with np.load(tmp_path / "maps.npz") as raw:
        assert np.array_equal(raw["rise"], together.attributions["rise"])
        assert np.array_equal(raw["scorecam/conv1"], together.maps["scorecam"]["conv1"])


def test_attributions_alone_need_no_layer():
    """Also of a model without maps; the rules of layers say that it has none."""
    x = keras.Input((8, 8, 3))
    y = keras.layers.Dense(4, activation="relu")(keras.layers.Flatten()(x))
    model = keras.Model(x, keras.layers.Dense(3, activation="softmax")(y))
    rules = [name for name in CONVOLUTIONAL if not RULES[name].layered]
    explanation = explain(model, BATCH, 1, rules=rules, parameters={k: v for k, v in nets.FEW.items() if k in rules})
    assert explanation.layers == () == tuple(explanation.maps)
    assert explanation.map().shape == (8, 8)
    assert "on the input" in repr(explanation)
    for rule in set(CONVOLUTIONAL) - set(rules):
        with pytest.raises(ModelError, match="no layer"):
            explain(model, BATCH, 1, rules=rule)


def test_a_rule_of_the_input_is_compared_by_its_map_alone_at_every_layer(together):
    assert compare(together, together, rule="scorecam").stops
    stops = compare(together, together, rule="rise").stops
    assert {stop.versus[1].rank for stop in stops} == {stops[0].versus[1].rank}
    with pytest.raises(KeyError, match="nothing-such"):
        compare(together, together, rule="nothing-such")


def test_parameters_that_do_not_exist_are_refused(model):
    with pytest.raises(ValueError, match="no parameter 'mask', but: masks, cells, keep, seed"):
        explain(model, BATCH, rules="rise", parameters={"rise": {"mask": 3}})
    with pytest.raises(ValueError, match="Parameters of rise, but the rules asked for are gradcam"):
        explain(model, BATCH, rules="gradcam", parameters={"rise": {}})
    with pytest.raises(ValueError, match="noisy copies"):
        explain(model, BATCH, smoothing=-1)


def test_smoothing_is_the_mean_over_noisy_copies(model):
    """Of the class of the picture itself; scores and probabilities stay those of the picture."""
    rules, picture = ["gradcam", "shapleycam", "gradient", "occlusion"], BATCH[:1]
    smooth = explain(model, picture, layers="conv2", rules=rules, smoothing=3)
    plain = explain(model, picture, layers="conv2", rules=rules)
    np.testing.assert_array_equal(smooth.probabilities, plain.probabilities)
    random = np.random.default_rng(0)
    target = int(plain.targets[0])
    copies = [explain(model, with_noise(picture, 0.1, random), target, "conv2", rules) for _ in range(3)]
    for rule in rules:
        np.testing.assert_allclose(
            smooth.map(rule=rule), np.mean([copy.map(rule=rule) for copy in copies], 0), rtol=1e-4, atol=1e-6
        )
        assert smooth.cost[rule].forward == 3 * plain.cost[rule].forward
        assert smooth.cost[rule].backward == 3 * plain.cost[rule].backward


# --- A class and not those nearest to it ----------------------------------------------------------------------------


def test_finer_is_the_class_less_its_nearest_others_by_hand():
    """Logits 1, -1 and 0: of the first the nearest is the third, whose gradients are zero."""
    model = nets.functional()[0]
    explanation = explain(model, nets.PICTURE, Finer(gamma=1, nearest=1), "features", ["hirescam", "occlusion"])
    np.testing.assert_allclose(explanation.scores, [1])
    assert explanation.targets.tolist() == [0]
    np.testing.assert_allclose(explanation.map(), nets.MAPS["hirescam"], rtol=1e-5)
    both = explain(model, nets.PICTURE, Finer(0, gamma=1, nearest=2), "features", "hirescam")
    np.testing.assert_allclose(both.scores, [1 - (0 - 1) / 2])
    np.testing.assert_allclose(both.map(), [[0 + 1, 1 + 1.5], [0, 2 + 1]], rtol=1e-5)  # and half of A


def test_finer_is_any_rule_s_target_and_may_be_one_per_picture(model):
    rules = [rule for rule in CONVOLUTIONAL if rule != "rise"]  # of a class alone it asks for the probability
    parameters = {name: settings for name, settings in nets.FEW.items() if name in rules}
    explanation = explain(model, BATCH, Finer([0, 1, 2], gamma=0), LAYERS, rules, parameters=parameters)
    plain = explain(model, BATCH, [0, 1, 2], LAYERS, rules, parameters=parameters)
    for rule in plain.rules:
        for first, second in zip(every_map(explanation, rule), every_map(plain, rule), strict=True):
            close(first, second, 1e-4)


def test_finer_takes_three_classes():
    with pytest.raises(ValueError, match="three classes or more: the model has 2"):
        explain(nets.one_unit(), nets.PICTURE, Finer(), "features")
    for wrong, error in (({"gamma": -1}, ValueError), ({"nearest": 0}, ValueError), ({"target": len}, TypeError)):
        with pytest.raises(error):
            Finer(**wrong)
