"""Comparing n models: alignment by hand, by brute force and by what must hold for any number; what is compared."""

import doctest
import math
from dataclasses import replace
from itertools import pairwise, permutations

import numpy as np
import pytest
from PIL import Image

import explain.align
from explain.agreement import agreement
from explain.align import align, common_target, compare
from explain.explanation import Explanation, Layer
from explain.pictures import Picture, fit


def net(depths, sizes):
    return [Layer(f"layer{i}", d, (s, s, 8)) for i, (d, s) in enumerate(zip(depths, sizes, strict=True))]


def explanation(
    *heatmaps, target=1, classes=("cat", "dog"), depths=None, rules=("gradcam",), number=2, size=8, prefix="layer"
):
    """Of one picture; the maps (lists of rows) lie at even depths, all rules share them."""
    heatmaps = [np.array(heatmap, np.float32) for heatmap in heatmaps]
    depths = np.linspace(0, 1, len(heatmaps)) if depths is None else depths
    layers = tuple(
        Layer(f"{prefix}{i}", float(d), (*m.shape, 4)) for i, (d, m) in enumerate(zip(depths, heatmaps, strict=True))
    )
    by_address = {layer.address: heatmap[None] for layer, heatmap in zip(layers, heatmaps, strict=True)}
    return Explanation(
        pictures=np.zeros((1, size, size, 3), np.uint8),
        probabilities=np.full((1, number), 1 / number, np.float32),
        scores=np.zeros(1, np.float32),
        targets=np.array([target]),
        classes=classes,
        layers=layers,
        maps=dict.fromkeys(rules, by_address),
    )


def patchy(seed, height=7, width=5):
    """A map as rules give them: partly zero."""
    return np.maximum(np.random.default_rng(seed).normal(size=(height, width)), 0).astype(np.float32)


def test_examples_of_the_docstrings():
    assert doctest.testmod(explain.align).failed == 0


# --- two models -------------------------------------------------------------------------------------------------------

LITE0 = net(np.arange(18) / 17, [96, 96, 48, 48, 24, 24, 12, 12, 12, 12, 12, 12, 6, 6, 6, 6, 6, 6])
VGG16 = net([0.1, 0.3, 0.5, 0.75, 1], [64, 32, 16, 8, 4])
CNN = net([0, 0.3, 0.6, 1], [32, 16, 8, 4])


def mirrored(pairs):
    return [(j, i) for i, j in pairs]


def at_input(layers, factor):
    return [Layer(layer.address, layer.depth, (*(round(s * factor) for s in layer.shape[:2]), 8)) for layer in layers]


def test_equal_architectures_pair_one_to_one():
    for layers in (LITE0, VGG16, CNN, net([1], [7])):
        assert align(layers, layers) == [(i, i) for i in range(len(layers))]


def test_equal_architectures_pair_one_to_one_at_another_input_size():
    for factor in (4 / 3, 1 / 6, 10):
        larger = at_input(LITE0, factor)
        assert align(LITE0, larger, inputs=[(192, 192), (192 * factor, 192 * factor)]) == [(i, i) for i in range(18)]


def test_maps_are_measured_by_their_input():
    for factor in (0.25, 2, 8):
        for others in (VGG16, CNN):
            as_they_are = align(LITE0, others)
            inputs = [(192, 192), (192 * factor, 192 * factor)]
            assert align(LITE0, at_input(others, factor), inputs=inputs) == as_they_are
    small, size = at_input(VGG16, 0.25), [(192, 192), (48, 48)]
    assert align(LITE0, small, inputs=size) != align(LITE0, small)  # as absolute sizes had it


def test_depth_leads():
    first, second = net([0, 0.2, 0.5, 0.8, 1], [8] * 5), net([0, 0.5, 1], [8] * 3)
    pairs = [(0, 0), (1, 0), (2, 1), (3, 2), (4, 2)]
    assert align(first, second) == pairs
    assert align(second, first) == mirrored(pairs)


def test_size_decides_between_neighbours():
    layers = net([0, 0.5, 1], [32, 16, 8])
    assert align(layers, net([0, 0.26, 0.74, 1], [32, 32, 16, 8])) == [(0, 0), (0, 1), (1, 2), (2, 3)]
    assert align(layers, net([0, 0.26, 0.74, 1], [32, 16, 16, 8])) == [(0, 0), (1, 1), (1, 2), (2, 3)]


