"""Agreement: rank correlation, overlap, difference and heat of maps by hand; CKA against its definition."""

import doctest
import itertools
import math

import numpy as np
import pytest

import explain.agreement
from explain.agreement import (
    agreement,
    cka,
    density,
    finite,
    heat,
    hottest,
    is_flat,
    overlap,
    rank_correlation,
    together,
)


def agreed(first, second):
    return agreement(np.array(first, np.float32), np.array(second, np.float32))


def patchy(seed, height=7, width=5):
    """A map as rules give them: partly zero."""
    return np.maximum(np.random.default_rng(seed).normal(size=(height, width)), 0).astype(np.float32)


def test_examples_of_the_docstrings():
    assert doctest.testmod(explain.agreement).failed == 0


# --- rank correlation and overlap -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "rank"),
    [
        ([[1, 2], [3, 4]], [[2, 1], [4, 3]], 0.6),  # 1 - 6 * 4 / (4 * 15)
        ([[1, 2], [3, 4]], [[10, 20], [30, 4000]], 1),
        ([[1, 2], [3, 4]], [[4, 3], [2, 1]], -1),
        ([[1, 1, 2]], [[1, 2, 3]], math.sqrt(3) / 2),  # ranks 1.5, 1.5, 3
        ([[1, 1, 2, 3]], [[1, 2, 3, 4]], math.sqrt(0.9)),  # ranks 1.5, 1.5, 3, 4
        ([[0, 0, 0, 1]], [[0, 0, 1, 0]], -1 / 3),  # ranks 2, 2, 2, 4
    ],
)
def test_rank_correlation(first, second, rank):
    assert agreed(first, second).rank == pytest.approx(rank)
    assert agreed(second, first).rank == pytest.approx(rank)


def cells(number, hot):
    """A row of so many cells: these ones hot, in this order; the others cooler, all of different values."""
    values = np.arange(number) / (10 * number)
    for place, cell in enumerate(hot):
        values[cell] = 2 - place / number
    return values[None].astype(np.float32)


