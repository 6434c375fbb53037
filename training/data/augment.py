"""Augmentation of whole batches.

All geometry of a picture (crop, shift, rotation, shear, zoom, flip, resizing to the training size) is one affine map,
so it is resampled once (by OpenCV, five times as fast as TensorFlow on a CPU), and all its colour another. Every draw
comes from (seed, step): the same step of a run sees the same pictures after a restart.
"""

import cv2
import numpy as np
import tensorflow as tf

from training.data.randaugment import randaugment
from training.recipe import Augment


class _Draws:
    """Random numbers per picture of a batch, each draw from a seed of its own."""

    def __init__(self, seed: int, step: tf.Tensor, count: tf.Tensor) -> None:
        self.seed = tf.random.experimental.stateless_fold_in(tf.constant([seed, 0], tf.int64), step)
        self.count, self.drawn = count, 0

    def next_seed(self) -> tf.Tensor:
        self.drawn += 1
        return tf.random.experimental.stateless_fold_in(self.seed, self.drawn)

    def uniform(self, low: float, high: float) -> tf.Tensor:
        return tf.random.stateless_uniform([self.count], self.next_seed(), low, high)

    def coin(self, probability: float) -> tf.Tensor:
        """Of the whole batch: true with that probability."""
        return tf.random.stateless_uniform([], self.next_seed()) < probability


