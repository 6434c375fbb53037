"""What stands where a part of a picture is taken away: black, the mean colour, a blur, or ROAD's noisy interpolation.

Everything here is of one picture, float H x W x channels in any range of values, and of a bool mask H x W.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Fill = Callable[[np.ndarray, np.ndarray, np.random.Generator], np.ndarray]

BLUR = 1 / 8  # standard deviation of the blur, as share of the longer side: no object is left to see
NOISE = 0.01  # standard deviation of ROAD's noise, as share of the range of the picture's values
PRECISION = 3e-4  # of ROAD's interpolation, as share of the right side's length

# Weights of the eight neighbours in ROAD's linear equations.
NEIGHBOURS = np.array([[1, 2, 1], [2, 0, 2], [1, 2, 1]], np.float32) / 12


def black(picture: np.ndarray, removed: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Zero, as the model takes it."""
    return np.where(removed[..., np.newaxis], np.float32(0), picture)


def mean(picture: np.ndarray, removed: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The picture's mean colour."""
    return np.where(removed[..., np.newaxis], picture.mean((0, 1)), picture)


def blur(picture: np.ndarray, removed: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The picture itself, so blurred that no object is left; mirrored at its sides."""
    import cv2

    soft = cv2.GaussianBlur(picture, (0, 0), BLUR * max(picture.shape[:2]), borderType=cv2.BORDER_REFLECT_101)
    return np.where(removed[..., np.newaxis], soft.reshape(picture.shape), picture)


def road(picture: np.ndarray, removed: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """ROAD's noisy linear imputation: every removed pixel is the weighted mean of its neighbours, with a little noise.

    Neighbours beside weigh 1/6, across 1/12, those outside of the picture nothing (Rong et al., A Consistent and
    Efficient Evaluation Strategy for Attribution Methods, ICML 2022, arXiv:2202.00449). Where all is removed, that is
    the mean colour. So smooth a fill does not tell by its outline what was there.
    """
    spread = NOISE * float(np.ptp(picture))
    filled = mean(picture, removed, random) if removed.all() else interpolated(picture, removed)
    noise = random.standard_normal(picture.shape, np.float32) * np.float32(spread)
    return np.where(removed[..., np.newaxis], filled + noise, picture)


FILLS: dict[str, Fill] = {"road": road, "blur": blur, "mean": mean, "black": black}


def chosen(fill: str) -> Fill:
    """A fill by its name.

    Args:
        fill: a key of `FILLS`.

    Returns:
        A function of picture, mask and random numbers.

    Raises:
        ValueError: for another name.

    Example:
        >>> picture = np.array([[[1.0], [3.0]]], np.float32)
        >>> chosen("mean")(picture, np.array([[True, False]]), np.random.default_rng(0))[..., 0].tolist()
        [[2.0, 3.0]]
    """
    if fill not in FILLS:
        raise ValueError(f"There is no fill {fill!r}, but {', '.join(FILLS)}.")
    return FILLS[fill]


def interpolated(picture: np.ndarray, removed: np.ndarray) -> np.ndarray:
    """The picture with every removed pixel as the weighted mean of its neighbours, by conjugate gradients.

    Args:
        picture: float32 H x W x channels.
        removed: bool H x W; some pixel is kept.

    Returns:
        float32 of the picture's shape.
    """
    if not removed.any():
        return picture
    mask = removed[..., np.newaxis].astype(np.float32)
    sums = _around(np.ones_like(mask))  # below 1 at the picture's sides
    known = picture * (1 - mask)

    def operator(values: np.ndarray) -> np.ndarray:
        return mask * (sums * values - _around(values))

    right = mask * _around(known)
    values = mask * _pulled_and_pushed(picture, removed)
    rest = right - operator(values)
    direction = rest.copy()
    squares = _squares(rest)
    enough = np.maximum(_squares(right), np.finfo(np.float32).tiny) * PRECISION**2
    for _ in range(4 * sum(removed.shape)):
        if (squares <= enough).all():
            break
        product = operator(direction)
        step = _ratio(squares, (direction * product).sum((0, 1), dtype=np.float64))
        values += step * direction
        rest -= step * product
        before, squares = squares, _squares(rest)
        direction = rest + _ratio(squares, before) * direction
    return known + values


def _around(values: np.ndarray) -> np.ndarray:
    """The weighted sum over the neighbours of every place; outside is zero."""
    import cv2

    return cv2.filter2D(values, -1, NEIGHBOURS, borderType=cv2.BORDER_CONSTANT).reshape(values.shape)


def _squares(values: np.ndarray) -> np.ndarray:
    return np.square(values).sum((0, 1), dtype=np.float64)


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0).astype(np.float32)


def _pulled_and_pushed(picture: np.ndarray, removed: np.ndarray) -> np.ndarray:
    """A first guess: what is removed from the mean of what is kept at half the resolution, and so on."""
    import cv2

    if not removed.any() or min(removed.shape) == 1:
        kept = picture[~removed]
        return np.where(removed[..., np.newaxis], kept.mean(0) if len(kept) else np.float32(0), picture)
    size = tuple(-(-side // 2) for side in removed.shape)
    weight = cv2.resize((~removed).astype(np.float32), size[::-1], interpolation=cv2.INTER_AREA)[..., np.newaxis]
    known = picture * ~removed[..., np.newaxis]
    coarse = cv2.resize(known, size[::-1], interpolation=cv2.INTER_AREA).reshape(*size, -1)
    coarse = np.divide(coarse, weight, out=np.zeros_like(coarse), where=weight > 0)
    coarse = interpolated(coarse, weight[..., 0] == 0)
    fine = cv2.resize(coarse, removed.shape[::-1], interpolation=cv2.INTER_LINEAR).reshape(picture.shape)
    return np.where(removed[..., np.newaxis], fine, picture)