def test_as_many_layers_at_other_depths_are_not_zipped():
    first, second = net([0, 0.1, 0.2, 1], [8] * 4), net([0, 0.8, 0.9, 1], [8] * 4)
    assert align(first, second) == [(0, 0), (1, 0), (2, 0), (3, 1), (3, 2), (3, 3)]


def test_eighteen_and_five():
    pairs = align(LITE0, VGG16)
    assert mirrored(pairs) == align(VGG16, LITE0)
    assert [i for i, _ in pairs] == list(range(18))
    # The nearest each, by hand; by depth alone the 7th would pair with the 2nd (12 cells a side with 32, rather than
    # 16) and the 16th with the 5th (6 with 4; it is about as near to 8)
    assert [j for _, j in pairs] == [0, 0, 0, 0, 1, 1, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 4, 4]


def test_one_layer_and_many():
    assert align(LITE0[:4], LITE0[-1:]) == [(0, 0), (1, 0), (2, 0), (3, 0)]


def ways(n, m):
    """All ways from (0, 0) to (n - 1, m - 1)."""
    if n < 1 or m < 1:
        return []
    if (n, m) == (1, 1):
        return [[(0, 0)]]
    before = ways(n - 1, m - 1) + ways(n - 1, m) + ways(n, m - 1)
    return [[*way, (n - 1, m - 1)] for way in before]


def random_net(random, most=6):
    count = random.integers(1, most)
    return net(np.sort(random.random(count)), 2 ** random.integers(1, 6, count))


def test_no_way_is_shorter():
    random = np.random.default_rng(0)
    for _ in range(30):
        first, second = random_net(random), random_net(random)

        def length(way, first=first, second=second):
            steps = [(first[i], second[j]) for i, j in way]
            return sum(abs(a.depth - b.depth) + 0.1 * abs(math.log2(a.shape[0] / b.shape[0])) for a, b in steps)

        pairs = align(first, second)
        assert length(pairs) == pytest.approx(min(map(length, ways(len(first), len(second)))))
        assert mirrored(pairs) == align(second, first)
        assert {i for i, _ in pairs} == set(range(len(first)))
        assert {j for _, j in pairs} == set(range(len(second)))


def test_equally_near_ways_are_mirrored_too():
    first, second = net([0.5, 0.75, 0.75], [8, 2, 4]), net([0, 0.25, 0.5, 0.75], [8, 2, 4, 8])
    assert mirrored(align(first, second)) == align(second, first)


def test_which_of_two_is_the_reference_means_nothing():
    random = np.random.default_rng(1)
    for _ in range(30):
        first, second = random_net(random), random_net(random)
        assert align(first, second, reference=1) == align(first, second)


# --- any number -------------------------------------------------------------------------------------------------------


def crowds(number=60):
    """Two to six nets of any depths, some of them alike."""
    random = np.random.default_rng(2)
    for _ in range(number):
        models = [random_net(random, 9) for _ in range(random.integers(2, 7))]
        models[-1] = models[random.integers(len(models))]
        yield models, int(random.integers(len(models)))


def test_every_layer_has_its_turn_and_none_goes_back():
    for models, reference in crowds():
        rows = align(*models, reference=reference)
        assert rows[0] == (0,) * len(models)
        assert rows[-1] == tuple(len(layers) - 1 for layers in models)
        for before, after in pairwise(rows):
            steps = [b - a for a, b in zip(before, after, strict=True)]
            assert set(steps) <= {0, 1}
            assert any(steps)
        assert len(rows) <= sum(map(len, models)) - len(models) + 1


def test_what_stands_with_the_reference_does_not_depend_on_the_others():
    for models, reference in crowds():
        rows = align(*models, reference=reference)
        for place, layers in enumerate(models):
            if place != reference:
                pairs = dict.fromkeys((row[reference], row[place]) for row in rows)
                assert list(pairs) == align(models[reference], layers)


