"""Drawing maps: known colours, closed forms of blending and resizing, and where tiles lie."""

import numpy as np
import pytest

from explain.overlay import colours, difference, overlay, stretch, tiles

# viridis in _cm_listed.py: first (0.267004, 0.004874, 0.329415), last (0.993248, 0.906157, 0.143936)
DARK, BRIGHT = [68, 1, 84], [253, 231, 37]


def test_colours_are_rgb_from_matplotlibs_table():
    np.testing.assert_array_equal(colours(np.array([[0.0, 1.0]])), [[DARK, BRIGHT]])
    np.testing.assert_array_equal(colours(np.array([[0.0, 0.25, 1.0]]), "gray"), [[[0] * 3, [64] * 3, [255] * 3]])
    np.testing.assert_array_equal(colours(np.array([[0.0, 1.0]]), "jet"), [[[0, 0, 128], [128, 0, 0]]])


def test_each_of_256_values_has_its_own_grey():
    values = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(colours(values[None] / 255, "gray")[0, :, 0], values)


def test_values_outside_are_clipped():
    np.testing.assert_array_equal(colours(np.array([[-1.0, 7.0]])), [[DARK, BRIGHT]])


def test_colours_refuses():
    with pytest.raises(ValueError, match="'virids'; near it: viridis"):
        colours(np.zeros((1, 1)), "virids")
    with pytest.raises(ValueError, match="finite"):
        colours(np.array([[np.nan]]))


def test_table_cannot_be_changed_through_a_result():
    colours(np.zeros((2, 2)))[:] = 0
    np.testing.assert_array_equal(colours(np.zeros((1, 1))), [[DARK]])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([[1, 3], [2, 5]], [[0, 0.5], [0.25, 1]]),
        ([[-2, 2]], [[0, 1]]),
        ([[1e-30, 3e-30]], [[0, 1]]),
        ([[0, 0]], [[0, 0]]),
        ([[7, 7]], [[0, 0]]),
        ([[-7, -7]], [[0, 0]]),
        ([[1, 1 + 2**-23]], [[0, 0]]),  # nothing but rounding
    ],
)
def test_stretch(values, expected):
    result = stretch(np.array(values, np.float32))
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, expected)


def test_overlay_blends():
    picture = np.array([[[100, 200, 0], [0, 255, 40]]], np.uint8)
    heat = np.float32([[3, 8]])
    # (1 - opacity) * picture + opacity * colour, colours DARK and BRIGHT
    np.testing.assert_array_equal(overlay(picture, heat, 0.3), [[[90, 140, 25], [76, 248, 39]]])
    np.testing.assert_array_equal(overlay(picture, heat, 1), [[DARK, BRIGHT]])
    np.testing.assert_array_equal(overlay(picture, heat, 0), picture)
    with pytest.raises(ValueError, match="opacity"):
        overlay(picture, heat, 50)


def test_overlay_resizes_the_map_bilinearly():
    result = overlay(np.zeros((2, 4, 3), np.uint8), np.float32([[0, 1]]), 1, "gray")
    np.testing.assert_array_equal(result[..., 1], [[0, 64, 191, 255]] * 2)


def test_overlay_averages_a_map_larger_than_the_picture():
    heat = np.float32([[0, 0, 1, 1], [0, 0.8, 1, 1]])
    result = overlay(np.zeros((1, 2, 3), np.uint8), heat, 1, "gray")
    np.testing.assert_array_equal(result[0, :, 0], [51, 255])


@pytest.mark.parametrize("value", [0, 4])
def test_map_without_anything_to_see_leaves_the_picture(value):
    picture = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    result = overlay(picture, np.full((2, 2), value, np.float32), 0.7)
    np.testing.assert_array_equal(result, picture)
    assert not np.shares_memory(result, picture)


def test_difference_is_red_for_left_and_blue_for_right():
    left, none, right = difference(np.float32([[2, 0, -2]]), 2)[0].astype(int)
    np.testing.assert_array_equal(left, [103, 0, 31])  # ends of ColorBrewer's RdBu
    np.testing.assert_array_equal(right, [5, 48, 97])
    assert none.min() > 240


def test_difference_on_a_shared_scale():
    whole, half = difference(np.float32([[1, 0.5]]), 1), difference(np.float32([[2, 1]]), 2)
    np.testing.assert_array_equal(whole, half)
    np.testing.assert_array_equal(difference(np.float32([[5, -5]]), 1), difference(np.float32([[1, -1]]), 1))
    assert (difference(np.float32([[0.4]]), 1) != difference(np.float32([[0.4]]), 2)).any()


def test_difference_without_any():
    zero = np.zeros((1, 2), np.float32)
    np.testing.assert_array_equal(difference(zero, 0), difference(zero, 1))
    with pytest.raises(ValueError, match="positive"):
        difference(np.ones((1, 1), np.float32), 0)
    with pytest.raises(ValueError, match="positive"):
        difference(zero, -1)


def block(height, width, value):
    return np.full((height, width, 3), value, np.uint8)


def test_tiles_lie_in_rows():
    sheet = tiles([block(1, 2, 10), block(1, 2, 20), block(1, 2, 30)], columns=2, gap=1)
    expected = [[10, 10, 255, 20, 20], [255] * 5, [30, 30, 255, 255, 255]]
    np.testing.assert_array_equal(sheet, np.repeat(np.array(expected)[..., None], 3, axis=2))


def test_tiles_of_several_sizes():
    sheet = tiles([block(2, 1, 10), block(1, 3, 20)], columns=5, gap=0)
    np.testing.assert_array_equal(sheet[..., 0], [[10, 255, 255, 20, 20, 20], [10, 255, 255, 255, 255, 255]])


def test_labels_stand_above_their_pictures():
    plain = tiles([block(8, 60, 10)] * 2, columns=2, gap=2)
    sheet = tiles([block(8, 60, 10)] * 2, columns=2, gap=2, labels=["stem", ""])
    line = sheet.shape[0] - plain.shape[0]
    np.testing.assert_array_equal(sheet[line:], plain)
    assert sheet[:line, :60].min() < 100
    assert sheet[:line, 60:].min() == 255
    assert (sheet[..., 0] == sheet[..., 2]).all()


def test_a_long_label_keeps_its_end():
    long = tiles([block(4, 60, 0)], 1, labels=["backbone/stage2/block3a_expand"])
    longer = tiles([block(4, 60, 0)], 1, labels=["another/backbone/stage2/block3a_expand"])
    other = tiles([block(4, 60, 0)], 1, labels=["backbone/stage2/block3a_expanb"])
    assert long.shape == (20, 60, 3)
    np.testing.assert_array_equal(long, longer)
    assert (long != other).any()


def test_tiles_refuses():
    for pictures, columns, labels in [([], 2, None), ([block(1, 1, 0)], 0, None), ([block(1, 1, 0)], 1, ["a", "b"])]:
        with pytest.raises(ValueError, match="need"):
            tiles(pictures, columns, labels=labels)
