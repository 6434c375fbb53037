"""Pairs: alignment by hand and by brute force, agreement and difference in closed form, what swapping sides does."""

import math

import numpy as np
import pytest

from explain.explanation import Explanation, Layer
from explain.pairs import align, common_target, compare, density, heat, is_flat, overlap, rank_correlation


def side(depths, sizes):
    return [Layer(f"layer{i}", d, (s, s, 8)) for i, (d, s) in enumerate(zip(depths, sizes, strict=True))]


def explanation(*maps, target=1, classes=("cat", "dog"), depths=None, rules=("gradcam",), number=2):
    """Of one picture; the maps (lists of rows) lie at even depths, all rules share them."""
    maps = [np.array(map, np.float32) for map in maps]
    depths = np.linspace(0, 1, len(maps)) if depths is None else depths
    layers = tuple(
        Layer(f"layer{i}", float(d), (*m.shape, 4)) for i, (d, m) in enumerate(zip(depths, maps, strict=True))
    )
    by_address = {layer.address: map[None] for layer, map in zip(layers, maps, strict=True)}
    return Explanation(
        pictures=np.zeros((1, 8, 8, 3), np.uint8),
        probabilities=np.full((1, number), 1 / number, np.float32),
        scores=np.zeros(1, np.float32),
        targets=np.array([target]),
        classes=classes,
        layers=layers,
        maps=dict.fromkeys(rules, by_address),
    )


def only(left, right):
    """The one stop of two maps."""
    (stop,) = compare(explanation(left), explanation(right)).stops
    return stop


# --- alignment --------------------------------------------------------------------------------------------------------

LITE0 = side(np.arange(18) / 17, [96, 96, 48, 48, 24, 24, 12, 12, 12, 12, 12, 12, 6, 6, 6, 6, 6, 6])
VGG16 = side([0.1, 0.3, 0.5, 0.75, 1], [64, 32, 16, 8, 4])
CNN = side([0, 0.3, 0.6, 1], [32, 16, 8, 4])


def mirrored(pairs):
    return [(j, i) for i, j in pairs]


def test_equal_architectures_pair_one_to_one():
    for layers in (LITE0, VGG16, CNN, side([1], [7])):
        assert align(layers, layers) == [(i, i) for i in range(len(layers))]


