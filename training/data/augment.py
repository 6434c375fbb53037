"""Augmentation of whole batches.

All geometry of a picture (crop, rotation, shear, zoom, flip, resizing to the training size) is one affine map, so it is
resampled once (by OpenCV, five times as fast as TensorFlow on a CPU), and all its colour another. Every draw comes from
(seed, step): the same step of a run sees the same pictures after a restart.
"""

import cv2
import numpy as np
import tensorflow as tf

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


def augment(
    pictures: tf.Tensor, labels: tf.Tensor, step: tf.Tensor, settings: Augment, size: int, seed: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Augment one batch.

    Args:
        pictures: uint8, n x S x S x 3.
        labels: float32, n x k (one probability, or one-hot).
        step: the step's number, int64; the same number gives the same draws.
        settings: what is done.
        size: height and width wanted, in pixels.
        seed: of the run.

    Returns:
        float32 pictures, n x size x size x 3, 0 to 255; float32 labels n x k, mixed where the pictures are.
    """
    draws = _Draws(seed, step, tf.shape(pictures)[0])
    x = _colour(_warp(pictures, settings, size, draws), settings, draws)
    if settings.erase:
        x = _erase(x, settings.erase, size, draws)
    if settings.mixup:
        x, labels = _mixup(x, labels, settings.mixup, draws)
    return x, labels


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


def _warp(pictures: tf.Tensor, settings: Augment, size: int, draws: _Draws) -> tf.Tensor:
    """Resample once by an affine map from output to input, both in coordinates from -1/2 to 1/2 about the centre."""
    one = tf.ones([draws.count])
    angle = draws.uniform(-1, 1) * np.float32(np.radians(settings.rotation))
    shear = draws.uniform(-1, 1) * np.float32(np.radians(settings.shear))
    height = width = one
    if settings.zoom:
        height = draws.uniform(1 - settings.zoom, 1 + settings.zoom)
        width = draws.uniform(1 - settings.zoom, 1 + settings.zoom)
    down = right = 0 * one
    if settings.crop < 1:
        side = tf.sqrt(draws.uniform(settings.crop, 1))
        aspect = tf.exp(0.5 * draws.uniform(-np.log(1.25), np.log(1.25)))
        crop_height, crop_width = tf.minimum(side * aspect, 1), tf.minimum(side / aspect, 1)
        down = draws.uniform(-0.5, 0.5) * (1 - crop_height)
        right = draws.uniform(-0.5, 0.5) * (1 - crop_width)
        height, width = height * crop_height, width * crop_width
    mirror = tf.where(draws.uniform(0, 1) < 0.5, -1.0, 1.0) if settings.flip else one
    # (x, y) of the input = rotation, shear, scale, mirror applied to (x, y) of the output, then the window's place
    a, b = tf.cos(angle) * width * mirror, -tf.sin(angle + shear) * height
    c, d = tf.sin(angle) * width * mirror, tf.cos(angle + shear) * height
    # in pixels: input = (S / size) M (output + 1/2 - size/2) + S (1/2 + place) - 1/2
    source = tf.cast(tf.shape(pictures)[1], tf.float32)
    ratio, middle = source / size, (size - 1) / 2
    shift_x = source * (0.5 + right) - 0.5 - ratio * (a + b) * middle
    shift_y = source * (0.5 + down) - 0.5 - ratio * (c + d) * middle
    maps = tf.reshape(tf.stack([a * ratio, b * ratio, shift_x, c * ratio, d * ratio, shift_y], 1), [-1, 2, 3])

    def resample(pictures: np.ndarray, maps: np.ndarray) -> np.ndarray:
        warped = np.empty((len(pictures), size, size, 3), np.float32)
        how = {"flags": cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, "borderMode": cv2.BORDER_REPLICATE}
        for picture, map, out in zip(pictures, maps, warped, strict=True):
            cv2.warpAffine(picture.astype(np.float32), map, (size, size), dst=out, **how)
        return warped

    warped = tf.numpy_function(resample, [pictures, maps], tf.float32)
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


def _mixup(x: tf.Tensor, labels: tf.Tensor, alpha: float, draws: _Draws) -> tuple[tf.Tensor, tf.Tensor]:
    """Zhang et al., arXiv 1710.09412: one share for the batch, partners by a shift of one."""
    left, right = (tf.random.stateless_gamma([], draws.next_seed(), alpha) for _ in range(2))
    share = left / (left + right)
    return (
        share * x + (1 - share) * tf.roll(x, 1, 0),
        share * labels + (1 - share) * tf.roll(labels, 1, 0),
    )
