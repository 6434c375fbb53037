"""Augmentation by what it does to pictures whose colours are their own coordinates."""

import cv2
import numpy as np
import pytest

from training.data.augment import augment
from training.data.randaugment import OPERATIONS
from training.recipe import Augment

SIDE, COUNT = 201, 48
ROWS, COLUMNS = np.mgrid[:SIDE, :SIDE]
COORDINATES = np.stack([COLUMNS, ROWS, np.full_like(ROWS, 100)], -1).astype(np.uint8)[None].repeat(COUNT, 0)
LABELS = np.eye(2, dtype=np.float32)[np.arange(COUNT) % 2]


def run(settings, pictures=COORDINATES, labels=LABELS, step=0, size=SIDE, seed=7, sizes=None):
    sizes = np.tile(pictures.shape[1:3], (len(pictures), 1)) if sizes is None else np.array(sizes)
    return augment(pictures, sizes.astype(np.int32), labels, step, settings, size, seed)


def maps(pictures):
    """For each picture the matrix and place by which it was sampled, read off the middle: (x, y) in = M (x, y) + t."""
    middle = slice(SIDE // 2 - 20, SIDE // 2 + 21)
    output = np.stack([COLUMNS[middle, middle].ravel(), ROWS[middle, middle].ravel()], 1) - (SIDE - 1) / 2
    design = np.hstack([output, np.ones((len(output), 1))])
    solved = [np.linalg.lstsq(design, p[middle, middle, :2].reshape(-1, 2), rcond=None)[0] for p in pictures]
    return np.array([s[:2].T for s in solved]), np.array([s[2] for s in solved]) - (SIDE - 1) / 2


def test_nothing_asked_nothing_done():
    x, y = run(Augment())
    np.testing.assert_array_equal(x, COORDINATES)
    np.testing.assert_array_equal(y, LABELS)


def test_resizing_is_bilinear_about_pixel_centres():
    noise = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
    x, _ = run(Augment(), noise, LABELS[:2], size=56)
    expected = [cv2.resize(p.astype(np.float32), (56, 56), interpolation=cv2.INTER_LINEAR) for p in noise]
    np.testing.assert_allclose(x, expected, atol=0.05)


def test_each_picture_is_taken_from_its_own_corner():
    """Of a smaller picture in the corner of the batch only its own part is seen, resized as by `fit`."""
    noise = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), np.uint8)
    sizes = [(64, 64), (32, 32), (20, 48)]
    x, _ = run(Augment(), noise, LABELS[:3], size=32, sizes=sizes)
    np.testing.assert_array_equal(x[1], noise[1, :32, :32])
    expected = cv2.resize(noise[2, :20, :48].astype(np.float32), (32, 32), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_allclose(x[2], expected, atol=0.05)


def test_shift_moves_by_whole_pixels_and_mirrors_at_the_edge():
    noise = np.random.default_rng(0).integers(0, 256, (64, 32, 32, 3), np.uint8)
    x, _ = run(Augment(shift=0.125), noise, np.eye(2, dtype=np.float32)[[0] * 64], size=32)
    padded = np.pad(noise, [(0, 0), (4, 4), (4, 4), (0, 0)], "reflect")
    seen = set()
    for picture, wide in zip(x, padded, strict=True):
        windows = {(down, right): wide[down : down + 32, right : right + 32] for down in range(9) for right in range(9)}
        place = [place for place, window in windows.items() if np.array_equal(picture, window)]
        assert len(place) == 1
        seen.add(place[0])
    assert {down for down, _ in seen} == {right for _, right in seen} == set(range(9))


def test_flip_mirrors_some_and_only_left_to_right():
    x, _ = run(Augment(flip=True))
    mirrored = [np.array_equal(p, q[:, ::-1]) for p, q in zip(x, COORDINATES, strict=True)]
    kept = [np.array_equal(p, q) for p, q in zip(x, COORDINATES, strict=True)]
    assert all(a != b for a, b in zip(mirrored, kept, strict=True))
    assert 10 < sum(mirrored) < 38


def test_rotation_turns_about_the_centre_by_at_most_the_angle():
    matrices, places = maps(run(Augment(rotation=40))[0])
    angles = np.degrees(np.arctan2(matrices[:, 1, 0], matrices[:, 0, 0]))
    np.testing.assert_allclose(np.linalg.svd(matrices, compute_uv=False), 1, atol=1e-3)
    np.testing.assert_allclose(np.linalg.det(matrices), 1, atol=1e-3)
    np.testing.assert_allclose(places, 0, atol=1e-2)
    assert np.abs(angles).max() <= 40.1
    assert angles.min() < -25
    assert angles.max() > 25


def test_shear_slants_by_at_most_the_angle():
    matrices, _ = maps(run(Augment(shear=20))[0])
    np.testing.assert_allclose(matrices[:, :, 0], [[1, 0]] * COUNT, atol=1e-3)  # rows stay where they are
    slant = np.degrees(np.arctan2(-matrices[:, 0, 1], matrices[:, 1, 1]))
    assert np.abs(slant).max() <= 20.1
    assert np.abs(slant).max() > 12


def test_zoom_scales_both_axes_apart():
    matrices, _ = maps(run(Augment(zoom=0.2))[0])
    scales = matrices[:, [0, 1], [0, 1]]
    assert 0.799 <= scales.min() < 0.85
    assert 1.15 < scales.max() <= 1.201
    assert np.abs(scales[:, 0] - scales[:, 1]).max() > 0.05
    np.testing.assert_allclose(matrices[:, [0, 1], [1, 0]], 0, atol=1e-3)


def test_crop_is_a_window_inside_the_picture_of_at_least_the_share():
    x, _ = run(Augment(crop=0.5))
    matrices, places = maps(x)
    scales = matrices[:, [0, 1], [0, 1]]
    area = scales.prod(1)
    assert 0.45 <= area.min() < 0.6  # clipping to the picture may take a little from the share
    assert area.max() > 0.85
    assert scales.max() <= 1.001
    assert (np.abs(places) + scales * SIDE / 2 <= SIDE / 2 + 0.01).all()
    assert np.abs(places).max() > 5
    ratio = scales[:, 0] / scales[:, 1]
    assert ratio.max() <= 1.2501
    assert ratio.min() >= 0.7999


def test_all_geometry_at_once_is_one_map():
    matrices, _ = maps(run(Augment(rotation=40, shear=0.2, zoom=0.2, crop=0.8, flip=True))[0])
    signs = np.sign(np.linalg.det(matrices))
    assert set(signs) == {-1.0, 1.0}
    stretch = np.linalg.svd(matrices, compute_uv=False)
    assert stretch.max() < 1.21
    assert stretch.min() > 0.6


def test_brightness_scales_contrast_keeps_the_mean_and_saturation_keeps_grey():
    grey = np.full((COUNT, 8, 8, 3), 100, np.uint8)
    grey[:, :4] = 60
    bright, _ = run(Augment(brightness=0.3), grey, size=8)
    factors = bright[:, 7, 7, 0] / 100
    np.testing.assert_allclose(bright, grey * factors[:, None, None, None], rtol=1e-5)
    assert 0.7 <= factors.min() < 0.8
    assert 1.2 < factors.max() <= 1.3
    contrast, _ = run(Augment(contrast=0.3), grey, size=8)
    np.testing.assert_allclose(contrast.mean((1, 2, 3)), 80, rtol=1e-5)
    assert np.ptp(contrast[:, 7, 7, 0]) > 5
    saturated, _ = run(Augment(saturation=0.5), grey, size=8)
    np.testing.assert_allclose(saturated, grey, atol=0.01)
    red = np.zeros((COUNT, 4, 4, 3), np.uint8) + np.array([120, 60, 60], np.uint8)
    luma = 0.299 * 120 + 0.701 * 60
    saturated, _ = run(Augment(saturation=0.5), red, size=4)
    factors = (saturated[:, 0, 0, 0] - luma) / (120 - luma)
    assert 0.49 <= factors.min() < 0.7
    assert 1.3 < factors.max() <= 1.51
    np.testing.assert_allclose(saturated @ [0.299, 0.587, 0.114], luma, rtol=1e-4)


def test_colours_stay_in_range():
    x, _ = run(Augment(brightness=0.9, contrast=0.9, saturation=0.9))
    assert x.min() >= 0
    assert x.max() <= 255


def test_erase_fills_one_rectangle_with_the_mean():
    x, _ = run(Augment(erase=1.0))
    for picture in x:
        hole = (picture != COORDINATES[0]).any(-1)
        rows, columns = np.flatnonzero(hole.any(1)), np.flatnonzero(hole.any(0))
        assert hole.mean() < 0.21
        if hole.any():
            box = picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1, :2]
            np.testing.assert_allclose(box, 100, atol=0.01)  # the mean of 0 to 200
    assert (x != COORDINATES).any((1, 2, 3)).all()
    half, _ = run(Augment(erase=0.5))
    assert 12 < (half != COORDINATES).any((1, 2, 3)).sum() < 36