def test_equal_architectures_pair_one_to_one_at_another_input_size():
    larger = [
        Layer(layer.address, layer.depth, (layer.shape[0] * 4 // 3, layer.shape[0] * 4 // 3, 8)) for layer in LITE0
    ]
    assert align(LITE0, larger) == [(i, i) for i in range(18)]


def test_depth_leads():
    left, right = side([0, 0.2, 0.5, 0.8, 1], [8] * 5), side([0, 0.5, 1], [8] * 3)
    pairs = [(0, 0), (1, 0), (2, 1), (3, 2), (4, 2)]
    assert align(left, right) == pairs
    assert align(right, left) == mirrored(pairs)


def test_size_decides_between_neighbours():
    left = side([0, 0.5, 1], [32, 16, 8])
    assert align(left, side([0, 0.26, 0.74, 1], [32, 32, 16, 8])) == [(0, 0), (0, 1), (1, 2), (2, 3)]
    assert align(left, side([0, 0.26, 0.74, 1], [32, 16, 16, 8])) == [(0, 0), (1, 1), (1, 2), (2, 3)]


def test_as_many_layers_at_other_depths_are_not_zipped():
    left, right = side([0, 0.1, 0.2, 1], [8] * 4), side([0, 0.8, 0.9, 1], [8] * 4)
    assert align(left, right) == [(0, 0), (1, 0), (2, 0), (3, 1), (3, 2), (3, 3)]


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


def test_no_way_is_shorter():
    random = np.random.default_rng(0)
    for _ in range(30):
        n, m = random.integers(1, 6, 2)
        left, right = (side(np.sort(random.random(k)), 2 ** random.integers(1, 6, k)) for k in (n, m))

        def length(way, left=left, right=right):
            steps = [(left[i], right[j]) for i, j in way]
            return sum(abs(a.depth - b.depth) + 0.1 * abs(math.log2(a.shape[0] / b.shape[0])) for a, b in steps)

        pairs = align(left, right)
        assert length(pairs) == pytest.approx(min(map(length, ways(n, m))))
        assert mirrored(pairs) == align(right, left)
        assert {i for i, _ in pairs} == set(range(n))
        assert {j for _, j in pairs} == set(range(m))


def test_equally_near_ways_are_mirrored_too():
    left, right = side([0.5, 0.75, 0.75], [8, 2, 4]), side([0, 0.25, 0.5, 0.75], [8, 2, 4, 8])
    assert mirrored(align(left, right)) == align(right, left)


def test_sides_without_layers_are_refused():
    with pytest.raises(ValueError, match="without layers"):
        align([], VGG16)


# --- agreement --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "right", "rank"),
    [
        ([[1, 2], [3, 4]], [[2, 1], [4, 3]], 0.6),  # 1 - 6 * 4 / (4 * 15)
        ([[1, 2], [3, 4]], [[10, 20], [30, 4000]], 1),
        ([[1, 2], [3, 4]], [[4, 3], [2, 1]], -1),
        ([[1, 1, 2]], [[1, 2, 3]], math.sqrt(3) / 2),  # ranks 1.5, 1.5, 3
        ([[1, 1, 2, 3]], [[1, 2, 3, 4]], math.sqrt(0.9)),  # ranks 1.5, 1.5, 3, 4
        ([[0, 0, 0, 1]], [[0, 0, 1, 0]], -1 / 3),  # ranks 2, 2, 2, 4
    ],
)
def test_rank_correlation(left, right, rank):
    assert only(left, right).rank == pytest.approx(rank)
    assert only(right, left).rank == pytest.approx(rank)


def cells(number, hot):
    """A row of so many cells: these ones hot, in this order; the others cooler, all of different values."""
    values = np.arange(number) / (10 * number)
    for place, cell in enumerate(hot):
        values[cell] = 2 - place / number
    return values[None].astype(np.float32)


@pytest.mark.parametrize(
    ("left", "right", "share"),
    [
        (cells(10, [0, 1]), cells(10, [1, 0]), 1),
        (cells(10, [0, 1]), cells(10, [1, 2]), 0.5),
        (cells(10, [0, 1]), cells(10, [2, 3]), 0),
        (cells(20, [0, 1, 2, 3]), cells(20, [3, 2, 1, 9]), 0.75),
        ([[0, 1]], [[1, 0]], 0),  # never less than one cell
        ([[0] * 9 + [1]], [[1] + [0] * 9], 0),  # two spots: nothing else is hot
        ([[0] * 9 + [1]], [[0] * 9 + [5]], 1),
        ([[0] * 9 + [1]], [[0] * 8 + [1, 2]], 2 / 3),  # one cell of one and two
        ([[1] * 5 + [0] * 5], [[0] * 4 + [1] * 6], 2 / 11),  # plateaus stay whole
    ],
)
def test_overlap(left, right, share):
    assert only(left, right).overlap == pytest.approx(share)
    assert only(right, left).overlap == pytest.approx(share)


def test_unrelated_maps_agree_by_chance():
    random = np.random.default_rng(0)
    a, b = random.random((2, 100, 100), np.float32)
    assert abs(rank_correlation(a, b)) < 0.03
    assert overlap(a, b) == pytest.approx(0.2, abs=0.02)


def some(seed, height=7, width=5):
    """A map as rules give them: partly zero."""
    return np.maximum(np.random.default_rng(seed).normal(size=(height, width)), 0).astype(np.float32)


def test_a_map_agrees_with_itself():
    left = explanation(some(0), some(1, 3, 3), some(2, 2, 2))
    comparison = compare(left, left)
    for stop in comparison.stops:
        assert stop.rank == pytest.approx(1)
        assert stop.overlap == 1
        assert stop.distance == 0
        assert stop.together is True
        np.testing.assert_array_equal(stop.difference, np.zeros(stop.grid))


def test_scale_of_a_map_means_nothing():
    a, b, c = only(some(0), some(1)), only(some(0) * 1000, some(1)), only(some(0), some(1) * 1e-6)
    for other in (b, c):
        assert other.rank == pytest.approx(a.rank)
        assert other.overlap == a.overlap
        np.testing.assert_allclose(other.difference, a.difference, atol=1e-5)
        assert other.left_heat == a.left_heat


def test_swapping_the_sides():
    left, right = explanation(some(0, 8, 8), some(1, 4, 4), some(2, 2, 2)), explanation(some(3, 6, 9), some(4, 3, 3))
    forth, back = compare(left, right), compare(right, left)
    assert len(forth.stops) == len(back.stops) == 3
    for a, b in zip(forth.stops, back.stops, strict=True):
        assert (a.left, a.right, a.depth, a.grid) == (b.right, b.left, b.depth, b.grid)
        assert (a.left_heat, a.right_heat) == (b.right_heat, b.left_heat)
        assert a.rank == pytest.approx(b.rank)
        assert a.overlap == b.overlap
        np.testing.assert_array_equal(a.difference, -b.difference)


def test_moving_the_cells_of_both_maps_alike_changes_no_agreement():
    a, b = some(0), some(1)
    order = np.random.default_rng(2).permutation(35)
    moved = [map.ravel()[order].reshape(5, 7) for map in (a, b)]
    assert rank_correlation(*moved) == pytest.approx(rank_correlation(a, b))
    assert overlap(*moved) == overlap(a, b)
    assert np.abs(only(*moved).difference).max() == pytest.approx(np.abs(only(a, b).difference).max())


@pytest.mark.parametrize(
    "flat", [np.zeros((7, 5)), np.full((7, 5), 0.3), np.zeros((2, 2)), np.full((2, 2), np.nan), np.diag([np.inf, 1])]
)
def test_agreement_with_a_flat_map_is_undefined(flat):
    for stop in (only(flat, some(0)), only(some(0), flat), only(flat, flat)):
        assert stop.rank is None
        assert stop.overlap is None
        assert stop.distance is None
        assert stop.together is None


def test_flat_but_for_rounding():
    assert is_flat(np.full((2, 2), 0.1, np.float32) + np.float32([[0, 1e-9], [0, 0]]))
    assert not is_flat(np.float32([[1e-30, 2e-30]]))
    with pytest.raises(ValueError, match="finite"):
        is_flat(np.float32([[np.nan]]))


# --- difference -------------------------------------------------------------------------------------------------------


def test_difference_of_densities():
    stop = only([[1, 3]], [[2, 2]])
    np.testing.assert_allclose(stop.difference, [[-0.5, 0.5]])
    assert stop.difference.dtype == np.float32


def test_difference_on_the_larger_grid():
    stop = only([[0, 1]], [[1, 1, 1, 1]])  # left becomes 0, 0.25, 0.75, 1 with mean 0.5
    assert stop.grid == (1, 4)
    np.testing.assert_allclose(stop.difference, [[-1, -0.5, 0.5, 1]])
    crossed = only(np.ones((2, 6)), np.ones((4, 3)))
    assert crossed.grid == (4, 6)
    np.testing.assert_array_equal(crossed.difference, np.zeros((4, 6)))


@pytest.mark.parametrize("shape", [(7, 5), (3, 3), (14, 11)])
def test_both_densities_integrate_to_one(shape):
    a, b = some(0), some(1, *shape)
    grid = (max(7, shape[0]), max(5, shape[1]))
    for map in (a, b):
        assert density(map, grid).mean() == pytest.approx(1)
    assert only(a, b).difference.sum() == pytest.approx(0, abs=1e-4)


def test_negative_heat_is_none():
    np.testing.assert_allclose(density(np.float32([[-5, 1, 3, 0]]), (1, 4)), [[0, 1, 3, 0]])
    assert density(np.float32([[-5, -1]]), (1, 2)) is None


def test_difference_with_an_empty_map_is_undefined():
    for stop in (only(np.zeros((2, 2)), some(0)), only(some(0), np.zeros((2, 2)))):
        assert stop.difference is None


def test_one_scale_for_all_stops():
    comparison = compare(explanation([[0, 1]], [[1, 3]]), explanation([[1, 0]], [[1, 1]]))
    np.testing.assert_allclose(comparison.stops[0].difference, [[-2, 2]])
    np.testing.assert_allclose(comparison.stops[1].difference, [[-0.5, 0.5]])


# --- heat -------------------------------------------------------------------------------------------------------------


def test_peak_and_spread():
    found = heat(np.float32([[0, 0, 0, 0], [0, 4, 2.1, 0]]))
    assert found.peak == (0.75, 0.375)
    assert found.spread == 0.25
    assert found.cell == (0.5, 0.25)


def test_spread_is_taken_on_a_common_grid():
    stop = only([[0, 0.4, 1]], [[0, 0, 0, 0, 0, 1]])
    assert stop.left_heat.spread == 1 / 2  # of 0, 0.1, 0.3, 0.55, 0.85, 1, rather than 1 / 3 of its own cells
    assert stop.right_heat.spread == 1 / 6


def test_distance_of_peaks():
    corner, other = np.zeros((2, 4)), np.zeros((2, 4))
    corner[0, 0], other[1, 3] = 1, 1
    stop = only(corner, other)
    assert stop.distance == pytest.approx(math.hypot(0.5, 0.75))
    assert stop.together is False


def test_peaks_are_together_within_a_cell_of_the_coarser_map():
    fine = np.zeros((8, 8))
    fine[3, 3] = 1  # centre at 0.4375
    assert only(fine, [[1, 0], [0, 0]]).together is True  # 0.25, with cells of 0.5
    fine[:] = 0
    fine[6, 3] = 1
    assert only(fine, [[1, 0], [0, 0]]).together is False


def test_no_heat_without_anything_positive_or_different():
    assert heat(np.zeros((2, 2), np.float32)) is None
    assert heat(np.ones((2, 2), np.float32)) is None
    assert heat(np.float32([[-1, -2]])) is None


# --- what is compared -------------------------------------------------------------------------------------------------


def test_comparison_tells_what_was_compared():
    left = explanation(some(0), some(1), rules=("layercam", "gradcam"), depths=[0.2, 1])
    right = explanation(some(2), some(3), rules=("gradcam", "layercam"), depths=[0.4, 1])
    comparison = compare(left, right)
    assert comparison.rule == "layercam"
    assert comparison.target == 1
    assert comparison.classes == ("cat", "dog")
    assert [stop.depth for stop in comparison.stops] == pytest.approx([0.3, 1])
    assert compare(left, right, "gradcam").rule == "gradcam"
    assert "layercam for dog at 2 stops" in repr(comparison)


def test_picture_and_rule_are_those_asked_for():
    left, right = explanation([[0, 1]]), explanation([[1, 0]])
    maps = {
        rule: {"layer0": np.float32(values)}
        for rule, values in {"a": [[[1, 1]], [[0, 1]]], "b": [[[1, 3]]] * 2}.items()
    }
    left = Explanation(**{**vars(left), "maps": maps, "targets": np.array([1, 0])})
    right = Explanation(**{**vars(right), "maps": maps | {"b": {"layer0": np.float32([[[1, 1]]] * 2)}}})
    right = Explanation(**{**vars(right), "targets": np.array([1, 1])})
    np.testing.assert_allclose(compare(left, right, "b").stops[0].difference, [[-0.5, 0.5]])
    assert compare(left, right, "a").stops[0].rank is None
    with pytest.raises(ValueError, match="class 0, the right one of 1"):
        compare(left, right, "a", picture=1)
    with pytest.raises(IndexError):
        compare(left, right, "a", picture=2)


def test_rule_that_is_not_on_both_sides():
    left, right = explanation([[0, 1]], rules=("a", "b")), explanation([[0, 1]], rules=("b", "c"))
    for rule in (None, "a", "c", "d"):
        with pytest.raises(KeyError, match="on both sides, but b"):
            compare(left, right, rule)


def test_other_classes_are_refused():
    for classes, number in [(("dog", "cat"), 2), (("cat", "dog", "cow"), 3), (None, 3)]:
        with pytest.raises(ValueError, match="different classes"):
            compare(explanation([[0, 1]]), explanation([[0, 1]], classes=classes, number=number))
    assert compare(explanation([[0, 1]], classes=None), explanation([[0, 1]])).classes == ("cat", "dog")


def test_other_targets_are_refused():
    for targets in [(0, 1), (1, 0), (-1, 0)]:
        left, right = (explanation([[0, 1]], target=target) for target in targets)
        with pytest.raises(ValueError, match="common_target"):
            compare(left, right)
    assert compare(*[explanation([[0, 1]], target=-1)] * 2).target == -1


def test_common_target():
    assert common_target(np.array([0.9, 0.1]), np.array([0.3, 0.7])) == 0
    assert common_target(np.array([0.6, 0.4]), np.array([0.1, 0.9])) == 1
    assert common_target(np.array([0.5, 0.5]), np.array([0.5, 0.5])) == 0
    # neither's first choice
    assert common_target(np.array([0.5, 0.1, 0.4]), np.array([0.1, 0.5, 0.4])) == 2
    for other in (np.ones(3), np.ones((1, 2))):
        with pytest.raises(ValueError, match="probabilities"):
            common_target(np.ones(2), other)
