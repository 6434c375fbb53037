"""Every rule by numbers worked out by hand, on every kind of model, and by what must hold for any numbers."""

import nets
import numpy as np
import pytest
import tensorflow as tf

from explain.engine import explain
from explain.rules import ONE_PASS, RULES, Passes, rule_names


def run(rule, activations, gradients):
    return RULES[rule](tf.constant(activations, tf.float32), tf.constant(gradients, tf.float32)).numpy()


@pytest.fixture(scope="module")
def tensors():
    """Activations behind a ReLU and gradients of either sign, 3 pictures of 4 x 5 places and 6 channels."""
    random = np.random.default_rng(1)
    activations = np.maximum(random.normal(size=(3, 4, 5, 6)), 0).astype(np.float32)
    return activations, random.normal(size=(3, 4, 5, 6)).astype(np.float32)


@pytest.fixture(scope="module", params=nets.KINDS)
def explained(request):
    model, address = nets.KINDS[request.param]()
    return explain(model, nets.PICTURE, 0, address, list(RULES)), address


def test_every_rule_has_a_map_worked_out_by_hand():
    assert set(nets.MAPS) == set(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_by_hand_from_tensors(rule):
    maps = run(rule, nets.PICTURE, nets.GRADIENTS[:1])
    np.testing.assert_allclose(maps, [nets.MAPS[rule]], rtol=1e-6)


@pytest.mark.parametrize("rule", RULES)
def test_by_hand_on_every_kind_of_model(rule, explained):
    explanation, address = explained
    np.testing.assert_allclose(explanation.map(address, rule), nets.MAPS[rule], rtol=1e-6)
    assert explanation.map(address, rule).dtype == np.float32


def test_scores_on_every_kind_of_model(explained):
    explanation, _ = explained
    np.testing.assert_allclose(explanation.scores, [1])
    np.testing.assert_allclose(explanation.probabilities, nets.PROBABILITIES, rtol=1e-6)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("target", [1, 2], ids=["only falling", "no gradient"])
def test_zero_maps_stay_zero(rule, target):
    explanation = explain(nets.functional()[0], nets.PICTURE, target, "features", rule)
    assert np.array_equal(explanation.map(), np.zeros((2, 2)))
    assert "1 map zero everywhere" in repr(explanation)


@pytest.mark.parametrize("rule", RULES)
def test_silent_layer_gives_zero(rule, tensors):
    _, gradients = tensors
    assert np.array_equal(run(rule, np.zeros_like(gradients), gradients), np.zeros((3, 4, 5)))


@pytest.mark.parametrize("rule", RULES)
def test_pictures_of_a_batch_are_apart(rule, tensors):
    together = run(rule, *tensors)
    for index in range(3):
        apart = run(rule, *(tensor[index : index + 1] for tensor in tensors))
        np.testing.assert_allclose(together[index], apart[0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("rule", RULES)
def test_order_of_channels_does_not_matter(rule, tensors):
    shuffled = (tensor[..., [3, 0, 5, 1, 4, 2]] for tensor in tensors)
    np.testing.assert_allclose(run(rule, *shuffled), run(rule, *tensors), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("rule", RULES)
def test_unit_of_activations_does_not_matter(rule, tensors):
    """A layer ten times as loud, with a head a tenth as sensitive, is the same model."""
    activations, gradients = tensors
    np.testing.assert_allclose(run(rule, 10 * activations, gradients / 10), run(rule, *tensors), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("rule", [name for name in RULES if name != "gradcam++"])
def test_linear_in_the_score(rule, tensors):
    activations, gradients = tensors
    np.testing.assert_allclose(run(rule, activations, 3 * gradients), 3 * run(rule, *tensors), rtol=1e-5, atol=1e-6)


def test_gradcam_plus_plus_is_the_papers_equation(tensors):
    """In the paper's own form, with G squared and cubed, in float64."""
    a, g = (tensor.astype(np.float64) for tensor in tensors)
    alpha = g**2 / (2 * g**2 + a.sum((1, 2), keepdims=True) * g**3)
    weights = (alpha * np.maximum(g, 0)).sum((1, 2), keepdims=True)
    np.testing.assert_allclose(run("gradcam++", *tensors), np.maximum((weights * a).sum(-1), 0), rtol=1e-5)


def test_gradcam_plus_plus_does_not_underflow(tensors):
    """The square of 1e-30 is 0 in float32; alpha is still 1/2."""
    activations, _ = tensors
    maps = run("gradcam++", activations, np.full_like(activations, 1e-30))
    np.testing.assert_allclose(maps, activations.sum(-1) * 20 * 0.5e-30, rtol=1e-5)


def test_gradcam_plus_plus_is_zero_at_its_pole():
    """A channel that sums to -2 under a gradient of 1: 2 + (-2) 1 = 0."""
    assert np.array_equal(run("gradcam++", [[[[-3.0], [1.0]]]], [[[[1.0], [0.0]]]]), [[[0, 0]]])


@pytest.mark.parametrize("rule", ["gradcam", "hirescam", "xgradcam"])
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
    assert rule.cost() == ONE_PASS == Passes(1, 1)
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