def test_the_order_of_the_others_means_nothing():
    for models, reference in crowds(30):
        rows = align(*models, reference=reference)
        others = [place for place in range(len(models)) if place != reference]
        for order in list(permutations(others))[:6]:
            order = [*order[:1], reference, *order[1:]]
            moved = align(*[models[place] for place in order], reference=1)
            assert [tuple(row[order.index(place)] for place in range(len(models))) for row in moved] == rows


def test_equal_architectures_go_one_to_one_among_others():
    for layers in (LITE0, VGG16):
        assert align(layers, layers, layers) == [(i, i, i) for i in range(len(layers))]
    for reference in (VGG16, CNN, net([1], [7])):
        for _, first, second in align(reference, LITE0, LITE0):
            assert first == second


def test_layers_beside_one_of_the_references_pair_by_depth_too():
    single, three = net([1], [8]), net([0, 0.2, 1], [8] * 3)
    assert align(single, three, net([0, 0.9, 1], [8] * 3)) == [(0, 0, 0), (0, 1, 0), (0, 2, 1), (0, 2, 2)]


def test_models_without_layers_inputs_or_reference_are_refused():
    for models in ([], [[], VGG16], [VGG16, []]):
        with pytest.raises(ValueError, match="without layers"):
            align(*models)
    with pytest.raises(ValueError, match="as many inputs"):
        align(VGG16, VGG16, inputs=[(8, 8)])
    for reference in (2, -1):
        with pytest.raises(IndexError, match="2 models"):
            align(VGG16, VGG16, reference=reference)


# --- what is compared -------------------------------------------------------------------------------------------------


def test_comparison_tells_what_was_compared():
    first = explanation(patchy(0), patchy(1), rules=("layercam", "gradcam"), depths=[0.2, 1])
    second = explanation(patchy(2), patchy(3), rules=("gradcam", "layercam"), depths=[0.4, 1])
    comparison = compare(first, second)
    assert comparison.rule == "layercam"
    assert comparison.targets == (1, 1)
    assert comparison.classes == ("cat", "dog")
    assert [stop.depth for stop in comparison.stops] == pytest.approx([0.3, 1])
    assert compare(first, second, rule="gradcam").rule == "gradcam"
    assert "layercam for dog at 2 stops" in repr(comparison)


def test_stops_hold_layers_agreement_and_heat_of_each_model():
    maps = [[[0, 1]], np.ones((4, 2)), [[0, 0, 0, 0, 0, 1]]]
    (stop,) = compare(*map(explanation, maps), reference=1).stops
    assert [layer.shape for layer in stop.layers] == [(1, 2, 4), (4, 2, 4), (1, 6, 4)]
    assert stop.grid == (4, 6)
    assert stop.versus[1] is None
    assert stop.versus[0].difference.shape == (4, 2)
    assert stop.versus[2].difference.shape == (4, 6)
    assert stop.versus[0].rank is None
    assert stop.heats[1] is None
    assert stop.heats[2].spread == 1 / 6


def test_agreement_with_the_reference_does_not_depend_on_the_others():
    models = [explanation(patchy(0, 8, 8), patchy(1, 4, 4)), explanation(patchy(2, 6, 9), patchy(3, 3, 3))]
    pair = compare(*models)
    crowd = compare(*models, explanation(patchy(4, 40, 40), patchy(5, 20, 20)), explanation(patchy(6)))
    told = {id(stop.layers[1]): stop.versus[1] for stop in crowd.stops}
    for stop in pair.stops:
        expected = told[id(stop.layers[1])]
        assert (stop.versus[1].rank, stop.versus[1].overlap) == (expected.rank, expected.overlap)
        np.testing.assert_array_equal(stop.versus[1].difference, expected.difference)


def test_swapping_two_models():
    first = explanation(patchy(0, 8, 8), patchy(1, 4, 4), patchy(2, 2, 2))
    second = explanation(patchy(3, 6, 9), patchy(4, 3, 3))
    forth, back = compare(first, second), compare(second, first)
    assert len(forth.stops) == len(back.stops) == 3
    for a, b in zip(forth.stops, back.stops, strict=True):
        assert (a.layers, a.depth, a.grid, a.heats) == (b.layers[::-1], b.depth, b.grid, b.heats[::-1])
        assert a.versus[1].rank == pytest.approx(b.versus[1].rank)
        assert a.versus[1].overlap == b.versus[1].overlap
        np.testing.assert_array_equal(a.versus[1].difference, -b.versus[1].difference)