def test_mixup_mixes_pictures_and_labels_alike():
    noise = np.random.default_rng(0).integers(0, 256, (COUNT, 8, 8, 3), np.uint8)
    shares = []
    for step in range(20):
        x, y = run(Augment(mixup=0.4), noise, step=step, size=8)
        share = y[0, 0]
        expected = share * noise.astype(np.float32) + (1 - share) * np.roll(noise, 1, 0)
        np.testing.assert_allclose(x, expected, atol=0.01)
        np.testing.assert_allclose(y.sum(1), 1, rtol=1e-5)
        shares.append(share)
    assert min(shares) < 0.2
    assert max(shares) > 0.8


def test_cutmix_puts_a_rectangle_of_the_partner_in_and_labels_by_its_area():
    noise = np.random.default_rng(0).integers(0, 256, (COUNT, 32, 32, 3), np.uint8)
    shares = []
    for step in range(20):
        x, y = run(Augment(cutmix=1.0), noise, step=step, size=32)
        partner = np.roll(noise, 1, 0)
        kept = (x == noise).all(-1)
        assert ((x == partner).all(-1) | kept).all()
        cut = ~kept[0]
        rows, columns = np.flatnonzero(cut.any(1)), np.flatnonzero(cut.any(0))
        assert cut.sum() == len(rows) * len(columns)
        np.testing.assert_allclose(y[0, 0], 1 - cut.mean(), atol=1e-3)
        np.testing.assert_allclose(y.sum(1), 1, rtol=1e-5)
        shares.append(cut.mean())
    assert min(shares) < 0.1
    assert max(shares) > 0.5


