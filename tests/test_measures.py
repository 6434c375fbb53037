"""Figures of one explanation, by hand-worked maps."""

import numpy as np
import pytest

from explain.explanation import Features
from explain.measures import Z, feature_figures, focus_entropy, share_inside, wilson


def features(*channels):
    """One picture's channels, h x w each."""
    maps = np.stack(channels, axis=-1)[None].astype(np.float32)
    k = maps.shape[-1]
    return Features(np.arange(k)[None], np.ones((1, k), np.float32), maps, maps.mean((1, 2)), maps.std((1, 2)))


def figures(*channels):
    return {name: float(values[0]) for name, values in feature_figures(features(*channels)).items()}


CHECKS = np.indices((4, 4)).sum(0) % 2  # 0 and 1 by turns
HALVES = np.repeat([[0, 0, 1, 1]], 4, axis=0)
RAMP = np.arange(32).reshape(4, 8)  # each of the 32 levels once


def test_contrast_entropy_and_roughness_by_hand():
    checks = figures(CHECKS)
    assert checks == pytest.approx({"contrast": 0.5, "entropy": 1, "roughness": 1})
    # of 24 pairs of neighbours 4 differ
    assert figures(HALVES) == pytest.approx({"contrast": 0.5, "entropy": 1, "roughness": 4 / 24})
    assert figures(RAMP)["entropy"] == pytest.approx(5)
    # steps of 1/31 along 4 x 7 and of 8/31 along 3 x 8 pairs
    assert figures(RAMP)["roughness"] == pytest.approx((28 / 31 + 24 * 8 / 31) / 52)
    assert figures(RAMP)["contrast"] == pytest.approx(np.sqrt((32**2 - 1) / 12) / 31)


def test_scale_and_offset_of_a_channel_do_not_count():
    assert figures(7 * HALVES - 3) == pytest.approx(figures(HALVES))


def test_channels_are_averaged_and_dead_ones_left_out():
    both = figures(CHECKS, HALVES)
    assert both["roughness"] == pytest.approx((1 + 4 / 24) / 2)
    assert figures(CHECKS, HALVES, np.full((4, 4), 3.0)) == pytest.approx(both)
    assert all(np.isnan(value) for value in figures(np.zeros((4, 4))).values())
    assert np.isnan(figures(np.ones((1, 1)))["roughness"])


def test_a_channel_is_dead_by_the_layers_median_not_by_that_of_the_channels_kept():
    """Of five channels two are kept: by the median of all (1) the second is dead, by theirs (0.005) it would not be."""
    maps = np.stack([CHECKS * 0.01, CHECKS * 0.01, HALVES], axis=-1)[None].astype(np.float32)
    deviations = np.array([[0.005, 1, 1, 0.005, 0.5]], np.float32)
    kept = np.array([[0, 3, 4]])
    layer = Features(kept, np.ones((1, 3), np.float32), maps, np.zeros((1, 5), np.float32), deviations)
    assert layer.dead.tolist() == [np.float32(0.4)]
    assert layer.live.tolist() == [[False, False, True]]
    assert feature_figures(layer)["roughness"] == pytest.approx([4 / 24])


def test_pictures_do_not_mix():
    maps = np.stack([CHECKS, HALVES]).astype(np.float32)[..., None]
    two = Features(np.zeros((2, 1), int), np.ones((2, 1), np.float32), maps, maps.mean((1, 2)), maps.std((1, 2)))
    assert feature_figures(two)["roughness"] == pytest.approx([1, 4 / 24])
    assert feature_figures(two)["entropy"] == pytest.approx([1, 1])


@pytest.mark.parametrize(
    ("heatmap", "expected"),
    [
        ([[5, 5], [5, 5]], 1),
        ([[0, 0], [0, 3]], 0),
        ([[1, -4], [0, 1]], 0.5),  # log 2 / log 4; what is negative is no heat
        ([[0, 0], [0, -1]], None),
        ([[3]], None),
    ],
)
def test_focus_entropy(heatmap, expected):
    assert focus_entropy(np.array(heatmap, np.float32)) == (None if expected is None else pytest.approx(expected))


def test_share_inside_weighs_cells_by_the_part_of_them_that_is_inside():
    heatmap = np.array([[1, 3], [-5, 4]], np.float32)
    region = np.zeros((20, 40), bool)
    region[:10, :20] = True  # the first cell
    assert share_inside(heatmap, region) == pytest.approx(1 / 8)
    region[:10, 20:30] = True  # and half of the second
    assert share_inside(heatmap, region) == pytest.approx((1 + 1.5) / 8)
    assert share_inside(heatmap, np.ones((20, 40), bool)) == pytest.approx(1)
    assert share_inside(np.zeros((2, 2), np.float32), region) is None


@pytest.mark.parametrize(("events", "n"), [(0, 300), (3, 300), (150, 300), (300, 300), (8, 10), (1, 1), (0, 1)])
def test_wilson_s_interval_is_where_the_score_test_turns(events, n):
    """The shares p from which the share seen is just Z standard errors of p away; and what SciPy gives."""
    low, high = wilson(events, n)
    seen = events / n
    assert 0 <= low < high <= 1
    for p in (low, high):
        assert (seen - p) ** 2 == pytest.approx(Z**2 * p * (1 - p) / n, abs=1e-12)
    stats = pytest.importorskip("scipy.stats")
    assert stats.norm.cdf(Z) == pytest.approx(0.975, abs=1e-12)
    assert (low, high) == pytest.approx(tuple(stats.binomtest(events, n).proportion_ci(method="wilson")), abs=1e-9)


def test_of_all_alike_wilson_s_interval_has_a_closed_form():
    assert wilson(10, 10) == pytest.approx((10 / (10 + Z**2), 1))
    assert wilson(0, 10) == pytest.approx((0, Z**2 / (10 + Z**2)))
    assert all(type(end) is float for end in wilson(np.float64(3), np.int64(4)))


@pytest.mark.parametrize(("events", "n"), [(0, 0), (-1, 10), (11, 10), (float("nan"), 10)])
def test_what_is_no_share_has_no_interval(events, n):
    with pytest.raises(ValueError, match="is no share"):
        wilson(events, n)
