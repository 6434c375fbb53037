"""Every rule by numbers worked out by hand, on every kind of model, and by what must hold for any numbers."""

import nets
import numpy as np
import pytest
import tensorflow as tf

from explain.engine import explain
from explain.explanation import Layer
from explain.pictures import resize
from explain.rules import ONE_PASS, RULES, Passes, paired_rules, register, rule_names

OF_TENSORS = [
    name for name, rule in RULES.items() if {"activations", "gradients", "curvature", "layers"} >= {*rule.needs}
]
OF_THE_CLASS = [name for name in OF_TENSORS if {"gradients", "layers"} & {*RULES[name].needs}]


def run(rule, activations, gradients, curvature=None):
    """A rule's maps of one layer, from its tensors."""
    curvature = np.zeros_like(gradients) if curvature is None else curvature
    tensors = [tf.constant(tensor, tf.float32) for tensor in (activations, gradients, curvature)]
    given = dict(zip(("activations", "gradients", "curvature"), tensors, strict=True)) | {"layers": [tensors[:2]]}
    maps = RULES[rule](*(given[need] for need in RULES[rule].needs))
    return (maps[0] if isinstance(maps, list) else maps).numpy()


def rules_for(kind):
    """Guided rules are of ReLUs, which one of the kinds has none of, and none has attention."""
    lacking = {"attention"} | ({"guided"} if kind == "custom_layer" else set())
    return [name for name, rule in RULES.items() if lacking.isdisjoint(rule.needs)]


@pytest.fixture(scope="module")
def tensors():
    """Activations behind a ReLU and gradients of either sign, 3 pictures of 4 x 5 places and 6 channels."""
    random = np.random.default_rng(1)
    activations = np.maximum(random.normal(size=(3, 4, 5, 6)), 0).astype(np.float32)
    return activations, random.normal(size=(3, 4, 5, 6)).astype(np.float32)


@pytest.fixture(scope="module", params=nets.KINDS)
def explained(request):
    model, address = nets.KINDS[request.param]()
    rules = rules_for(request.param)
    parameters = {name: settings for name, settings in nets.PARAMETERS.items() if name in rules}
    return explain(model, nets.PICTURE, 0, address, rules, parameters=parameters), address


def test_every_rule_has_a_map_worked_out_by_hand():
    assert set(nets.MAPS) == set(RULES)


@pytest.mark.parametrize("rule", OF_TENSORS)
def test_by_hand_from_tensors(rule):
    maps = run(rule, nets.PICTURE, nets.GRADIENTS[:1])
    np.testing.assert_allclose(maps, [nets.MAPS[rule]], rtol=2e-6, atol=1e-6)


def test_by_hand_where_a_token_attends_to_places():
    model = nets.attending()
    explanation = explain(model, nets.PICTURE, 0, "tokens", ["legrad", "gradcam"])
    for rule in explanation.rules:  # Grad-CAM's mean gradient is (2, -1) / 5
        np.testing.assert_allclose(explanation.map("tokens", rule), nets.MAPS["legrad"], rtol=1e-5)


def test_by_hand_on_every_kind_of_model(explained):
    explanation, address = explained
    for rule in explanation.rules:
        np.testing.assert_allclose(explanation.map(address, rule), nets.MAPS[rule], 5e-6, 2e-6, err_msg=rule)
        assert explanation.map(address, rule).dtype == np.float32
    np.testing.assert_allclose(explanation.residuals["integrated-gradients"], [0], atol=1e-6)


def test_scores_on_every_kind_of_model(explained):
    explanation, _ = explained
    np.testing.assert_allclose(explanation.scores, [1])
    np.testing.assert_allclose(explanation.probabilities, nets.PROBABILITIES, rtol=1e-6)


@pytest.mark.parametrize("target", [1, 2], ids=["only falling", "no gradient"])
def test_zero_maps_stay_zero(target):
    """Of all rules of a layer that ask for the class; Score-CAM's weights are never negative."""
    rules = [*OF_THE_CLASS, "smoothgradcam++", "ablationcam"]
    explanation = explain(nets.functional()[0], nets.PICTURE, target, "features", rules)
    for rule in rules:
        assert np.array_equal(explanation.map(rule=rule), np.zeros((2, 2))), rule
    assert f"{len(rules)} maps zero everywhere" in repr(explanation)


@pytest.mark.parametrize("rule", OF_TENSORS)
def test_silent_layer_gives_zero(rule, tensors):
    _, gradients = tensors
    assert np.array_equal(run(rule, np.zeros_like(gradients), gradients), np.zeros((3, 4, 5)))