@pytest.mark.parametrize(
    ("first", "second", "share"),
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
def test_overlap(first, second, share):
    assert agreed(first, second).overlap == pytest.approx(share)
    assert agreed(second, first).overlap == pytest.approx(share)


def test_unrelated_maps_agree_by_chance():
    random = np.random.default_rng(0)
    a, b = random.random((2, 100, 100), np.float32)
    assert abs(rank_correlation(a, b)) < 0.03
    assert overlap(a, b) == pytest.approx(0.2, abs=0.02)


def test_a_map_agrees_with_itself():
    for heatmap in (patchy(0), patchy(1, 3, 3), patchy(2, 2, 2)):
        same = agreed(heatmap, heatmap)
        assert same.rank == pytest.approx(1)
        assert same.overlap == 1
        assert together(heat(heatmap), heat(heatmap)) is True
        np.testing.assert_array_equal(same.difference, np.zeros(heatmap.shape))


def test_scale_of_a_map_means_nothing():
    plain = agreed(patchy(0), patchy(1))
    for scaled in (agreed(patchy(0) * 1000, patchy(1)), agreed(patchy(0), patchy(1) * 1e-6)):
        assert scaled.rank == pytest.approx(plain.rank)
        assert scaled.overlap == plain.overlap
        np.testing.assert_allclose(scaled.difference, plain.difference, atol=1e-5)
    assert heat(patchy(0) * 1000) == heat(patchy(0))


def test_moving_the_cells_of_both_maps_alike_changes_no_agreement():
    a, b = patchy(0), patchy(1)
    order = np.random.default_rng(2).permutation(35)
    moved = [heatmap.ravel()[order].reshape(5, 7) for heatmap in (a, b)]
    assert rank_correlation(*moved) == pytest.approx(rank_correlation(a, b))
    assert overlap(*moved) == overlap(a, b)
    assert np.abs(agreed(*moved).difference).max() == pytest.approx(np.abs(agreed(a, b).difference).max())


@pytest.mark.parametrize("flat", [np.zeros((7, 5)), np.full((7, 5), 0.3), np.zeros((2, 2))])
def test_agreement_with_a_flat_map_is_undefined(flat):
    for undefined in (agreed(flat, patchy(0)), agreed(patchy(0), flat), agreed(flat, flat)):
        assert undefined.rank is None
        assert undefined.overlap is None


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_map_that_is_not_finite_counts_as_zero(value):
    np.testing.assert_array_equal(finite(np.array([[1, value]])), [[0, 0]])


def test_flat_but_for_rounding():
    assert is_flat(np.full((2, 2), 0.1, np.float32) + np.float32([[0, 1e-9], [0, 0]]))
    assert not is_flat(np.float32([[1e-30, 2e-30]]))
    with pytest.raises(ValueError, match="finite"):
        is_flat(np.float32([[np.nan]]))


# --- difference -------------------------------------------------------------------------------------------------------


def test_difference_of_densities():
    difference = agreed([[1, 3]], [[2, 2]]).difference
    np.testing.assert_allclose(difference, [[-0.5, 0.5]])
    assert difference.dtype == np.float32


def test_difference_on_the_larger_grid():
    # the first becomes 0, 0.25, 0.75, 1 with mean 0.5
    np.testing.assert_allclose(agreed([[0, 1]], [[1, 1, 1, 1]]).difference, [[-1, -0.5, 0.5, 1]])
    np.testing.assert_array_equal(agreed(np.ones((2, 6)), np.ones((4, 3))).difference, np.zeros((4, 6)))


@pytest.mark.parametrize("shape", [(7, 5), (3, 3), (14, 11)])
def test_both_densities_integrate_to_one(shape):
    a, b = patchy(0), patchy(1, *shape)
    grid = (max(7, shape[0]), max(5, shape[1]))
    for heatmap in (a, b):
        assert density(heatmap, grid).mean() == pytest.approx(1)
    assert agreed(a, b).difference.sum() == pytest.approx(0, abs=1e-4)


def test_negative_heat_is_none():
    np.testing.assert_allclose(density(np.float32([[-5, 1, 3, 0]]), (1, 4)), [[0, 1, 3, 0]])
    assert density(np.float32([[-5, -1]]), (1, 2)) is None


def test_difference_with_an_empty_map_is_undefined():
    assert agreed(np.zeros((2, 2)), patchy(0)).difference is None
    assert agreed(patchy(0), np.zeros((2, 2))).difference is None


def test_maps_of_different_classes_have_a_rank_and_no_difference():
    same, apart = (agreement(patchy(0), patchy(1), same_target) for same_target in (True, False))
    assert (apart.rank, apart.overlap) == (same.rank, same.overlap)
    assert apart.difference is None


# --- heat -------------------------------------------------------------------------------------------------------------


def test_peak_and_spread():
    spot = heat(np.float32([[0, 0, 0, 0], [0, 4, 2.1, 0]]))
    assert spot.peak == (0.75, 0.375)
    assert spot.spread == 0.25
    assert spot.cell == (0.5, 0.25)


def test_the_peak_of_a_plateau_is_its_middle():
    """Of a window that was covered, say; not its corner, nor the middle between it and another."""
    plateau = np.zeros((8, 10), np.float32)
    plateau[1:4, 4:9] = 2
    plateau[6:, :2] = 2
    assert heat(plateau).peak == (2.5 / 8, 6.5 / 10)
    assert hottest(plateau) == (2, 6)


def test_spread_is_taken_on_a_common_grid():
    # 0, 0.1, 0.3, 0.55, 0.85, 1, rather than 1 / 3 of its cells
    assert heat(np.float32([[0, 0.4, 1]]), (1, 6)).spread == 1 / 2


def test_peaks_are_together_within_a_cell_of_the_coarser_map():
    fine, coarse = np.zeros((8, 8)), heat(np.array([[1.0, 0], [0, 0]]))
    fine[3, 3] = 1  # centre at 0.4375; that of the coarse one at 0.25, with cells of 0.5
    assert together(heat(fine), coarse) is True
    fine[:] = 0
    fine[6, 3] = 1
    assert together(heat(fine), coarse) is False
    assert together(coarse, heat(fine)) is False
    assert together(heat(fine), None) is None


def test_no_heat_without_anything_positive_or_different():
    assert heat(np.zeros((2, 2), np.float32)) is None
    assert heat(np.ones((2, 2), np.float32)) is None
    assert heat(np.float32([[-1, -2]])) is None


# --- features ---------------------------------------------------------------------------------------------------------


def white(seed, pictures, channels):
    return np.random.default_rng(seed).normal(size=(pictures, channels))


def hsic(x, y):
    """HSIC_1 as Song et al. write it (JMLR 13, 2012, equation 5)."""
    n, ones = len(x), np.ones(len(x))
    k, m = ((values @ values.T) * (1 - np.eye(n)) for values in (x, y))
    product = np.trace(k @ m) + (ones @ k @ ones) * (ones @ m @ ones) / ((n - 1) * (n - 2))
    return (product - 2 / (n - 2) * ones @ k @ m @ ones) / (n * (n - 3))


def of_four(x, y, weights):
    """The same as a mean over all four different pictures."""
    k, m = x @ x.T, y @ y.T
    total = 0
    for i, j, q, r in itertools.permutations(range(len(x)), 4):
        total += weights[[i, j, q, r]].prod() * k[i, j] * (m[i, j] + m[q, r] - 2 * m[i, q])
    return total


def test_cka_is_one_for_a_rotation_and_scaling_and_for_nothing_else():
    x = white(0, 50, 6)
    turned = 3 * x @ np.linalg.qr(white(1, 6, 6))[0] + 5
    assert cka(x, turned) == pytest.approx(1)
    assert cka(turned.astype(np.float32), x) == pytest.approx(1)
    assert cka(x, x[:, :2]) < 0.99


def test_cka_by_the_gram_matrices():
    x = white(0, 12, 6)
    y = white(1, 12, 4) + x[:, :4]
    assert cka(x, y) == pytest.approx(hsic(x, y) / math.sqrt(hsic(x, x) * hsic(y, y)))
    even = np.ones(12)
    assert hsic(x, y) == pytest.approx(of_four(x, y, even) / (12 * 11 * 10 * 9))


@pytest.mark.parametrize("channels", [512, 1280])
def test_unrelated_features_have_none_at_any_number_of_channels(channels):
    assert cka(white(0, 1000, channels), white(1, 1000, channels)) == pytest.approx(0, abs=0.02)


def test_a_picture_that_is_drawn_twice_is_no_pair_with_itself():
    x = white(0, 7, 3)
    y = white(1, 7, 2) + x[:, :2]
    draws = np.array([[0, 2, 1, 1, 1, 2, 0], [1] * 7, [3, 0, 0, 1, 1, 1, 1]])
    expected = [of_four(x, y, row) / math.sqrt(of_four(x, x, row) * of_four(y, y, row)) for row in draws.astype(float)]
    assert cka(x, y, draws) == pytest.approx(expected)
    assert cka(x, y, draws[0]) == pytest.approx(expected[0])
    assert cka(x, y, 5 * draws[0]) == pytest.approx(expected[0])


def test_repeated_rows_would_make_unrelated_features_alike():
    x, y = white(0, 100, 200), white(1, 100, 200)
    draws = np.random.default_rng(2).multinomial(100, np.full(100, 0.01), size=20)
    rows = [np.repeat(np.arange(100), draw) for draw in draws]
    assert abs(cka(x, y, draws).mean()) < 0.02
    assert np.mean([cka(x[row], y[row]) for row in rows]) > 0.2


@pytest.mark.slow
def test_a_bootstrap_lies_around_the_value_of_the_sample():
    """Of 100 samples with a known value nearly all 95 % intervals hold it, and the draws' mean is not moved."""
    shared, channels, n = 4, 40, 60
    rng = np.random.default_rng(0)

    def sample(pictures):
        common = rng.normal(size=(pictures, shared)) * 3
        return [np.hstack([common, rng.normal(size=(pictures, channels))]) for _ in range(2)]

    truth = (9**2 * shared) / (9**2 * shared + channels)  # |cov(x, y)|^2 / (|cov(x)| |cov(y)|)
    assert cka(*sample(4000)) == pytest.approx(truth, abs=0.01)
    held, moved = 0, []
    for _ in range(100):
        x, y = sample(n)
        values = cka(x, y, rng.multinomial(n, np.full(n, 1 / n), size=200))
        low, high = np.quantile(values, [0.025, 0.975])
        held += low <= truth <= high
        moved.append(values.mean() - cka(x, y))
    assert 0.88 <= held / 100 <= 1
    assert abs(np.mean(moved)) < 0.01


def test_cka_is_undefined_where_nothing_varies_and_for_three_pictures():
    x = white(0, 20, 3)
    for still in (np.ones((20, 3)), np.full((20, 2), 0.1, np.float32), np.zeros((20, 1))):
        assert math.isnan(cka(x, still))
        assert math.isnan(cka(still, x))
    assert math.isnan(cka(x[:3], x[:3]))
    draws = np.zeros((2, 20))
    draws[0, :3], draws[1, :4] = 9, 1
    assert np.isnan(cka(x, x, draws)).tolist() == [True, False]


def test_cka_wants_the_same_pictures():
    for wrong in [(white(0, 5, 2), white(0, 6, 2)), (white(0, 5, 2), white(0, 5, 2), np.ones(6))]:
        with pytest.raises(ValueError, match="same pictures"):
            cka(*wrong)