def augment(
    pictures: tf.Tensor,
    sizes: tf.Tensor,
    labels: tf.Tensor,
    step: tf.Tensor,
    settings: Augment,
    size: int,
    seed: int,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Augment one batch.

    Args:
        pictures: uint8, n x S x S x 3, each in the upper left corner.
        sizes: int32, n x 2: height and width of each picture there.
        labels: float32, n x k (one probability, or one-hot).
        step: the step's number, int64; the same number gives the same draws.
        settings: what is done.
        size: height and width wanted, in pixels.
        seed: of the run.

    Returns:
        float32 pictures, n x size x size x 3, 0 to 255; float32 labels n x k, mixed where the pictures are.
    """
    draws = _Draws(seed, step, tf.shape(pictures)[0])
    x = _warp(pictures, sizes, settings, size, draws)
    if settings.randaugment:
        x = _randaugment(x, settings, draws)
    x = _colour(x, settings, draws)
    if settings.erase:
        x = _erase(x, settings.erase, size, draws)
    if settings.mixup or settings.cutmix:
        x, labels = _mix(x, labels, settings, size, draws)
    return x, labels


def _randaugment(x: tf.Tensor, settings: Augment, draws: _Draws) -> tf.Tensor:
    def change(pictures: np.ndarray, seed: np.ndarray) -> np.ndarray:
        rng = np.random.default_rng(seed.astype(np.uint64))
        changed = [randaugment(p, settings.randaugment, settings.magnitude, rng) for p in np.rint(pictures)]
        return np.stack(changed).astype(np.float32)

    changed = tf.numpy_function(change, [x, draws.next_seed()], tf.float32)
    changed.set_shape(x.shape)
    return changed


def _colour(x: tf.Tensor, settings: Augment, draws: _Draws) -> tf.Tensor:
    """Brightness times b, distance to the mean times c, distance to grey times s, in one sweep."""
    if not (settings.brightness or settings.contrast or settings.saturation):
        return x
    b, c, s = (
        draws.uniform(1 - spread, 1 + spread)[:, None, None, None] if spread else tf.ones([1, 1, 1, 1])
        for spread in (settings.brightness, settings.contrast, settings.saturation)
    )
    flat = tf.reshape(x, [-1, 3])
    grey = tf.reshape(tf.matmul(flat, [[0.299], [0.587], [0.114]]), [*x.shape[:3], 1])
    mean = tf.reduce_mean(x, [1, 2, 3], keepdims=True)
    x = x * (b * c * s) + (grey * (b * c * (1 - s)) + mean * (b * (1 - c)))
    return tf.clip_by_value(x, 0.0, 255.0)


def _warp(pictures: tf.Tensor, sizes: tf.Tensor, settings: Augment, size: int, draws: _Draws) -> tf.Tensor:
    """Resample once by an affine map from output to input, both in coordinates from -1/2 to 1/2 about the centre."""
    ones = tf.ones([draws.count])
    angle = draws.uniform(-1, 1) * np.float32(np.radians(settings.rotation))
    shear = draws.uniform(-1, 1) * np.float32(np.radians(settings.shear))
    height = width = ones
    if settings.zoom:
        height = draws.uniform(1 - settings.zoom, 1 + settings.zoom)
        width = draws.uniform(1 - settings.zoom, 1 + settings.zoom)
    down = right = 0 * ones
    if settings.crop < 1:
        side = tf.sqrt(draws.uniform(settings.crop, 1))
        aspect = tf.exp(0.5 * draws.uniform(-np.log(1.25), np.log(1.25)))
        crop_height, crop_width = tf.minimum(side * aspect, 1), tf.minimum(side / aspect, 1)
        down = draws.uniform(-0.5, 0.5) * (1 - crop_height)
        right = draws.uniform(-0.5, 0.5) * (1 - crop_width)
        height, width = height * crop_height, width * crop_width
    high, wide = (tf.cast(sizes[:, axis], tf.float32) for axis in (0, 1))
    if settings.shift:
        down += tf.round(draws.uniform(-1, 1) * settings.shift * high) / high
        right += tf.round(draws.uniform(-1, 1) * settings.shift * wide) / wide
    mirror = tf.where(draws.uniform(0, 1) < 0.5, -1.0, 1.0) if settings.flip else ones
    # (x, y) of the input = rotation, shear, scale, mirror applied to (x, y) of the output, then the window's place
    a, b = tf.cos(angle) * width * mirror, -tf.sin(angle + shear) * height
    c, d = tf.sin(angle) * width * mirror, tf.cos(angle + shear) * height
    # in pixels: input = (side / size) M (output + 1/2 - size/2) + side (1/2 + place) - 1/2
    middle = (size - 1) / 2
    a, b, c, d = a * wide / size, b * wide / size, c * high / size, d * high / size
    shift_x = wide * (0.5 + right) - 0.5 - (a + b) * middle
    shift_y = high * (0.5 + down) - 0.5 - (c + d) * middle
    maps = tf.reshape(tf.stack([a, b, shift_x, c, d, shift_y], 1), [-1, 2, 3])
    border = cv2.BORDER_REFLECT_101 if settings.shift else cv2.BORDER_REPLICATE

    def resample(pictures: np.ndarray, sizes: np.ndarray, maps: np.ndarray) -> np.ndarray:
        warped = np.empty((len(pictures), size, size, 3), np.float32)
        how = {"flags": cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, "borderMode": border}
        for picture, (height, width), matrix, out in zip(pictures, sizes, maps, warped, strict=True):
            cv2.warpAffine(picture[:height, :width].astype(np.float32), matrix, (size, size), dst=out, **how)
        return warped

    warped = tf.numpy_function(resample, [pictures, sizes, maps], tf.float32)
    warped.set_shape([pictures.shape[0], size, size, 3])
    return warped


def _erase(x: tf.Tensor, probability: float, size: int, draws: _Draws) -> tf.Tensor:
    side = tf.sqrt(draws.uniform(0.02, 0.2))
    aspect = tf.exp(0.5 * draws.uniform(-np.log(3.0), np.log(3.0)))
    half_height, half_width = side * aspect / 2, side / aspect / 2
    y, x0 = draws.uniform(0, 1), draws.uniform(0, 1)
    half_height = tf.where(draws.uniform(0, 1) < probability, half_height, -1.0)  # none
    place = (tf.range(size, dtype=tf.float32) + 0.5) / size
    rows = tf.abs(place[None] - y[:, None]) <= half_height[:, None]
    columns = tf.abs(place[None] - x0[:, None]) <= half_width[:, None]
    hole = tf.logical_and(rows[:, :, None], columns[:, None, :])[..., None]
    return tf.where(hole, tf.reduce_mean(x, [1, 2], keepdims=True), x)


def _mix(x: tf.Tensor, labels: tf.Tensor, settings: Augment, size: int, draws: _Draws) -> tuple[tf.Tensor, tf.Tensor]:
    """MixUp or CutMix of the batch with itself shifted by one, one share for all; where both are on, either by a coin.

    Zhang et al., arXiv 1710.09412; Yun et al., arXiv 1905.04899 (a rectangle of the partner, labels by its area).
    """
    shares = []  # of the picture itself, by place
    if settings.mixup:
        shares.append(_beta(settings.mixup, draws) * tf.ones([size, size]))
    if settings.cutmix:
        shares.append(1 - _rectangle(1 - _beta(settings.cutmix, draws), size, draws))
    share = tf.where(draws.coin(0.5), *shares) if len(shares) > 1 else shares[0]
    share = tf.where(draws.coin(settings.mixed), share, 1.0)
    part = tf.reduce_mean(share)
    share = share[None, :, :, None]
    return share * x + (1 - share) * tf.roll(x, 1, 0), part * labels + (1 - part) * tf.roll(labels, 1, 0)


def _beta(alpha: float, draws: _Draws) -> tf.Tensor:
    first, second = (tf.random.stateless_gamma([], draws.next_seed(), alpha) for _ in range(2))
    return first / (first + second)


def _rectangle(area: tf.Tensor, size: int, draws: _Draws) -> tf.Tensor:
    """1 inside a rectangle of that share of the area about a random place, as far as it is in the picture; else 0."""
    half = size * tf.sqrt(area) / 2
    place = tf.range(size, dtype=tf.float32) + 0.5
    y, x = (size * tf.random.stateless_uniform([], draws.next_seed()) for _ in range(2))
    inside = (tf.abs(place - y) < half)[:, None] & (tf.abs(place - x) < half)[None]
    return tf.cast(inside, tf.float32)