def test_maps_are_paired_by_their_size_in_the_input():
    large = explanation(*[patchy(k, s, s) for k, s in enumerate((32, 16, 8))], size=64)
    for sides, partners in [((4, 4, 2, 1), [32, 32, 16, 8]), ((4, 2, 2, 1), [32, 16, 16, 8])]:
        heatmaps = [patchy(k, s, s) for k, s in enumerate(sides)]
        stops = compare(large, explanation(*heatmaps, depths=[0, 0.26, 0.74, 1], size=8)).stops
        assert [stop.layers[0].shape[0] for stop in stops] == partners


@pytest.mark.parametrize("flat", [np.full((7, 5), 0.3), np.full((2, 2), np.nan), np.diag([np.inf, 1])])
def test_agreement_with_a_map_that_is_flat_or_not_finite_is_undefined(flat):
    for pair in [(flat, patchy(0)), (patchy(0), flat), (flat, flat)]:
        (stop,) = compare(*map(explanation, pair)).stops
        assert (stop.versus[1].rank, stop.versus[1].overlap) == (None, None)
        assert None in stop.heats


def test_one_scale_for_all_stops():
    comparison = compare(explanation([[0, 1]], [[1, 3]]), explanation([[1, 0]], [[1, 1]]))
    np.testing.assert_allclose(comparison.stops[0].versus[1].difference, [[-2, 2]])
    np.testing.assert_allclose(comparison.stops[1].versus[1].difference, [[-0.5, 0.5]])


def test_picture_and_rule_are_those_asked_for():
    first, second = explanation([[0, 1]]), explanation([[1, 0]])
    maps = {
        rule: {"layer0": np.float32(values)}
        for rule, values in {"a": [[[1, 1]], [[0, 1]]], "b": [[[1, 3]]] * 2}.items()
    }
    first = Explanation(**{**vars(first), "maps": maps, "targets": np.array([1, 0])})
    second = Explanation(**{**vars(second), "maps": maps | {"b": {"layer0": np.float32([[[1, 1]]] * 2)}}})
    second = Explanation(**{**vars(second), "targets": np.array([1, 1])})
    np.testing.assert_allclose(compare(first, second, rule="b").stops[0].versus[1].difference, [[-0.5, 0.5]])
    assert compare(first, second, rule="a").stops[0].versus[1].rank is None
    assert compare(first, second, rule="a", picture=1).targets == (0, 1)
    with pytest.raises(IndexError):
        compare(first, second, rule="a", picture=2)


def test_a_rule_by_which_one_was_not_explained():
    models = [explanation([[0, 1]], rules=rules) for rules in (("a", "b"), ("b", "c"), ("c", "b", "a"))]
    for rule in (None, "a", "c", "d"):
        with pytest.raises(KeyError, match=r"not all were explained by the rule .*, but by b"):
            compare(*models, rule=rule)


PETS = ("cat", "dog")


@pytest.mark.parametrize(
    ("classes", "number", "target", "alike"),
    [
        (("dog", "cat"), 2, 0, True),  # the same name at another place
        (("dog", "cat"), 2, 1, False),
        (("cat", "dog", "cow"), 3, 1, True),
        (("cat", "dog", "cow"), 3, 2, False),
        (("lion", "bear", "cow"), 3, 1, False),
        (None, 3, 1, False),
    ],
)
def test_of_models_of_different_classes_those_of_one_name_are_alike(classes, number, target, alike):
    others = explanation([[0, 1]], classes=classes, number=number, target=target)
    comparison = compare(explanation([[0, 1]]), others)
    assert (comparison.classes, comparison.same_classes) == (None, False)
    assert comparison.alike == (True, alike)
    assert comparison.same_target == alike
    assert (comparison.stops[0].versus[1].difference is not None) == alike
    assert "rank correlation of 1 with 0: 1.00" in repr(comparison)


