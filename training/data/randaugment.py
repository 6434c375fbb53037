"""RandAugment (Cubuk et al., arXiv 1909.13719): some operations in a row, each drawn evenly, all of one magnitude.

Operations and their greatest strength are the paper's; magnitude 1 is its 30. What geometry leaves empty is grey.
"""

from collections.abc import Callable

import cv2
import numpy as np

GREY = (128, 128, 128)
LEVELS = np.arange(256)


def randaugment(picture: np.ndarray, count: int, magnitude: float, rng: np.random.Generator) -> np.ndarray:
    """A picture changed by `count` operations.

    Args:
        picture: H x W x 3, whole numbers 0 to 255 of any dtype.
        count: operations in a row.
        magnitude: 0 (none) to 1.
        rng: where draws come from.

    Returns:
        uint8 H x W x 3.
    """
    picture = picture.astype(np.uint8)
    for number in rng.integers(len(OPERATIONS), size=count):
        picture = OPERATIONS[number](picture, magnitude * rng.choice((-1.0, 1.0)))
    return picture


def _blend(picture: np.ndarray, other: np.ndarray | float, strength: float) -> np.ndarray:
    """Away from `other` (strength above 0) or towards it."""
    mixed = other + (1 + 0.9 * strength) * (picture.astype(np.float32) - other)
    return np.clip(np.rint(mixed), 0, 255).astype(np.uint8)


def _affine(picture: np.ndarray, matrix: list[list[float]]) -> np.ndarray:
    """Sampled by (x, y) of the input = matrix (x, y, 1) of the output, about the centre."""
    height, width = picture.shape[:2]
    matrix = np.array(matrix, np.float64)
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    matrix[:, 2] = matrix[:, 2] * (width, height) + centre - matrix[:, :2] @ centre
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(picture, matrix, (width, height), flags=flags, borderValue=GREY)


def _rotate(picture: np.ndarray, strength: float) -> np.ndarray:
    angle = np.radians(30 * strength)
    return _affine(picture, [[np.cos(angle), np.sin(angle), 0], [-np.sin(angle), np.cos(angle), 0]])


def _autocontrast(picture: np.ndarray, strength: float) -> np.ndarray:
    low, high = picture.min((0, 1)).astype(np.float32), picture.max((0, 1)).astype(np.float32)
    span = np.where(high > low, high - low, 255)
    return np.rint((picture - np.where(high > low, low, 0)) * (255 / span)).astype(np.uint8)


def _equalise(picture: np.ndarray, strength: float) -> np.ndarray:
    return np.stack([cv2.equalizeHist(np.ascontiguousarray(picture[..., c])) for c in range(3)], -1)


def _sharpness(picture: np.ndarray, strength: float) -> np.ndarray:
    kernel = np.array([[1, 1, 1], [1, 5, 1], [1, 1, 1]], np.float32) / 13
    return _blend(picture, cv2.filter2D(picture, -1, kernel).astype(np.float32), strength)


def _grey(picture: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)[..., None]


def _posterise(picture: np.ndarray, strength: float) -> np.ndarray:
    return picture & (256 - 2 ** round(4 * abs(strength)))


def _solarise(picture: np.ndarray, strength: float) -> np.ndarray:
    threshold = 256 * (1 - abs(strength))
    return cv2.LUT(picture, np.where(threshold > LEVELS, LEVELS, 255 - LEVELS).astype(np.uint8))


# from (picture, strength -1 to 1) to a picture; strength 0 changes nothing but for autocontrast and equalisation
OPERATIONS: tuple[Callable[[np.ndarray, float], np.ndarray], ...] = (
    lambda picture, strength: picture,
    _autocontrast,
    _equalise,
    _rotate,
    _solarise,
    _posterise,
    _sharpness,
    lambda picture, strength: _blend(picture, _grey(picture), strength),  # colour
    lambda picture, strength: _blend(picture, np.float32(_grey(picture).mean()), strength),  # contrast
    lambda picture, strength: _blend(picture, 0.0, strength),  # brightness
    lambda picture, strength: _affine(picture, [[1, 0.3 * strength, 0], [0, 1, 0]]),  # shear
    lambda picture, strength: _affine(picture, [[1, 0, 0], [0.3 * strength, 1, 0]]),
    lambda picture, strength: _affine(picture, [[1, 0, 0.45 * strength], [0, 1, 0]]),  # shift
    lambda picture, strength: _affine(picture, [[1, 0, 0], [0, 1, 0.45 * strength]]),
)