@pytest.mark.parametrize("rule", OF_TENSORS)
def test_pictures_of_a_batch_are_apart(rule, tensors):
    together = run(rule, *tensors)
    for index in range(3):
        apart = run(rule, *(tensor[index : index + 1] for tensor in tensors))
        np.testing.assert_allclose(together[index], apart[0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("rule", OF_TENSORS)
def test_order_of_channels_does_not_matter(rule, tensors):
    shuffled = (tensor[..., [3, 0, 5, 1, 4, 2]] for tensor in tensors)
    np.testing.assert_allclose(run(rule, *shuffled), run(rule, *tensors), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("rule", OF_THE_CLASS)
def test_unit_of_activations_does_not_matter(rule, tensors):
    """A layer ten times as loud, with a head a tenth as sensitive, is the same model."""
    activations, gradients = tensors
    np.testing.assert_allclose(run(rule, 10 * activations, gradients / 10), run(rule, *tensors), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("rule", [name for name in OF_THE_CLASS if name not in ("gradcam++", "refinecam")])
def test_linear_in_the_score(rule, tensors):
    activations, gradients = tensors
    np.testing.assert_allclose(run(rule, activations, 3 * gradients), 3 * run(rule, *tensors), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("behind_relu", [True, False])
def test_gradcam_plus_plus_is_the_papers_equation(tensors, behind_relu):
    """In the paper's own form, with G squared and cubed, in float64; elsewhere with what a ReLU would leave."""
    a, g = (tensor.astype(np.float64) for tensor in tensors)
    a = np.maximum(a, 0) if behind_relu else a - 1
    alpha = g**2 / (2 * g**2 + np.maximum(a, 0).sum((1, 2), keepdims=True) * g**3)
    weights = (alpha * np.maximum(g, 0)).sum((1, 2), keepdims=True)
    maps = run("gradcam++", a.astype(np.float32), tensors[1])
    np.testing.assert_allclose(maps, np.maximum((weights * a).sum(-1), 0), rtol=1e-5, atol=1e-6)


def test_gradcam_plus_plus_does_not_underflow(tensors):
    """The square of 1e-30 is 0 in float32; alpha is still 1/2."""
    activations, _ = tensors
    maps = run("gradcam++", activations, np.full_like(activations, 1e-30))
    np.testing.assert_allclose(maps, activations.sum(-1) * 20 * 0.5e-30, rtol=1e-5)


def test_gradcam_plus_plus_has_no_pole():
    """A channel that sums to -2 under a gradient of 1 would have 2 + (-2) 1 = 0; a ReLU leaves 1 of it."""
    maps = run("gradcam++", [[[[-3.0], [1.0]]]], [[[[1.0], [0.0]]]])
    np.testing.assert_allclose(maps, [[[0, 1 / 3]]], rtol=1e-6)


@pytest.mark.parametrize("rule", [name for name in OF_THE_CLASS if name != "eigengradcam"])
def test_a_rounding_makes_no_map(rule):
    """What a millionth changes in layers that are not behind a ReLU is next to nothing of the greatest heat.

    (EigenGrad-CAM is left out: the noise that the layers are here has no main direction.)
    """
    rng = np.random.default_rng(0)
    for _ in range(20):
        activations, gradients = rng.normal(size=(2, 4, 14, 14, 32)) + rng.normal(0, 0.2, (2, 1, 1, 1, 32))
        once = run(rule, *(tensor.astype(np.float32) for tensor in (activations, gradients)))
        moved = (tensor * (1 + 1e-6 * rng.normal(size=tensor.shape)) for tensor in (activations, gradients))
        again = run(rule, *(tensor.astype(np.float32) for tensor in moved))
        assert np.abs(once - again).max() < 1e-3 * once.max()


@pytest.mark.parametrize("rule", ["gradcam", "hirescam", "xgradcam", "shapleycam"])
def test_behind_average_pooling_it_is_cam(rule):
    """CAM (Zhou et al. 2016): the head's weights times activations. The rules divide it by the number of places."""
    picture = np.random.default_rng(2).uniform(0, 1, (1, 4, 5, 3)).astype(np.float32)
    weights = np.array([[1, -2], [3, 0], [-1, 1]])
    for target in (0, 1):
        cam = np.maximum(picture[0] @ weights[:, target], 0) / 20
        maps = explain(nets.averaging(), picture, target, "features", rule).map()
        np.testing.assert_allclose(maps, cam, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("rule", ["gradcam", "hirescam", "xgradcam", "layercam"])
def test_complete_where_everything_is_positive(rule):
    """Behind average pooling and with positive weights, the map's sum is the logit."""
    picture = np.random.default_rng(3).uniform(0, 1, (1, 4, 5, 2)).astype(np.float32)
    explanation = explain(nets.averaging(kernel=((1, 2), (3, 1))), picture, 0, "features", rule)
    np.testing.assert_allclose(explanation.map().sum(), explanation.scores[0], rtol=1e-5)


@pytest.mark.parametrize("rule", ["hirescam", "xgradcam"])
def test_sum_is_gradient_times_activation(rule, tensors):
    """Nothing is lost where no place is negative: a gradient common to all channels makes both maps positive."""
    activations, _ = tensors
    gradients = np.full_like(activations, 0.3)
    np.testing.assert_allclose(
        run(rule, activations, gradients).sum((1, 2)), 0.3 * activations.sum((1, 2, 3)), rtol=1e-5
    )


def test_layercam_is_hirescam_without_falling_gradients(tensors):
    activations, gradients = tensors
    np.testing.assert_allclose(run("layercam", *tensors), run("hirescam", activations, np.maximum(gradients, 0)))


def test_xgradcam_leaves_out_channels_that_cancel():
    """Channel 0 sums to 0 and gets weight 0; channel 1 alone is left, with weight (1 * 1 + 3 * 3) / 4."""
    activations = [[[[1.0, 1.0], [-1.0, 3.0]]]]
    gradients = [[[[5.0, 1.0], [2.0, 3.0]]]]
    np.testing.assert_allclose(run("xgradcam", activations, gradients), [[[2.5, 7.5]]])


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_registry_says_what_a_person_needs(rule):
    layers = [Layer("first", 0, (4, 4, 3)), Layer("last", 1, (2, 2, 9))]
    passes = rule.cost(layers, (8, 8))
    assert isinstance(passes, Passes)
    assert passes.forward >= 1
    assert (passes == ONE_PASS) or rule.probes or {"guided", "curvature"} & {*rule.needs}
    assert rule.level in ("layer", "input")
    assert rule.title
    assert rule.equation
    assert "20" in rule.source  # a year


def test_names_asked_for():
    assert rule_names("gradcam") == ("gradcam",)
    assert rule_names(["layercam", "gradcam", "layercam"]) == ("layercam", "gradcam")
    with pytest.raises(ValueError, match=r"no rule 'grad-cam'. Nearest: gradcam"):
        rule_names("grad-cam")
    with pytest.raises(ValueError, match="No rule"):
        rule_names([])


def test_what_the_page_and_the_studies_take():
    assert paired_rules() == ("gradcam", "gradcam++", "hirescam", "layercam", "xgradcam")


def test_a_function_s_arguments_are_what_its_rule_needs():
    def attempt(function):
        try:
            return register("attempt", "Attempt", "none", "a test, 2026")(function)
        finally:
            RULES.pop("attempt", None)

    assert attempt(lambda pixels, terms: None).needs == ("pixels", "terms")
    assert attempt(lambda classifier, pixels, targets, *, steps=3: None).settings({"steps": 4}) == {"steps": 4}
    with pytest.raises(ValueError, match=r"needs some of activations, .* not activation"):
        attempt(lambda activation: None)
    with pytest.raises(ValueError, match="classifier, pixels and targets"):
        attempt(lambda classifier: None)
    with pytest.raises(ValueError, match="Only a rule of many passes has parameters: k"):
        attempt(lambda activations, *, k=1: None)


# --- Decompositions -------------------------------------------------------------------------------------------------


def test_eigencam_is_the_singular_value_decomposition(tensors):
    """Of both Gram matrices: with more places than channels, and fewer."""
    for activations in (tensors[0], tensors[0].reshape(3, 5, 6, 4)[:, :1, :2]):
        for heat, layer in zip(run("eigencam", activations, activations), activations, strict=True):
            rows = layer.reshape(-1, layer.shape[-1]).astype(np.float64)
            direction = np.linalg.svd(rows)[2][0]
            np.testing.assert_allclose(
                heat.reshape(-1), np.maximum(rows @ direction * np.sign(direction.sum()), 0), 1e-4
            )


def test_eigencam_s_sign_is_that_of_the_sum_over_channels():
    """Of activations without a negative one the whole map is positive, of their negatives zero."""
    activations = np.random.default_rng(4).uniform(0.1, 1, (2, 3, 4, 5)).astype(np.float32)
    assert (run("eigencam", activations, activations) > 0).all()
    assert np.array_equal(run("eigencam", -activations, activations), np.zeros((2, 3, 4)))
    assert np.array_equal(run("eigengradcam", activations, -np.ones_like(activations)), np.zeros((2, 3, 4)))


@pytest.mark.parametrize("rule", ["eigencam", "eigengradcam", "kpcacam"])
def test_where_channels_sum_to_nothing_the_largest_value_is_positive(rule):
    """Behind a layer normalisation they do, but for rounding, from which no sign may come."""
    random = np.random.default_rng(4)
    for _ in range(10):
        direction = random.normal(size=8)
        direction -= direction.mean()
        heights = random.uniform(0.1, 1, (1, 3, 4, 1))
        heights[0, 1, 2] = 3.0
        activations = heights * direction
        activations += 1e-6 * random.normal(size=activations.shape)  # as rounding would
        for sign in (1, -1):
            heat = run(rule, (sign * activations).astype(np.float32), np.ones(activations.shape, np.float32))
            assert heat.argmax() == 1 * 4 + 2


def test_large_maps_are_decomposed_over_fewer_places_and_drawn_at_their_own():
    """Two regions of two channels each: the direction, taken from 28 x 28 means, is that of the larger one."""
    activations = np.zeros((1, 60, 56, 2), np.float32)
    activations[:, :40, :, 0] = 2
    activations[:, 40:, :, 1] = 1
    expected = np.zeros((1, 60, 56))
    expected[:, :40] = 2
    np.testing.assert_allclose(run("eigencam", activations, activations), expected, atol=1e-2)
    heat = run("kpcacam", activations, activations)[0]
    assert heat[:38].min() > 0
    assert np.array_equal(heat[42:], np.zeros((18, 56)))


def test_kpcacam_is_kernel_principal_component_analysis(tensors):
    """scikit-learn's, with the mean squared distance as width."""
    decomposition = pytest.importorskip("sklearn.decomposition")
    for heat, layer in zip(run("kpcacam", *tensors), tensors[0], strict=True):
        rows = layer.reshape(-1, layer.shape[-1]).astype(np.float64)
        width = ((rows[:, None] - rows[None]) ** 2).sum(-1).mean()
        [component] = decomposition.KernelPCA(1, kernel="rbf", gamma=1 / width).fit_transform(rows).T
        component *= np.sign(component @ rows.sum(1))
        np.testing.assert_allclose(heat.reshape(-1), np.maximum(component, 0), rtol=1e-3, atol=1e-5)


def test_fem_counts_what_is_far_above_the_mean():
    """One of nine places holds 9: mean 1, deviation 2.8, bound 6.7."""
    activations = np.zeros((1, 3, 3, 2), np.float32)
    activations[0, 1, 2] = (9, -9)
    expected = np.zeros((3, 3))
    expected[1, 2] = 1
    np.testing.assert_allclose(run("fem", activations, activations)[0], expected)


# --- Second order and all layers ------------------------------------------------------------------------------------


def test_shapleycam_takes_half_the_curvature_off():
    """y = sum of A squared: G = 2 A, H A = 2 A, so w is the mean of A: 1 and 5/4."""
    maps = explain(nets.quadratic(), nets.PICTURE, 0, "features", ["shapleycam", "gradcam"])
    np.testing.assert_allclose(maps.map(rule="shapleycam"), [[2.25, 3.25], [2.5, 2.25]], rtol=1e-5)
    np.testing.assert_allclose(maps.map(rule="gradcam"), [[4.5, 6.5], [5, 4.5]], rtol=1e-5)


def test_refinecam_is_the_product_over_this_layer_and_those_behind():
    model, picture = nets.convolutional(1), np.random.default_rng(3).uniform(0, 1, (1, 8, 8, 3)).astype(np.float32)
    together = explain(model, picture, 1, ["conv1", "pool1", "conv2"], ["refinecam", "gradcam++"])

    def stretched(address):
        heat = together.map(address, "gradcam++")
        return (heat - heat.min()) / (np.ptp(heat) or 1)

    last = stretched("conv2")
    np.testing.assert_allclose(together.map("conv2", "refinecam"), last, atol=1e-6)
    np.testing.assert_allclose(together.map("pool1", "refinecam"), last * stretched("pool1"), atol=1e-6)
    larger = resize(last, (4, 4)) * resize(stretched("pool1"), (4, 4)) * stretched("conv1")
    np.testing.assert_allclose(together.map("conv1", "refinecam"), larger, atol=1e-6)