def test_a_number_is_another_class_in_each():
    few, more = explanation([[0, 1]], classes=("0", "1")), explanation([[0, 1]], classes=("0", "1", "2"), number=3)
    assert not compare(few, more).same_target
    assert compare(few, few).same_target  # of as many classes numbers count as the same ones
    nameless = explanation([[0, 1]], classes=None, target=-1)  # a function of the logits
    assert compare(nameless, nameless).same_target
    assert not compare(nameless, replace(more, targets=np.array([-1]))).same_target


def test_of_one_number_names_go_for_all():
    comparison = compare(explanation([[0, 1]], classes=None), explanation([[0, 1]]))
    assert (comparison.classes, comparison.same_classes) == (PETS, True)


class Judge:
    """Stands for a model: it explains a picture of the size that it takes."""

    def __init__(self, size, classes=PETS):
        self.size, self.classes, self.seen = size, classes, []

    def explain(self, pictures, rules="gradcam", features=0):
        self.seen.append(pictures((self.size, self.size)))
        return explanation([[0, 1]], classes=self.classes, number=len(self.classes), rules=(rules,), size=self.size)


def test_models_explain_a_picture_themselves(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    for given in (pixels, tmp_path / "photo.png", str(tmp_path / "photo.png"), Picture(pixels)):
        models = Judge(8), Judge(8), Judge(16, ("cow", "dog", "hen"))
        comparison = compare(*models, picture=given, rule="layercam", reference=1)
        assert (comparison.rule, comparison.reference, comparison.picture) == ("layercam", 1, 0)
        assert comparison.alike == (True, True, True)
        assert np.array_equal(models[0].seen[0], fit(pixels, (8, 8)))
        assert models[0].seen[0] is models[1].seen[0]
        assert models[2].seen[0].shape == (16, 16, 3)


def test_a_picture_goes_with_models_and_its_place_with_explanations():
    known, pixels = explanation([[0, 1]]), np.zeros((8, 8, 3), np.uint8)
    for given, picture in (((Judge(8), Judge(8)), 0), ((known, known), pixels), ((known, Judge(8)), pixels)):
        with pytest.raises(TypeError, match="a picture goes with models"):
            compare(*given, picture=picture)


def test_each_model_may_explain_a_class_of_its_own():
    heatmaps = patchy(0), patchy(1), patchy(2)
    comparison = compare(*[explanation(h, target=target) for h, target in zip(heatmaps, (1, 0, 1), strict=True)])
    assert comparison.targets == (1, 0, 1)
    assert not comparison.same_target
    (stop,) = comparison.stops
    assert stop.versus[1].difference is None
    assert stop.versus[1].rank == agreement(heatmaps[0], heatmaps[1]).rank
    np.testing.assert_array_equal(stop.versus[2].difference, agreement(heatmaps[0], heatmaps[2]).difference)
    assert "for dog and cat" in repr(comparison)
    for targets, same in [((1, 1), True), ((-1, -1), True), ((-1, 0), False)]:
        assert compare(*[explanation([[0, 1]], target=target) for target in targets]).same_target is same


def test_two_to_six_are_compared():
    model = explanation([[0, 1]])
    for number in (0, 1, 7):
        with pytest.raises(ValueError, match=f"2 to 6 explanations can be compared, not {number}"):
            compare(*[model] * number)
    assert len(compare(*[model] * 6).stops[0].versus) == 6
    for reference in (2, -1):
        with pytest.raises(IndexError, match="2 explanations"):
            compare(model, model, reference=reference)


def test_common_target():
    assert common_target(np.array([0.9, 0.1]), np.array([0.3, 0.7])) == 0
    assert common_target(np.array([0.6, 0.4]), np.array([0.1, 0.9])) == 1
    assert common_target(np.array([0.5, 0.5]), np.array([0.5, 0.5])) == 0
    # nobody's first choice
    assert common_target(np.array([0.5, 0.1, 0.4]), np.array([0.1, 0.5, 0.4])) == 2
    assert common_target(*np.float32([[0.9, 0.1], [0.2, 0.8], [0.2, 0.8]])) == 1
    for wrong in ([np.ones(2), np.ones(3)], [np.ones(2), np.ones((1, 2))], [np.ones((1, 2))] * 2, []):
        with pytest.raises(ValueError, match="probabilities"):
            common_target(*wrong)
