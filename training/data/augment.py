"""Augmentation of whole batches.

All geometry of a picture (crop, shift, rotation, shear, zoom, flip, resizing to the training size) is one affine map,
so it is resampled once, by OpenCV, and all its colour another. Every draw comes from (seed, step): the same step of a
run sees the same pictures after a restart, on any backend of Keras.
"""

import cv2
import numpy as np

from training.data.randaugment import randaugment
from training.recipe import Augment

STREAM = 1  # of draws, beside that of the pictures' order


def augment(
    pictures: np.ndarray,
    sizes: np.ndarray,
    labels: np.ndarray,
    step: int,
    settings: Augment,
    size: int,
    seed: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Augment one batch.

    Args:
        pictures: uint8, n x S x S x 3, each in the upper left corner.
        sizes: int32, n x 2: height and width of each picture there.
        labels: float32, n x k (one probability, or one-hot).
        step: the step's number; the same number gives the same draws.
        settings: what is done.
        size: height and width wanted, in pixels.
        seed: of the run.

    Returns:
        float32 pictures, n x size x size x 3, 0 to 255; float32 labels n x k, mixed where the pictures are.
    """
    rng = np.random.default_rng((seed, STREAM, step))
    x = _warp(pictures, sizes, settings, size, rng)
    if settings.randaugment:
        for picture in x:
            picture[:] = randaugment(np.rint(picture), settings.randaugment, settings.magnitude, rng)
    x = _colour(x, settings, rng)
    if settings.noise:
        x = _noise(x, settings.noise, rng)
    if settings.erase:
        x = _erase(x, settings.erase, rng)
    if settings.mixup or settings.cutmix:
        x, labels = _mix(x, labels, settings, rng)
    return x, labels


def _colour(x: np.ndarray, settings: Augment, rng: np.random.Generator) -> np.ndarray:
    """Brightness times b, distance to the mean times c, distance to grey times s, in one sweep."""
    spreads = (settings.brightness, settings.contrast, settings.saturation)
    if not any(spreads):
        return x
    shape = (len(x), 1, 1, 1)
    b, c, s = (rng.uniform(1 - spread, 1 + spread, shape).astype(np.float32) for spread in spreads)
    grey = x @ np.array([[0.299], [0.587], [0.114]], np.float32)
    mean = x.mean((1, 2, 3), keepdims=True)
    x = x * (b * c * s)
    x += grey * (b * c * (1 - s)) + mean * (b * (1 - c))
    return np.clip(x, 0, 255, out=x)


def _noise(x: np.ndarray, most: float, rng: np.random.Generator) -> np.ndarray:
    """Normal noise, each picture's deviation drawn up to the greatest."""
    deviations = rng.uniform(0, most, (len(x), 1, 1, 1)).astype(np.float32)
    return np.clip(x + deviations * rng.standard_normal(x.shape, np.float32), 0, 255)


def _warp(
    pictures: np.ndarray, sizes: np.ndarray, settings: Augment, size: int, rng: np.random.Generator
) -> np.ndarray:
    """Resample once by an affine map from output to input, both in coordinates from -1/2 to 1/2 about the centre."""
    count = len(pictures)

    def uniform(low: float, high: float) -> np.ndarray:
        return rng.uniform(low, high, count)

    angle, shear = uniform(-1, 1) * np.radians(settings.rotation), uniform(-1, 1) * np.radians(settings.shear)
    height, width = (uniform(1 - settings.zoom, 1 + settings.zoom) for _ in range(2))
    down = right = np.zeros(count)
    if settings.crop < 1:
        side = np.sqrt(uniform(settings.crop, 1))
        aspect = np.exp(0.5 * uniform(-np.log(1.25), np.log(1.25)))
        crop_height, crop_width = np.minimum(side * aspect, 1), np.minimum(side / aspect, 1)
        down, right = uniform(-0.5, 0.5) * (1 - crop_height), uniform(-0.5, 0.5) * (1 - crop_width)
        height, width = height * crop_height, width * crop_width
    high, wide = sizes[:, 0].astype(np.float64), sizes[:, 1].astype(np.float64)
    if settings.shift:
        down = down + np.rint(uniform(-1, 1) * settings.shift * high) / high
        right = right + np.rint(uniform(-1, 1) * settings.shift * wide) / wide
    mirror = np.where(uniform(0, 1) < 0.5, -1.0, 1.0) if settings.flip else 1.0
    # (x, y) of the input = rotation, shear, scale, mirror applied to (x, y) of the output, then the window's place
    a, b = np.cos(angle) * width * mirror, -np.sin(angle + shear) * height
    c, d = np.sin(angle) * width * mirror, np.cos(angle + shear) * height
    # in pixels: input = (side / size) M (output + 1/2 - size/2) + side (1/2 + place) - 1/2
    middle = (size - 1) / 2
    a, b, c, d = a * wide / size, b * wide / size, c * high / size, d * high / size
    shift_x = wide * (0.5 + right) - 0.5 - (a + b) * middle
    shift_y = high * (0.5 + down) - 0.5 - (c + d) * middle
    maps = np.stack([a, b, shift_x, c, d, shift_y], 1).reshape(-1, 2, 3)
    border = cv2.BORDER_REFLECT_101 if settings.shift else cv2.BORDER_REPLICATE
    how = {"flags": cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, "borderMode": border}
    warped = np.empty((count, size, size, 3), np.float32)
    for picture, (rows, columns), matrix, out in zip(pictures, sizes, maps, warped, strict=True):
        cv2.warpAffine(picture[:rows, :columns].astype(np.float32), matrix, (size, size), dst=out, **how)
    return warped


def _erase(x: np.ndarray, probability: float, rng: np.random.Generator) -> np.ndarray:
    size, count = x.shape[1], len(x)
    side = np.sqrt(rng.uniform(0.02, 0.2, count))
    aspect = np.exp(0.5 * rng.uniform(-np.log(3.0), np.log(3.0), count))
    half_height, half_width = side * aspect / 2, side / aspect / 2
    y, x0 = rng.uniform(0, 1, count), rng.uniform(0, 1, count)
    half_height = np.where(rng.uniform(0, 1, count) < probability, half_height, -1.0)  # none
    place = (np.arange(size) + 0.5) / size
    rows = np.abs(place[None] - y[:, None]) <= half_height[:, None]
    columns = np.abs(place[None] - x0[:, None]) <= half_width[:, None]
    hole = (rows[:, :, None] & columns[:, None, :])[..., None]
    return np.where(hole, x.mean((1, 2), keepdims=True), x)


def _mix(
    x: np.ndarray, labels: np.ndarray, settings: Augment, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """MixUp or CutMix of the batch with itself shifted by one, one share for all; where both are on, either by a coin.

    Zhang et al., arXiv 1710.09412; Yun et al., arXiv 1905.04899 (a rectangle of the partner, labels by its area).
    """
    size = x.shape[1]
    kinds = [kind for kind in ("mixup", "cutmix") if getattr(settings, kind)]
    kind = kinds[rng.integers(len(kinds))]
    share = np.float32(rng.beta(*[getattr(settings, kind)] * 2))  # of the picture itself, everywhere or by place
    if kind == "cutmix":
        share = 1 - _rectangle(1 - share, size, rng)
    if rng.uniform() >= settings.mixed:
        return x, labels
    part = np.float32(np.mean(share))
    share = np.reshape(share, (1, *np.shape(share), 1) if np.ndim(share) else ())
    return share * x + (1 - share) * np.roll(x, 1, 0), part * labels + (1 - part) * np.roll(labels, 1, 0)


def _rectangle(area: float, size: int, rng: np.random.Generator) -> np.ndarray:
    """1 inside a rectangle of that share of the area about a random place, as far as it is in the picture; else 0."""
    half = size * np.sqrt(area) / 2
    place = np.arange(size) + 0.5
    y, x = rng.uniform(0, size, 2)
    return ((np.abs(place - y) < half)[:, None] & (np.abs(place - x) < half)[None]).astype(np.float32)