def test_of_mixup_and_cutmix_each_step_does_one_and_only_in_the_share_of_steps_asked_for():
    noise = np.random.default_rng(0).integers(0, 256, (COUNT, 32, 32, 3), np.uint8)
    kinds = {"none": 0, "cut": 0, "mixed": 0}
    for step in range(200):
        x, _ = run(Augment(mixup=1.0, cutmix=1.0, mixed=0.5), noise, step=step, size=32)
        if np.array_equal(x, noise):
            kinds["none"] += 1
        else:
            whole = ((x == noise) | (x == np.roll(noise, 1, 0))).all()
            kinds["cut" if whole else "mixed"] += 1
    assert 70 <= kinds["none"] <= 135  # a cut that falls outside the picture looks like none
    assert 25 <= kinds["mixed"] <= 75
    assert 20 <= kinds["cut"] <= 75


@pytest.mark.parametrize("number", range(len(OPERATIONS)))
def test_operations_of_randaugment_keep_form_and_grow_with_their_strength(number):
    rng = np.random.default_rng(0)
    picture = cv2.GaussianBlur(rng.integers(0, 256, (32, 32, 3), np.uint8), (0, 0), 2)
    changes = []
    for strength in (0.0, 0.3, 1.0):
        changed = OPERATIONS[number](picture, strength)
        assert changed.dtype == np.uint8
        assert changed.shape == picture.shape
        changes.append(np.abs(changed.astype(float) - picture).mean())
    if OPERATIONS[number].__name__ not in ("_autocontrast", "_equalise"):  # of one strength
        assert changes[0] == 0
    assert changes == sorted(changes)


def test_randaugment_is_off_at_no_operations_and_draws_all_of_them():
    noise = np.random.default_rng(0).integers(0, 256, (COUNT, 32, 32, 3), np.uint8)
    np.testing.assert_array_equal(run(Augment(randaugment=0, magnitude=1.0), noise, size=32)[0], noise)
    x, _ = run(Augment(randaugment=1, magnitude=1.0), noise, size=32)
    same = (x == noise).all((1, 2, 3))
    assert 0 < same.sum() < 12  # identity is one of fourteen
    drawn = {int(n) for seed in range(20) for n in np.random.default_rng(seed).integers(len(OPERATIONS), size=8)}
    assert drawn == set(range(len(OPERATIONS)))


@pytest.mark.parametrize(
    "settings",
    [
        Augment(rotation=40, flip=True, brightness=0.3, erase=0.5, mixup=0.2),
        Augment(shift=0.1, randaugment=2, magnitude=0.5, cutmix=1.0, mixup=0.5, mixed=0.9),
    ],
)
def test_the_same_step_draws_the_same_and_another_step_or_seed_does_not(settings):
    first = run(settings, step=3)[0]
    np.testing.assert_array_equal(first, run(settings, step=3)[0])
    assert np.abs(first - run(settings, step=4)[0]).mean() > 1
    assert np.abs(first - run(settings, step=3, seed=8)[0]).mean() > 1
